// SPDX-License-Identifier: Apache-2.0
//
// The look, once a second, at the connections of a worker that may need one: those that moved bytes
// or are owed something, those with one closed side, and all while something drains. A connection
// that is idle and acknowledged is taken off the list and costs nothing until it moves again; with
// none left nothing runs. The worker's thread only.
//
// A drain ends a connection whose session is between two statements and in no transaction, after a
// while or at once (struct drain); where that cannot be told (boundary.h), one that is idle; and
// when its time is up, all.
#pragma once

#include <stdint.h>

struct ticker;
struct worker;

enum {
    SWEEP_MS = 1000,
    SWEEP_DRAIN_MS = 200,
    // Without a byte for so long, what looks like the end of an answer is one.
    SWEEP_PAUSE_MS = 50,
    // A peer is gone when something was under way to it, was sent again, and stayed unacknowledged
    // for so many looks of a second. TCP alone would try for a quarter of an hour (tcp(7),
    // tcp_retries2).
    SWEEP_DEAD_LOOKS = 30,
    SWEEP_DEAD_PROBES = 4, // of a closed window, unanswered
};

void sweep_on_tick(struct ticker *ticker);
// Runs the ticker when there is something to look at.
void sweep_if_needed(struct worker *worker);
