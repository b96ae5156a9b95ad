// SPDX-License-Identifier: Apache-2.0
//
// Cuts a page out of a list. A page token is the offset of the next page and a hash over the
// request's path and other parameters, which must be the same for every page (the API's own rule,
// so a client that changes them is found out here). Used by routes.c. Pure.
#include "emulator/pages.h"

#include "base/cursor.h"
#include "emulator/http.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { SIZE_ASKED_MAX = INT32_MAX };

// FNV-1a.
static uint32_t mix(uint32_t hash, const char *text)
{
    for (const char *at = text; *at; at++)
        hash = (hash ^ (uint8_t)*at) * 16777619u;
    return (hash ^ '\n') * 16777619u;
}

static uint32_t fingerprint(const struct http_target *target)
{
    uint32_t hash = 2166136261u;
    for (size_t i = 0; i < target->count; i++)
        hash = mix(hash, target->segments[i]);
    const struct evkeyval *pair;
    TAILQ_FOREACH(pair, &target->query, next) {
        if (strcmp(pair->key, "pageToken") != 0)
            hash = mix(mix(hash, pair->key), pair->value);
    }
    return hash;
}

static bool read_uint(const struct http_target *target, const char *name, uint64_t *out)
{
    const char *text = evhttp_find_header(&target->query, name);
    return !text || parse_uint(text, 0, SIZE_ASKED_MAX, out);
}

static bool read_token(const struct http_target *target, uint64_t *out_offset)
{
    const char *token = evhttp_find_header(&target->query, "pageToken");
    if (!token || !*token)
        return true;
    char expected[9], offset[16];
    snprintf(expected, sizeof(expected), "%08x", fingerprint(target));
    snprintf(offset, sizeof(offset), "%s", strlen(token) > 8 ? token + 8 : "");
    return strncmp(token, expected, 8) == 0 && parse_uint(offset, 1, SIZE_ASKED_MAX, out_offset);
}

static void add_token(const struct http_target *target, cJSON *answer, uint64_t offset)
{
    char token[32];
    snprintf(token, sizeof(token), "%08x%u", fingerprint(target), (unsigned)offset);
    cJSON_AddStringToObject(answer, "nextPageToken", token);
}

static const char *read_window(const struct http_target *target, uint64_t *size, uint64_t *offset)
{
    uint64_t asked = 0;
    if (!read_uint(target, "pageSize", &asked))
        return "pageSize must be a number that is not negative";
    if (!read_uint(target, "skip", offset))
        return "skip must be a number that is not negative";
    if (!read_token(target, offset))
        return "pageToken is not one of this list with these parameters";
    if (asked > 0)
        *size = asked < PAGES_SIZE_MAX ? asked : PAGES_SIZE_MAX;
    return NULL;
}

cJSON *pages_answer(const struct http_target *target, const char *member, cJSON *all,
    unsigned default_size, const char **out_why)
{
    uint64_t size = default_size, offset = 0;
    *out_why = read_window(target, &size, &offset);
    if (*out_why) {
        cJSON_Delete(all);
        return NULL;
    }
    uint64_t total = (uint64_t)cJSON_GetArraySize(all);
    cJSON *answer = cJSON_CreateObject();
    cJSON *page = cJSON_AddArrayToObject(answer, member);
    for (uint64_t i = offset; i < total && i < offset + size; i++)
        cJSON_AddItemToArray(page, cJSON_DetachItemFromArray(all, (int)offset));
    cJSON_AddNumberToObject(answer, "totalSize", (double)total);
    if (offset + size < total)
        add_token(target, answer, offset + size);
    cJSON_Delete(all);
    return answer;
}
