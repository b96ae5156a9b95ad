// SPDX-License-Identifier: Apache-2.0
//
// Writes JSON (RFC 8259) as it goes, for answers with thousands of values: a tree of cJSON costs
// two allocations and a printf per value. Whoever opens what closes it. Pure; any thread.
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct json_out {
    FILE *out;
    bool follows; // a comma is due before the next value
};

// `name` NULL: inside an array, or the outermost value. bracket: '{' or '['.
void json_out_open(struct json_out *json, const char *name, char bracket);
void json_out_close(struct json_out *json, char bracket); // '}' or ']'
// Nothing when the text is NULL or empty. A byte that is not UTF-8 becomes a question mark.
void json_out_text(struct json_out *json, const char *name, const char *text);
void json_out_uint(struct json_out *json, const char *name, uint64_t number);
void json_out_bool(struct json_out *json, const char *name, bool value);
// RFC 3339 in UTC; nothing when it is 0.
void json_out_time(struct json_out *json, const char *name, int64_t wall_s);
