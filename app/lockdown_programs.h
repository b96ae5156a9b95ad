// SPDX-License-Identifier: Apache-2.0
//
// The programs that a proxy with these settings may have to start, and the process that starts them
// for it (base/spawner.h). Main thread, before there are others.
#pragma once

#include "base/defs.h"

#include <stdbool.h>

struct err;
struct settings;

bool lockdown_needs_programs(const struct settings *settings);
// False: there is no such process.
bool lockdown_start_spawner(const struct settings *settings, struct err *err) MUST_CHECK;
