// SPDX-License-Identifier: Apache-2.0
//
// Whether this machine slept, or this process did not run, from two readings of three clocks. Pure.
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum {
    WAKE_STOPPED_MS = 5000,     // a turn of a loop may be late on a busy machine, but not so late
    WAKE_SLEPT_MS = 1000,       // by a clock that tells sleep
    WAKE_SLEPT_WALL_MS = 30000, // by the wall clock, which is set by small steps as well
};

struct wake_clocks {
    uint64_t mono_ms; // stands still while the machine sleeps
    uint64_t
        boot_ms; // goes on meanwhile and is never set (CLOCK_BOOTTIME); 0: there is no such one
    uint64_t wall_ms; // goes on, and is set: NTP, people, a host that pauses its guest
};

struct wake {
    uint64_t slept_ms;   // 0: it did not
    uint64_t stopped_ms; // 0: it ran: stopped by a signal, a frozen cgroup, a paused guest
};

// Between two readings, of which the second one was to be taken after `planned_ms`. True: either
// happened. A step of the wall clock alone is no sleep where boot_ms tells; where only the wall
// clock does, one of less than half a minute is none.
bool wake_judge(const struct wake_clocks *before, const struct wake_clocks *now,
    uint64_t planned_ms, struct wake *out);
