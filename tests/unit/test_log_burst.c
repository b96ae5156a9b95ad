// SPDX-License-Identifier: Apache-2.0
//
// base/log_burst, with a clock of its own: how many lines of a burst are written, and that lines
// and sums together are as many as the events.
#include "base/log_burst.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct log_burst burst;
static uint64_t written, sums, sum_of_held, rest_held;

static void take_due(uint64_t now_ms)
{
    uint64_t held = 0;
    bool is_rest = false;
    while (log_burst_due(&burst, now_ms, &held, &is_rest)) {
        assert_true(held > 0);
        sums++;
        sum_of_held += held;
        rest_held += is_rest ? held : 0;
    }
}

static void happen(uint64_t event, uint64_t now_ms)
{
    static struct log_line line;
    line.event = event;
    line.len = (size_t)snprintf(
        line.text, sizeof(line.text), "%ju at %ju", (uintmax_t)event, (uintmax_t)now_ms);
    take_due(now_ms); // as log_write does
    written += log_burst_admit(&burst, &line, now_ms);
}

static int begin(void **state)
{
    (void)state;
    written = sums = sum_of_held = rest_held = 0;
    log_burst_init(&burst, 5);
    return 0;
}

static void test_few_events_are_all_written(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < 100; i++)
        happen(1, 1000 + i * LOG_INTERVAL_MS / 5);
    take_due(UINT64_MAX);
    assert_int_equal(written, 100);
    assert_int_equal(sums, 0);
}

static void test_a_burst_is_summed_up(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < 1000; i++)
        happen(1, 1000 + i);
    assert_int_equal(written, 5);
    assert_int_equal(sums, 0);
    take_due(1000 + LOG_INTERVAL_MS - 1);
    assert_int_equal(sums, 0);
    uint64_t held = 0;
    bool is_rest = true;
    struct log_line *last = log_burst_due(&burst, 1000 + LOG_INTERVAL_MS, &held, &is_rest);
    assert_non_null(last);
    assert_false(is_rest);
    assert_int_equal(held, 995);
    assert_string_equal(last->text, "1 at 1999"); // the last facts
    assert_true(burst.next_ms == UINT64_MAX);
}

// As long as it goes on there is one line per interval, not the limit again in each.
static void test_a_long_burst_is_one_line_per_interval(void **state)
{
    (void)state;
    static const uint64_t SECONDS = 100, RATE = 100;
    for (uint64_t i = 0; i < SECONDS * RATE; i++)
        happen(1, 1000 + i * 1000 / RATE);
    take_due(UINT64_MAX);
    assert_int_equal(written, 5);
    assert_in_range(sums, SECONDS * 1000 / LOG_INTERVAL_MS, SECONDS * 1000 / LOG_INTERVAL_MS + 1);
    assert_int_equal(written + sum_of_held, SECONDS * RATE);
}

static void test_after_a_quiet_interval_lines_are_written_again(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < 50; i++)
        happen(1, 1000 + i);
    take_due(1000 + LOG_INTERVAL_MS);
    happen(1, 1000 + LOG_INTERVAL_MS + 1); // still summed up
    assert_int_equal(written, 5);
    take_due(1000 + 3 * LOG_INTERVAL_MS);
    assert_int_equal(written + sum_of_held, 51);
    for (uint64_t i = 0; i < 3; i++)
        happen(1, 1000 + 5 * LOG_INTERVAL_MS + i);
    assert_int_equal(written, 8);
}

static void test_events_do_not_disturb_each_other(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < 1000; i++)
        happen(1, 1000 + i);
    happen(2, 2000);
    assert_int_equal(written, 6);
    take_due(UINT64_MAX);
    assert_int_equal(written + sum_of_held, 1001);
}

// More events than the table has room for: their lines are counted together, and bounded.
static void test_the_table_is_bounded_and_loses_nothing(void **state)
{
    (void)state;
    static const uint64_t EVENTS = 1000, EACH = 20;
    for (uint64_t i = 0; i < EVENTS * EACH; i++)
        happen(1 + i % EVENTS, 1000 + i / 10);
    take_due(UINT64_MAX);
    assert_true(rest_held > 0);
    assert_true(written + sums <= (LOG_BURST_EVENTS + UINT64_C(1)) * (5 + 2));
    assert_int_equal(written + sum_of_held, EVENTS * EACH);
}

static void test_limit_zero_writes_everything(void **state)
{
    (void)state;
    log_burst_init(&burst, 0);
    for (uint64_t i = 0; i < 1000; i++)
        happen(1, 1000);
    assert_int_equal(written, 1000);
}

// Whatever comes when, nothing is lost.
static void test_sums_and_lines_are_the_events(void **state)
{
    (void)state;
    unsigned long long seed = 7;
    uint64_t now_ms = 1;
    enum { EVENTS = 50000 };
    for (int i = 0; i < EVENTS; i++) {
        seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
        unsigned draw = (unsigned)(seed >> 33);
        now_ms += draw % 1000 == 0 ? draw % (3 * LOG_INTERVAL_MS) : draw % 5;
        happen(draw % 7 ? draw % 3 : draw % 200, now_ms);
    }
    take_due(UINT64_MAX);
    assert_int_equal(written + sum_of_held, EVENTS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_few_events_are_all_written, begin),
        cmocka_unit_test_setup(test_a_burst_is_summed_up, begin),
        cmocka_unit_test_setup(test_a_long_burst_is_one_line_per_interval, begin),
        cmocka_unit_test_setup(test_after_a_quiet_interval_lines_are_written_again, begin),
        cmocka_unit_test_setup(test_events_do_not_disturb_each_other, begin),
        cmocka_unit_test_setup(test_the_table_is_bounded_and_loses_nothing, begin),
        cmocka_unit_test_setup(test_limit_zero_writes_everything, begin),
        cmocka_unit_test_setup(test_sums_and_lines_are_the_events, begin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
