// SPDX-License-Identifier: Apache-2.0
//
// proxy/histogram: into which bucket a time goes.
#include "proxy/histogram.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static void test_bounds_ascend(void **state)
{
    (void)state;
    assert_int_equal(histogram_bounds_us[0], 100);
    assert_int_equal(histogram_bounds_us[HISTOGRAM_BOUNDS - 1], 30 * 1000 * 1000);
    for (size_t i = 1; i < HISTOGRAM_BOUNDS; i++)
        assert_true(histogram_bounds_us[i] > histogram_bounds_us[i - 1]);
}

// A bound belongs to its bucket ("le" means less or equal); what is above the last has its own.
static void test_each_bound(void **state)
{
    (void)state;
    struct histogram histogram = { 0 };
    struct histogram_sum sum = { 0 };
    uint64_t expected_us = 0;
    for (size_t i = 0; i < HISTOGRAM_BOUNDS; i++) {
        histogram_add(&histogram, histogram_bounds_us[i]);
        histogram_add(&histogram, histogram_bounds_us[i] + 1);
        expected_us += 2 * (uint64_t)histogram_bounds_us[i] + 1;
    }
    histogram_add(&histogram, 0);
    histogram_collect(&histogram, &sum);
    assert_int_equal(sum.sum_us, expected_us);
    assert_int_equal(sum.counts[0], 2);
    for (size_t i = 1; i < HISTOGRAM_BOUNDS; i++)
        assert_int_equal(sum.counts[i], 2);
    assert_int_equal(sum.counts[HISTOGRAM_BOUNDS], 1);
}

static void test_several_writers_add_up(void **state)
{
    (void)state;
    struct histogram one = { 0 }, other = { 0 };
    struct histogram_sum sum = { 0 };
    histogram_add(&one, 90);
    histogram_add(&other, 95);
    histogram_add(&other, UINT64_C(3600000000));
    histogram_collect(&one, &sum);
    histogram_collect(&other, &sum);
    assert_int_equal(sum.counts[0], 2);
    assert_int_equal(sum.counts[HISTOGRAM_BOUNDS], 1);
    assert_int_equal(sum.sum_us, UINT64_C(3600000185));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bounds_ascend),
        cmocka_unit_test(test_each_bound),
        cmocka_unit_test(test_several_writers_add_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
