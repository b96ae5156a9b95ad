// SPDX-License-Identifier: Apache-2.0
//
// The pace of the poller as arithmetic. The quota: docs.pingcap.com/tidbcloud/api, "Rate limiting".
#include "control/schedule.h"

enum { QUOTA_PER_MINUTE = 100, MINUTE_MS = 60000 };
// Failures: the pause starts at 1/32 of the steady interval, doubles, and ends at 5 times of it.
enum { BACKOFF_FIRST = 32, BACKOFF_MOST = 5, BACKOFF_STEPS = 9 };

static uint64_t larger(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static uint64_t backoff_ms(const struct schedule_facts *facts)
{
    if (facts->failures == 0)
        return 0;
    unsigned doublings = facts->failures < BACKOFF_STEPS ? facts->failures : BACKOFF_STEPS;
    uint64_t pause = (facts->steady_ms << (doublings - 1)) / BACKOFF_FIRST;
    if (facts->key_refused)
        pause = larger(pause, facts->steady_ms);
    uint64_t most = facts->steady_ms * BACKOFF_MOST;
    return pause < most ? pause : most;
}

// What the quota asks for at least.
static uint64_t quota_ms(const struct schedule_facts *facts, uint64_t wanted_ms)
{
    uint64_t limit = facts->quota.limit > 0 ? (uint64_t)facts->quota.limit : QUOTA_PER_MINUTE;
    uint64_t pause = larger(wanted_ms, facts->requests * (uint64_t)MINUTE_MS * 2 / limit);
    if (facts->quota.remaining < 0)
        return pause;
    uint64_t remaining = (uint64_t)facts->quota.remaining;
    if (remaining < facts->requests) {
        uint64_t reset_ms =
            facts->quota.reset_s > 0 ? (uint64_t)facts->quota.reset_s * 1000 : MINUTE_MS;
        return larger(pause, reset_ms);
    }
    if (remaining < limit / 4)
        return pause * 4;
    return remaining < limit / 2 ? pause * 2 : pause;
}

static uint64_t rate_limit_ms(const struct schedule_facts *facts)
{
    if (facts->quota.retry_after_s > 0)
        return (uint64_t)facts->quota.retry_after_s * 1000;
    if (facts->quota.reset_s > 0)
        return (uint64_t)facts->quota.reset_s * 1000;
    return MINUTE_MS;
}

uint64_t schedule_delay_ms(const struct schedule_facts *facts, double jitter)
{
    // 429: not a moment before the time that was given.
    if (facts->rate_limited) {
        uint64_t pause = larger(rate_limit_ms(facts), backoff_ms(facts));
        return pause + (uint64_t)((double)pause * 0.2 * jitter);
    }
    // Failures cost the quota too.
    uint64_t pause = facts->failures > 0
                         ? larger(backoff_ms(facts), quota_ms(facts, 0))
                         : quota_ms(facts, facts->changing ? facts->changing_ms : facts->steady_ms);
    return (uint64_t)((double)pause * (0.9 + 0.2 * jitter));
}
