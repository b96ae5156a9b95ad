// SPDX-License-Identifier: Apache-2.0
//
// What a service manager hears while the program runs: one line of status, when it changes, and
// signs of life, as long as the main loop and every worker turn. And the end by itself, when there
// is nothing left to serve (exit-when-idle). Main thread.
#pragma once

#include "base/loop.h"

#include <stdbool.h>
#include <stdint.h>

struct program;

// Embedded in the program; zeroed: not started.
struct duty {
    struct program *program;
    struct timer alive, status, idle;
    uint64_t watchdog_us;   // 0: none
    bool is_stuck;          // and that was said
    bool serves;            // before that it is another process of which the manager hears
    bool looks_soon;        // at the status
    char shown[256];        // the status that the manager has
    uint64_t accepted;      // connections when idle_since was noted
    uint64_t idle_since_ms; // 0: there was no connection yet
};

void duty_start(struct duty *duty, struct program *program);
// It serves: from now on the manager hears of it.
void duty_serve(struct duty *duty);
// Something has changed.
void duty_changed(struct duty *duty);
void duty_reloaded(struct duty *duty); // exit-when-idle may have another value
void duty_stop(struct duty *duty);
