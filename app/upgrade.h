// SPDX-License-Identifier: Apache-2.0
//
// A new process of this program that takes over from the one that runs. Main thread, before there
// are others.
#pragma once

#include "base/defs.h"

#include <stdbool.h>

struct err;
struct settings_request;

// Starts a proxy with these settings as another process, which takes over, and returns when it
// serves. False: it does not, its log says why, and the running one goes on.
bool upgrade_start(const struct settings_request *request, struct err *err) MUST_CHECK;
