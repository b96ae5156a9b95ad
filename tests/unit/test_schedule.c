// SPDX-License-Identifier: Apache-2.0
//
// The pace of the poller: steady, faster in transition, slower as the quota shrinks, backing off.
#include "control/schedule.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

enum { STEADY_MS = 60000, CHANGING_MS = 10000 };

static struct schedule_facts calm(void)
{
    return (struct schedule_facts){
        .steady_ms = STEADY_MS,
        .changing_ms = CHANGING_MS,
        .requests = 4,
        .quota = { .limit = -1, .remaining = -1, .reset_s = -1, .retry_after_s = -1 },
    };
}

static void test_steady_and_changing(void **unused)
{
    struct schedule_facts facts = calm();
    assert_int_equal(schedule_delay_ms(&facts, 0.5), STEADY_MS);
    assert_int_equal(schedule_delay_ms(&facts, 0), STEADY_MS * 9 / 10);
    assert_in_range(schedule_delay_ms(&facts, 1), STEADY_MS * 11 / 10 - 1, STEADY_MS * 11 / 10);
    facts.changing = true;
    assert_int_equal(schedule_delay_ms(&facts, 0.5), CHANGING_MS);
}

static void test_half_of_the_quota(void **unused)
{
    struct schedule_facts facts = calm();
    facts.changing = true;
    facts.requests = 12; // three clusters: 12 requests every 10 s would be 72 a minute
    assert_int_equal(schedule_delay_ms(&facts, 0.5), 14400);
    facts.quota.limit = 1000;
    assert_int_equal(schedule_delay_ms(&facts, 0.5), CHANGING_MS);
    facts.quota.limit = 0; // nonsense counts as nothing said
    assert_int_equal(schedule_delay_ms(&facts, 0.5), 14400);
}

static void test_slower_as_the_rest_shrinks(void **unused)
{
    struct schedule_facts facts = calm();
    uint64_t before = 0;
    facts.quota.limit = 100;
    facts.quota.reset_s = 50;
    for (int64_t remaining = 100; remaining >= 4; remaining--) {
        facts.quota.remaining = remaining;
        uint64_t delay_ms = schedule_delay_ms(&facts, 0.5);
        assert_true(delay_ms >= before);
        before = delay_ms;
    }
    assert_int_equal(before, 4 * STEADY_MS);
    facts.changing = true;
    facts.quota.remaining = 3; // less than a look costs: not before the quota is full again
    assert_int_equal(schedule_delay_ms(&facts, 0.5), 50000);
}

static void test_rate_limited(void **unused)
{
    struct schedule_facts facts = calm();
    facts.rate_limited = true;
    facts.failures = 1;
    facts.quota.retry_after_s = 17;
    facts.quota.reset_s = 8;
    assert_int_equal(schedule_delay_ms(&facts, 0), 17000); // jitter only adds
    assert_in_range(schedule_delay_ms(&facts, 1), 17000, 21000);
    facts.quota.retry_after_s = -1;
    assert_int_equal(schedule_delay_ms(&facts, 0), 8000);
    facts.quota.reset_s = -1;
    assert_int_equal(schedule_delay_ms(&facts, 0), 60000);
    facts.failures = 20;
    assert_int_equal(schedule_delay_ms(&facts, 0), 5 * STEADY_MS);
}

static void test_failures_cost_the_quota_too(void **unused)
{
    struct schedule_facts facts = calm();
    facts.failures = 1;
    facts.requests = 12;
    assert_int_equal(schedule_delay_ms(&facts, 0.5), 14400);
    facts.quota.limit = 100;
    facts.quota.remaining = 3;
    facts.quota.reset_s = 40;
    assert_int_equal(schedule_delay_ms(&facts, 0.5), 40000);
    facts.failures = 20;
    assert_int_equal(schedule_delay_ms(&facts, 0.5), 5 * STEADY_MS);
}

static void test_backoff(void **unused)
{
    struct schedule_facts facts = calm();
    facts.requests = 1;
    uint64_t before = 0;
    for (facts.failures = 1; facts.failures < 100; facts.failures++) {
        uint64_t delay_ms = schedule_delay_ms(&facts, 0.5);
        assert_true(delay_ms >= before);
        assert_true(delay_ms <= 5UL * STEADY_MS);
        before = delay_ms;
    }
    assert_true(before == 5UL * STEADY_MS);
    facts.failures = 1;
    assert_true(schedule_delay_ms(&facts, 0.5) < 3000); // a hiccup is soon over
    facts.key_refused = true;
    assert_int_equal(schedule_delay_ms(&facts, 0.5), STEADY_MS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_steady_and_changing),
        cmocka_unit_test(test_half_of_the_quota),
        cmocka_unit_test(test_slower_as_the_rest_shrinks),
        cmocka_unit_test(test_rate_limited),
        cmocka_unit_test(test_backoff),
        cmocka_unit_test(test_failures_cost_the_quota_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
