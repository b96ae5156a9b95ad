// SPDX-License-Identifier: Apache-2.0
//
// How dsn and dsn lint print their results: the same two options.
#pragma once

#include "base/options.h"

#include <stdbool.h>
#include <stddef.h>

struct dsn_format {
    int format;
    bool json;
};

enum { DSN_FORMAT_TEXT = 0, DSN_FORMAT_JSON };
static const char *const dsn_formats[] = { "text", "json", NULL };

static inline bool dsn_format_is_json(const struct dsn_format *format)
{
    return format->json || format->format == DSN_FORMAT_JSON;
}

// clang-format off
// Rows of an option table; `type` has a struct dsn_format of the name print.
#define DSN_FORMAT_ROWS(type)                                                                      \
    { "format", OPTION_CHOICE, offsetof(struct type, print.format), "text", 0, 0, 0, dsn_formats, NULL, "how the result is printed" }, \
    { "json", OPTION_BOOL, offsetof(struct type, print.json), NULL, 0, 0, 0, NULL, NULL, "the same as --format json" }
// clang-format on
