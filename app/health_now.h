// SPDX-License-Identifier: Apache-2.0
//
// Health of the running program: gathers the facts and asks. Main thread.
#pragma once

#include "app/health.h"

struct heartbeat;
struct program;

// About one cluster, which must be served, or about all when `alias` is NULL.
bool health_now(
    struct program *program, enum health health, const char *alias, struct health_reasons *reasons);
// {"status":"ok"} or {"status":"unavailable","reasons":[{"cluster":"orders","reason":"…"}]}
// What the probe answers; the caller frees. NULL: no memory, and *out_healthy is true to fact.
char *health_now_json(
    struct program *program, enum health health, const char *alias, bool *out_healthy) MUST_CHECK;

// The heartbeat, with which the main thread tells a worker that is stuck from a program that was
// stopped as a whole and goes on now.
struct heartbeat *health_now_beat(struct program *program); // NULL: no memory
void health_now_rest(struct heartbeat *heartbeat);          // ends it; NULL is allowed
