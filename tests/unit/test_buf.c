// SPDX-License-Identifier: Apache-2.0
//
// base/buf: the bound holds, nothing is kept while empty, bytes come out as they went in.
#include "base/buf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void test_empty_holds_no_memory(void **state)
{
    (void)state;
    struct buf buf;
    buf_init(&buf, 100);
    assert_true(buf_is_empty(&buf));
    assert_null(buf.bytes);
    assert_true(buf_append(&buf, "abc", 3));
    assert_non_null(buf.bytes);
    buf_consume(&buf, 3);
    assert_null(buf.bytes);
    assert_int_equal(buf_room(&buf), 100);
}

static void test_limit_is_all_or_nothing(void **state)
{
    (void)state;
    struct buf buf;
    buf_init(&buf, 5);
    assert_true(buf_append(&buf, "abc", 3));
    assert_false(buf_append(&buf, "def", 3));
    assert_int_equal(buf_len(&buf), 3);
    assert_true(buf_append(&buf, "de", 2));
    assert_memory_equal(buf_head(&buf), "abcde", 5);
    buf_done(&buf);
}

// A long run of odd-sized appends and consumes against a plain array: moving and growing inside the
// buffer must never show.
static void test_order_survives_moving_and_growing(void **state)
{
    (void)state;
    struct buf buf;
    buf_init(&buf, 8000);
    uint8_t next_in = 0, next_out = 0;
    unsigned seed = 12345;
    for (int round = 0; round < 5000; round++) {
        seed = seed * 1103515245u + 12345u;
        uint8_t piece[700];
        size_t len = (seed >> 16) % sizeof(piece);
        if (len > buf_room(&buf))
            len = buf_room(&buf);
        for (size_t i = 0; i < len; i++)
            piece[i] = next_in++;
        assert_true(buf_append(&buf, piece, len));
        size_t take = (seed >> 8) % 900;
        if (take > buf_len(&buf))
            take = buf_len(&buf);
        const char *head = buf_head(&buf);
        for (size_t i = 0; i < take; i++)
            assert_int_equal((uint8_t)head[i], next_out++);
        buf_consume(&buf, take);
    }
    buf_done(&buf);
}

static void test_take_text_terminates_and_empties(void **state)
{
    (void)state;
    struct buf buf;
    buf_init(&buf, 100);
    char *empty = buf_take_text(&buf);
    assert_string_equal(empty, "");
    free(empty);
    assert_true(buf_append(&buf, "xhello", 6));
    buf_consume(&buf, 1);
    char *text = buf_take_text(&buf);
    assert_string_equal(text, "hello");
    free(text);
    assert_true(buf_is_empty(&buf));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_empty_holds_no_memory),
        cmocka_unit_test(test_limit_is_all_or_nothing),
        cmocka_unit_test(test_order_survives_moving_and_growing),
        cmocka_unit_test(test_take_text_terminates_and_empties),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
