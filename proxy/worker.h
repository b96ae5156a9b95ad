// SPDX-License-Identifier: Apache-2.0
//
// A worker: a thread with a loop of its own, the connections that live on it, the current view of
// every target, and counters. The main thread talks to it by messages only and reads its counters.
#pragma once

#include "base/err.h"
#include "proxy/closings.h"
#include "proxy/conn.h"
#include "proxy/jump_child.h"
#include "proxy/paths.h"
#include "proxy/spare.h"
#include "proxy/stream.h"
#include "proxy/tally.h"
#include "proxy/tickets.h"

#include <pthread.h>
#include <stdatomic.h>

struct control;
struct home;
struct proxy_options;
struct view;
struct wake_plan;
struct worker;

// Written by the worker (open also by the main thread), read by anyone; relaxed.
struct worker_counters {
    _Atomic uint64_t open; // admitted and not reaped; raised by the main thread at hand-over
    _Atomic uint64_t steps[CONN_STATES]; // connections by the step they are in
    _Atomic uint64_t client_bytes, server_bytes;
    _Atomic uint64_t refused[ERR_CODES];
    _Atomic uint64_t closed[CLOSE_REASONS];
    _Atomic uint64_t unchecked;
    _Atomic uint64_t broken; // refused at once, because nothing answered a moment ago
    _Atomic uint64_t dials, dial_failures, dial_races;
    _Atomic uint64_t tls_handshakes, tls_resumed, tls_failures; // with clusters
    _Atomic uint64_t spares_used, spares_discarded;
};

// Running connections of a target are let end, and made to.
struct drain {
    uint64_t until_ms; // loop time at which the rest is forced; 0: no drain
    uint64_t quiet_ms; // without a byte for so long a session counts as idle
    // From then on it ends as soon as it is between two statements and in no transaction, where
    // that can be told.
    uint64_t at_once_ms;
};

// What the worker's own thread uses; conn.c and its steps look inside.
struct worker {
    struct loop *loop;
    pthread_t thread;
    size_t index, worker_count; // which of how many
    bool is_batch;              // scheduling = batch
    bool stopping;
    struct home *home;       // how the main thread is told things; a reference
    struct control *control; // NULL: none
    uint8_t *scratch;        // IO_BYTES_MAX, between a read and its write only
    struct view **views;     // one per target, each a reference; never NULL once connections come
    // Per target:
    struct drain *drains;
    struct drain *stray_drains; // of the connections to addresses that the cluster no longer has
    struct paths *paths;
    struct spares *spares;
    struct tickets *tickets;
    struct target_tally *tallies;
    size_t target_count;
    _Atomic uint64_t *listener_open; // per listener: places taken; raised by the main thread
    size_t listener_count;
    size_t next_source; // whose turn it is
    struct conn_setup *unused_setups;
    size_t unused_setup_count;
    struct io_pool io;
    struct jump_children children;
    struct stream_pool pipes;
    bool draining; // all targets, for good
    bool drained_told;
    struct ticker sweep;  // see sweep.h
    bool sweeps_fast;     // because something drains
    uint64_t swept_ms;    // the last look of a second
    uint64_t asked_ms;    // when servers were questioned last, see wake.h
    struct timer cut;     // when connections without a way are looked at again, see wake.h
    struct ticker ageing; // the oldest spare's end
    uint64_t ageing_ms;   // when; UINT64_MAX: not running
    // A connection is on one of the first three: the sweep looks at it, need not, it is closed.
    LIST_HEAD(, conn) busy, quiet, closed;
    TAILQ_HEAD(, conn_setup) waiting; // for a new view
    struct deferred reap;
    struct closings *closings;  // the last ones
    _Atomic unsigned questions; // of censuses, in the mailbox: raised by the main thread
    struct worker_counters counters;
};

// ---- main thread ------------------------------------------------------------------------------

// How many of what a worker has to do with.
struct worker_plan {
    size_t index, worker_count;
    size_t target_count, listener_count;
    const struct proxy_options *options; // read at the start only
};

// The thread runs when this returns. Signals must be blocked by the caller.
struct worker *worker_start(
    const struct worker_plan *plan, struct home *home, struct err *err) MUST_CHECK;
// Ends every connection now, joins the thread, frees. NULL is allowed.
void worker_stop(struct worker *worker);
// Hands over an accepted socket with everything that `arrival` owns. Cannot fail in a burst: the
// mailbox has no bound.
void worker_take(struct worker *worker, const struct arrival *arrival);
// Takes over a reference on the view.
void worker_show(struct worker *worker, size_t target, struct view *view);
// Something happened to this machine: see wake.h.
void worker_wake(struct worker *worker, const struct wake_plan *plan);
void worker_use_control(struct worker *worker, struct control *control);
struct worker_drain_plan {
    uint64_t timeout_ms;
    bool at_once;        // see struct drain
    bool serves_waiting; // their listener lives on: nobody who came to it is refused
};
// Ends the running connections, see sweep.h, all after timeout_ms; home hears when none is left.
// Who waits is refused or served.
void worker_drain(struct worker *worker, const struct worker_drain_plan *plan);

// ---- the worker's thread ----------------------------------------------------------------------

// Counters with one writer need no locked instruction.
static inline void worker_count(_Atomic uint64_t *counter, int64_t change)
{
    uint64_t value = atomic_load_explicit(counter, memory_order_relaxed);
    atomic_store_explicit(counter, value + (uint64_t)change, memory_order_relaxed);
}

// Zeroed. They come and go with every connection; from a pool they leave no holes in the heap
// between the connections that stay.
struct conn_setup *worker_take_setup(struct worker *worker); // NULL: out of memory
void worker_give_setup(struct worker *worker, struct conn_setup *setup);
// For a session under `view`. NULL when the target has another one by now: what is verified under
// one is not resumed under the other, in neither direction.
struct tickets *worker_tickets(struct worker *worker, size_t target, const struct view *view);
// Which list a connection is on.
void worker_busy(struct worker *worker, struct conn *conn);
void worker_quiet(struct worker *worker, struct conn *conn);
void worker_reap_later(struct worker *worker, struct conn *conn); // closed: freed at the turn's end
// It no longer takes a place of its listener; at all.
void worker_leave_listener(struct worker *worker, struct conn *conn);
void worker_leave(struct worker *worker, struct conn *conn);
