// SPDX-License-Identifier: Apache-2.0
//
// What is known of one name and when to look again: the rules of resolver.h about TTLs, refreshing
// ahead, serving stale and believing bad news. Pure: time and chance come in as arguments.
#pragma once

#include "resolver/resolver.h"

struct cache {
    const struct resolver_options *rules; // TTL bounds and negative_ms; the owner's

    struct addr_set *addrs; // of the last good answer, NULL: none, or disproved
    uint64_t answered_ms;   // when it came; 0: never
    uint64_t expires_ms;    // when its TTL ends
    bool doubted;           // a first NXDOMAIN or empty answer came; the second look decides
    bool failing;
    struct err failure;      // valid while failing
    uint64_t due_ms;         // when to look again
    uint64_t eager_until_ms; // until then failures are looked at again soon; 0: no
};

enum { CACHE_DICE = 1024 }; // `dice` is 0..CACHE_DICE - 1

void cache_init(struct cache *cache, const struct resolver_options *rules);
void cache_done(struct cache *cache);

// An answer arrived: good (takes the reference) or not. Both set due_ms and return whether
// cache_resolution now reads differently to those who watch.
bool cache_answer(struct cache *cache, struct addr_set *addrs, uint64_t now_ms, uint32_t dice);
bool cache_failure(struct cache *cache, const struct err *failure, uint64_t now_ms, uint32_t dice);

// What is known may be of another network: it stands only while nothing is answered, "there is
// none" needs no second look, and for a while a failure is looked at again soon.
void cache_doubt(struct cache *cache, uint64_t now_ms);

// Whatever hindered the look-ups may have gone: for a while a failure is looked at again soon.
void cache_hasten(struct cache *cache, uint64_t now_ms);

// Borrows from the cache; valid until its next change.
struct resolution cache_resolution(const struct cache *cache);
