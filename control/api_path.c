// SPDX-License-Identifier: Apache-2.0
//
// Percent-encoding by libcurl. See api_path.h; used by round_ask.c and account_calls.c.
#include "control/api_path.h"

#include <curl/curl.h>
#include <stdio.h>
#include <string.h>

static void append(char *path, char before, const char *name, char between, const char *value)
{
    char *escaped = curl_easy_escape(NULL, value, 0);
    size_t len = strlen(path);
    snprintf(path + len, API_PATH_BYTES - len, "%c%s%c%s", before, name, between,
        escaped != NULL ? escaped : "");
    curl_free(escaped);
}

void api_path_segment(char *path, const char *collection, const char *id)
{
    append(path, '/', collection, '/', id);
}

void api_path_list(char *path, const char *collection)
{
    size_t len = strlen(path);
    snprintf(path + len, API_PATH_BYTES - len, "/%s?pageSize=100", collection);
}

void api_path_parameter(char *path, const char *name, const char *value)
{
    append(path, strchr(path, '?') != NULL ? '&' : '?', name, '=', value);
}
