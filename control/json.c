// SPDX-License-Identifier: Apache-2.0
//
// The bounded reader over cJSON, used by model_json.c (the API's answers), ec2_json.c (the AWS
// CLI's) and state_json.c (our own document). cJSON parses recursively, so depth is checked before
// it sees a byte.
#include "control/json.h"

#include "base/err.h"
#include "base/options.h"
#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// The API's answers nest six deep; protobuf stops at 100.
enum { JSON_DEPTH = 32 };

// Counts brackets outside strings; whether they match is cJSON's business.
static bool depth_is_bearable(const char *text, size_t len)
{
    int depth = 0;
    bool in_string = false;
    for (size_t i = 0; i < len; i++) {
        char c = text[i];
        if (in_string && c == '\\') {
            i++;
            continue;
        }
        if (c == '"')
            in_string = !in_string;
        if (in_string)
            continue;
        if (c == '{' || c == '[')
            depth++;
        if (c == '}' || c == ']')
            depth--;
        if (depth > JSON_DEPTH)
            return false;
    }
    return true;
}

static bool only_blanks(const char *from, const char *end)
{
    while (from < end && strchr(" \t\r\n", *from) != NULL && *from != '\0')
        from++;
    return from == end;
}

cJSON *json_parse(const char *text, size_t len, struct err *err)
{
    if (!depth_is_bearable(text, len)) {
        err_set(err, ERR_API_ANSWER, "JSON nested deeper than %d levels", JSON_DEPTH);
        return NULL;
    }
    const char *end = text;
    cJSON *document = cJSON_ParseWithLengthOpts(text, len, &end, false);
    if (document == NULL || !only_blanks(end, text + len)) {
        cJSON_Delete(document);
        err_set(err, ERR_API_ANSWER, "not JSON: it breaks at byte %zu of %zu", (size_t)(end - text),
            len);
        return NULL;
    }
    if (!cJSON_IsObject(document)) {
        cJSON_Delete(document);
        err_set(err, ERR_API_ANSWER, "a JSON document, but no object");
        return NULL;
    }
    return document;
}

void json_free(cJSON **document)
{
    cJSON_Delete(*document);
}

struct json_place json_top(const cJSON *document)
{
    return (struct json_place){ .object = document };
}

static const char *type_name(const cJSON *value)
{
    if (cJSON_IsBool(value))
        return "a boolean";
    if (cJSON_IsNumber(value))
        return "a number";
    if (cJSON_IsString(value))
        return "a string";
    if (cJSON_IsArray(value))
        return "an array";
    return "an object";
}

static bool wrong(const struct json_place *place, const char *key, const char *expected,
    const char *got, struct err *err)
{
    return err_set(err, ERR_API_ANSWER, "%s%s%s: expected %s, got %s", place->path,
        place->path[0] != '\0' ? "." : "", key, expected, got);
}

// NULL if absent or null.
static const cJSON *value_of(const struct json_place *place, const char *key)
{
    if (place->object == NULL)
        return NULL;
    const cJSON *value = cJSON_GetObjectItemCaseSensitive(place->object, key);
    return cJSON_IsNull(value) ? NULL : value;
}

static void extend_path(struct json_place *out, const struct json_place *place, const char *key)
{
    snprintf(out->path, sizeof(out->path), "%s%s%s", place->path, place->path[0] != '\0' ? "." : "",
        key);
}

bool json_member(
    const struct json_place *place, const char *key, struct json_place *out, struct err *err)
{
    const cJSON *value = value_of(place, key);
    if (value != NULL && !cJSON_IsObject(value))
        return wrong(place, key, "an object", type_name(value), err);
    extend_path(out, place, key);
    out->object = value;
    return true;
}

bool json_array(const struct json_place *place, const char *key, const cJSON **out, struct err *err)
{
    const cJSON *value = value_of(place, key);
    if (value != NULL && !cJSON_IsArray(value))
        return wrong(place, key, "an array", type_name(value), err);
    *out = value;
    return true;
}

bool json_element(const struct json_place *place, const char *key, size_t index,
    const cJSON *element, struct json_place *out, struct err *err)
{
    char name[96];
    snprintf(name, sizeof(name), "%s[%zu]", key, index);
    if (!cJSON_IsObject(element))
        return wrong(
            place, name, "an object", cJSON_IsNull(element) ? "null" : type_name(element), err);
    extend_path(out, place, name);
    out->object = element;
    return true;
}

bool json_text(const struct json_place *place, const char *key, char **out, struct err *err)
{
    const cJSON *value = value_of(place, key);
    if (value != NULL && !cJSON_IsString(value))
        return wrong(place, key, "a string", type_name(value), err);
    free(*out);
    *out = NULL;
    if (value == NULL)
        return true;
    *out = strdup(value->valuestring);
    if (*out == NULL)
        return err_set(err, ERR_MEMORY, "out of memory");
    text_clean(*out); // it ends on terminals, in JSON, in labels and in file names
    return true;
}

bool json_id(const struct json_place *place, const char *key, char **out, struct err *err)
{
    if (!json_text(place, key, out, err))
        return false;
    if (*out == NULL || **out == '\0')
        return wrong(place, key, "an ID", "nothing", err);
    return true;
}

bool json_texts(
    const struct json_place *place, const char *key, struct option_list *out, struct err *err)
{
    const cJSON *array = NULL;
    const cJSON *element;
    if (!json_array(place, key, &array, err))
        return false;
    cJSON_ArrayForEach(element, array) {
        if (!cJSON_IsString(element))
            return wrong(place, key, "strings",
                cJSON_IsNull(element) ? "null among them" : type_name(element), err);
        if (!option_list_add(out, element->valuestring))
            return err_set(err, ERR_MEMORY, "out of memory");
        text_clean(out->items[out->count - 1]);
    }
    return true;
}

bool json_int(const struct json_place *place, const char *key, int64_t min, int64_t max,
    int64_t *out, struct err *err)
{
    const cJSON *value = value_of(place, key);
    if (value == NULL)
        return true;
    if (!cJSON_IsNumber(value))
        return wrong(place, key, "a number", type_name(value), err);
    double number = value->valuedouble;
    // Compared as doubles first: the conversion of what does not fit is undefined.
    if (!(number >= (double)min && number <= (double)max) || (double)(int64_t)number != number) {
        char expected[80];
        snprintf(expected, sizeof(expected), "a whole number of %lld to %lld", (long long)min,
            (long long)max);
        return wrong(place, key, expected, "another number", err);
    }
    *out = (int64_t)number;
    return true;
}

bool json_port(const struct json_place *place, const char *key, uint16_t *out, struct err *err)
{
    int64_t port = 0;
    if (!json_int(place, key, 0, UINT16_MAX, &port, err))
        return false;
    *out = (uint16_t)port;
    return true;
}

bool json_bool(const struct json_place *place, const char *key, bool *out, struct err *err)
{
    const cJSON *value = value_of(place, key);
    if (value != NULL && !cJSON_IsBool(value))
        return wrong(place, key, "true or false", type_name(value), err);
    if (value != NULL)
        *out = cJSON_IsTrue(value);
    return true;
}
