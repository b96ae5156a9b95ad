// SPDX-License-Identifier: Apache-2.0
//
// The programs that carry connections through a jump (ssh -W, a command), one for each, on a
// worker. A program belongs to the descriptor that is our end of its stream: whoever closes that
// releases the program before, which then has a moment to end by itself before it is made to. The
// worker's thread only.
#pragma once

#include "base/defs.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

struct err;
struct jump_child;
struct jump_run;
struct loop;

// Of one worker.
struct jump_children {
    struct loop *loop;
    LIST_HEAD(, jump_child) all;
    size_t starting;              // programs whose far end is not connected yet
    TAILQ_HEAD(, jump_run) queue; // that wait for their turn to start: see jump_run.c
    void (*on_none)(void *arg);   // NULL, or told when the last one has gone
    void *arg;
};

void jump_children_init(struct jump_children *children, struct loop *loop);
// From now on: asks all to end and makes them, then calls on_none, maybe at once.
void jump_children_stop(struct jump_children *children, void (*on_none)(void *arg), void *arg);

struct jump_child_spec {
    const char *const *argv; // NULL-terminated
    int child_fd;            // the program's end of the stream, which stays the caller's
    int fd;                  // ours
    const char *cluster;     // the alias and what the jump is called, for the log
    const char *via;
};
// `said`: what it wrote to its standard error last, in one line, for an error text; "" for nothing.
typedef void (*jump_child_fn)(void *arg, int exit_code, const char *said);

// False: it cannot be run; nothing is to be released then.
bool jump_child_start(
    struct jump_children *children, const struct jump_child_spec *spec, struct err *err) MUST_CHECK;
// Who is told when the program of this descriptor ends; NULL: the log, as far as it is news.
void jump_child_tell(struct jump_children *children, int fd, jump_child_fn fn, void *arg);
// For the log: the connection that its stream carries from now on.
void jump_child_carries(struct jump_children *children, int fd, uint64_t conn);
// The descriptor is about to be closed. One that has no program is allowed. `was_connected`: it led
// to the cluster, and if its program ended first, why is for the log.
void jump_child_release(struct jump_children *children, int fd, bool was_connected);

// The last two lines of a program's standard error as child.h escapes it, joined, each cut at
// its front; printable ASCII.
enum { JUMP_SAID_BYTES = 200 };
void jump_child_said(const char *escaped, char out[JUMP_SAID_BYTES]);
