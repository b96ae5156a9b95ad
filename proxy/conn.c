// SPDX-License-Identifier: Apache-2.0
//
// The life of a connection, from top to bottom:
//   accepted and admitted (listener.c, gate.c) -> handed to a worker -> conn_start
//   -> hold for a verdict -> resolve -> dial -> handshake (-> login) -> relay -> close -> reap
// and from every step before the relay: refuse -> linger -> close -> reap.
// One function moves it from step to step, one table says what each step is, one function ends it.
// Everything here runs on the connection's worker.
#include "proxy/conn.h"

#include "base/clock.h"
#include "base/net.h"
#include "control/control.h"
#include "proxy/handshake.h"
#include "proxy/home.h"
#include "proxy/linger.h"
#include "proxy/login.h"
#include "proxy/mysql.h"
#include "proxy/paths.h"
#include "proxy/refusal.h"
#include "proxy/relay.h"
#include "proxy/spare.h"
#include "proxy/via.h"
#include "proxy/view.h"
#include "proxy/worker.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CONN_MAGIC = 0x7469646c };

static void conn_hold(struct conn *conn);
static void conn_resolve(struct conn *conn);
static void conn_dial(struct conn *conn);
static void stop_waiting(struct conn *conn);
static void dial_off(struct conn *conn);
static void on_hold_timeout(struct conn *conn);
static void refuse_by_address(struct conn *conn);

// A step: how it starts, how it is called off, its deadline and what happens then. The dial keeps a
// timer of its own, and the sweep looks after the relay.
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
    [CONN_RESOLVE]   = { "resolve",   conn_resolve,   stop_waiting,     TIMEOUT(resolve_timeout_ms),   refuse_by_address },
    [CONN_DIAL]      = { "dial",      conn_dial,      dial_off,         0,                             NULL },
    [CONN_HANDSHAKE] = { "handshake", handshake_start, handshake_cancel, TIMEOUT(handshake_timeout_ms), handshake_on_timeout },
    [CONN_LOGIN]     = { "login",     login_start,    login_cancel,     TIMEOUT(handshake_timeout_ms), login_on_timeout },
    [CONN_RELAY]     = { "relay",     relay_start,    relay_cancel,     0,                             NULL },
    [CONN_LINGER]    = { "linger",    linger_start,   linger_cancel,    0,                             linger_on_timeout },
    [CONN_CLOSED]    = { "closed",    NULL,           NULL,             0,                             NULL },
};
// clang-format on

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
    bool dials_again = state == CONN_DIAL && conn->state == CONN_HANDSHAKE;
    if (state <= conn->state && !dials_again)
        abort(); // other steps are only ever passed forwards
    conn_log_step(conn, state);
    worker_count(&conn->worker->counters.steps[conn->state], -1);
    worker_count(&conn->worker->counters.steps[state], 1);
    conn->state = (uint8_t)state;
    if (state < CONN_LINGER)
        conn->reached = (uint8_t)state;
    if (conn->setup)
        timer_stop(&conn->setup->timer);
    if (steps[state].timeout) {
        const char *options = (const char *)&conn->view->options;
        timer_start(
            &conn->setup->timer, *(const uint64_t *)(const void *)(options + steps[state].timeout));
    }
    if (steps[state].start)
        steps[state].start(conn);
}

static void on_timeout(struct timer *timer)
{
    struct conn *conn = conn_checked(CONTAINER_OF(timer, struct conn_setup, timer)->conn);
    steps[conn->state].on_timeout(conn);
}

static void free_setup(struct conn *conn)
{
    struct conn_setup *setup = conn->setup;
    if (!setup)
        return;
    timer_stop(&setup->timer);
    conn->setup = NULL;
    free(setup->why);
    login_free(setup->login);
    worker_give_setup(conn->worker, setup);
}

// ---- start --------------------------------------------------------------------------------------

static void on_client_stirred(struct watch *watch, unsigned what);

static struct conn *conn_new(const struct arrival *arrival)
{
    struct worker *worker = arrival->worker;
    struct conn_setup *setup = worker_take_setup(worker);
    struct conn *conn = calloc(1, sizeof(*conn));
    if (!conn || !setup) {
        free(conn);
        free(setup);
        return NULL;
    }
    setup->conn = conn;
    timer_init(&setup->timer, worker->loop, on_timeout);
    *conn = (struct conn){
        .magic = CONN_MAGIC,
        .target = arrival->target,
        .listener = arrival->listener,
        .id = arrival->id,
        .worker = worker,
        .view = view_ref(worker->views[arrival->target]),
        .setup = setup,
        .client = { .io.fd = arrival->client_fd, .is_client = true },
        .server = { .io.fd = -1 },
        .began_ms = loop_now_ms(worker->loop),
        .client_peer = arrival->client,
    };
    return conn;
}

bool conn_start(const struct arrival *arrival)
{
    struct worker *worker = arrival->worker;
    struct conn *conn = conn_new(arrival);
    if (!conn) {
        close(arrival->client_fd);
        return false;
    }
    LIST_INSERT_HEAD(&worker->quiet, conn, link); // until the relay moves something
    worker_count(&worker->tallies[conn->target].open, 1);
    worker_count(&worker->counters.steps[CONN_NEW], 1);

    // While it waits, the first thing that a client does decides: see on_client_stirred.
    watch_init(&conn->client.watch, worker->loop, conn->client.io.fd, on_client_stirred);
    watch_want(&conn->client.watch, WATCH_READ);
    if (arrival->refusal)
        conn_refuse(conn, arrival->refusal);
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
    ssize_t got = recv(conn->client.io.fd, &byte, 1, MSG_PEEK);
    if (got < 0 && net_is_transient(errno))
        return;
    watch_want(watch, 0);
    if (got <= 0) {
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
    struct conn_setup *setup = conn->setup;
    if (setup->waits)
        return;
    setup->waits = true;
    TAILQ_INSERT_TAIL(&conn->worker->waiting, setup, wait_link);
    if (conn->state == CONN_HOLD && conn->worker->control)
        control_nudge(conn->worker->control, conn->target);
}

static void stop_waiting(struct conn *conn)
{
    struct conn_setup *setup = conn->setup;
    if (!setup->waits)
        return;
    setup->waits = false;
    TAILQ_REMOVE(&conn->worker->waiting, setup, wait_link);
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
        tally_waited(conn->worker, conn->target, TALLY_DNS, conn->setup->resolve_us);
        conn_enter(conn, CONN_DIAL);
    } else if (view->dns_failure.code != ERR_NONE && view->port) {
        refuse_by_address(conn);
    } else {
        if (!conn->setup->resolve_us)
            conn->setup->resolve_us = clock_us();
        wait_for_view(conn);
    }
}

void conn_see(struct conn *conn, struct view *view)
{
    view_unref(conn->view);
    conn->view = view_ref(view);
    steps[conn->state].start(conn); // hold and resolve decide again; their deadline stands
}

// ---- dial ---------------------------------------------------------------------------------------

static void on_dialed(struct dial *dial, const struct err *err);

void conn_relay(struct conn *conn)
{
    net_user_timeout(conn->server.io.fd, 0);
    if (conn->server.io.is_program)
        jump_child_carries(&conn->worker->children, conn->server.io.fd, conn->id);
    free_setup(conn);
    conn->ready_after_ms = (uint32_t)(loop_now_ms(conn->worker->loop) - conn->began_ms);
    conn_enter(conn, CONN_RELAY);
}

// Its greeting was read long ago.
static void use_greeting(struct conn *conn, const struct spare *spare)
{
    if (!login_is_ours(conn)) {
        conn_relay(conn);
        relay_received(&conn->server, spare->greeting, spare->greeting_len);
        return;
    }
    struct mysql_greeting greeting;
    if (mysql_read_greeting(spare->greeting, spare->greeting_len, &greeting) !=
            MYSQL_FIRST_GREETING ||
        !login_open(conn) ||
        !login_keep(conn->setup->login, spare->greeting, spare->greeting_len)) {
        conn_close(conn, CLOSE_INTERNAL);
        return;
    }
    login_greeted(conn, &greeting);
    conn_enter(conn, CONN_LOGIN);
}

// False: there is none. A client that has left already must not use one up.
static bool use_spare(struct conn *conn)
{
    char byte;
    struct spares *spares = &conn->worker->spares[conn->target];
    if (!spares->count)
        return false;
    if (recv(conn->client.io.fd, &byte, 1, MSG_PEEK) >= 0 || !net_is_transient(errno)) {
        on_client_stirred(&conn->client.watch, WATCH_READ);
        return true;
    }
    struct spare *spare = spares_take(spares);
    if (!spare)
        return false;
    conn->server.io = spare->io;
    conn->server_peer = peer_from_addr(&spare->addr);
    conn->server_id = spare->server_id;
    conn->used_spare = true;
    watch_init(&conn->server.watch, conn->worker->loop, conn->server.io.fd, NULL);
    use_greeting(conn, spare);
    spare_free(spare);
    return true;
}

static void conn_dial(struct conn *conn)
{
    struct worker *worker = conn->worker;
    struct dial_plan plan = {
        .worker = worker, .target = conn->target, .view = conn->view, .fn = on_dialed
    };
    struct err err;
    if (conn->setup->dial.worker || use_spare(conn))
        return; // it goes on with another address, or is not needed
    if (paths_is_broken(
            &worker->paths[conn->target], loop_now_ms(worker->loop), &plan.is_probe, &err)) {
        worker_count(&worker->counters.broken, 1);
        conn_refuse(conn, &err);
        return;
    }
    dial_start(&conn->setup->dial, &plan);
}

static void dial_off(struct conn *conn)
{
    dial_cancel(&conn->setup->dial);
}

// No address was any good.
static void give_up(struct conn *conn, const struct err *err)
{
    if (err->code != ERR_LIMIT)
        home_tell_unreachable(conn->worker->home, conn->target, err);
    spares_see(&conn->worker->spares[conn->target]); // the breaker may be open
    conn_refuse(conn, err);
}

static void on_dialed(struct dial *dial, const struct err *err)
{
    struct conn *conn = conn_checked(CONTAINER_OF(dial, struct conn_setup, dial)->conn);
    if (dial->addr.len)
        conn->server_peer = peer_from_addr(&dial->addr);
    if (!err) {
        conn->server.io.fd = dial->fd;
        conn->server.io.is_program = conn->view->via && via_is_program(conn->view->via);
        conn_enter(conn, CONN_HANDSHAKE);
        return;
    }
    give_up(conn, err);
}

// ---- handshake ----------------------------------------------------------------------------------

void conn_not_greeted(struct conn *conn, const char *what, int sys)
{
    struct err err;
    struct dial *dial = &conn->setup->dial;
    refusal_greeting(conn->view, &dial->addr, what, sys, &err);
    watch_stop(&conn->server.watch);
    io_close(&conn->worker->io, &conn->server.io);
    login_free(conn->setup->login);
    conn->setup->login = NULL;
    if (dial_reject(dial, &err))
        conn_enter(conn, CONN_DIAL);
    else
        give_up(conn, &err);
}

void conn_greeted(
    struct conn *conn, const struct mysql_greeting *greeting, const uint8_t *bytes, size_t len)
{
    struct worker *worker = conn->worker;
    dial_confirm(&conn->setup->dial, conn->server.io.fd);
    if (greeting) {
        conn->server_id = greeting->connection_id;
        spares_learn(&worker->spares[conn->target], greeting);
        if (worker->control)
            control_note_success(worker->control, conn->target);
    }
    if (conn->setup->login) {
        login_greeted(conn, greeting);
        conn_enter(conn, CONN_LOGIN);
        return;
    }
    conn_relay(conn);
    relay_received(&conn->server, bytes, len);
}

// ---- refuse -------------------------------------------------------------------------------------

static bool note_why(struct conn *conn, const struct err *err)
{
    struct conn_setup *setup = conn->setup;
    setup->why = malloc(sizeof(*setup->why));
    if (!setup->why)
        return false;
    *setup->why = *err;
    worker_count(&conn->worker->counters.refused[err->code], 1);
    return true;
}

void conn_linger(struct conn *conn)
{
    worker_leave_listener(conn->worker, conn);
    if (steps[conn->state].cancel)
        steps[conn->state].cancel(conn);
    io_close(&conn->worker->io, &conn->server.io);
    conn_enter(conn, CONN_LINGER);
}

void conn_refuse(struct conn *conn, const struct err *err)
{
    if (conn->state >= CONN_RELAY)
        abort(); // behind the login an ERR packet would land in the middle of a result
    if (note_why(conn, err))
        conn_linger(conn);
    else
        conn_close(conn, CLOSE_INTERNAL);
}

void conn_give_up(struct conn *conn, const struct err *err, enum close_reason reason)
{
    conn_close(conn, note_why(conn, err) ? reason : CLOSE_INTERNAL);
}

// ---- close and reap -----------------------------------------------------------------------------

void conn_reap(struct conn *conn)
{
    struct worker *worker = conn_checked(conn)->worker;
    LIST_REMOVE(conn, link);
    worker_count(&worker->tallies[conn->target].open, -1);
    worker_count(&worker->counters.steps[CONN_CLOSED], -1);
    worker_leave(worker, conn);
    free_setup(conn);
    view_unref(conn->view);
    conn->magic = 0;
    free(conn);
}

void conn_close(struct conn *conn, enum close_reason reason)
{
    if (conn->state == CONN_CLOSED)
        return;
    if (steps[conn->state].cancel)
        steps[conn->state].cancel(conn);
    conn_enter(conn, CONN_CLOSED);
    worker_count(&conn->worker->counters.closed[reason], 1);
    closing_note(conn, reason);
    watch_stop(&conn->client.watch);
    closing_close_sockets(conn);
    worker_reap_later(conn->worker, conn);
}
