// SPDX-License-Identifier: Apache-2.0
//
// Prometheus' text of any values.
#include "app/metrics_out.h"

#include "base/defs.h"
#include "base/memory_file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static void assert_sample(const char *value, double number, const char *expected)
{
    struct memory_file file;
    const struct metrics_label labels[METRICS_LABELS_MAX] = { { value ? "a" : NULL, value } };
    assert_true(memory_file_open(&file));
    metrics_out_sample(file.out, "x", labels, number);
    char *text = memory_file_take(&file);
    assert_non_null(text);
    assert_string_equal(text, expected);
    free(text);
}

// "label_value can be any sequence of UTF-8 characters, but the backslash, double-quote, and line
// feed characters have to be escaped".
static void test_any_value_is_one_value(void **state)
{
    (void)state;
    assert_sample("caf\xc3\xa9", 1, "tidblink_x{a=\"caf\xc3\xa9\"} 1\n");
    assert_sample("", 1, "tidblink_x{a=\"\"} 1\n");
    assert_sample("a\"b\\c\nd", 1, "tidblink_x{a=\"a\\\"b\\\\c\\nd\"} 1\n");
    assert_sample("\n\n", 1, "tidblink_x{a=\"\\n\\n\"} 1\n");
    assert_sample("\xff", 1, "tidblink_x{a=\"\\\\xff\"} 1\n");
    assert_sample("cut \xe2\x82", 1, "tidblink_x{a=\"cut \\\\xe2\\\\x82\"} 1\n");
    assert_sample("\xc3\"", 1, "tidblink_x{a=\"\\\\xc3\\\"\"} 1\n"); // not half a quote
    assert_sample(NULL, 1, "tidblink_x 1\n");
}

static void test_numbers_are_as_precise_as_doubles_are_shown(void **state)
{
    (void)state;
    static const double numbers[] = { 0, 1, 0.5, 1e-4, -1, -2.5, 4294967296, 999999999999999, 1e15,
        123456789012345, 1e300, 0.1, 12345.678 };
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
        char expected[64];
        snprintf(expected, sizeof(expected), "tidblink_x %.15g\n", numbers[i]);
        assert_sample(NULL, numbers[i], expected);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_any_value_is_one_value),
        cmocka_unit_test(test_numbers_are_as_precise_as_doubles_are_shown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
