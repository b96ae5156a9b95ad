// SPDX-License-Identifier: Apache-2.0
//
// Connects to one of a cluster's addresses: the nearest that works first, the next one when it
// refuses, when it is not there within connect-timeout, or, side by side with it, when it has not
// answered after a quarter of a second (RFC 8305, section 5). All within the dial budget. What
// comes of it goes into the worker's address book (paths.h). With a jump the addresses are the
// jump's, and connected means that the jump has connected to the cluster. Used for clients and for
// spares; the worker's thread only.
#pragma once

#include "base/addr.h"
#include "base/loop.h"

struct dial;
struct err;
struct jump;
struct jump_run;
struct view;
struct worker;

enum { DIAL_WAYS = 2, DIAL_RACE_MS = 250 };

// One address that is being tried.
struct attempt {
    struct watch watch;
    struct dial *dial;
    int fd;               // -1: none
    struct jump *jump;    // once the jump's address is connected; NULL: none
    struct jump_run *run; // of a jump that is a program; NULL: none
    int address;
    bool on_trial; // see paths_pick
    uint64_t began_ms, began_us;
};

// NULL: connected, dial->fd is the callee's and dial->addr says where it leads. Else dial->addr is
// the last address that failed, or has len 0.
typedef void (*dial_fn)(struct dial *dial, const struct err *err);

// Embedded in its owner.
struct dial {
    struct worker *worker;
    size_t target;
    const struct view *view; // the owner's
    dial_fn fn;
    struct timer timer;
    struct attempt attempts[DIAL_WAYS];
    uint32_t tried; // addresses, a bit each
    int sys;        // of the last failure
    uint64_t began_ms, until_ms;
    uint64_t connected_us; // clock_us()
    int reached;           // the address that connected, until it is confirmed or rejected
    bool reached_on_trial;
    bool is_probe;
    bool jump_is_silent; // it took the connection, and the time ran out
    struct addr addr;
    int fd;
};

struct dial_plan {
    struct worker *worker;
    size_t target;
    const struct view *view; // has addresses and outlives the dial
    dial_fn fn;
    bool is_probe; // see paths_is_broken
};

// Ends with one call of fn, on a later turn, unless dial_cancel comes first. Once connected, one of
// dial_confirm, dial_reject and dial_cancel follows: whether an address is good shows when its
// server greets.
void dial_start(struct dial *dial, const struct dial_plan *plan);
void dial_confirm(struct dial *dial, int fd);
// The server did not greet, because of `why`. True: another address is tried, and fn is called
// again. False: all were, or the time is up.
bool dial_reject(struct dial *dial, const struct err *why);
void dial_cancel(struct dial *dial); // also before dial_start (of zeroed memory) and afterwards
