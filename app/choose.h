// SPDX-License-Identifier: Apache-2.0
//
// Questions to a person at a terminal. Main thread.
#pragma once

#include "base/defs.h"

#include <stdbool.h>
#include <stddef.h>

struct err;
struct table;

// Somebody is there: standard input and standard error are a terminal.
bool choose_can_ask(void);
// Prints the table with its rows numbered, asks, and reads one number. ERR_USAGE when the answer is
// none, or when there is no answer.
bool choose_row(
    const char *question, const struct table *table, size_t *out, struct err *err) MUST_CHECK;
// "yes" or anything else.
bool choose_yes(const char *question);
