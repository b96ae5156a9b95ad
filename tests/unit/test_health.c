// SPDX-License-Identifier: Apache-2.0
//
// app/health: what each probe says for each situation, and why.
#include "app/health.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct control_news news_of(enum verdict_action action)
{
    struct control_news news = { .verdict = { .action = action, .what = "" } };
    snprintf(news.verdict.text, sizeof(news.verdict.text), "%s",
        "tidblink: no private endpoint: none. tidblink setup");
    return news;
}

static void expect(const struct health_facts *facts, const bool expected[HEALTHS])
{
    for (size_t i = 0; i < HEALTHS; i++) {
        char reason[HEALTH_REASON_BYTES] = "";
        bool healthy = health_ask((enum health)i, facts, reason);
        if (healthy != expected[i])
            fail_msg("%s is %d: %s", health_name((enum health)i), healthy, reason);
        assert_int_equal(healthy, reason[0] == '\0');
    }
}

static void test_each_situation(void **state)
{
    (void)state;
    struct control_news unknown = news_of(VERDICT_UNKNOWN), allow = news_of(VERDICT_ALLOW),
                        unchecked = news_of(VERDICT_ALLOW), refuse = news_of(VERDICT_REFUSE),
                        held = news_of(VERDICT_HOLD);
    struct addr_set *addrs = calloc(1, sizeof(*addrs));
    const struct err failure = { .code = ERR_DNS_TIMEOUT, .text = "no answer" };
    unchecked.verdict.unchecked = true;
    const struct {
        struct proxy_target_state target;
        bool started, ready, active;
    } cases[] = {
        { { .alias = "a" }, false, false, false },
        { { .alias = "a", .news = &unknown, .addrs = addrs }, false, false, false },
        { { .alias = "a", .news = &allow }, false, false, false },
        { { .alias = "a", .news = &allow, .dns_failure = &failure }, false, false, false },
        { { .alias = "a", .news = &allow, .addrs = addrs }, true, true, true },
        // Stale addresses serve.
        { { .alias = "a", .news = &allow, .addrs = addrs, .dns_failure = &failure }, true, true,
            true },
        { { .alias = "a", .news = &unchecked, .addrs = addrs }, true, true, false },
        // Its clients are told why: that is a started proxy.
        { { .alias = "a", .news = &refuse }, true, false, false },
        { { .alias = "a", .news = &held, .addrs = addrs }, true, false, false },
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const bool expected[HEALTHS] = { cases[i].started, true, cases[i].ready, cases[i].active };
        expect(&(struct health_facts){ .targets = &cases[i].target, .count = 1 }, expected);
        // Every cluster counts.
        const struct proxy_target_state both[] = { cases[4].target, cases[i].target };
        expect(&(struct health_facts){ .targets = both, .count = 2 }, expected);
    }
    free(addrs);
}

static void test_program_states(void **state)
{
    (void)state;
    struct control_news allow = news_of(VERDICT_ALLOW);
    struct addr_set *addrs = calloc(1, sizeof(*addrs));
    const struct proxy_target_state good = { .alias = "a", .news = &allow, .addrs = addrs };
    const struct proxy_target_state lost = { .alias = "a" };
    const bool not_ready[HEALTHS] = { true, true, false, false };
    expect(&(struct health_facts){ .targets = &good, .count = 1, .draining = true }, not_ready);
    expect(&(struct health_facts){ .targets = &good, .count = 1, .full = true }, not_ready);
    // A start that is over stays over.
    expect(&(struct health_facts){ .targets = &lost, .count = 1, .was_started = true }, not_ready);
    free(addrs);
}

static void test_reasons(void **state)
{
    (void)state;
    char reason[HEALTH_REASON_BYTES];
    struct control_news refuse = news_of(VERDICT_REFUSE);
    const struct proxy_target_state target = { .alias = "orders", .news = &refuse };
    const struct health_facts facts = { .targets = &target, .count = 1 };
    assert_false(health_ask(HEALTH_READY, &facts, reason));
    assert_string_equal(reason, "cluster orders: no private endpoint: none. tidblink setup");
}

static void test_names(void **state)
{
    (void)state;
    for (size_t i = 0; i < HEALTHS; i++) {
        enum health found = HEALTHS;
        assert_true(health_find(health_name((enum health)i), &found));
        assert_int_equal(found, i);
    }
    enum health untouched = HEALTH_READY;
    assert_false(health_find("startup", &untouched));
    assert_int_equal(untouched, HEALTH_READY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_situation),
        cmocka_unit_test(test_program_states),
        cmocka_unit_test(test_reasons),
        cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
