// SPDX-License-Identifier: Apache-2.0
//
// The rules, in one place:
// - a good answer is kept for its TTL within ttl_min..ttl_max and refreshed ahead of it, jittered,
//   so that many proxies don't ask in step;
// - silence and server failures disprove nothing: the old addresses stand, and are reported stale
//   once their TTL has ended (RFC 8767 calls this serve-stale);
// - "there is none" after a good answer is only a doubt until a second look agrees;
// - a refused answer (address policy) counts at once: the server did answer.
// resolver.c feeds it and obeys due_ms.
#include "resolver/cache.h"

#include "resolver/addr_set.h"

#include <string.h>

enum {
    REFRESH_FROM_PERCENT = 75, // of the TTL
    REFRESH_SPAN_PERCENT = 15,
    SECOND_LOOK_MS = 1000, // long enough for a restarting server to come to its senses
    EAGER_MS = 15 * 1000,  // a network that comes up has its last part by then
};

void cache_init(struct cache *cache, const struct resolver_options *rules)
{
    *cache = (struct cache){ .rules = rules };
}

void cache_done(struct cache *cache)
{
    addr_set_unref(cache->addrs);
    cache->addrs = NULL;
}

static uint64_t within(uint64_t value, uint64_t min, uint64_t max)
{
    if (value < min)
        return min;
    return value > max ? max : value;
}

// percent of ms, plus a random part of up to span_percent.
static uint64_t share(uint64_t ms, uint64_t percent, uint64_t span_percent, uint32_t dice)
{
    return ms * (percent * CACHE_DICE + span_percent * dice) / (UINT64_C(100) * CACHE_DICE);
}

bool cache_answer(struct cache *cache, struct addr_set *addrs, uint64_t now_ms, uint32_t dice)
{
    const struct resolver_options *rules = cache->rules;
    uint64_t ttl_ms = within(addrs->ttl_s * UINT64_C(1000), rules->ttl_min_ms, rules->ttl_max_ms);
    bool news = cache->failing || !addr_set_equal(cache->addrs, addrs);
    addr_set_unref(cache->addrs);
    cache->addrs = addrs;
    cache->answered_ms = now_ms;
    cache->expires_ms = now_ms + ttl_ms;
    cache->doubted = false;
    cache->failing = false;
    cache->due_ms = now_ms + share(ttl_ms, REFRESH_FROM_PERCENT, REFRESH_SPAN_PERCENT, dice);
    return news;
}

// The failure becomes what watchers see.
static bool report(struct cache *cache, const struct err *failure)
{
    bool news = !cache->failing || cache->failure.code != failure->code ||
                strcmp(cache->failure.text, failure->text) != 0;
    cache->failing = true;
    cache->failure = *failure;
    return news;
}

static bool drop_and_report(struct cache *cache, const struct err *failure)
{
    addr_set_unref(cache->addrs);
    cache->addrs = NULL;
    cache->doubted = false;
    return report(cache, failure);
}

static bool says_there_is_none(const struct err *failure)
{
    return failure->code == ERR_DNS_NXDOMAIN || failure->code == ERR_DNS_NODATA;
}

bool cache_failure(struct cache *cache, const struct err *failure, uint64_t now_ms, uint32_t dice)
{
    uint64_t negative_ms = cache->rules->negative_ms;
    if (now_ms < cache->eager_until_ms)
        negative_ms = within(SECOND_LOOK_MS, 0, negative_ms);
    cache->due_ms = now_ms + share(negative_ms, 100, REFRESH_SPAN_PERCENT, dice);
    if (failure->code == ERR_DNS_POLICY)
        return drop_and_report(cache, failure);
    if (!cache->addrs)
        return report(cache, failure);
    if (says_there_is_none(failure)) {
        if (cache->doubted)
            return drop_and_report(cache, failure);
        cache->doubted = true;
        cache->due_ms = now_ms + within(SECOND_LOOK_MS, 0, negative_ms);
        return false;
    }
    if (now_ms < cache->expires_ms)
        return false; // the refresh ahead failed; there is time for another
    return report(cache, failure);
}

void cache_doubt(struct cache *cache, uint64_t now_ms)
{
    cache->expires_ms = now_ms;
    cache->doubted = cache->addrs != NULL;
    cache_hasten(cache, now_ms);
}

void cache_hasten(struct cache *cache, uint64_t now_ms)
{
    cache->eager_until_ms = now_ms + EAGER_MS;
}

struct resolution cache_resolution(const struct cache *cache)
{
    return (struct resolution){
        .addrs = cache->addrs,
        .failure = cache->failing ? &cache->failure : NULL,
        .answered_ms = cache->answered_ms,
    };
}
