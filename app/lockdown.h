// SPDX-License-Identifier: Apache-2.0
//
// The sandbox of a running proxy: what it gives up once everything is open, for good. Which calls:
// base/linux/os_calls.c; which paths: lockdown_paths.c. Main thread.
#pragma once

#include "base/defs.h"

#include <stdbool.h>
#include <stdio.h>

struct err;
struct lockdown;
struct program;
struct settings;

// Before there are threads, which are behind the fence from their start. NULL: out of memory.
struct lockdown *lockdown_new(const struct settings *settings, bool runs_a_command) MUST_CHECK;
// The rest: this thread, and the system calls of all. Logs what is in force.
void lockdown_enter(struct lockdown *lockdown, const struct program *program);
// Before the program's loop is freed. NULL is allowed.
void lockdown_unwatch(struct lockdown *lockdown);
void lockdown_free(struct lockdown *lockdown); // forgets; nothing is given back. NULL is allowed

// "landlock=abi7 seccomp=on exec=denied", or "off ..."; for people and programs.
const char *lockdown_text(const struct lockdown *lockdown);
// Whether programs were started by a process of their own, which is gone: only a restart brings it
// back. NULL is allowed.
bool lockdown_has_lost_programs(const struct lockdown *lockdown);
// Whether a reload may take these settings: ERR_OPTION names a path that is out of reach. NULL:
// yes.
bool lockdown_covers(
    const struct lockdown *lockdown, const struct settings *fresh, struct err *err) MUST_CHECK;
// What a proxy with these settings could still do: paths and system calls.
bool lockdown_print(const struct settings *settings, FILE *out, struct err *err) MUST_CHECK;
