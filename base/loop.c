// SPDX-License-Identifier: Apache-2.0
//
// The event loop: libevent's base driven one turn at a time, so that a turn has a beginning that
// can be timed and an end at which things can be freed safely. loop_post is the only function here
// that other threads may call.
#include "base/loop.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/os.h"

#include <errno.h>
#include <event2/event.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

enum { LOOP_STALL_US = 100 * 1000 };

struct message {
    STAILQ_ENTRY(message) link;
    loop_fn fn;
    void *arg;
};
STAILQ_HEAD(message_queue, message);

struct loop {
    struct event_base *base;
    const char *name;
    bool stopped;

    pthread_t thread; // valid while running
    atomic_bool running;

    struct os_bell mailbox_bell; // rings while messages wait
    struct watch mailbox_watch;
    pthread_mutex_t mutex; // guards messages
    struct message_queue messages;

    TAILQ_HEAD(, deferred) deferred;

    uint64_t busy_poll_us; // 0: never
    bool spins;            // the last event came within busy_poll_us

    bool in_turn;
    uint64_t turn_start_us;
    _Atomic uint64_t turning_since_us; // 0: it waits
    _Atomic uint64_t asked_us;         // 0: no question is open
    _Atomic uint64_t stall_max_us;
    _Atomic uint64_t stalls;
};

// The loop that the calling thread runs: how the callbacks of watches and timers, which libevent
// calls with nothing but their own address, find it.
static _Thread_local struct loop *here;

static void turn_begin(struct loop *loop)
{
    if (loop->in_turn)
        return;
    loop->in_turn = true;
    loop->turn_start_us = clock_us();
    atomic_store_explicit(&loop->turning_since_us, loop->turn_start_us, memory_order_relaxed);
}

static void turn_end(struct loop *loop)
{
    struct deferred *deferred;
    while ((deferred = TAILQ_FIRST(&loop->deferred))) {
        TAILQ_REMOVE(&loop->deferred, deferred, link);
        deferred->queued = false;
        deferred->fn(deferred);
    }
    if (!loop->in_turn)
        return;
    loop->in_turn = false;
    atomic_store_explicit(&loop->turning_since_us, 0, memory_order_relaxed);
    uint64_t took_us = clock_us() - loop->turn_start_us;
    if (took_us > atomic_load_explicit(&loop->stall_max_us, memory_order_relaxed))
        atomic_store_explicit(&loop->stall_max_us, took_us, memory_order_relaxed);
    if (took_us > LOOP_STALL_US) {
        atomic_fetch_add_explicit(&loop->stalls, 1, memory_order_relaxed);
        log_debug("loop %s stalled for %llu ms", loop->name, (unsigned long long)took_us / 1000);
    }
}

// ---- mailbox ------------------------------------------------------------------------------------

static void deliver(struct loop *loop)
{
    struct message_queue taken = STAILQ_HEAD_INITIALIZER(taken);
    pthread_mutex_lock(&loop->mutex);
    STAILQ_CONCAT(&taken, &loop->messages);
    pthread_mutex_unlock(&loop->mutex);

    struct message *message;
    while ((message = STAILQ_FIRST(&taken))) {
        STAILQ_REMOVE_HEAD(&taken, link);
        message->fn(message->arg);
        free(message);
    }
}

static void on_mail(struct watch *watch, unsigned what)
{
    struct loop *loop = CONTAINER_OF(watch, struct loop, mailbox_watch);
    (void)what;
    // Quiet before the queue is taken: a message posted in between rings again.
    os_bell_quiet(&loop->mailbox_bell);
    deliver(loop);
}

void loop_post(struct loop *loop, loop_fn fn, void *arg)
{
    struct message *message = malloc(sizeof(*message));
    if (!message)
        abort();
    *message = (struct message){ .fn = fn, .arg = arg };
    pthread_mutex_lock(&loop->mutex);
    bool was_empty = STAILQ_EMPTY(&loop->messages);
    STAILQ_INSERT_TAIL(&loop->messages, message, link);
    pthread_mutex_unlock(&loop->mutex);
    if (was_empty)
        os_bell_ring(&loop->mailbox_bell);
}

// ---- life ---------------------------------------------------------------------------------------

static struct event_base *base_new(void)
{
    struct event_config *config = event_config_new();
    if (!config)
        return NULL;
    // No other thread ever touches this base: loop_post has its own lock and bell.
    event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK);
    struct event_base *base = event_base_new_with_config(config);
    event_config_free(config);
    return base;
}

struct loop *loop_new(const char *name, struct err *err)
{
    struct loop *loop = calloc(1, sizeof(*loop));
    if (!loop) {
        err_set(err, ERR_MEMORY, "out of memory for the %s loop", name);
        return NULL;
    }
    loop->name = name;
    loop->mailbox_bell = (struct os_bell){ -1, -1 };
    pthread_mutex_init(&loop->mutex, NULL);
    STAILQ_INIT(&loop->messages);
    TAILQ_INIT(&loop->deferred);
    loop->base = base_new();
    if (!loop->base || !os_bell_open(&loop->mailbox_bell)) {
        err_sys(err, ERR_INTERNAL, errno, "cannot set up the %s loop", name);
        loop_free(loop);
        return NULL;
    }
    watch_init(&loop->mailbox_watch, loop, loop->mailbox_bell.read_fd, on_mail);
    watch_want(&loop->mailbox_watch, WATCH_READ);
    return loop;
}

void loop_free(struct loop *loop)
{
    if (!loop)
        return;
    // What a message owns is freed by its function, which may post or defer once more.
    while (!STAILQ_EMPTY(&loop->messages) || !TAILQ_EMPTY(&loop->deferred)) {
        deliver(loop);
        turn_end(loop);
    }
    if (loop->base && loop->mailbox_bell.read_fd >= 0)
        watch_stop(&loop->mailbox_watch);
    os_bell_close(&loop->mailbox_bell);
    if (loop->base)
        event_base_free(loop->base);
    pthread_mutex_destroy(&loop->mutex);
    free(loop);
}

// Waits without sleeping for at most busy_poll_us. False when nothing happened.
static bool spin(struct loop *loop)
{
    uint64_t until_us = clock_us() + loop->busy_poll_us;
    do
        event_base_loop(loop->base, EVLOOP_NONBLOCK);
    while (!loop->in_turn && !loop->stopped && clock_us() < until_us);
    return loop->in_turn || loop->stopped;
}

// One turn. With a busy poll the loop first looks for events without sleeping, because waking a
// CPU costs more than a short wait; and it does so only while events keep coming that fast, so that
// an idle loop sleeps.
static void turn(struct loop *loop)
{
    if (!loop->busy_poll_us) {
        event_base_loop(loop->base, EVLOOP_ONCE);
    } else if (!loop->spins || !spin(loop)) {
        uint64_t start_us = clock_us();
        event_base_loop(loop->base, EVLOOP_ONCE);
        uint64_t end_us = loop->in_turn ? loop->turn_start_us : clock_us();
        loop->spins = end_us - start_us <= loop->busy_poll_us;
    }
    turn_end(loop);
}

void loop_busy_poll(struct loop *loop, uint64_t busy_poll_us)
{
    loop->busy_poll_us = busy_poll_us;
}

void loop_run(struct loop *loop)
{
    loop->thread = pthread_self();
    atomic_store(&loop->running, true);
    here = loop;
    loop->in_turn = false; // whoever asked for the time before began no turn
    atomic_store_explicit(&loop->turning_since_us, 0, memory_order_relaxed);
    while (!loop->stopped)
        turn(loop);
    loop->stopped = false;
    here = NULL;
    atomic_store(&loop->running, false);
}

void loop_stop(struct loop *loop)
{
    loop->stopped = true;
}

struct event_base *loop_base(struct loop *loop)
{
    return loop->base;
}

void loop_assert_here(const struct loop *loop)
{
    if (atomic_load(&loop->running) && here != loop)
        abort();
}

uint64_t loop_now_ms(struct loop *loop)
{
    turn_begin(loop);
    return loop->turn_start_us / 1000;
}

uint64_t loop_stall_max_us(const struct loop *loop)
{
    return atomic_load_explicit(&loop->stall_max_us, memory_order_relaxed);
}

uint64_t loop_stalls(const struct loop *loop)
{
    return atomic_load_explicit(&loop->stalls, memory_order_relaxed);
}

static void on_asked(void *arg)
{
    struct loop *loop = arg;
    atomic_store(&loop->asked_us, 0);
}

void loop_ask(struct loop *loop)
{
    uint64_t none = 0;
    if (atomic_compare_exchange_strong(&loop->asked_us, &none, clock_us()))
        loop_post(loop, on_asked, loop);
}

static uint64_t since_us(uint64_t when_us)
{
    uint64_t now_us = clock_us();
    return when_us && now_us > when_us ? now_us - when_us : 0;
}

uint64_t loop_silent_us(const struct loop *loop)
{
    uint64_t turn_us =
        since_us(atomic_load_explicit(&loop->turning_since_us, memory_order_relaxed));
    uint64_t asked_us = since_us(atomic_load(&loop->asked_us));
    return turn_us > asked_us ? turn_us : asked_us;
}

void loop_defer(struct loop *loop, struct deferred *deferred, void (*fn)(struct deferred *))
{
    loop_assert_here(loop);
    if (deferred->queued)
        return;
    deferred->queued = true;
    deferred->fn = fn;
    TAILQ_INSERT_TAIL(&loop->deferred, deferred, link);
}

// ---- watches and timers -------------------------------------------------------------------------

static void on_event(evutil_socket_t fd, short what, void *arg)
{
    struct watch *watch = arg;
    (void)fd;
    if (here)
        turn_begin(here);
    watch->fn(watch, (unsigned)what);
}

void watch_init(struct watch *watch, struct loop *loop, int fd, watch_fn fn)
{
    watch->fn = fn;
    event_assign(&watch->event, loop->base, fd, EV_PERSIST, on_event, watch);
}

// What event_pending would tell, without its cost: this is asked for every event of a relay.
unsigned watch_wanted(const struct watch *watch)
{
    bool is_added = watch->event.ev_evcallback.evcb_flags & EVLIST_INSERTED;
    return is_added ? (unsigned)watch->event.ev_events & (EV_READ | EV_WRITE) : 0;
}

void watch_call(struct watch *watch, watch_fn fn)
{
    watch->fn = fn;
}

void watch_want(struct watch *watch, unsigned wanted)
{
    if (watch_wanted(watch) == wanted)
        return;
    struct event_base *base = event_get_base(&watch->event);
    evutil_socket_t fd = event_get_fd(&watch->event);
    event_del(&watch->event);
    event_assign(&watch->event, base, fd, (short)(wanted | EV_PERSIST), on_event, watch);
    if (wanted && event_add(&watch->event, NULL) < 0)
        abort(); // epoll refused a descriptor of ours: it was closed before its watch was stopped
}

void watch_stop(struct watch *watch)
{
    event_del(&watch->event);
}

static void on_timeout(evutil_socket_t fd, short what, void *arg)
{
    struct timer *timer = arg;
    (void)fd;
    (void)what;
    if (here)
        turn_begin(here);
    timer->fn(timer);
}

void timer_init(struct timer *timer, struct loop *loop, timer_fn fn)
{
    timer->fn = fn;
    event_assign(&timer->event, loop->base, -1, 0, on_timeout, timer);
}

void timer_start(struct timer *timer, uint64_t after_ms)
{
    struct timeval after = { .tv_sec = (time_t)(after_ms / 1000),
        .tv_usec = (suseconds_t)(after_ms % 1000 * 1000) };
    if (event_add(&timer->event, &after) < 0)
        abort(); // out of memory in the timer heap
}

void timer_stop(struct timer *timer)
{
    event_del(&timer->event);
}

bool timer_is_running(const struct timer *timer)
{
    return event_pending(&timer->event, EV_TIMEOUT, NULL) != 0;
}
