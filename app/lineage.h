// SPDX-License-Identifier: Apache-2.0
//
// The processes before and behind this one, from a hand-over on: the socket over which it went
// stays open. Who is told to end passes that on to the former process, which may still have
// connections, and ends after it; so a service manager that waits for the one has waited for both.
// Main thread.
#pragma once

#include "base/loop.h"

#include <stdbool.h>

struct program;

// Embedded in the program.
struct lineage {
    struct program *program;
    int former_fd, heir_fd; // -1: there is none, or no more
    struct watch former, heir;
    struct timer patience;
    void (*on_alone)(void *arg); // NULL: nobody waits
};

void lineage_start(struct lineage *lineage, struct program *program);
// It lets its connections end; takes the descriptor.
void lineage_add_former(struct lineage *lineage, int fd);
// It serves in our place; takes the descriptor.
void lineage_add_heir(struct lineage *lineage, int fd);
// The former process, if there is one, has to be done soon.
void lineage_hurry(struct lineage *lineage);
// True: there is no former process any more. Otherwise `fn` is called, with the program, when that
// has ended, or after longest_ms.
bool lineage_is_alone(struct lineage *lineage, uint64_t longest_ms, void (*fn)(void *arg));
bool lineage_has_former(const struct lineage *lineage); // that has connections still
void lineage_stop(struct lineage *lineage);             // also one that was only zeroed
