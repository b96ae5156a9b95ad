// SPDX-License-Identifier: Apache-2.0
//
// Time. Deadlines and ages use the monotonic clock; only what people read or what goes into a file
// uses the wall clock. Any thread.
#pragma once

#include "base/defs.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

uint64_t clock_ms(void);    // monotonic milliseconds
uint64_t clock_us(void);    // monotonic microseconds
int64_t clock_wall_s(void); // seconds since 1970
int64_t clock_wall_ms(void);
// Since a time of the wall clock; 0 when that is still to come, because somebody has set the clock.
int64_t clock_wall_since_s(int64_t wall_s);

enum { CLOCK_TEXT_BYTES = 32 };
// RFC 3339 in UTC, "2026-11-22T10:19:50Z"; returns out.
const char *clock_format(int64_t wall_s, char out[CLOCK_TEXT_BYTES]);
// Reads what clock_format wrote; false on anything else.
bool clock_parse(const char *text, int64_t *out_wall_s) MUST_CHECK;
// An age for people: "42 s", "17 min", "3 h 20 min", "5 d"; returns out.
const char *clock_age(int64_t seconds, char out[CLOCK_TEXT_BYTES]);
