// SPDX-License-Identifier: Apache-2.0
//
// The last minutes in numbers, one sample every few seconds, so that whoever looks sees rates at
// once. Main thread.
#pragma once

#include <stddef.h>

struct history;
struct program;

enum { HISTORY_INTERVAL_MS = 5000, HISTORY_SAMPLES = 120 };

struct history *history_new(struct program *program); // takes the first sample; NULL: no memory
void history_free(struct history *history);           // NULL is allowed
// /api/v1/history. The caller frees it; NULL: out of memory.
char *history_json(const struct history *history);
