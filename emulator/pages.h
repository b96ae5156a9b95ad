// SPDX-License-Identifier: Apache-2.0
//
// Pagination of the API's lists: pageSize, pageToken, skip, totalSize, nextPageToken. Pure.
#pragma once

#include <cjson/cJSON.h>

struct http_target;

enum { PAGES_SIZE_MAX = 100 };

// The page that is asked for of `all`, which is taken. NULL if a parameter is no good; then
// *out_why says what is wrong.
cJSON *pages_answer(const struct http_target *target, const char *member, cJSON *all,
    unsigned default_size, const char **out_why);
