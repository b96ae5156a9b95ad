// SPDX-License-Identifier: Apache-2.0
//
// Takes the steps of one or more set-ups until all are done: what can be done is done at once, what
// has to be waited for is waited for together. The commands' thread only.
#pragma once

#include "guide/setup.h"

struct walk {
    struct setup *setups; // begun
    size_t count;
    size_t first, last; // steps, the last one included
    // How often the world is looked at while something is waited for: all set-ups share the quota
    // of one API key, so that each that waits makes the pause longer by as much.
    uint64_t poll_ms;
    uint64_t max_ms; // of waiting, all together
    // A step was looked at and something about it is new; `waited_ms` since its waiting began. Of
    // both: false, and err, when nobody can be told any more, which ends the walk.
    bool (*on_view)(void *arg, const struct setup *setup, size_t step, const struct step_view *view,
        uint64_t waited_ms, struct err *err);
    // A step is about to be taken.
    bool (*on_take)(void *arg, const struct setup *setup, size_t step, const struct step_view *view,
        struct err *err);
    void *arg;
};

// True when every set-up has passed `last`. Otherwise err is the first one's reason: a step that is
// blocked, that has to be taken elsewhere, or that failed; the others went as far as they could,
// and those that passed it are has_arrived.
bool walk_run(const struct walk *walk, struct err *err) MUST_CHECK;
