// SPDX-License-Identifier: Apache-2.0
//
// Notices what makes open sockets and known answers doubtful: the machine slept, this process was
// stopped, addresses or routes changed, resolv.conf was written. Reports it once it is quiet again:
// a change of networks is a burst of events. Where the system tells of changes by itself (Linux:
// base/linux/os_changes.c) nothing runs meanwhile but one slow tick, which a stopped process is
// late for. Everything on the owner's loop.
#pragma once

#include "base/defs.h"

#include <stdbool.h>
#include <stdint.h>

struct addr;
struct changes;
struct err;
struct loop;

struct change {
    uint64_t slept_ms, stopped_ms; // 0: not
    bool addresses;                // this machine's addresses are others than before
    bool routes;                   // or so much at once that the system lost count
    bool names;                    // resolv.conf
    const struct addr *back;       // addresses that went and are back, or whose link did
    size_t back_count;
};
typedef void (*changes_fn)(void *arg, const struct change *change);

// resolv_conf NULL: /etc/resolv.conf. What the system refuses (a sandbox without netlink) is left
// out, at debug level. fn is called on later turns, not after changes_free.
struct changes *changes_new(struct loop *loop, const char *resolv_conf, changes_fn fn, void *arg,
    struct err *err) MUST_CHECK;
void changes_free(struct changes *changes); // NULL is allowed
