// SPDX-License-Identifier: Apache-2.0
//
// A worker: a thread with a loop of its own, the connections that live on it, the current view of
// every target, and counters. The main thread talks to it by messages only and reads its counters.
#pragma once

#include "base/err.h"
#include "proxy/conn.h"

#include <pthread.h>
#include <stdatomic.h>

struct control;
struct home;
struct view;
struct worker;

// Written by the worker (open also by the main thread), read by anyone; relaxed.
struct worker_counters {
    _Atomic uint64_t open; // admitted and not reaped; raised by the main thread at hand-over
    _Atomic uint64_t steps[CONN_STATES]; // connections by the step they are in
    _Atomic uint64_t client_bytes, server_bytes;
    _Atomic uint64_t refused[ERR_CODES];
    _Atomic uint64_t closed[CLOSE_REASONS];
    _Atomic uint64_t unchecked;
};

// Running connections of a target are let end, and made to.
struct drain {
    uint64_t until_ms; // loop time at which the rest is forced; 0: no drain
    uint64_t quiet_ms; // without a byte for so long a session counts as idle
};

// What the worker's own thread uses; conn.c and its steps look inside.
struct worker {
    struct loop *loop;
    pthread_t thread;
    bool stopping;
    struct home *home;       // how the main thread is told things; a reference
    struct control *control; // NULL: none
    uint8_t *scratch;        // RELAY_SCRATCH_BYTES, between a read and its write only
    struct view **views;     // one per target, each a reference; never NULL once connections come
    struct drain *drains;    // per target
    _Atomic uint64_t *target_open; // per target: connections
    size_t target_count;
    bool draining; // all targets, for good
    bool drained_told;
    struct timer sweep; // runs only while something drains
    LIST_HEAD(, conn) conns;
    TAILQ_HEAD(, conn) waiting;
    struct worker_counters counters;
};

// ---- main thread ------------------------------------------------------------------------------

// The thread runs when this returns. Signals must be blocked by the caller.
struct worker *worker_start(size_t target_count, struct home *home, struct err *err) MUST_CHECK;
// Ends every connection now, joins the thread, frees. NULL is allowed.
void worker_stop(struct worker *worker);
// Hands over an accepted socket; `refusal` (may be NULL, copied) is told to the client. `id` is the
// connection's in every log line.
void worker_take(struct worker *worker, uint64_t id, int client_fd, size_t target,
    const char *client_name, const struct err *refusal);
// Takes over a reference on the view.
void worker_show(struct worker *worker, size_t target, struct view *view);
void worker_use_control(struct worker *worker, struct control *control);
// Refuses who waits, ends the others when idle, all after timeout_ms; home hears when none is left.
void worker_drain(struct worker *worker, uint64_t timeout_ms);

// ---- the worker's thread ----------------------------------------------------------------------

// Counters with one writer need no locked instruction.
static inline void worker_count(_Atomic uint64_t *counter, int64_t change)
{
    uint64_t value = atomic_load_explicit(counter, memory_order_relaxed);
    atomic_store_explicit(counter, value + (uint64_t)change, memory_order_relaxed);
}
