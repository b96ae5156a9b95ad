// SPDX-License-Identifier: Apache-2.0
//
// The worker's thread: takes connections and views from the main thread's messages, drains, stops.
// What a connection does is conn.c's.
#include "proxy/worker.h"

#include "base/confine.h"
#include "base/log.h"
#include "base/os.h"
#include "control/control.h"
#include "proxy/home.h"
#include "proxy/refusal.h"
#include "proxy/relay.h"
#include "proxy/sweep.h"
#include "proxy/view.h"
#include "proxy/wake.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    WORKER_SETUPS = 64, // kept for the next connections
    // A session counts as idle after this share of the drain's time without a byte, where more than
    // that cannot be told of it.
    WORKER_QUIET_SHARE = 3,
};

// ---- messages from the main thread --------------------------------------------------------------

static void on_arrival(void *arg)
{
    struct arrival *arrival = arg;
    struct worker *worker = arrival->worker;
    bool started = false;
    if (worker->stopping)
        close(arrival->client_fd);
    else
        started = conn_start(arrival);
    if (!started) {
        atomic_fetch_sub_explicit(&worker->counters.open, 1, memory_order_relaxed);
        if (arrival->listener != CONN_NO_PLACE)
            atomic_fetch_sub_explicit(
                &worker->listener_open[arrival->listener], 1, memory_order_relaxed);
    }
    free(arrival->refusal);
    free(arrival);
}

void worker_take(struct worker *worker, const struct arrival *arrival)
{
    struct arrival *copy = malloc(sizeof(*copy));
    if (!copy) {
        close(arrival->client_fd);
        free(arrival->refusal);
        return;
    }
    *copy = *arrival;
    copy->worker = worker;
    atomic_fetch_add_explicit(&worker->counters.open, 1, memory_order_relaxed);
    if (copy->listener != CONN_NO_PLACE)
        atomic_fetch_add_explicit(&worker->listener_open[copy->listener], 1, memory_order_relaxed);
    loop_post(worker->loop, on_arrival, copy);
}

struct shown {
    struct worker *worker;
    size_t target;
    struct view *view;
};

static void drain_target(struct worker *worker, size_t target, uint64_t timeout_ms);
static void drain_strays(struct worker *worker, size_t target, const struct view *before);

static void on_shown(void *arg)
{
    struct shown *shown = arg;
    struct worker *worker = shown->worker;
    size_t target = shown->target;
    struct view *before = worker->views[target];
    worker->views[target] = shown->view;

    // While the whole proxy drains, its deadline stands whatever the verdicts say.
    if (!worker->draining && !shown->view->verdict.drain)
        worker->drains[target] = (struct drain){ 0 };
    else if (!worker->drains[target].until_ms)
        drain_target(worker, target, shown->view->options.drain_timeout_ms);

    drain_strays(worker, target, before);
    if (!before || !view_same_tls(before, shown->view))
        tickets_empty(&worker->tickets[target]);
    view_unref(before);
    spares_see(&worker->spares[target]);
    struct conn_setup *setup, *next;
    TAILQ_FOREACH_SAFE(setup, &worker->waiting, wait_link, next)
        if (setup->conn->target == target)
            conn_see(setup->conn, shown->view);
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

struct wake_order {
    struct worker *worker;
    struct wake_plan plan;
};

static void on_wake(void *arg)
{
    struct wake_order *order = arg;
    if (!order->worker->stopping)
        wake_connections(order->worker, &order->plan);
    free(order);
}

void worker_wake(struct worker *worker, const struct wake_plan *plan)
{
    struct wake_order *order = malloc(sizeof(*order));
    if (!order)
        abort();
    *order = (struct wake_order){ worker, *plan };
    loop_post(worker->loop, on_wake, order);
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

// ---- setups -------------------------------------------------------------------------------------

struct conn_setup *worker_take_setup(struct worker *worker)
{
    struct conn_setup *setup = worker->unused_setups;
    if (!setup)
        return calloc(1, sizeof(*setup));
    worker->unused_setups = setup->next;
    worker->unused_setup_count--;
    memset(setup, 0, sizeof(*setup));
    return setup;
}

void worker_give_setup(struct worker *worker, struct conn_setup *setup)
{
    if (worker->unused_setup_count >= WORKER_SETUPS) {
        free(setup);
        return;
    }
    setup->next = worker->unused_setups;
    worker->unused_setups = setup;
    worker->unused_setup_count++;
}

static void free_setups(struct worker *worker)
{
    while (worker->unused_setups) {
        struct conn_setup *setup = worker->unused_setups;
        worker->unused_setups = setup->next;
        free(setup);
    }
}

struct tickets *worker_tickets(struct worker *worker, size_t target, const struct view *view)
{
    return view_same_tls(view, worker->views[target]) ? &worker->tickets[target] : NULL;
}

// ---- the lists of connections ------------------------------------------------------------------

void worker_busy(struct worker *worker, struct conn *conn)
{
    conn->is_busy = true;
    LIST_REMOVE(conn, link);
    LIST_INSERT_HEAD(&worker->busy, conn, link);
    if (!worker->sweep.is_running)
        sweep_if_needed(worker);
}

void worker_quiet(struct worker *worker, struct conn *conn)
{
    conn->is_busy = false;
    LIST_REMOVE(conn, link);
    LIST_INSERT_HEAD(&worker->quiet, conn, link);
}

static void tell_if_drained(struct worker *worker)
{
    bool is_empty =
        LIST_EMPTY(&worker->busy) && LIST_EMPTY(&worker->quiet) && LIST_EMPTY(&worker->closed);
    if (!worker->draining || !is_empty || worker->drained_told)
        return;
    worker->drained_told = true;
    home_tell_drained(worker->home);
}

static void reap(struct deferred *deferred)
{
    struct worker *worker = CONTAINER_OF(deferred, struct worker, reap);
    while (!LIST_EMPTY(&worker->closed))
        conn_reap(LIST_FIRST(&worker->closed));
    tell_if_drained(worker);
}

void worker_reap_later(struct worker *worker, struct conn *conn)
{
    LIST_REMOVE(conn, link);
    LIST_INSERT_HEAD(&worker->closed, conn, link);
    loop_defer(worker->loop, &worker->reap, reap);
}

void worker_leave_listener(struct worker *worker, struct conn *conn)
{
    if (conn->listener == CONN_NO_PLACE)
        return;
    atomic_fetch_sub_explicit(&worker->listener_open[conn->listener], 1, memory_order_relaxed);
    conn->listener = CONN_NO_PLACE;
}

void worker_leave(struct worker *worker, struct conn *conn)
{
    worker_leave_listener(worker, conn);
    atomic_fetch_sub_explicit(&worker->counters.open, 1, memory_order_relaxed);
}

// ---- drain --------------------------------------------------------------------------------------

// At the end of the time a pause between two statements is better than a cut within one; until then
// who is not idle is let alone, unless `at_once`.
static struct drain make_drain(struct worker *worker, uint64_t timeout_ms, bool at_once)
{
    uint64_t now_ms = loop_now_ms(worker->loop);
    uint64_t quiet_ms = timeout_ms / WORKER_QUIET_SHARE;
    return (struct drain){
        .until_ms = now_ms + timeout_ms,
        .quiet_ms = quiet_ms,
        .at_once_ms = at_once ? now_ms : now_ms + timeout_ms - quiet_ms,
    };
}

static void drain_target(struct worker *worker, size_t target, uint64_t timeout_ms)
{
    worker->drains[target] = make_drain(worker, timeout_ms, false);
}

// dns-drain: from now on the connections to addresses that the cluster no longer has are let end. A
// further change while they do gives all of them the whole time again.
static void drain_strays(struct worker *worker, size_t target, const struct view *before)
{
    const struct view *view = worker->views[target];
    bool is_news = !before || !before->options.dns_drain || before->addrs != view->addrs;
    if (!view->options.dns_drain)
        worker->stray_drains[target] = (struct drain){ 0 };
    else if (view->addrs && is_news)
        worker->stray_drains[target] = make_drain(worker, view->options.drain_timeout_ms, false);
}

struct drain_order {
    struct worker *worker;
    struct worker_drain_plan plan;
};

static void refuse_who_waits(struct worker *worker)
{
    struct err err;
    refusal_draining(&err);
    struct conn *conn, *next;
    LIST_FOREACH_SAFE(conn, &worker->quiet, link, next)
        if (conn->state < CONN_RELAY)
            conn_refuse(conn, &err);
}

static void on_drain(void *arg)
{
    struct drain_order *order = arg;
    struct worker *worker = order->worker;
    worker->draining = true;
    for (size_t i = 0; i < worker->target_count; i++)
        worker->drains[i] = make_drain(worker, order->plan.timeout_ms, order->plan.at_once);
    for (size_t i = 0; i < worker->target_count; i++)
        spares_done(&worker->spares[i]);
    if (!order->plan.serves_waiting)
        refuse_who_waits(worker);
    free(order);
    sweep_if_needed(worker);
    tell_if_drained(worker);
}

void worker_drain(struct worker *worker, const struct worker_drain_plan *plan)
{
    struct drain_order *order = malloc(sizeof(*order));
    if (!order)
        abort();
    *order = (struct drain_order){ worker, *plan };
    loop_post(worker->loop, on_drain, order);
}

// ---- life ---------------------------------------------------------------------------------------

// The programs of jumps have ended with their connections.
static void on_no_children(void *arg)
{
    struct worker *worker = arg;
    loop_stop(worker->loop);
}

static void on_stop(void *arg)
{
    struct worker *worker = arg;
    worker->stopping = true;
    for (size_t i = 0; i < worker->target_count; i++)
        spares_done(&worker->spares[i]);
    while (!LIST_EMPTY(&worker->busy))
        conn_close(LIST_FIRST(&worker->busy), CLOSE_STOPPED);
    while (!LIST_EMPTY(&worker->quiet))
        conn_close(LIST_FIRST(&worker->quiet), CLOSE_STOPPED);
    ticker_stop(&worker->sweep);
    timer_stop(&worker->cut);
    jump_children_stop(&worker->children, on_no_children, worker);
}

static void use_batch_scheduling(void)
{
    int sys = os_batch_scheduling();
    if (sys)
        log_facts(
            LOG_WARN, "scheduling = batch is not possible", "reason", err_errno_text(sys), NULL);
}

static void *worker_main(void *arg)
{
    struct worker *worker = arg;
    sigset_t pipe_signal;
    sigemptyset(&pipe_signal);
    sigaddset(&pipe_signal, SIGPIPE); // splice(2) has no MSG_NOSIGNAL
    pthread_sigmask(SIG_BLOCK, &pipe_signal, NULL);
    if (worker->is_batch)
        use_batch_scheduling();
    loop_run(worker->loop);
    return NULL;
}

static void worker_free(struct worker *worker)
{
    ticker_done(&worker->sweep);
    ticker_done(&worker->ageing);
    loop_free(worker->loop); // what was still in the mailbox is closed by on_arrival
    for (size_t i = 0; worker->views && i < worker->target_count; i++)
        view_unref(worker->views[i]);
    for (size_t i = 0; worker->paths && i < worker->target_count; i++)
        paths_done(&worker->paths[i]);
    free_setups(worker);
    io_pool_done(&worker->io);
    stream_pool_done(&worker->pipes);
    free(worker->views);
    free(worker->drains);
    free(worker->stray_drains);
    free(worker->paths);
    free(worker->spares);
    for (size_t i = 0; worker->tickets && i < worker->target_count; i++)
        tickets_empty(&worker->tickets[i]);
    free(worker->tickets);
    free(worker->tallies);
    free(worker->closings);
    free(worker->listener_open);
    free(worker->scratch);
    home_unref(worker->home);
    free(worker);
}

static void on_spares_age(struct ticker *ticker)
{
    struct worker *worker = CONTAINER_OF(ticker, struct worker, ageing);
    worker->ageing_ms = UINT64_MAX;
    for (size_t i = 0; i < worker->target_count; i++)
        spares_see(&worker->spares[i]);
}

static bool make_arrays(struct worker *worker)
{
    size_t targets = worker->target_count;
    worker->views = calloc(targets, sizeof(struct view *));
    worker->drains = calloc(targets, sizeof(*worker->drains));
    worker->stray_drains = calloc(targets, sizeof(*worker->stray_drains));
    worker->paths = calloc(targets, sizeof(*worker->paths));
    worker->spares = calloc(targets, sizeof(*worker->spares));
    worker->tickets = calloc(targets, sizeof(*worker->tickets));
    worker->tallies = calloc(targets, sizeof(*worker->tallies));
    worker->closings = calloc(1, sizeof(*worker->closings));
    worker->listener_open = calloc(worker->listener_count + 1, sizeof(*worker->listener_open));
    worker->scratch = malloc(IO_BYTES_MAX);
    return worker->views && worker->drains && worker->stray_drains && worker->paths &&
           worker->spares && worker->tickets && worker->tallies && worker->closings &&
           worker->listener_open && worker->scratch;
}

static struct worker *worker_new(const struct worker_plan *plan, struct home *home, struct err *err)
{
    struct worker *worker = calloc(1, sizeof(*worker));
    if (!worker) {
        err_set(err, ERR_MEMORY, "out of memory for a worker");
        return NULL;
    }
    worker->index = plan->index;
    worker->worker_count = plan->worker_count;
    worker->target_count = plan->target_count;
    worker->listener_count = plan->listener_count;
    worker->is_batch = plan->options->batch;
    worker->home = home_ref(home);
    LIST_INIT(&worker->busy);
    LIST_INIT(&worker->quiet);
    LIST_INIT(&worker->closed);
    TAILQ_INIT(&worker->waiting);
    worker->ageing_ms = UINT64_MAX;
    worker->loop = loop_new("worker", err);
    if (!worker->loop) {
        worker_free(worker);
        return NULL;
    }
    jump_children_init(&worker->children, worker->loop);
    worker->io.children = &worker->children;
    timer_init(&worker->cut, worker->loop, wake_on_cut_timer);
    if (make_arrays(worker) && ticker_init(&worker->sweep, worker->loop, sweep_on_tick) &&
        ticker_init(&worker->ageing, worker->loop, on_spares_age))
        return worker;
    err_sys(err, ERR_INTERNAL, errno, "cannot set up a worker");
    worker_free(worker);
    return NULL;
}

struct worker *worker_start(const struct worker_plan *plan, struct home *home, struct err *err)
{
    struct worker *worker = worker_new(plan, home, err);
    if (!worker)
        return NULL;
    for (size_t i = 0; i < worker->target_count; i++)
        spares_init(&worker->spares[i], worker, i);
    for (size_t i = 0; plan->options->proves_way && worker->index == 0 && i < worker->target_count;
         i++)
        spares_prove(&worker->spares[i]);
    loop_busy_poll(worker->loop, plan->options->busy_poll_us);
    int sys = confine_thread_start(&worker->thread, NULL, worker_main, worker);
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
