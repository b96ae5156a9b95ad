// SPDX-License-Identifier: Apache-2.0
//
// The environment of a program that is started in our place: a copy of ours with some variables of
// its own. It may hold a password. Main thread.
#pragma once

#include "base/defs.h"

#include <stdbool.h>

struct connect_env {
    char **items; // "NAME=value", NULL-terminated; owned
    size_t count;
};

// Both false without memory; connect_env_done is due in any case.
bool connect_env_init(struct connect_env *env) MUST_CHECK;
// NULL removes the variable.
bool connect_env_set(struct connect_env *env, const char *name, const char *value) MUST_CHECK;
void connect_env_done(struct connect_env *env); // overwrites what it frees
