// SPDX-License-Identifier: Apache-2.0
//
// Which connections there are. They live on the workers' threads, so each worker is asked by a
// message, looks at its own, and answers by a message with the few that were asked for: nobody
// waits for anybody, and a connection that is relayed pays nothing for it. Main thread, but for
// what is said to be a worker's.
#pragma once

#include "proxy/closings.h"
#include "proxy/conn.h"

struct census;
struct loop;
struct worker;

enum census_order {
    CENSUS_NEWEST = 0,
    CENSUS_OLDEST,
    CENSUS_IDLE,  // for the longest time first
    CENSUS_BYTES, // most first, both directions together
    CENSUS_ORDERS
};
enum {
    CENSUS_LIMIT_MAX = 500,
    CENSUS_WORKERS_MAX = 64, // as many as the option `threads` allows
    CENSUS_ALL_TARGETS = UINT16_MAX,
    CENSUS_PATIENCE_MS = 1000,
    CENSUS_QUESTIONS_MAX = 4 // that wait for a worker; who has so many is not asked: it is stuck
};

struct census_plan {
    enum census_order order;
    size_t limit;    // at most CENSUS_LIMIT_MAX
    uint16_t target; // or CENSUS_ALL_TARGETS
    uint64_t kill;   // the id of a connection to end, and nothing else is asked for; 0: none
};

// Valid during the callback.
struct census_result {
    uint64_t now_ms; // loop time, against which the facts' times stand
    size_t seen;     // connections that were looked at
    size_t silent;   // workers that have not answered in time
    size_t row_count, closing_count;
    const struct conn_facts *rows[CENSUS_LIMIT_MAX];    // the first of all, in order
    const struct closing_entry *closings[CLOSINGS_MAX]; // the last ones, newest first
    bool killed;                                        // the connection was there and was ended
};
typedef void (*census_fn)(void *arg, const struct census_result *result);

// Calls fn once, on a later turn of `loop`, when every worker has answered, or after
// CENSUS_PATIENCE_MS with what has come; unless census_cancel comes first. NULL: out of memory.
struct census *census_start(struct loop *loop, struct worker *const *workers, size_t worker_count,
    const struct census_plan *plan, census_fn fn, void *arg) MUST_CHECK;
// Before fn was called only; fn is never called afterwards. NULL is allowed.
void census_cancel(struct census *census);
