// SPDX-License-Identifier: Apache-2.0
//
// Asks the control API about the followed targets, round after round, and applies the answers to
// what is believed. Up to three clusters are asked about one by one, more by one list for each
// project. The loop's thread only.
#pragma once

#include "control/api.h"
#include "control/round.h"

struct loop;
struct poller;

// A round has ended, well or not. Not a place to free the poller.
typedef void (*poller_fn)(void *arg);

struct poller_options {
    struct round_options round;
    uint64_t steady_ms, changing_ms;
};

struct poller_counters {
    uint64_t requests, failures;
    struct api_quota quota; // of the last answer that told it
    int64_t next_poll;      // wall clock; 0: a round is under way
    bool polled;            // a round has ended
};

// `belief` is the caller's, who leaves it alone during a round except for reading.
struct poller *poller_new(struct loop *loop, struct api *api, struct model *belief,
    const struct poller_options *options, poller_fn fn, void *arg);
void poller_free(struct poller *poller);  // NULL is allowed; no callback afterwards
void poller_start(struct poller *poller); // the first round begins soon

// Other intervals, counted from the end of the last round on.
void poller_use_intervals(struct poller *poller, uint64_t steady_ms, uint64_t changing_ms);
// Brings the next round forward, but never two rounds in a row.
void poller_nudge(struct poller *poller);

// This machine may be in another network, or slept for so long: begins a round now, over a
// connection of its own, and again if one hangs, at most every five seconds unless it slept. Not
// within ten seconds of an answer, nor within a pause that the API asked for; what was slept
// counts.
void poller_wake(struct poller *poller, uint64_t slept_ms);

const struct round_target *poller_target(const struct poller *poller, size_t target);
// What went wrong first in the last round; code ERR_NONE: nothing.
const struct err *poller_failure(const struct poller *poller);
const struct poller_counters *poller_counters(const struct poller *poller);
