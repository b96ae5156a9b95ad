// SPDX-License-Identifier: Apache-2.0
//
// /api/v1/connections: what a census has found, as JSON. Main thread.
#pragma once

#include "proxy/census.h"

struct program;

// "newest", "oldest", "idle", "bytes"; NULL behind the last one.
const char *connections_json_order(size_t order);
// The caller frees it. NULL: out of memory.
char *connections_json(const struct program *program, const struct census_plan *plan,
    const struct census_result *result);
