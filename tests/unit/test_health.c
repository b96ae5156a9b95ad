// SPDX-License-Identifier: Apache-2.0
//
// app/health: what each probe says for each situation, and why.
#include "app/health.h"

#include "proxy/via.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define NOW_MS UINT64_C(100000000)

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
        struct health_reasons reasons;
        char line[HEALTH_LINE_BYTES];
        bool healthy = health_ask((enum health)i, facts, &reasons);
        health_line(&reasons, line);
        if (healthy != expected[i])
            fail_msg("%s is %d: %s", health_name((enum health)i), healthy, line);
        assert_int_equal(healthy, reasons.count == 0);
        assert_int_equal(healthy, line[0] == '\0');
    }
}

static struct health_facts facts_of(const struct proxy_target_state *targets, size_t count)
{
    return (struct health_facts){
        .targets = targets, .count = count, .now_ms = NOW_MS, .startup = HEALTH_STARTUP_DNS
    };
}

// Only a jump that is a program needs one.
static void test_programs_that_cannot_be_started(void **state)
{
    struct control_news allow = news_of(VERDICT_ALLOW);
    struct addr_set *addrs = calloc(1, sizeof(*addrs));
    const struct {
        enum via_kind kind;
        bool ready;
    } cases[] = { { VIA_COMMAND, false }, { VIA_SSH, false }, { VIA_SOCKS, true } };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const struct via via = { .kind = cases[i].kind, .shown = "a jump" };
        const struct proxy_target_state target = {
            .alias = "a", .news = &allow, .addrs = addrs, .via = &via
        };
        const bool all[HEALTHS] = { true, true, true, true };
        const bool expected[HEALTHS] = { true, true, cases[i].ready, cases[i].ready };
        struct health_facts facts = facts_of(&target, 1);
        expect(&facts, all);
        facts.has_lost_programs = true;
        expect(&facts, expected);
    }
    free(addrs);
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
        struct health_facts facts = facts_of(&cases[i].target, 1);
        expect(&facts, expected);
        // Every cluster counts.
        const struct proxy_target_state both[] = { cases[4].target, cases[i].target };
        facts = facts_of(both, 2);
        expect(&facts, expected);
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
    struct health_facts draining = facts_of(&good, 1), full = draining, later = facts_of(&lost, 1);
    draining.draining = true;
    expect(&draining, not_ready);
    full.full = true;
    expect(&full, not_ready);
    // A start that is over stays over.
    later.was_started = true;
    expect(&later, not_ready);
    free(addrs);
}

// What the last connections found out: a failure counts for a while, unless one came through since.
static void test_reach(void **state)
{
    (void)state;
    struct control_news allow = news_of(VERDICT_ALLOW);
    struct addr_set *addrs = calloc(1, sizeof(*addrs));
    const struct err why = { .code = ERR_DIAL, .text = "10.0.0.7:4000: connection refused" };
    const struct {
        uint64_t reached_ms, failed_ms;
        bool ready;
    } cases[] = {
        { 0, 0, true },
        { NOW_MS - 10, 0, true },
        { NOW_MS - 10, NOW_MS - 20, true },
        { NOW_MS - 10, NOW_MS - 10, true },
        { NOW_MS - 20, NOW_MS - 10, false },
        { 0, NOW_MS, false },
        { 0, NOW_MS - HEALTH_FAILED_MS + 1, false },
        { 0, NOW_MS - HEALTH_FAILED_MS, true },
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const struct proxy_target_state target = { .alias = "a",
            .news = &allow,
            .addrs = addrs,
            .reached_ms = cases[i].reached_ms,
            .failed_ms = cases[i].failed_ms,
            .unreachable = &why };
        const bool expected[HEALTHS] = { true, true, cases[i].ready, cases[i].ready };
        struct health_facts facts = facts_of(&target, 1);
        expect(&facts, expected);
        struct health_reasons reasons;
        if (!health_ask(HEALTH_READY, &facts, &reasons))
            assert_string_equal(reasons.reasons[0].text, why.text);
    }
    free(addrs);
}

static void test_startup_check(void **state)
{
    (void)state;
    struct control_news allow = news_of(VERDICT_ALLOW), refuse = news_of(VERDICT_REFUSE);
    struct addr_set *addrs = calloc(1, sizeof(*addrs));
    const struct {
        struct proxy_target_state target;
        bool started[HEALTH_STARTUP_GREETING + 1];
    } cases[] = {
        { { .alias = "a" }, { true, false, false } },
        { { .alias = "a", .news = &allow }, { true, false, false } },
        { { .alias = "a", .news = &allow, .addrs = addrs }, { true, true, false } },
        { { .alias = "a", .news = &allow, .addrs = addrs, .failed_ms = NOW_MS - 1 },
            { true, true, false } },
        { { .alias = "a", .news = &allow, .addrs = addrs, .reached_ms = 1, .failed_ms = 2 },
            { true, true, true } },
        { { .alias = "a", .news = &refuse }, { true, true, true } },
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        for (size_t check = 0; check < ARRAY_LEN(cases[i].started); check++) {
            struct health_reasons reasons;
            struct health_facts facts = facts_of(&cases[i].target, 1);
            facts.startup = (enum health_startup)check;
            if (health_ask(HEALTH_STARTED, &facts, &reasons) != cases[i].started[check])
                fail_msg("case %zu, check %zu", i, check);
        }
    }
    free(addrs);
}

static void test_a_stuck_worker(void **state)
{
    (void)state;
    uint64_t lags_ms[] = { 3, HEALTH_LAG_MS - 1, 0 };
    const struct proxy_target_state lost = { .alias = "a" };
    struct health_reasons reasons;
    struct health_facts facts = facts_of(&lost, 1);
    facts.lags_ms = lags_ms;
    facts.lag_count = ARRAY_LEN(lags_ms);
    assert_true(health_ask(HEALTH_LIVE, &facts, &reasons)); // whatever the clusters are
    lags_ms[1] = HEALTH_LAG_MS + 2500;
    assert_false(health_ask(HEALTH_LIVE, &facts, &reasons));
    assert_int_equal(reasons.count, 1);
    assert_null(reasons.reasons[0].cluster);
    assert_string_equal(reasons.reasons[0].text, "worker 1 has taken no event for 12 s");
}

static void test_reasons(void **state)
{
    (void)state;
    char line[HEALTH_LINE_BYTES];
    struct health_reasons reasons;
    struct control_news refuse = news_of(VERDICT_REFUSE), allow = news_of(VERDICT_ALLOW);
    struct addr_set *addrs = calloc(1, sizeof(*addrs));
    const struct proxy_target_state targets[] = {
        { .alias = "orders", .news = &refuse },
        { .alias = "billing", .news = &allow, .addrs = addrs },
        { .alias = "users" },
    };
    struct health_facts facts = facts_of(targets, ARRAY_LEN(targets));
    assert_false(health_ask(HEALTH_READY, &facts, &reasons));
    assert_int_equal(reasons.count, 2);
    assert_string_equal(reasons.reasons[0].cluster, "orders");
    assert_string_equal(reasons.reasons[0].text, "no private endpoint: none. tidblink setup");
    assert_string_equal(reasons.reasons[1].cluster, "users");
    assert_string_equal(
        health_line(&reasons, line), "cluster orders: no private endpoint: none. tidblink setup");
    facts.full = true;
    assert_false(health_ask(HEALTH_READY, &facts, &reasons));
    assert_string_equal(health_line(&reasons, line), "max-connections are open");
    free(addrs);
}

// It goes to a terminal: an alias is any bytes of a file, a reason may be a server's own text.
static void test_line_is_one_line_of_utf8(void **state)
{
    (void)state;
    char line[HEALTH_LINE_BYTES];
    const struct health_reasons reasons = { .count = 1,
        .reasons = { { .cluster = "\xff\x1b[31m", .text = "no\nway \xe2\x82" } } };
    assert_string_equal(health_line(&reasons, line), "cluster ? [31m: no way ??");
}

static void test_more_clusters_than_reasons(void **state)
{
    (void)state;
    struct proxy_target_state targets[HEALTH_REASONS_MAX + 3];
    struct health_reasons reasons;
    for (size_t i = 0; i < ARRAY_LEN(targets); i++)
        targets[i] = (struct proxy_target_state){ .alias = "a" };
    const struct health_facts facts = facts_of(targets, ARRAY_LEN(targets));
    assert_false(health_ask(HEALTH_READY, &facts, &reasons));
    assert_int_equal(reasons.count, HEALTH_REASONS_MAX);
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
        cmocka_unit_test(test_programs_that_cannot_be_started),
        cmocka_unit_test(test_program_states),
        cmocka_unit_test(test_reach),
        cmocka_unit_test(test_startup_check),
        cmocka_unit_test(test_a_stuck_worker),
        cmocka_unit_test(test_reasons),
        cmocka_unit_test(test_line_is_one_line_of_utf8),
        cmocka_unit_test(test_more_clusters_than_reasons),
        cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
