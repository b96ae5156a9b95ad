// SPDX-License-Identifier: Apache-2.0
//
// The life of a connection, from top to bottom:
//   accepted and admitted (listener.c, gate.c) -> handed to a worker -> conn_start
//   -> hold for a verdict -> resolve -> dial -> handshake -> relay -> close -> reap
// and from every step before the relay: refuse -> linger -> close -> reap.
// One function moves it from step to step, one table says what each step is, one function ends it.
// Everything here runs on the connection's worker.
#include "proxy/conn.h"

#include "base/log.h"
#include "base/net.h"
#include "control/control.h"
#include "proxy/dial.h"
#include "proxy/home.h"
#include "proxy/mysql.h"
#include "proxy/refusal.h"
#include "proxy/relay.h"
#include "proxy/view.h"
#include "proxy/worker.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    CONN_MAGIC = 0x7469646c,
    CONN_LINGER_MS = 1000,
    CONN_PROBE_MS = 1000, // who leaves sooner without a byte is a health check
};

static void conn_hold(struct conn *conn);
static void conn_resolve(struct conn *conn);
static void conn_handshake(struct conn *conn);
static void conn_linger(struct conn *conn);
static void stop_waiting(struct conn *conn);
static void handshake_cancel(struct conn *conn);
static void linger_cancel(struct conn *conn);
static void on_hold_timeout(struct conn *conn);
static void on_resolve_timeout(struct conn *conn);
static void on_handshake_timeout(struct conn *conn);
static void on_linger_timeout(struct conn *conn);

// A step: how it starts, how it is called off, its deadline and what happens then. The dial keeps a
// deadline per address, the relay only one for a half-closed connection: they set the timer.
struct step {
    const char *name;
    void (*start)(struct conn *conn);
    void (*cancel)(struct conn *conn);
    size_t timeout; // offset in struct proxy_options; 0: the step's own
    void (*on_timeout)(struct conn *conn);
};

#define TIMEOUT(field) offsetof(struct proxy_options, field)

// clang-format off
static const struct step steps[CONN_STATES] = {
    [CONN_NEW]       = { "new",       NULL,           NULL,             0,                             NULL },
    [CONN_HOLD]      = { "hold",      conn_hold,      stop_waiting,     TIMEOUT(hold_timeout_ms),      on_hold_timeout },
    [CONN_RESOLVE]   = { "resolve",   conn_resolve,   stop_waiting,     TIMEOUT(resolve_timeout_ms),   on_resolve_timeout },
    [CONN_DIAL]      = { "dial",      dial_start,     dial_cancel,      0,                             dial_on_timeout },
    [CONN_HANDSHAKE] = { "handshake", conn_handshake, handshake_cancel, TIMEOUT(handshake_timeout_ms), on_handshake_timeout },
    [CONN_RELAY]     = { "relay",     relay_start,    relay_cancel,     0,                             relay_on_timeout },
    [CONN_LINGER]    = { "linger",    conn_linger,    linger_cancel,    0,                             on_linger_timeout },
    [CONN_CLOSED]    = { "closed",    NULL,           NULL,             0,                             NULL },
};
// clang-format on

static const char *const reason_names[CLOSE_REASONS] = {
    [CLOSE_CLIENT_QUIT] = "client-quit",
    [CLOSE_CLIENT_GONE] = "client-gone",
    [CLOSE_SERVER_QUIT] = "server-quit",
    [CLOSE_SERVER_GONE] = "server-gone",
    [CLOSE_REFUSED] = "refused",
    [CLOSE_HALF_OPEN] = "half-open",
    [CLOSE_DRAINED] = "drained",
    [CLOSE_STOPPED] = "stopped",
    [CLOSE_INTERNAL] = "internal",
};

const char *conn_reason_name(enum close_reason reason)
{
    return reason_names[reason];
}

const char *conn_state_name(enum conn_state state)
{
    return steps[state].name;
}

// Every callback comes through here: a use after free stops at the first one.
static struct conn *conn_checked(struct conn *conn)
{
    if (conn->magic != CONN_MAGIC)
        abort();
    return conn;
}

// The only writer of conn->state. A step may be over before its start returns; whatever follows the
// start here would then belong to the next step, so nothing does.
static void conn_enter(struct conn *conn, enum conn_state state)
{
    if (state <= conn->state)
        abort(); // steps are only ever passed forwards
    log_trace("conn %llu: %s -> %s", (unsigned long long)conn->id, steps[conn->state].name,
        steps[state].name);
    worker_count(&conn->worker->counters.steps[conn->state], -1);
    worker_count(&conn->worker->counters.steps[state], 1);
    conn->state = state;
    if (state < CONN_LINGER)
        conn->reached = state;
    timer_stop(&conn->timer);
    if (steps[state].timeout) {
        const char *options = (const char *)&conn->view->options;
        timer_start(
            &conn->timer, *(const uint64_t *)(const void *)(options + steps[state].timeout));
    }
    if (steps[state].start)
        steps[state].start(conn);
}

static void on_timeout(struct timer *timer)
{
    struct conn *conn = conn_checked(CONTAINER_OF(timer, struct conn, timer));
    steps[conn->state].on_timeout(conn);
}

// ---- start --------------------------------------------------------------------------------------

static void on_client_stirred(struct watch *watch, unsigned what);

static void side_init(struct side *side, struct conn *conn, struct side *peer, int fd)
{
    *side = (struct side){ .fd = fd, .conn = conn, .peer = peer };
    buf_init(&side->tail, RELAY_SCRATCH_BYTES);
}

static void side_close(struct side *side)
{
    buf_done(&side->tail);
    if (side->fd < 0)
        return;
    close(side->fd);
    side->fd = -1;
}

bool conn_start(struct worker *worker, uint64_t id, int client_fd, size_t target,
    const char *client_name, const struct err *refusal)
{
    struct conn *conn = calloc(1, sizeof(*conn));
    if (!conn) {
        close(client_fd);
        return false;
    }
    conn->magic = CONN_MAGIC;
    conn->worker = worker;
    conn->target = target;
    conn->view = view_ref(worker->views[target]);
    conn->id = id;
    conn->began_ms = loop_now_ms(worker->loop);
    snprintf(conn->client_name, sizeof(conn->client_name), "%s", client_name);
    side_init(&conn->client, conn, &conn->server, client_fd);
    side_init(&conn->server, conn, &conn->client, -1);
    timer_init(&conn->timer, worker->loop, on_timeout);
    LIST_INSERT_HEAD(&worker->conns, conn, link);
    worker_count(&worker->target_open[target], 1);
    worker_count(&worker->counters.steps[CONN_NEW], 1);

    // While it waits, the first thing that a client does decides: see on_client_stirred.
    watch_init(&conn->client.watch, worker->loop, client_fd, on_client_stirred);
    watch_want(&conn->client.watch, WATCH_READ | WATCH_GONE);
    if (refusal)
        conn_refuse(conn, refusal);
    else
        conn_enter(conn, CONN_HOLD);
    return true;
}

// A MySQL client says nothing before the server's greeting. If it stirs, it spoke first, which none
// does, or it left. Not watched again: a socket that was reset stays readable for ever.
static void on_client_stirred(struct watch *watch, unsigned what)
{
    struct conn *conn = conn_checked(CONTAINER_OF(watch, struct conn, client.watch));
    (void)what;
    char byte;
    ssize_t got = recv(conn->client.fd, &byte, 1, MSG_PEEK);
    if (got < 0 && net_is_transient(errno))
        return;
    watch_want(watch, 0);
    if (got <= 0) {
        conn->probe = loop_now_ms(conn->worker->loop) - conn->began_ms < CONN_PROBE_MS;
        conn_close(conn, CLOSE_CLIENT_GONE);
        return;
    }
    struct err err;
    refusal_spoke_first(&err);
    conn_refuse(conn, &err);
}

// ---- hold ---------------------------------------------------------------------------------------

static void wait_for_view(struct conn *conn)
{
    if (conn->waits)
        return;
    conn->waits = true;
    TAILQ_INSERT_TAIL(&conn->worker->waiting, conn, wait_link);
    if (conn->state == CONN_HOLD && conn->worker->control)
        control_nudge(conn->worker->control, conn->target);
}

static void stop_waiting(struct conn *conn)
{
    if (!conn->waits)
        return;
    conn->waits = false;
    TAILQ_REMOVE(&conn->worker->waiting, conn, wait_link);
}

static void refuse_by_verdict(struct conn *conn)
{
    struct err err;
    refusal_verdict(conn->view, &err);
    conn_refuse(conn, &err);
}

// May this client go on? Asked again with every new view until it is decided or the time is up.
static void conn_hold(struct conn *conn)
{
    switch (conn->view->verdict.action) {
    case VERDICT_ALLOW:
        stop_waiting(conn);
        if (conn->view->verdict.unchecked)
            worker_count(&conn->worker->counters.unchecked, 1);
        conn_enter(conn, CONN_RESOLVE);
        return;
    case VERDICT_REFUSE:
        refuse_by_verdict(conn);
        return;
    case VERDICT_UNKNOWN:
    case VERDICT_HOLD:
        wait_for_view(conn);
        return;
    }
}

// The data plane must not depend on the control plane: when it has said nothing at all in all this
// time, the connection goes on, provided that the name resolves privately.
static void on_hold_timeout(struct conn *conn)
{
    const struct view *view = conn->view;
    bool silent = view->verdict.action == VERDICT_UNKNOWN;
    if (silent && view->addrs && view->port && !view->options.loss_refuses) {
        stop_waiting(conn);
        worker_count(&conn->worker->counters.unchecked, 1);
        conn_enter(conn, CONN_RESOLVE);
        return;
    }
    refuse_by_verdict(conn);
}

// ---- resolve ------------------------------------------------------------------------------------

static void refuse_by_address(struct conn *conn)
{
    struct err err;
    refusal_address(conn->view, &err);
    conn_refuse(conn, &err);
}

static void conn_resolve(struct conn *conn)
{
    const struct view *view = conn->view;
    if (view->verdict.action == VERDICT_REFUSE) {
        refuse_by_verdict(conn); // it turned while the address was being looked up
    } else if (view->addrs && view->port) {
        stop_waiting(conn);
        conn_enter(conn, CONN_DIAL);
    } else if (view->dns_failure.code != ERR_NONE && view->port) {
        refuse_by_address(conn);
    } else {
        wait_for_view(conn);
    }
}

static void on_resolve_timeout(struct conn *conn)
{
    refuse_by_address(conn);
}

void conn_see(struct conn *conn, struct view *view)
{
    view_unref(conn->view);
    conn->view = view_ref(view);
    steps[conn->state].start(conn); // hold and resolve decide again; their deadline stands
}

// ---- dial ---------------------------------------------------------------------------------------

void conn_on_dialed(struct conn *conn, const struct err *err)
{
    if (!err) {
        conn_enter(conn, CONN_HANDSHAKE);
        return;
    }
    if (err->code != ERR_LIMIT)
        home_tell_unreachable(conn->worker->home, conn->target);
    conn_refuse(conn, err);
}

// ---- handshake ----------------------------------------------------------------------------------

static void handshake_failed(struct conn *conn, const char *what)
{
    struct addr server = dial_address(conn);
    struct err err;
    refusal_greeting(conn->view, &server, what, &err);
    conn_refuse(conn, &err);
}

// The greeting goes to the client byte for byte; what it says is only noted for the log. An ERR
// packet of the server's own, or bytes that are no MySQL, are the client's to judge.
static void on_greeting(struct watch *watch, unsigned what)
{
    struct conn *conn = conn_checked(CONTAINER_OF(watch, struct conn, server.watch));
    struct worker *worker = conn->worker;
    (void)what;
    ssize_t got = recv(conn->server.fd, worker->scratch, RELAY_SCRATCH_BYTES, 0);
    if (got < 0 && net_is_transient(errno))
        return;
    if (got <= 0) {
        handshake_failed(conn, got == 0 ? "closed it" : "reset it");
        return;
    }
    struct mysql_greeting greeting = { 0 };
    if (mysql_read_greeting(worker->scratch, (size_t)got, &greeting) == MYSQL_FIRST_GREETING) {
        conn->server_id = greeting.connection_id;
        if (worker->control)
            control_note_success(worker->control, conn->target);
    }
    handshake_cancel(conn);
    net_user_timeout(conn->server.fd, 0);
    conn->ready_ms = loop_now_ms(worker->loop);
    conn_enter(conn, CONN_RELAY);
    relay_received(&conn->server, worker->scratch, (size_t)got);
}

static void conn_handshake(struct conn *conn)
{
    watch_init(&conn->server.watch, conn->worker->loop, conn->server.fd, on_greeting);
    watch_want(&conn->server.watch, WATCH_READ);
}

// Nothing of the client's or the server's is watched until the next step says how.
static void handshake_cancel(struct conn *conn)
{
    watch_stop(&conn->server.watch);
    watch_stop(&conn->client.watch);
}

static void on_handshake_timeout(struct conn *conn)
{
    handshake_failed(conn, "said nothing in time");
}

// ---- relay --------------------------------------------------------------------------------------

void conn_on_relayed(struct conn *conn, enum close_reason reason)
{
    conn_close(conn, reason);
}

bool conn_is_idle(const struct conn *conn, uint64_t now_ms, uint64_t quiet_ms)
{
    return conn->state == CONN_RELAY && conn->server_spoke_last && !conn->client.eof &&
           !conn->server.eof && buf_is_empty(&conn->server.tail) &&
           buf_is_empty(&conn->client.tail) && now_ms - conn->active_ms >= quiet_ms;
}

// ---- refuse and linger --------------------------------------------------------------------------

void conn_refuse(struct conn *conn, const struct err *err)
{
    if (conn->state >= CONN_RELAY)
        abort(); // behind the greeting an ERR packet would land in the middle of a result
    conn->why = malloc(sizeof(*conn->why));
    if (!conn->why) {
        conn_close(conn, CLOSE_INTERNAL);
        return;
    }
    *conn->why = *err;
    worker_count(&conn->worker->counters.refused[err->code], 1);
    if (steps[conn->state].cancel)
        steps[conn->state].cancel(conn);
    side_close(&conn->server);
    conn_enter(conn, CONN_LINGER);
}

static void on_linger_readable(struct watch *watch, unsigned what)
{
    struct conn *conn = conn_checked(CONTAINER_OF(watch, struct conn, client.watch));
    (void)what;
    ssize_t got = recv(conn->client.fd, conn->worker->scratch, RELAY_SCRATCH_BYTES, 0);
    if (got > 0 || (got < 0 && net_is_transient(errno)))
        return;
    conn_close(conn, CLOSE_REFUSED);
}

// Closing a socket with unread bytes in it sends a reset, which can destroy the ERR packet on its
// way: so the write side is closed and the client's bytes are read until it hangs up.
static void conn_linger(struct conn *conn)
{
    uint8_t packet[MYSQL_ERR_BYTES];
    size_t len = mysql_err_packet(conn->why, packet);
    watch_stop(&conn->client.watch);
    ssize_t sent = send(conn->client.fd, packet, len, MSG_NOSIGNAL);
    (void)sent; // a client that is gone is noticed by the read
    shutdown(conn->client.fd, SHUT_WR);
    watch_init(&conn->client.watch, conn->worker->loop, conn->client.fd, on_linger_readable);
    watch_want(&conn->client.watch, WATCH_READ);
    timer_start(&conn->timer, CONN_LINGER_MS);
}

static void linger_cancel(struct conn *conn)
{
    watch_stop(&conn->client.watch);
}

static void on_linger_timeout(struct conn *conn)
{
    conn_close(conn, CLOSE_REFUSED);
}

// ---- close and reap -----------------------------------------------------------------------------

static void log_closed(const struct conn *conn, enum close_reason reason)
{
    enum log_level level = conn->probe ? LOG_DEBUG : LOG_INFO;
    if (!log_enabled(level))
        return;
    char text[ADDR_TEXT_BYTES];
    uint64_t now_ms = loop_now_ms(conn->worker->loop);
    struct log_line line;
    log_start(&line, level, "connection closed");
    log_uint(&line, "conn", conn->id);
    log_str(&line, "cluster", conn->view->alias);
    log_str(&line, "client", conn->client_name);
    if (conn->reached >= CONN_DIAL) {
        struct addr server = dial_address(conn);
        log_str(&line, "server", addr_format(&server, text));
    }
    log_str(&line, "close", reason_names[reason]);
    log_str(&line, "step", steps[conn->reached].name);
    if (conn->why)
        log_err(&line, conn->why);
    if (conn->server_id)
        log_uint(&line, "server_id", conn->server_id);
    if (conn->ready_ms)
        log_uint(&line, "ready_ms", conn->ready_ms - conn->began_ms);
    log_uint(&line, "client_bytes", conn->client.received);
    log_uint(&line, "server_bytes", conn->server.received);
    log_uint(&line, "ms", now_ms - conn->began_ms);
    log_write(&line);
}

static void conn_reap(struct deferred *deferred)
{
    struct conn *conn = conn_checked(CONTAINER_OF(deferred, struct conn, reap));
    struct worker *worker = conn->worker;
    LIST_REMOVE(conn, link);
    worker_count(&worker->target_open[conn->target], -1);
    worker_count(&worker->counters.steps[CONN_CLOSED], -1);
    atomic_fetch_sub_explicit(&worker->counters.open, 1, memory_order_relaxed);
    view_unref(conn->view);
    free(conn->why);
    conn->magic = 0;
    free(conn);
    if (worker->draining && LIST_EMPTY(&worker->conns) && !worker->drained_told) {
        worker->drained_told = true;
        home_tell_drained(worker->home);
    }
}

void conn_close(struct conn *conn, enum close_reason reason)
{
    if (conn->state == CONN_CLOSED)
        return;
    if (steps[conn->state].cancel)
        steps[conn->state].cancel(conn);
    conn_enter(conn, CONN_CLOSED);
    worker_count(&conn->worker->counters.closed[reason], 1);
    log_closed(conn, reason);
    watch_stop(&conn->client.watch);
    side_close(&conn->client);
    side_close(&conn->server);
    loop_defer(conn->worker->loop, &conn->reap, conn_reap);
}
