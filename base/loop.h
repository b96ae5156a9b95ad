// SPDX-License-Identifier: Apache-2.0
//
// An event loop that belongs to one thread: watches on descriptors, timers, work at the end of a
// turn, and a mailbox through which other threads hand work over. Built on libevent; nothing
// outside this file and the users of libevent's own modules (evhttp, c-ares and curl glue) knows
// that.
//
// The loop measures itself: a turn is the time between the wait's return and the next wait, and the
// longest turn is readable from any thread. A long turn is a stall for everyone on this loop. A
// callback of libevent's own modules starts the measure only when it asks for loop_now_ms.
#pragma once

#include "base/defs.h"

#include <event2/event_struct.h>
#include <stdbool.h>
#include <stdint.h>

struct err;
struct event_base;
struct loop;

// Any thread may create it; the thread that calls loop_run owns it from then on.
struct loop *loop_new(const char *name, struct err *err) MUST_CHECK;
// After loop_run returned (or was never called). Messages not yet delivered run their function
// here, on the caller's thread, so that what they own is freed.
void loop_free(struct loop *loop);
// Runs until loop_stop; may be called again afterwards.
void loop_run(struct loop *loop);
void loop_stop(struct loop *loop); // on the loop's own thread; elsewhere by loop_post
// From now on the loop looks for the next event for up to so long before it sleeps, as long as the
// last one came that fast; 0: never. Before loop_run, or on the loop's own thread.
void loop_busy_poll(struct loop *loop, uint64_t busy_poll_us);
// For libevent's own modules.
struct event_base *loop_base(struct loop *loop);

// The only call that crosses threads: fn(arg) runs on the loop's thread, in the order of posting,
// never inside this call. Ownership of arg moves with it. Cannot fail (out of memory aborts).
typedef void (*loop_fn)(void *arg);
void loop_post(struct loop *loop, loop_fn fn, void *arg);
// Aborts when called on another thread than the one that runs the loop.
void loop_assert_here(const struct loop *loop);

// Monotonic milliseconds, read once per turn. The loop's thread only.
uint64_t loop_now_ms(struct loop *loop);
// The longest turn so far in microseconds, and the number of turns over 100 ms. Any thread.
uint64_t loop_stall_max_us(const struct loop *loop);
uint64_t loop_stalls(const struct loop *loop);

// A sign of life. loop_ask posts one question, which the loop answers by turning; loop_silent_us is
// for how long the oldest question has had no answer, or the turn that is under way has lasted,
// whichever is more; 0: it waits for events and has answered. Nothing runs between questions, so
// whoever watches asks again and again. Any thread.
void loop_ask(struct loop *loop);
uint64_t loop_silent_us(const struct loop *loop);

// ---- watches: one per descriptor -------------------------------------------------------------

// Level-triggered. A peer that closed or reset is READ as well.
enum { WATCH_READ = 0x02, WATCH_WRITE = 0x04 };

struct watch;
typedef void (*watch_fn)(struct watch *watch, unsigned what);
// Embedded in its owner, which the callback finds with CONTAINER_OF.
struct watch {
    struct event event;
    watch_fn fn;
};

// fd stays the caller's. Nothing is watched until watch_want.
void watch_init(struct watch *watch, struct loop *loop, int fd, watch_fn fn);
// Sets what is wanted, 0 for nothing; no system call when it is what it was.
void watch_want(struct watch *watch, unsigned wanted);
unsigned watch_wanted(const struct watch *watch);
void watch_call(struct watch *watch, watch_fn fn); // from the next event on
// Before the descriptor is closed. No callback afterwards.
void watch_stop(struct watch *watch);

// ---- timers -----------------------------------------------------------------------------------

struct timer;
typedef void (*timer_fn)(struct timer *timer);
struct timer {
    struct event event;
    timer_fn fn;
};

void timer_init(struct timer *timer, struct loop *loop, timer_fn fn);
void timer_start(struct timer *timer, uint64_t after_ms); // once; a running one is moved
void timer_stop(struct timer *timer);
bool timer_is_running(const struct timer *timer);

// ---- tickers: for what runs beside traffic ------------------------------------------------------

// A timer of the kernel's that is watched like a socket, where the kernel has some
// (timerfd_create(2)). A struct timer that is
// running makes every wait of its loop set up and take down a timer in the kernel, a thirtieth of
// the cost of a relayed query; a ticker costs nothing until it runs out.
struct ticker;
typedef void (*ticker_fn)(struct ticker *ticker);
struct ticker {
    struct watch watch;
    struct timer timer; // where there is no such timer
    ticker_fn fn;
    int fd;
    bool is_running;
};

bool ticker_init(struct ticker *ticker, struct loop *loop, ticker_fn fn) MUST_CHECK; // errno
void ticker_start(struct ticker *ticker, uint64_t after_ms); // once; a running one is moved
void ticker_stop(struct ticker *ticker);
void ticker_done(struct ticker *ticker); // also of zeroed memory

// ---- end of turn ------------------------------------------------------------------------------

// fn runs once at the end of this turn, after every callback of the turn: the place to free what a
// callback still stands on. Embedded in its owner; the loop's thread only.
struct deferred {
    TAILQ_ENTRY(deferred) link;
    void (*fn)(struct deferred *deferred);
    bool queued;
};
void loop_defer(struct loop *loop, struct deferred *deferred, void (*fn)(struct deferred *));
