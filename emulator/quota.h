// SPDX-License-Identifier: Apache-2.0
//
// Requests per minute and API key, as the API counts them. The loop's thread only.
#pragma once

#include "base/defs.h"

#include <stdbool.h>

struct quota;

struct quota_state {
    unsigned limit;
    unsigned remaining;
    unsigned reset_s; // until the minute is over
};

struct quota *quota_new(void);
void quota_free(struct quota *quota);
// Counts one request; false if the key has none left in this minute.
bool quota_take(
    struct quota *quota, const char *key, unsigned limit, struct quota_state *out) MUST_CHECK;
