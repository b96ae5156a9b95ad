// SPDX-License-Identifier: Apache-2.0
//
// The address book: nearest first, quarantine and its end, one trial at a time, the breaker.
#include "proxy/paths.h"

#include "resolver/addr_set.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { ADDRESSES = 3, START_MS = 1000000 };

static struct addr_set *set;
static struct paths paths;

static int begin(void **unused)
{
    static const char *const ips[ADDRESSES] = { "10.0.0.1", "10.0.1.1", "fd00::1" };
    set = addr_set_new("h", ADDRESSES);
    set->count = ADDRESSES;
    for (size_t i = 0; i < ADDRESSES; i++)
        assert_true(addr_from_ip(ips[i], 0, &set->addrs[i]));
    paths = (struct paths){ 0 };
    return 0;
}

static int end(void **unused)
{
    paths_done(&paths);
    addr_set_unref(set);
    return 0;
}

static int pick_of(uint32_t tried, uint64_t now_ms)
{
    bool on_trial;
    return paths_pick(&paths, set, tried, now_ms, &on_trial);
}

static void measure(uint32_t a_us, uint32_t b_us, uint32_t c_us)
{
    paths_connected(&paths, &set->addrs[0], a_us, START_MS);
    paths_connected(&paths, &set->addrs[1], b_us, START_MS);
    paths_connected(&paths, &set->addrs[2], c_us, START_MS);
}

static void test_each_address_is_measured_once_then_the_nearest_is_first(void **unused)
{
    assert_int_equal(pick_of(0, START_MS), 0);
    paths_connected(&paths, &set->addrs[0], 900, START_MS);
    assert_int_equal(pick_of(0, START_MS), 1);
    paths_connected(&paths, &set->addrs[1], 300, START_MS);
    assert_int_equal(pick_of(0, START_MS), 2);
    paths_connected(&paths, &set->addrs[2], 1500, START_MS);
    assert_int_equal(pick_of(0, START_MS), 1);
    assert_int_equal(pick_of(1 << 1, START_MS), 0);
    assert_int_equal(pick_of(1 << 1 | 1 << 0, START_MS), 2);
    assert_int_equal(pick_of(7, START_MS), PATHS_NONE);
}

static void test_connect_times_are_smoothed_and_grow_old(void **unused)
{
    measure(1000, 1600, 9000);
    // One slow connect does not move the nearest, a run of them does.
    paths_connected(&paths, &set->addrs[0], 3000, START_MS);
    assert_int_equal(pick_of(0, START_MS), 0);
    for (int i = 0; i < 20; i++)
        paths_connected(&paths, &set->addrs[0], 3000, START_MS);
    assert_int_equal(pick_of(0, START_MS), 1);
    // The other one's measure grows old while this one's is renewed.
    uint64_t later_ms = START_MS + 2000 * UINT64_C(1000);
    paths_connected(&paths, &set->addrs[1], 1600, later_ms);
    assert_int_equal(pick_of(0, later_ms), 0);
}

static void test_a_failed_address_is_left_alone_then_tried_by_one(void **unused)
{
    bool on_trial;
    measure(100, 200, 300);
    assert_true(paths_failed(&paths, &set->addrs[0], START_MS));
    assert_false(paths_failed(&paths, &set->addrs[0], START_MS + 1)); // one failure, not two
    assert_int_equal(
        paths_quarantine_ms(&paths, &set->addrs[0], START_MS + 1), PATHS_QUARANTINE_MS - 1);
    assert_int_equal(pick_of(0, START_MS + PATHS_QUARANTINE_MS - 1), 1);
    uint64_t over_ms = START_MS + PATHS_QUARANTINE_MS;
    assert_int_equal(paths_pick(&paths, set, 0, over_ms, &on_trial), 0);
    assert_true(on_trial);
    assert_int_equal(paths_pick(&paths, set, 0, over_ms, &on_trial), 1); // the others go elsewhere
    assert_false(on_trial);
    paths_unpicked(&paths, &set->addrs[0]); // called off: somebody else may
    assert_int_equal(paths_pick(&paths, set, 0, over_ms, &on_trial), 0);
    assert_true(on_trial);
    assert_false(paths_failed(&paths, &set->addrs[0], over_ms)); // no news
    assert_int_equal(
        paths_quarantine_ms(&paths, &set->addrs[0], over_ms), UINT64_C(2) * PATHS_QUARANTINE_MS);
}

static void test_quarantine_doubles_up_to_a_minute_and_a_success_ends_it(void **unused)
{
    uint64_t now_ms = START_MS;
    bool on_trial;
    for (int i = 0; i < 12; i++) {
        paths_failed(&paths, &set->addrs[0], now_ms);
        now_ms += paths_quarantine_ms(&paths, &set->addrs[0], now_ms);
        paths_pick(&paths, set, 6, now_ms, &on_trial);
        assert_true(on_trial);
    }
    paths_failed(&paths, &set->addrs[0], now_ms);
    assert_int_equal(paths_quarantine_ms(&paths, &set->addrs[0], now_ms), PATHS_QUARANTINE_MAX_MS);
    assert_true(paths_connected(&paths, &set->addrs[0], 100, now_ms));
    assert_false(paths_connected(&paths, &set->addrs[0], 100, now_ms));
    assert_int_equal(paths_quarantine_ms(&paths, &set->addrs[0], now_ms), 0);
    paths_failed(&paths, &set->addrs[0], now_ms);
    assert_int_equal(paths_quarantine_ms(&paths, &set->addrs[0], now_ms), PATHS_QUARANTINE_MS);
}

static void test_when_all_fail_the_first_to_be_forgiven_is_tried(void **unused)
{
    measure(100, 200, 300);
    paths_failed(&paths, &set->addrs[1], START_MS);
    paths_failed(&paths, &set->addrs[0], START_MS + 10);
    paths_failed(&paths, &set->addrs[2], START_MS + 20);
    assert_int_equal(pick_of(0, START_MS + 30), 1);
    assert_int_equal(pick_of(1 << 1, START_MS + 30), 0);
}

static void test_the_breaker_opens_for_slow_failures_and_lets_one_find_out(void **unused)
{
    struct err err, told;
    bool probe;
    err_set(&err, ERR_DIAL_TIMEOUT, "tidblink: cannot reach cluster orders");
    paths_broke(&paths, false, &err, PATHS_SLOW_MS - 1, START_MS); // a quick refusal
    assert_false(paths_is_broken(&paths, START_MS, &probe, &told));
    assert_false(probe);
    paths_broke(&paths, false, &err, PATHS_SLOW_MS, START_MS);
    assert_true(paths_is_open(&paths));
    assert_true(paths_is_broken(&paths, START_MS + PATHS_BREAK_MS - 1, &probe, &told));
    assert_int_equal(told.code, ERR_DIAL_TIMEOUT);
    assert_string_equal(told.text, err.text);
    uint64_t over_ms = START_MS + PATHS_BREAK_MS;
    assert_false(paths_is_broken(&paths, over_ms, &probe, &told));
    assert_true(probe);
    assert_true(paths_is_broken(&paths, over_ms, &probe, &told)); // one is enough
    paths_probed(&paths);
    assert_false(paths_is_broken(&paths, over_ms, &probe, &told)); // it left: the next one
    assert_true(probe);
    paths_broke(&paths, true, &err, PATHS_SLOW_MS, over_ms);
    assert_true(paths_is_broken(&paths, over_ms + UINT64_C(2) * PATHS_BREAK_MS - 1, &probe, &told));
    assert_false(paths_is_broken(&paths, over_ms + UINT64_C(2) * PATHS_BREAK_MS, &probe, &told));
    paths_connected(&paths, &set->addrs[0], 100, over_ms);
    assert_false(paths_is_open(&paths));
}

static void test_a_cluster_that_now_refuses_quickly_is_no_longer_broken(void **unused)
{
    struct err err, told;
    bool probe;
    err_set(&err, ERR_DIAL, "tidblink: refused");
    paths_broke(&paths, false, &err, 5000, START_MS);
    uint64_t over_ms = START_MS + PATHS_BREAK_MS;
    assert_false(paths_is_broken(&paths, over_ms, &probe, &told));
    paths_broke(&paths, true, &err, 1, over_ms);
    assert_false(paths_is_open(&paths));
}

static void test_a_full_book_forgets_the_oldest(void **unused)
{
    struct addr addr;
    char text[32];
    for (unsigned i = 0; i < PATHS_MAX + 5; i++) {
        snprintf(text, sizeof(text), "10.1.0.%u", i);
        assert_true(addr_from_ip(text, 0, &addr));
        paths_connected(&paths, &addr, 100 + i, START_MS + i);
    }
    assert_int_equal(paths.count, PATHS_MAX);
}

static void test_another_network_forgets_all(void **unused)
{
    struct addr addr;
    struct err err, told;
    bool probe;
    assert_true(addr_from_ip("10.1.0.1", 0, &addr));
    paths_failed(&paths, &addr, START_MS);
    err_set(&err, ERR_DIAL_TIMEOUT, "tidblink: silence");
    paths_broke(&paths, false, &err, 5000, START_MS);
    assert_true(paths_is_broken(&paths, START_MS + 1, &probe, &told));
    paths_forget(&paths);
    assert_false(paths_is_broken(&paths, START_MS + 1, &probe, &told));
    assert_false(probe);
    assert_int_equal(paths_quarantine_ms(&paths, &addr, START_MS + 1), 0);
    paths_unpicked(&paths, &addr); // of a dial that began before
    paths_probed(&paths);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            test_each_address_is_measured_once_then_the_nearest_is_first, begin, end),
        cmocka_unit_test_setup_teardown(test_connect_times_are_smoothed_and_grow_old, begin, end),
        cmocka_unit_test_setup_teardown(
            test_a_failed_address_is_left_alone_then_tried_by_one, begin, end),
        cmocka_unit_test_setup_teardown(
            test_quarantine_doubles_up_to_a_minute_and_a_success_ends_it, begin, end),
        cmocka_unit_test_setup_teardown(
            test_when_all_fail_the_first_to_be_forgiven_is_tried, begin, end),
        cmocka_unit_test_setup_teardown(
            test_the_breaker_opens_for_slow_failures_and_lets_one_find_out, begin, end),
        cmocka_unit_test_setup_teardown(
            test_a_cluster_that_now_refuses_quickly_is_no_longer_broken, begin, end),
        cmocka_unit_test_setup_teardown(test_another_network_forgets_all, begin, end),
        cmocka_unit_test_setup_teardown(test_a_full_book_forgets_the_oldest, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
