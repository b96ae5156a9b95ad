// SPDX-License-Identifier: Apache-2.0
//
// One connection's way through a jump (via.h), inside its dial: a SOCKS or HTTP proxy is told where
// to go on a socket that has just connected to it. It ends when the jump has said that the far end
// is connected, or why it is not. Nothing waits: the dial has the deadline. The worker's thread
// only.
#pragma once

#include "base/defs.h"

struct err;
struct jump;
struct view;
struct worker;

// NULL: what comes next on the descriptor is the cluster's. Otherwise `err` is for the client, and
// another address of the same jump would say the same.
typedef void (*jump_fn)(void *arg, const struct err *err);

struct jump_plan {
    struct worker *worker;
    const struct view *view; // has a jump and a host; outlives the jump
    jump_fn fn;
    void *arg;
};

// The descriptor stays the caller's, and is open until jump_end. fn is called once, on a later
// turn, unless jump_end comes first. NULL: out of memory.
struct jump *jump_start(const struct jump_plan *plan, int fd) MUST_CHECK;
void jump_end(struct jump *jump); // also from fn; NULL is allowed
