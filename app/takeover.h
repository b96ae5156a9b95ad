// SPDX-License-Identifier: Apache-2.0
//
// The new process's side of a hand-over: it gets the listening sockets of the proxy that runs with
// the same admin socket, starts with them, and says so once the states are known; from then on it
// serves, and the other one drains. Until then it accepts nobody. Main thread.
#pragma once

#include "base/defs.h"

#include <stdbool.h>

struct err;
struct inherited;
struct program;
struct settings;
struct takeover;

// Whom takeover_ask finds.
struct takeover_found {
    bool runs;
    bool is_this_program; // the same file; false where that is not known
};
// What has to be known before the settings of a process that takes over can be complete: the files
// that are credentials of the running one can be read from then on (base/credentials.h).
bool takeover_ask(
    const struct settings *settings, struct takeover_found *out, struct err *err) MUST_CHECK;

// Blocks for seconds at most. True with *out NULL: no proxy runs. False: one runs and does not hand
// over. From one that drains already only the admin's sockets come.
bool takeover_begin(const struct settings *settings, struct inherited *inherited,
    struct takeover **out, struct err *err) MUST_CHECK;
// The program has started; it takes the takeover over.
void takeover_watch(struct takeover *takeover, struct program *program);
// Something about a cluster has changed: it may be ready now.
void takeover_changed(struct takeover *takeover);
// The other one is told to go on. The caller ends.
void takeover_give_up(struct takeover *takeover, const char *why);
// Ends as takeover_free does, but for the socket to the former process, which is the caller's.
int takeover_release(struct takeover *takeover);
void takeover_free(struct takeover *takeover); // NULL is allowed
