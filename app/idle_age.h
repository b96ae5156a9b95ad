// SPDX-License-Identifier: Apache-2.0
//
// For how long the connection that has been idle longest has been so: a census every few seconds,
// and only while somebody reads the metrics. Main thread.
#pragma once

#include "base/defs.h"

#include <stdbool.h>
#include <stdint.h>

struct idle_age;
struct program;

struct idle_age *idle_age_new(struct program *program); // NULL: no memory
void idle_age_free(struct idle_age *idle);              // NULL is allowed
// Somebody reads the metrics. False: nothing is known yet; *out_ms is of the last few seconds, 0
// without a connection.
bool idle_age_read(struct idle_age *idle, uint64_t *out_ms);
