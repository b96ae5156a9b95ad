// SPDX-License-Identifier: Apache-2.0
//
// The login, from top to bottom: greeting -> client's answer (-> TLS with the client -> its answer)
// -> TLS with the server -> authentication -> relay. Whatever happens on either side leads to
// `go_on`, which takes the packets that are whole and that the stage waits for. Called by conn.c
// and handshake.c.
#include "proxy/login.h"

#include "base/net.h"
#include "proxy/home.h"
#include "proxy/leg.h"
#include "proxy/refusal.h"
#include "proxy/relay.h"
#include "proxy/tally.h"
#include "proxy/tls.h"
#include "proxy/tls_why.h"
#include "proxy/view.h"
#include "proxy/worker.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { LOGIN_GREETING_MAX = 2048 };

// ---- what the options mean for a connection -----------------------------------------------------

static bool verifies(const struct conn *conn)
{
    return tls_is_verified(conn->view->tls);
}

// Clients on a unix socket skip TLS as a rule; but MariaDB's from 11.4 on insist that it is offered
// (mariadb-corporation/mariadb-connector-c, plugins/auth/my_auth.c, send_client_reply_packet).
static bool offers_tls(const struct conn *conn)
{
    return conn->view->tls != TLS_PASSTHROUGH &&
           (conn->view->client_tls != CLIENT_TLS_OFF ||
               (verifies(conn) && conn->client_peer.family == AF_UNIX));
}

bool login_is_ours(const struct conn *conn)
{
    return conn->view->tls != TLS_PASSTHROUGH || conn->view->client_tls == CLIENT_TLS_REQUIRED;
}

// Nothing but the greeting concerns us: there is no TLS anywhere.
static bool ends_with_greeting(const struct conn *conn)
{
    return conn->view->tls == TLS_OFF && !offers_tls(conn);
}

// ---- life ---------------------------------------------------------------------------------------

bool login_open(struct conn *conn)
{
    struct login *login = calloc(1, sizeof(*login));
    if (!login)
        return false;
    buf_init_secret(&login->client_in, LEG_ANSWER_MAX + 2 * LEG_READ_BYTES);
    buf_init_secret(&login->server_in, LEG_PACKET_MAX + 2 * LEG_READ_BYTES);
    buf_init_secret(&login->answer, LEG_ANSWER_MAX);
    login->offers_tls = offers_tls(conn);
    conn->setup->login = login;
    return true;
}

void login_free(struct login *login)
{
    if (!login)
        return;
    buf_done(&login->client_in);
    buf_done(&login->server_in);
    buf_done(&login->answer);
    free(login);
}

bool login_keep(struct login *login, const uint8_t *bytes, size_t len)
{
    return buf_len(&login->server_in) + len <= LOGIN_GREETING_MAX &&
           buf_append(&login->server_in, bytes, len);
}

const uint8_t *login_kept(const struct login *login, size_t *out_len)
{
    *out_len = buf_len(&login->server_in);
    return (const uint8_t *)buf_head(&login->server_in);
}

// ---- the end ------------------------------------------------------------------------------------

// What arrived of a side meanwhile; it may be more than one write takes.
static void hand_over(struct side *side, struct buf *in)
{
    const struct conn *conn = side_conn(side);
    while (conn->state == CONN_RELAY && !buf_is_empty(in)) {
        size_t len = buf_len(in) < IO_BYTES_MAX ? buf_len(in) : IO_BYTES_MAX;
        relay_received(side, (const uint8_t *)buf_head(in), len);
        buf_consume(in, len);
    }
}

void login_is_over(struct conn *conn)
{
    struct login *login = login_of(conn);
    conn->setup->login = NULL;
    conn_relay(conn);
    conn->server_spoke_last = true;
    hand_over(&conn->server, &login->server_in);
    hand_over(&conn->client, &login->client_in);
    login_free(login);
}

// As it came: in place of a greeting it has no SQLSTATE.
void login_pass_error(struct conn *conn)
{
    size_t len;
    struct mysql_packet packet;
    const uint8_t *bytes = login_kept(login_of(conn), &len);
    if (mysql_take(bytes, len, LEG_PACKET_MAX, &packet) != MYSQL_TAKEN_WHOLE)
        return; // the rest is on its way
    dial_confirm(&conn->setup->dial, conn->server.io.fd);
    if (leg_put(&conn->client, bytes, MYSQL_HEADER_BYTES + packet.len))
        conn_linger(conn);
}

static void client_tls_failed(struct conn *conn)
{
    struct err err;
    tls_why_client(conn->client.io.tls, &err);
    conn_give_up(conn, &err, CLOSE_CLIENT_TLS);
}

static void refuse_for_tls(struct conn *conn, const struct err *err)
{
    tally_tls_failed(conn->worker, conn->target);
    home_tell_unreachable(conn->worker->home, conn->target, err);
    conn_refuse(conn, err);
}

static void server_tls_failed(struct conn *conn)
{
    struct err err;
    struct addr server;
    peer_to_addr(&conn->server_peer, &server);
    tls_why_server(conn->view, &server, conn->server.io.tls, &err);
    refuse_for_tls(conn, &err);
}

// Behind the answer. Never a secret before the server is verified, unless TLS is off by the
// configuration.
static bool send_answer(struct conn *conn)
{
    struct login *login = login_of(conn);
    uint8_t *payload = (uint8_t *)login->answer.bytes + login->answer.start;
    if (verifies(conn) && (!conn->server.io.tls || tls_is_beginning(conn->server.io.tls)))
        abort();
    mysql_set_ssl(payload, conn->server.io.tls != NULL);
    login->stage = LOGIN_AUTH;
    bool fine = leg_to_server(conn, payload, buf_len(&login->answer));
    if (fine)
        buf_done(&login->answer);
    return fine;
}

// ---- TLS with the server ------------------------------------------------------------------------

static void read_side(struct side *side);

// Goes on as far as it can.
static void step_server_tls(struct conn *conn)
{
    switch (tls_handshake(&conn->worker->io, &conn->server.io)) {
    case TLS_WAIT:
        return;
    case TLS_FAILED:
        server_tls_failed(conn);
        return;
    case TLS_DONE:
        tally_tls(conn->worker, conn->target, conn->server.io.tls);
        if (send_answer(conn))
            read_side(&conn->server); // what came with the handshake's end
    }
}

// The SSLRequest is the answer's own beginning: MySQL, MariaDB and TiProxy take the capabilities
// from it, TiDB from the answer (pingcap/tidb, pkg/server/conn.go,
// readOptionalSSLRequestAndHandshakeResponse).
static void start_server_tls(struct conn *conn)
{
    struct login *login = login_of(conn);
    struct worker *worker = conn->worker;
    uint8_t request[MYSQL_LOGIN_HEAD_BYTES];
    if (!buf_is_empty(&login->server_in)) { // nobody vouches for what came before TLS
        struct err err;
        refusal_login(conn->view, "spoke out of turn", EPROTO, &err);
        conn_refuse(conn, &err);
        return;
    }
    memcpy(request, buf_head(&login->answer), sizeof(request));
    mysql_set_ssl(request, true);
    if (!leg_to_server(conn, request, sizeof(request)))
        return;
    login->stage = LOGIN_SERVER_TLS;
    if (tls_to_server(&conn->server.io, conn->view->trust, conn->view->host,
            worker_tickets(worker, conn->target, conn->view)))
        step_server_tls(conn);
    else
        conn_close(conn, CLOSE_INTERNAL);
}

// ---- the client's answer ------------------------------------------------------------------------

static void step_client_tls(struct conn *conn)
{
    switch (tls_handshake(&conn->worker->io, &conn->client.io)) {
    case TLS_WAIT:
        return;
    case TLS_FAILED:
        client_tls_failed(conn);
        return;
    case TLS_DONE:
        login_of(conn)->stage = LOGIN_FULL_ANSWER;
        leg_client_turn(conn);
        read_side(&conn->client); // the answer may have come with the handshake's end
    }
}

// What came behind the request belongs to TLS.
static void start_client_tls(struct conn *conn)
{
    struct login *login = login_of(conn);
    struct buf early = login->client_in;
    buf_init_secret(&login->client_in, early.limit);
    login->stage = LOGIN_CLIENT_TLS;
    if (tls_to_client(&conn->client.io, conn->view->identity, (const uint8_t *)buf_head(&early),
            buf_len(&early)))
        step_client_tls(conn);
    else
        conn_close(conn, CLOSE_INTERNAL);
    if (conn->client.io.tls) // its first step has used them up
        conn->client.io.tls->early_len = 0;
    buf_done(&early);
}

// A unix socket is as good as TLS, as for MySQL's require_secure_transport; but in passthrough the
// client's TLS is all that the server gets.
static bool lacks_tls(const struct conn *conn)
{
    bool is_safe = conn->client.io.tls ||
                   (conn->client_peer.family == AF_UNIX && conn->view->tls != TLS_PASSTHROUGH);
    return conn->view->client_tls == CLIENT_TLS_REQUIRED && !is_safe;
}

// Wrong or unwanted answers. Some clients claim TLS and do not begin it: they were told to use it,
// and the greeting did not offer it.
static bool refuse_answer(
    struct conn *conn, enum mysql_answer answer, const struct mysql_login *read)
{
    struct err err;
    bool is_full = answer == MYSQL_ANSWER_FULL;
    bool is_passthrough = conn->view->tls == TLS_PASSTHROUGH;
    bool claims_tls = !is_passthrough && (read->capabilities & MYSQL_SSL) && !conn->client.io.tls;
    if (answer == MYSQL_ANSWER_320)
        refusal_old_client(&err);
    else if (claims_tls && !login_of(conn)->offers_tls)
        refusal_tls_not_offered(&err);
    else if (is_full && lacks_tls(conn))
        refusal_tls_required(&err);
    else if (is_full && !claims_tls)
        return false;
    else
        refusal_broken_client(&err);
    conn_refuse(conn, &err);
    return true;
}

static bool take_answer(struct conn *conn)
{
    struct mysql_login read;
    struct login *login = login_of(conn);
    struct mysql_packet packet = leg_next(&conn->client, LEG_ANSWER_MAX);
    if (!packet.payload)
        return false;
    leg_client_spoke(conn, &packet);
    enum mysql_answer answer = mysql_read_answer(packet.payload, packet.len, &read);
    bool wants_tls = answer == MYSQL_ANSWER_SSL_REQUEST && login->stage == LOGIN_ANSWER;
    if (wants_tls && conn->view->tls == TLS_PASSTHROUGH) {
        login_is_over(conn); // with the request, which is still there: it is the server's
        return false;
    }
    if (wants_tls && login->offers_tls) {
        leg_drop(&conn->client, &packet);
        start_client_tls(conn);
        return false;
    }
    if (refuse_answer(conn, answer, &read))
        return false;
    auth_answered(&login->auth, &read);
    boundary_login(&conn->boundary, read.capabilities & ~(uint32_t)MYSQL_SSL);
    if (!buf_append(&login->answer, packet.payload, packet.len)) {
        conn_close(conn, CLOSE_INTERNAL);
        return false;
    }
    leg_drop(&conn->client, &packet);
    if (!verifies(conn) || conn->server.io.tls)
        return send_answer(conn);
    start_server_tls(conn);
    return false;
}

// ---- what happens on the sockets ----------------------------------------------------------------

// True: there may be more to take.
static bool take_one(struct conn *conn)
{
    switch (login_of(conn)->stage) {
    case LOGIN_ANSWER:
    case LOGIN_FULL_ANSWER:
        return take_answer(conn);
    case LOGIN_AUTH:
        return login_take_auth(conn);
    case LOGIN_CLIENT_TLS:
    case LOGIN_SERVER_TLS:
        return false;
    }
    return false;
}

static void settle_side(struct side *side)
{
    unsigned wanted = 0;
    if (leg_has_room(side))
        wanted |= WATCH_READ;
    if (side->io.owed)
        wanted |= WATCH_WRITE;
    watch_want(&side->watch, wanted);
}

static void go_on(struct conn *conn)
{
    while (conn->state == CONN_LOGIN && take_one(conn)) {
    }
    if (conn->state != CONN_LOGIN)
        return;
    settle_side(&conn->client);
    settle_side(&conn->server);
}

// `sys`: errno, 0: it closed.
static void side_left(struct side *side, int sys)
{
    struct conn *conn = side_conn(side);
    struct err err;
    if (!side->is_client && sys == EPROTO && side->io.tls) {
        server_tls_failed(conn); // what TLS 1.3 says behind its handshake: a certificate is missing
    } else if (!side->is_client) {
        refusal_login(conn->view, "closed the connection", sys, &err);
        conn_refuse(conn, &err);
    } else if (sys == 0) {
        conn_close(conn, CLOSE_CLIENT_GONE);
    } else {
        conn_close(conn, sys == EPROTO ? CLOSE_TLS_BROKEN : CLOSE_CLIENT_RESET);
    }
}

// What came before an end is dealt with before the end.
static void read_side(struct side *side)
{
    struct conn *conn = side_conn(side);
    int sys;
    enum leg_read read = leg_read(side, &sys);
    if (read == LEG_NO_MEMORY)
        conn_close(conn, CLOSE_INTERNAL);
    while (conn->state == CONN_LOGIN && take_one(conn)) {
    }
    if (read == LEG_ENDED && conn->state == CONN_LOGIN)
        side_left(side, sys);
}

static void flush(struct side *side)
{
    struct conn *conn = side_conn(side);
    if (io_flush(&conn->worker->io, &side->io) >= 0 || net_is_transient(errno))
        return;
    side_left(side, errno);
}

static void on_side_ready(struct watch *watch, unsigned what)
{
    struct side *side = CONTAINER_OF(watch, struct side, watch);
    struct conn *conn = side_conn(side);
    const struct login *login = login_of(conn);
    if (what & WATCH_WRITE)
        flush(side);
    if (conn->state != CONN_LOGIN)
        return;
    if (what & WATCH_READ) {
        if (side->is_client && login->stage == LOGIN_CLIENT_TLS)
            step_client_tls(conn);
        else if (!side->is_client && login->stage == LOGIN_SERVER_TLS)
            step_server_tls(conn);
        else
            read_side(side);
    }
    go_on(conn);
}

// ---- start --------------------------------------------------------------------------------------

void login_greeted(struct conn *conn, const struct mysql_greeting *greeting)
{
    struct login *login = login_of(conn);
    login->greeting = *greeting;
    auth_init(&login->auth, greeting);
}

// The greeting, with TLS offered as far as we do. False: it did not get through.
static bool show_greeting(struct conn *conn)
{
    uint8_t packet[LOGIN_GREETING_MAX];
    struct login *login = login_of(conn);
    size_t len = login->greeting.packet_bytes;
    memcpy(packet, buf_head(&login->server_in), len);
    if (conn->view->tls != TLS_PASSTHROUGH)
        mysql_offer_ssl(packet, &login->greeting, login->offers_tls);
    const struct mysql_packet greeting = { .len = len - MYSQL_HEADER_BYTES };
    leg_drop(&conn->server, &greeting);
    leg_begin(conn);
    return leg_put(&conn->client, packet, len);
}

void login_start(struct conn *conn)
{
    const struct login *login = login_of(conn);
    struct err err;
    watch_call(&conn->client.watch, on_side_ready);
    watch_call(&conn->server.watch, on_side_ready);
    if (verifies(conn) && !(login->greeting.capabilities & MYSQL_SSL)) {
        struct addr server;
        peer_to_addr(&conn->server_peer, &server);
        refusal_no_tls(conn->view, &server, &err);
        refuse_for_tls(conn, &err);
        return;
    }
    if (!show_greeting(conn))
        return;
    if (ends_with_greeting(conn))
        login_is_over(conn);
    else
        go_on(conn);
}

void login_cancel(struct conn *conn)
{
    watch_stop(&conn->client.watch);
    watch_stop(&conn->server.watch);
}

// Somebody kept the login waiting.
void login_on_timeout(struct conn *conn)
{
    struct err err;
    const struct login *login = login_of(conn);
    bool waits_for_client = login->stage == LOGIN_ANSWER || login->stage == LOGIN_FULL_ANSWER ||
                            (login->stage == LOGIN_AUTH && !login->client_spoke_last);
    if (login->stage == LOGIN_CLIENT_TLS) {
        conn->client.io.tls->sys = ETIMEDOUT;
        client_tls_failed(conn);
    } else if (login->stage == LOGIN_SERVER_TLS) {
        conn->server.io.tls->sys = ETIMEDOUT;
        server_tls_failed(conn);
    } else {
        if (waits_for_client)
            refusal_slow_client(conn->view->options.handshake_timeout_ms, &err);
        else
            refusal_login(conn->view, "did not answer", ETIMEDOUT, &err);
        conn_refuse(conn, &err);
    }
}
