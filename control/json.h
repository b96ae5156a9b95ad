// SPDX-License-Identifier: Apache-2.0
//
// Reading JSON documents from outside: bounded in depth, absent and null are the same, and a value
// of the wrong type is an error that names its place ("clusters[2].port: expected …"). All errors
// are ERR_API_ANSWER. Any thread.
#pragma once

#include "base/defs.h"

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;
struct option_list;

// An object inside a document and the way to it, for error texts.
struct json_place {
    const cJSON *object; // NULL: absent; every value read from it is absent too
    char path[160];      // "" for the document itself
};

// The whole text must be one object. The caller frees with cJSON_Delete.
cJSON *json_parse(const char *text, size_t len, struct err *err) MUST_CHECK;
void json_free(cJSON **document); // for CLEANUP
struct json_place json_top(const cJSON *document);

// The member object `key`; absent is a place without an object.
bool json_member(const struct json_place *place, const char *key, struct json_place *out,
    struct err *err) MUST_CHECK;
// The member array `key`, NULL if absent. Its elements are visited with cJSON_ArrayForEach and
// json_element.
bool json_array(
    const struct json_place *place, const char *key, const cJSON **out, struct err *err) MUST_CHECK;
bool json_element(const struct json_place *place, const char *key, size_t index,
    const cJSON *element, struct json_place *out, struct err *err) MUST_CHECK;

// A copy that the caller frees; NULL if absent. An old value in *out is freed.
bool json_text(
    const struct json_place *place, const char *key, char **out, struct err *err) MUST_CHECK;
// The same, but absent and "" are errors.
bool json_id(
    const struct json_place *place, const char *key, char **out, struct err *err) MUST_CHECK;
// Appends the strings of the member array `key`; nothing if absent.
bool json_texts(const struct json_place *place, const char *key, struct option_list *out,
    struct err *err) MUST_CHECK;
// A whole number of min..max; untouched if absent.
bool json_int(const struct json_place *place, const char *key, int64_t min, int64_t max,
    int64_t *out, struct err *err) MUST_CHECK;
bool json_port(
    const struct json_place *place, const char *key, uint16_t *out, struct err *err) MUST_CHECK;
bool json_bool(
    const struct json_place *place, const char *key, bool *out, struct err *err) MUST_CHECK;
