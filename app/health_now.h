// SPDX-License-Identifier: Apache-2.0
//
// Health of the running program: gathers the facts and asks. Main thread.
#pragma once

#include "app/health.h"

struct heartbeat;
struct json_out;
struct program;

// About one cluster, which must be served, or about all when `alias` is NULL.
bool health_now(
    struct program *program, enum health health, const char *alias, struct health_reasons *reasons);
// {"status":"ok"} or {"status":"unavailable","reasons":[{"cluster":"orders","reason":"…"}]}
void health_now_json(
    struct json_out *json, const char *name, bool healthy, const struct health_reasons *reasons);

// The heartbeat, with which the main thread tells a worker that is stuck from a program that was
// stopped as a whole and goes on now.
struct heartbeat *health_now_beat(struct program *program); // NULL: no memory
void health_now_rest(struct heartbeat *heartbeat);          // ends it; NULL is allowed
