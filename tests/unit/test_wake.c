// SPDX-License-Identifier: Apache-2.0
//
// base/wake: sleep, a stop, and neither, told from readings of the clocks.
#include "base/wake.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

enum { TICK_MS = 30 * 1000 };
#define HOUR_MS INT64_C(3600000)

static const struct wake_clocks before = {
    .mono_ms = 5 * HOUR_MS, .boot_ms = 7 * HOUR_MS, .wall_ms = UINT64_C(1790000000000)
};

// `ran_ms` on all clocks, of which the monotonic one stood still for `slept_ms`; then the wall
// clock was set.
static struct wake judged(uint64_t ran_ms, uint64_t slept_ms, int64_t set_ms, bool has_boot)
{
    struct wake wake;
    struct wake_clocks first = before, now = {
        .mono_ms = before.mono_ms + ran_ms,
        .boot_ms = before.boot_ms + ran_ms + slept_ms,
        .wall_ms = before.wall_ms + ran_ms + slept_ms + (uint64_t)set_ms,
    };
    if (!has_boot)
        first.boot_ms = now.boot_ms = 0;
    bool woke = wake_judge(&first, &now, TICK_MS, &wake);
    assert_int_equal(woke, wake.slept_ms || wake.stopped_ms);
    return wake;
}

static void test_nothing_happened(void **unused)
{
    for (int has_boot = 0; has_boot < 2; has_boot++) {
        struct wake wake = judged(TICK_MS, 0, 0, has_boot);
        assert_int_equal(wake.slept_ms + wake.stopped_ms, 0);
        wake = judged(0, 0, 0, has_boot);
        assert_int_equal(wake.slept_ms + wake.stopped_ms, 0);
        wake = judged(TICK_MS + WAKE_STOPPED_MS - 1, 0, 0, has_boot); // a busy machine
        assert_int_equal(wake.slept_ms + wake.stopped_ms, 0);
    }
}

static void test_slept(void **unused)
{
    struct wake wake = judged(17, 3 * HOUR_MS, 0, true);
    assert_int_equal(wake.slept_ms, 3 * HOUR_MS);
    assert_int_equal(wake.stopped_ms, 0);
    assert_int_equal(judged(17, WAKE_SLEPT_MS, 0, true).slept_ms, WAKE_SLEPT_MS);
    assert_int_equal(judged(17, WAKE_SLEPT_MS - 1, 0, true).slept_ms, 0);
}

static void test_the_wall_clock_was_set(void **unused)
{
    assert_int_equal(judged(1000, 0, 5 * HOUR_MS, true).slept_ms, 0);
    assert_int_equal(judged(1000, 0, -5 * HOUR_MS, true).slept_ms, 0);
    assert_int_equal(judged(1000, HOUR_MS, -5 * HOUR_MS, true).slept_ms, HOUR_MS);
}

static void test_only_the_wall_clock_tells(void **unused)
{
    assert_int_equal(judged(2000, HOUR_MS, 0, false).slept_ms, HOUR_MS);
    assert_int_equal(judged(2000, 0, WAKE_SLEPT_WALL_MS - 1, false).slept_ms, 0);
    assert_int_equal(judged(2000, 0, -HOUR_MS, false).slept_ms, 0);
}

static void test_stopped(void **unused)
{
    struct wake wake = judged(TICK_MS + HOUR_MS, 0, 0, true);
    assert_int_equal(wake.slept_ms, 0);
    assert_int_equal(wake.stopped_ms, HOUR_MS);
    wake = judged(TICK_MS + HOUR_MS, 2 * HOUR_MS, 0, true);
    assert_int_equal(wake.slept_ms, 2 * HOUR_MS);
    assert_int_equal(wake.stopped_ms, HOUR_MS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_happened),
        cmocka_unit_test(test_slept),
        cmocka_unit_test(test_the_wall_clock_was_set),
        cmocka_unit_test(test_only_the_wall_clock_tells),
        cmocka_unit_test(test_stopped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
