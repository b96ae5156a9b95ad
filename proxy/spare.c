// SPDX-License-Identifier: Apache-2.0
//
// The stock of warm spares. Fed by worker.c (views) and conn.c (what greeted), emptied by conn.c.
#include "proxy/spare.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/net.h"
#include "base/way.h"
#include "control/control.h"
#include "proxy/home.h"
#include "proxy/mysql_login.h"
#include "proxy/paths.h"
#include "proxy/refusal.h"
#include "proxy/tls.h"
#include "proxy/tls_why.h"
#include "proxy/via.h"
#include "proxy/view.h"
#include "proxy/wake.h"
#include "proxy/worker.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    SPARE_REFILL_MS = 10, // jitter: workers and proxies must not refill in step
    SPARE_BACKOFF_MS = 1000,
    SPARE_BACKOFF_MAX_MS = 30 * 1000,
    SPARE_PROOF_MAX_MS = 4 * 1000, // somebody waits for it
};

static void on_timer(struct timer *timer);
static void refill(struct spares *spares);

static uint64_t now_of(const struct spares *spares)
{
    return loop_now_ms(spares->worker->loop);
}

// Jitter needs no secret: rand_r(3), seeded by the clock and the worker.
static uint64_t random_below(struct spares *spares, uint64_t limit)
{
    if (!spares->seed)
        spares->seed = (unsigned)(clock_us() + spares->worker->index + 1);
    return limit ? (uint64_t)rand_r(&spares->seed) % limit : 0;
}

static const struct view *view_of(const struct spares *spares)
{
    return spares->worker->views[spares->target];
}

// Whether the cluster is to be connected to at all. Through a program, each spare would be a
// process, and ssh's is started in no time once its master is there.
static bool is_wanted(const struct spares *spares)
{
    const struct view *view = view_of(spares);
    bool fits =
        view && (spares->proves || (spares->fits && !(view->via && via_is_program(view->via))));
    return fits && view->verdict.action == VERDICT_ALLOW && view->addrs && view->port &&
           !spares->worker->draining && !spares->worker->stopping &&
           (spares->proves || !paths_is_open(&spares->worker->paths[spares->target]));
}

static uint64_t share_of(const struct spares *spares)
{
    const struct worker *worker = spares->worker;
    if (spares->proves)
        return 1;
    uint64_t total = view_of(spares)->options.spares;
    return total / worker->worker_count + (worker->index < total % worker->worker_count);
}

// ---- one spare ----------------------------------------------------------------------------------

void spare_free(struct spare *spare)
{
    view_unref(spare->view);
    free(spare);
}

static void count_ready(const struct spare *spare, int change)
{
    if (spare->is_ready)
        worker_count(&spare->spares->worker->tallies[spare->spares->target].spares_ready, change);
}

static void unlink_spare(struct spare *spare)
{
    TAILQ_REMOVE(&spare->spares->all, spare, link);
    spare->spares->count--;
    count_ready(spare, -1);
}

static void on_turn_end(struct deferred *reap)
{
    spare_free(CONTAINER_OF(reap, struct spare, reap));
}

// Also from its own callbacks: it is freed at the end of the turn.
static void discard(struct spare *spare)
{
    worker_count(&spare->spares->worker->counters.spares_discarded, spare->is_ready);
    unlink_spare(spare);
    dial_cancel(&spare->dial);
    if (spare->io.fd >= 0)
        watch_stop(&spare->watch);
    io_close(&spare->spares->worker->io, &spare->io);
    loop_defer(spare->spares->worker->loop, &spare->reap, on_turn_end);
}

static void wait_and_refill(struct spares *spares, uint64_t after_ms)
{
    spares->refill_ms = now_of(spares) + after_ms;
    refill(spares);
}

// Those that fail together are one failure.
static void on_failed(struct spares *spares)
{
    if (now_of(spares) < spares->refill_ms && spares->failures) {
        refill(spares);
        return;
    }
    uint64_t wait_ms = SPARE_BACKOFF_MS;
    uint64_t most_ms = spares->proves ? SPARE_PROOF_MAX_MS : SPARE_BACKOFF_MAX_MS;
    for (unsigned i = 0; i < spares->failures && wait_ms < most_ms; i++)
        wait_ms *= 2;
    spares->failures++;
    wait_and_refill(spares, wait_ms / 2 + random_below(spares, wait_ms));
}

// A greeted server has nothing to say before the client's answer: if it does, or ends, it is no
// good. TLS has, though: tickets and new keys come at any time.
static bool is_silent(struct spare *spare)
{
    struct worker *worker = spare->spares->worker;
    ssize_t got = io_read(&worker->io, &spare->io, worker->scratch, IO_BYTES_MAX);
    return got < 0 && net_is_transient(errno);
}

// One that greets and leaves again and again must not be asked again and again.
static void on_stirred(struct watch *watch, unsigned what)
{
    struct spare *spare = CONTAINER_OF(watch, struct spare, watch);
    struct spares *spares = spare->spares;
    (void)what;
    if (is_silent(spare))
        return;
    discard(spare);
    on_failed(spares);
}

static void become_ready(struct spare *spare)
{
    struct spares *spares = spare->spares;
    uint64_t age_ms = spare->view->options.spare_max_age_ms;
    spare->is_ready = true;
    // Up to a quarter sooner, so that they do not all end together.
    spare->expires_ms = now_of(spares) + age_ms - random_below(spares, age_ms / 4);
    watch_call(&spare->watch, on_stirred);
    watch_want(&spare->watch, WATCH_READ);
    count_ready(spare, 1);
    refill(spares);
}

// ---- TLS ahead ----------------------------------------------------------------------------------

static void step_tls(struct spare *spare)
{
    struct err err;
    struct spares *spares = spare->spares;
    switch (tls_handshake(&spares->worker->io, &spare->io)) {
    case TLS_WAIT:
        return;
    case TLS_DONE:
        tally_tls(spares->worker, spares->target, spare->io.tls);
        become_ready(spare);
        return;
    case TLS_FAILED: // the next client is told
        tls_why_server(spare->view, &spare->addr, spare->io.tls, &err);
        log_debug("cluster %s: no spare connection: %s", spare->view->alias, err.text);
        discard(spare);
        on_failed(spares);
    }
}

static void on_tls(struct watch *watch, unsigned what)
{
    (void)what;
    step_tls(CONTAINER_OF(watch, struct spare, watch));
}

// An SSLRequest of nobody's yet, which a bare TiDB forgets behind the handshake.
static void start_tls(struct spare *spare)
{
    static const uint8_t request[MYSQL_HEADER_BYTES + MYSQL_LOGIN_HEAD_BYTES] = {
        MYSQL_LOGIN_HEAD_BYTES, 0, 0, 1, // number 1
        0x00, 0x8a, 0x08, 0x00,          // PROTOCOL_41, SSL, SECURE_CONNECTION, PLUGIN_AUTH
        0x00, 0x00, 0x00, 0x01, 46,      // 16 MiB; utf8mb4_bin
    };
    struct spares *spares = spare->spares;
    struct worker *worker = spares->worker;
    watch_call(&spare->watch, on_tls);
    if (io_write(&worker->io, &spare->io, request, sizeof(request)) && !spare->io.owed &&
        tls_to_server(&spare->io, spare->view->trust, spare->view->host,
            worker_tickets(worker, spares->target, spare->view))) {
        step_tls(spare);
        return;
    }
    discard(spare);
    on_failed(spares);
}

// ---- the greeting -------------------------------------------------------------------------------

static void on_greeted(struct spare *spare, const struct mysql_greeting *greeting)
{
    struct spares *spares = spare->spares;
    bool verifies = tls_is_verified(spare->view->tls);
    dial_confirm(&spare->dial, spare->io.fd);
    spares->proves = false;
    spares->fits = true;
    spare->server_id = greeting->connection_id;
    if (spares->worker->control)
        control_note_success(spares->worker->control, spares->target);
    if (verifies && !(greeting->capabilities & MYSQL_SSL)) {
        discard(spare); // the next client is told
        on_failed(spares);
    } else if (verifies && !greeting->is_tiproxy) {
        start_tls(spare);
    } else {
        become_ready(spare);
    }
}

// Nobody else may have found out yet.
static void tell_if_proving(const struct spares *spares, const struct err *err)
{
    if (spares->proves && err->code != ERR_LIMIT)
        home_tell_unreachable(spares->worker->home, spares->target, err);
}

// Its server did not greet: the address is blamed, and another one dialled if there is one.
static bool dials_on(struct spare *spare, const char *what, int sys)
{
    struct err why;
    if (spare->dial.reached == PATHS_NONE)
        return false; // it did, and stalls in TLS
    refusal_greeting(spare->view, &spare->addr, what, sys, &why);
    watch_stop(&spare->watch);
    io_close(&spare->spares->worker->io, &spare->io);
    spare->expires_ms = UINT64_MAX;
    spare->greeting_len = 0;
    if (dial_reject(&spare->dial, &why))
        return true;
    tell_if_proving(spare->spares, &why);
    return false;
}

// MySQL and MariaDB count it among the aborted connections of this host: one is no harm.
static void on_greeted_by_another(struct spare *spare)
{
    struct spares *spares = spare->spares;
    spares->fits = false;
    if (spares->proves)
        dial_confirm(&spare->dial, spare->io.fd);
    spares->proves = false;
}

static void on_greeting(struct watch *watch, unsigned what)
{
    struct spare *spare = CONTAINER_OF(watch, struct spare, watch);
    struct spares *spares = spare->spares;
    struct mysql_greeting greeting = { 0 };
    (void)what;
    ssize_t got = recv(spare->io.fd, spare->greeting + spare->greeting_len,
        SPARE_GREETING_BYTES - spare->greeting_len, 0);
    if (got < 0 && net_is_transient(errno))
        return;
    if (got > 0)
        spare->greeting_len += (size_t)got;
    enum mysql_first first = mysql_read_greeting(spare->greeting, spare->greeting_len, &greeting);
    if (got > 0 && first == MYSQL_FIRST_MORE && spare->greeting_len < SPARE_GREETING_BYTES)
        return;
    if (got > 0 && first == MYSQL_FIRST_GREETING && greeting.is_tidb &&
        greeting.packet_bytes == spare->greeting_len) {
        on_greeted(spare, &greeting);
        return;
    }
    if (first == MYSQL_FIRST_GREETING && !greeting.is_tidb)
        on_greeted_by_another(spare);
    if (got <= 0 && dials_on(spare, got == 0 ? "closed it" : "reset it", ECONNRESET))
        return;
    discard(spare);
    on_failed(spares);
}

static void on_dialed(struct dial *dial, const struct err *err)
{
    struct spare *spare = CONTAINER_OF(dial, struct spare, dial);
    struct spares *spares = spare->spares;
    if (err) {
        log_debug("cluster %s: no spare connection: %s", spare->view->alias, err->text);
        tell_if_proving(spares, err);
        discard(spare);
        on_failed(spares);
        return;
    }
    spare->io.fd = dial->fd;
    spare->addr = dial->addr;
    spare->expires_ms = now_of(spares) + spare->view->options.handshake_timeout_ms;
    watch_init(&spare->watch, spares->worker->loop, spare->io.fd, on_greeting);
    watch_want(&spare->watch, WATCH_READ);
    refill(spares);
}

static void open_spare(struct spares *spares)
{
    struct spare *spare = calloc(1, sizeof(*spare));
    if (!spare)
        return;
    spare->spares = spares;
    spare->view = view_ref(spares->worker->views[spares->target]);
    spare->io.fd = -1;
    spare->expires_ms = UINT64_MAX; // the dial has a deadline of its own
    TAILQ_INSERT_HEAD(&spares->all, spare, link);
    spares->count++;
    const struct dial_plan plan = {
        .worker = spares->worker, .target = spares->target, .view = spare->view, .fn = on_dialed
    };
    dial_start(&spare->dial, &plan);
}

// ---- the stock ----------------------------------------------------------------------------------

static bool is_current(const struct spare *spare)
{
    const struct view *view = view_of(spare->spares);
    struct peer peer = peer_from_addr(&spare->addr);
    if (spare->view->tls != view->tls || (view->trust && !view_same_tls(spare->view, view)))
        return false;
    if (spare->io.fd < 0)
        return spare->view->addrs == view->addrs;
    return peer.port == view_dial_port(view) && peer_is_among(&peer, view->addrs);
}

static void drop_outdated(struct spares *spares)
{
    struct spare *spare, *next;
    uint64_t now_ms = now_of(spares);
    bool wanted = is_wanted(spares), was_silent = false;
    uint64_t latest_ms = now_ms + view_of(spares)->options.spare_max_age_ms;
    TAILQ_FOREACH_SAFE(spare, &spares->all, link, next) {
        if (spare->is_ready && spare->expires_ms > latest_ms)
            spare->expires_ms = latest_ms; // a reload
        bool is_old = now_ms >= spare->expires_ms;
        if (is_old && spare->is_ready)
            spares->failures = 0; // it lasted
        else if (is_old && wanted && is_current(spare) &&
                 dials_on(spare, "said nothing in time", ETIMEDOUT))
            continue;
        was_silent = was_silent || (is_old && !spare->is_ready);
        if (!wanted || is_old || !is_current(spare))
            discard(spare);
    }
    if (was_silent)
        on_failed(spares);
}

// The timer is for a refill alone, which is soon: a running timer slows its loop. The end of the
// oldest is the worker's ticker's, one for all targets.
static void arm(struct spares *spares, bool is_short)
{
    struct spare *spare;
    struct worker *worker = spares->worker;
    uint64_t now_ms = now_of(spares), oldest_ms = UINT64_MAX;
    TAILQ_FOREACH(spare, &spares->all, link)
        oldest_ms = spare->expires_ms < oldest_ms ? spare->expires_ms : oldest_ms;
    if (oldest_ms < worker->ageing_ms) {
        worker->ageing_ms = oldest_ms;
        ticker_start(&worker->ageing, oldest_ms > now_ms ? oldest_ms - now_ms : 0);
    }
    if (is_short)
        timer_start(&spares->timer, spares->refill_ms > now_ms ? spares->refill_ms - now_ms : 0);
    else
        timer_stop(&spares->timer);
}

// Opens what is missing when its time has come, and sets the timer for what comes next.
static void refill(struct spares *spares)
{
    bool wanted = is_wanted(spares);
    uint64_t share = wanted ? share_of(spares) : 0;
    struct spare *spare, *next;
    TAILQ_FOREACH_SAFE(spare, &spares->all, link, next)
        if (spares->count > share)
            discard(spare);
    while (spares->count < share && now_of(spares) >= spares->refill_ms) {
        size_t before = spares->count;
        open_spare(spares);
        if (spares->count == before)
            spares->refill_ms = now_of(spares) + SPARE_BACKOFF_MS; // out of memory
    }
    arm(spares, spares->count < share);
}

static void on_timer(struct timer *timer)
{
    struct spares *spares = CONTAINER_OF(timer, struct spares, timer);
    drop_outdated(spares);
    refill(spares);
}

void spares_init(struct spares *spares, struct worker *worker, size_t target)
{
    *spares = (struct spares){ .worker = worker, .target = target };
    TAILQ_INIT(&spares->all);
    timer_init(&spares->timer, worker->loop, on_timer);
}

void spares_prove(struct spares *spares)
{
    spares->proves = true;
}

void spares_done(struct spares *spares)
{
    struct spare *spare, *next;
    TAILQ_FOREACH_SAFE(spare, &spares->all, link, next)
        discard(spare);
    timer_stop(&spares->timer);
}

void spares_see(struct spares *spares)
{
    drop_outdated(spares);
    refill(spares);
}

static bool is_to_go(const struct spare *spare, const struct wake_plan *plan)
{
    struct addr local, remote, source;
    if (spare->io.fd < 0)
        return plan->forget;
    return plan->slept || !way_ends(spare->io.fd, &local, &remote) ||
           wake_way(spare->view, &local, &remote, &source) != WAY_SAME;
}

void spares_wake(struct spares *spares, const struct wake_plan *plan)
{
    struct spare *spare, *next;
    TAILQ_FOREACH_SAFE(spare, &spares->all, link, next)
        if (is_to_go(spare, plan))
            discard(spare);
    if (plan->forget) {
        spares->failures = 0;
        spares->refill_ms = 0;
    }
    spares_see(spares);
}

void spares_learn(struct spares *spares, const struct mysql_greeting *greeting)
{
    bool is_news = spares->fits != greeting->is_tidb;
    spares->fits = greeting->is_tidb;
    if (is_news || spares->count < share_of(spares))
        spares_see(spares);
}

struct spare *spares_take(struct spares *spares)
{
    struct spare *spare, *next;
    if (!spares->fits)
        return NULL;
    TAILQ_FOREACH_SAFE(spare, &spares->all, link, next) {
        if (!spare->is_ready)
            continue;
        // What has happened on it since the last turn counts as well.
        if (is_silent(spare))
            break;
        discard(spare);
    }
    if (spare) {
        watch_stop(&spare->watch);
        unlink_spare(spare);
        spares->failures = 0;
        worker_count(&spares->worker->counters.spares_used, 1);
    }
    uint64_t at_ms = now_of(spares) + random_below(spares, SPARE_REFILL_MS);
    if (at_ms > spares->refill_ms)
        spares->refill_ms = at_ms;
    refill(spares);
    return spare;
}
