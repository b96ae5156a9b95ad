// SPDX-License-Identifier: Apache-2.0
//
// What the system itself says about sleep, addresses, routes and a file: base/linux/os_changes.c,
// or base/portable/os_changes.c. Used by changes.c alone; on its loop.
#pragma once

#include "base/defs.h"

#include <stdint.h>

struct addr;
struct err;
struct loop;
struct os_changes;
struct wake_clocks;

// Hints: whether anything is different is for the callee to find out.
enum os_change {
    OS_CHANGE_CLOCKS = 1,
    OS_CHANGE_ADDRESSES = 2,
    OS_CHANGE_ROUTES = 4,
    OS_CHANGE_FILE = 8,
    OS_CHANGE_UNKNOWN = 16, // events were lost
};
// what: of enum os_change. `cut`: an address of this machine went, or the link that it is on has a
// carrier again; NULL: none.
typedef void (*os_changes_fn)(void *arg, unsigned what, const struct addr *cut);

// `file` must live as long as the result. What is not to be had is left out.
struct os_changes *os_changes_new(
    struct loop *loop, const char *file, os_changes_fn fn, void *arg, struct err *err) MUST_CHECK;
void os_changes_free(struct os_changes *changes); // NULL is allowed

void os_changes_read_clocks(struct wake_clocks *out);
// How often clocks, and what the system does not tell by itself, have to be looked at.
uint64_t os_changes_tick_ms(void);
// At each tick: what may have changed untold, of enum os_change.
unsigned os_changes_untold(const struct os_changes *changes);
