// SPDX-License-Identifier: Apache-2.0
//
// One minute per key, beginning with the key's first request, in which `limit` requests are free.
// api.c asks before it answers. The loop's thread only.
#include "emulator/quota.h"

#include "base/clock.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { MINUTE_MS = 60 * 1000 };

struct minute {
    SLIST_ENTRY(minute) link;
    char *key;
    uint64_t start_ms;
    unsigned used;
};

struct quota {
    SLIST_HEAD(, minute) minutes;
};

struct quota *quota_new(void)
{
    struct quota *quota = calloc(1, sizeof(*quota));
    if (!quota)
        abort();
    return quota;
}

void quota_free(struct quota *quota)
{
    struct minute *minute;
    while ((minute = SLIST_FIRST(&quota->minutes))) {
        SLIST_REMOVE_HEAD(&quota->minutes, link);
        free(minute->key);
        free(minute);
    }
    free(quota);
}

static struct minute *minute_of(struct quota *quota, const char *key)
{
    struct minute *minute;
    SLIST_FOREACH(minute, &quota->minutes, link)
    {
        if (strcmp(minute->key, key) == 0)
            return minute;
    }
    minute = calloc(1, sizeof(*minute));
    if (!minute || !(minute->key = strdup(key)))
        abort();
    minute->start_ms = clock_ms();
    SLIST_INSERT_HEAD(&quota->minutes, minute, link);
    return minute;
}

bool quota_take(struct quota *quota, const char *key, unsigned limit, struct quota_state *out)
{
    struct minute *minute = minute_of(quota, key);
    uint64_t now_ms = clock_ms();
    if (now_ms - minute->start_ms >= MINUTE_MS) {
        minute->start_ms = now_ms;
        minute->used = 0;
    }
    bool free_one = minute->used < limit;
    if (free_one)
        minute->used++;
    uint64_t left_ms = minute->start_ms + MINUTE_MS - now_ms;
    *out = (struct quota_state){
        .limit = limit,
        .remaining = minute->used < limit ? limit - minute->used : 0,
        .reset_s = (unsigned)((left_ms + 999) / 1000),
    };
    return free_one;
}
