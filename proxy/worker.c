// SPDX-License-Identifier: Apache-2.0
//
// The worker's thread: takes connections and views from the main thread's messages, drains, stops.
// What a connection does is conn.c's.
#include "proxy/worker.h"

#include "base/log.h"
#include "control/control.h"
#include "proxy/home.h"
#include "proxy/refusal.h"
#include "proxy/relay.h"
#include "proxy/view.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    WORKER_SWEEP_MS = 200, // how often to look while something drains
    // A session counts as idle after this share of the drain's time without a byte. It may still be
    // inside a transaction or a result that the server is slow to continue: bytes alone do not
    // tell.
    WORKER_QUIET_SHARE = 3,
};

// ---- messages from the main thread --------------------------------------------------------------

struct taken {
    struct worker *worker;
    uint64_t id;
    int client_fd;
    size_t target;
    bool refused;
    struct err refusal;
    char client_name[CONN_NAME_BYTES];
};

static void on_taken(void *arg)
{
    struct taken *taken = arg;
    struct worker *worker = taken->worker;
    const struct err *refusal = taken->refused ? &taken->refusal : NULL;
    bool started = false;
    if (worker->stopping)
        close(taken->client_fd);
    else
        started = conn_start(
            worker, taken->id, taken->client_fd, taken->target, taken->client_name, refusal);
    if (!started)
        atomic_fetch_sub_explicit(&worker->counters.open, 1, memory_order_relaxed);
    free(taken);
}

void worker_take(struct worker *worker, uint64_t id, int client_fd, size_t target,
    const char *client_name, const struct err *refusal)
{
    struct taken *taken = malloc(sizeof(*taken));
    if (!taken) {
        close(client_fd);
        return;
    }
    taken->worker = worker;
    taken->id = id;
    taken->client_fd = client_fd;
    taken->target = target;
    taken->refused = refusal != NULL;
    if (refusal)
        taken->refusal = *refusal;
    snprintf(taken->client_name, sizeof(taken->client_name), "%s", client_name);
    atomic_fetch_add_explicit(&worker->counters.open, 1, memory_order_relaxed);
    loop_post(worker->loop, on_taken, taken);
}

struct shown {
    struct worker *worker;
    size_t target;
    struct view *view;
};

static void drain_target(struct worker *worker, size_t target, uint64_t timeout_ms);
static void sweep_if_needed(struct worker *worker);

static void on_shown(void *arg)
{
    struct shown *shown = arg;
    struct worker *worker = shown->worker;
    size_t target = shown->target;
    view_unref(worker->views[target]);
    worker->views[target] = shown->view;

    // While the whole proxy drains, its deadline stands whatever the verdicts say.
    if (!worker->draining && !shown->view->verdict.drain)
        worker->drains[target] = (struct drain){ 0 };
    else if (!worker->drains[target].until_ms)
        drain_target(worker, target, shown->view->options.drain_timeout_ms);

    struct conn *conn, *next;
    TAILQ_FOREACH_SAFE(conn, &worker->waiting, wait_link, next)
        if (conn->target == target)
            conn_see(conn, shown->view);
    sweep_if_needed(worker);
    free(shown);
}

void worker_show(struct worker *worker, size_t target, struct view *view)
{
    struct shown *shown = malloc(sizeof(*shown));
    if (!shown)
        abort(); // a worker with an old verdict would be worse
    *shown = (struct shown){ worker, target, view };
    loop_post(worker->loop, on_shown, shown);
}

struct control_use {
    struct worker *worker;
    struct control *control;
};

static void on_control_use(void *arg)
{
    struct control_use *use = arg;
    use->worker->control = use->control;
    free(use);
}

void worker_use_control(struct worker *worker, struct control *control)
{
    struct control_use *use = malloc(sizeof(*use));
    if (!use)
        abort();
    *use = (struct control_use){ worker, control };
    loop_post(worker->loop, on_control_use, use);
}

// ---- drain --------------------------------------------------------------------------------------

static void drain_target(struct worker *worker, size_t target, uint64_t timeout_ms)
{
    worker->drains[target] = (struct drain){
        .until_ms = loop_now_ms(worker->loop) + timeout_ms,
        .quiet_ms = timeout_ms / WORKER_QUIET_SHARE,
    };
}

static void sweep(struct worker *worker)
{
    uint64_t now_ms = loop_now_ms(worker->loop);
    struct conn *conn, *next;
    LIST_FOREACH_SAFE(conn, &worker->conns, link, next) {
        const struct drain *drain = &worker->drains[conn->target];
        if (!drain->until_ms || conn->state != CONN_RELAY)
            continue;
        if (now_ms >= drain->until_ms || conn_is_idle(conn, now_ms, drain->quiet_ms))
            conn_close(conn, CLOSE_DRAINED);
    }
    sweep_if_needed(worker);
}

static void on_sweep(struct timer *timer)
{
    sweep(CONTAINER_OF(timer, struct worker, sweep));
}

static void sweep_if_needed(struct worker *worker)
{
    for (size_t i = 0; i < worker->target_count; i++) {
        bool any = atomic_load_explicit(&worker->target_open[i], memory_order_relaxed) > 0;
        if (worker->drains[i].until_ms && any && !timer_is_running(&worker->sweep))
            timer_start(&worker->sweep, WORKER_SWEEP_MS);
    }
}

struct drain_order {
    struct worker *worker;
    uint64_t timeout_ms;
};

static void on_drain(void *arg)
{
    struct drain_order *order = arg;
    struct worker *worker = order->worker;
    worker->draining = true;
    for (size_t i = 0; i < worker->target_count; i++)
        drain_target(worker, i, order->timeout_ms);
    free(order);

    struct err err;
    refusal_draining(&err);
    struct conn *conn, *next;
    LIST_FOREACH_SAFE(conn, &worker->conns, link, next)
        if (conn->state < CONN_RELAY)
            conn_refuse(conn, &err);
    sweep_if_needed(worker);
    if (LIST_EMPTY(&worker->conns) && !worker->drained_told) {
        worker->drained_told = true;
        home_tell_drained(worker->home);
    }
}

void worker_drain(struct worker *worker, uint64_t timeout_ms)
{
    struct drain_order *order = malloc(sizeof(*order));
    if (!order)
        abort();
    *order = (struct drain_order){ worker, timeout_ms };
    loop_post(worker->loop, on_drain, order);
}

// ---- life ---------------------------------------------------------------------------------------

static void on_stop(void *arg)
{
    struct worker *worker = arg;
    worker->stopping = true;
    struct conn *conn, *next;
    LIST_FOREACH_SAFE(conn, &worker->conns, link, next)
        conn_close(conn, CLOSE_STOPPED);
    timer_stop(&worker->sweep);
    loop_stop(worker->loop);
}

static void *worker_main(void *arg)
{
    struct worker *worker = arg;
    loop_run(worker->loop);
    return NULL;
}

static void worker_free(struct worker *worker)
{
    loop_free(worker->loop); // what was still in the mailbox is closed by on_taken
    for (size_t i = 0; worker->views && i < worker->target_count; i++)
        view_unref(worker->views[i]);
    free(worker->views);
    free(worker->drains);
    free(worker->target_open);
    free(worker->scratch);
    home_unref(worker->home);
    free(worker);
}

struct worker *worker_start(size_t target_count, struct home *home, struct err *err)
{
    struct worker *worker = calloc(1, sizeof(*worker));
    if (!worker) {
        err_set(err, ERR_MEMORY, "out of memory for a worker");
        return NULL;
    }
    worker->target_count = target_count;
    worker->home = home_ref(home);
    LIST_INIT(&worker->conns);
    TAILQ_INIT(&worker->waiting);
    worker->views = calloc(target_count, sizeof(struct view *));
    worker->drains = calloc(target_count, sizeof(struct drain));
    worker->target_open = calloc(target_count, sizeof(*worker->target_open));
    worker->scratch = malloc(RELAY_SCRATCH_BYTES);
    worker->loop = loop_new("worker", err);
    if (!worker->views || !worker->drains || !worker->target_open || !worker->scratch ||
        !worker->loop) {
        if (worker->loop)
            err_set(err, ERR_MEMORY, "out of memory for a worker");
        worker_free(worker);
        return NULL;
    }
    timer_init(&worker->sweep, worker->loop, on_sweep);
    int sys = pthread_create(&worker->thread, NULL, worker_main, worker);
    if (sys) {
        err_sys(err, ERR_INTERNAL, sys, "cannot start a worker thread");
        worker_free(worker);
        return NULL;
    }
    return worker;
}

void worker_stop(struct worker *worker)
{
    if (!worker)
        return;
    loop_post(worker->loop, on_stop, worker);
    pthread_join(worker->thread, NULL);
    worker_free(worker);
}
