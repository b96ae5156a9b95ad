// SPDX-License-Identifier: Apache-2.0
//
// The proxy as another command starts it. Main thread.
#pragma once

#include "base/defs.h"

#include <stdbool.h>

struct err;
struct settings_request;

enum { PROXY_CLUSTERS_MAX = 1000 };

struct proxy_start {
    const struct settings_request *request; // with PROXY_CLUSTERS_MAX, and `serves`
    bool take_over;                         // as --take-over
    int ready_fd;                           // see struct program_heritage
};

// Runs it to its end. False: the settings are wrong.
bool proxy_serve(const struct proxy_start *how, int *exit_code, struct err *err) MUST_CHECK;
