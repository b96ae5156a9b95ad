// SPDX-License-Identifier: Apache-2.0
//
// proxy/path_book: what several workers told of an address, put together.
#include "proxy/path_book.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#define NOW_MS UINT64_C(100000)

static struct addr addr_of(unsigned last)
{
    struct addr addr = { .len = sizeof(addr.in4) };
    addr.in4.sin_family = AF_INET;
    addr.in4.sin_addr.s_addr = htonl(0x0a000000 + last);
    return addr;
}

static void tell(struct path_book *book, size_t worker, unsigned last, const struct path *path)
{
    struct addr addr = addr_of(last);
    struct path told = *path;
    told.peer = peer_from_addr(&addr);
    path_book_told(book, worker, &told);
}

static struct path_sum sum_of(const struct path_book *book, unsigned last)
{
    struct addr addr = addr_of(last);
    return path_book_sum(book, &addr, NOW_MS);
}

static void test_nothing_is_known(void **state)
{
    (void)state;
    struct path_book book = { 0 };
    const struct path_sum sum = sum_of(&book, 1);
    assert_int_equal(sum.connect_us, 0);
    assert_int_equal(sum.failures, 0);
    assert_int_equal(sum.left_alone_ms, 0);
    path_book_done(&book);
}

static void test_workers_differ(void **state)
{
    (void)state;
    struct path_book book = { 0 };
    tell(&book, 0, 1, &(struct path){ .connect_us = 900, .measured_ms = NOW_MS - 500 });
    tell(&book, 1, 1,
        &(struct path){ .connect_us = 700,
            .measured_ms = NOW_MS - 100,
            .failures = 2,
            .until_ms = NOW_MS + 1500 });
    tell(&book, 2, 1, &(struct path){ .failures = 1, .until_ms = NOW_MS - 1 }); // its time is over
    tell(&book, 0, 2, &(struct path){ .connect_us = 5, .measured_ms = NOW_MS, .failures = 9 });
    const struct path_sum sum = sum_of(&book, 1);
    assert_int_equal(sum.connect_us, 700); // measured last
    assert_int_equal(sum.failures, 2);
    assert_int_equal(sum.left_alone_ms, 1500);
    path_book_done(&book);
}

static void test_the_last_word_of_a_worker_counts(void **state)
{
    (void)state;
    struct path_book book = { 0 };
    tell(&book, 3, 1, &(struct path){ .failures = 4, .until_ms = NOW_MS + 8000 });
    tell(&book, 3, 1, &(struct path){ .connect_us = 300, .measured_ms = NOW_MS });
    assert_int_equal(book.count, 1);
    assert_int_equal(sum_of(&book, 1).failures, 0);
    assert_int_equal(sum_of(&book, 1).left_alone_ms, 0);
    path_book_done(&book);
    assert_int_equal(sum_of(&book, 1).connect_us, 0);
}

// Names change their addresses for as long as the program runs.
static void test_it_does_not_grow_for_ever(void **state)
{
    (void)state;
    struct path_book book = { 0 };
    for (unsigned i = 0; i < 1000; i++)
        for (size_t worker = 0; worker < 2; worker++)
            tell(&book, worker, i, &(struct path){ .connect_us = i + 1, .measured_ms = i });
    assert_int_equal(book.count, 2 * PATHS_MAX);
    assert_int_equal(sum_of(&book, 999).connect_us, 1000);
    assert_int_equal(sum_of(&book, 0).connect_us, 0); // the oldest gave way
    path_book_done(&book);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_is_known),
        cmocka_unit_test(test_workers_differ),
        cmocka_unit_test(test_the_last_word_of_a_worker_counts),
        cmocka_unit_test(test_it_does_not_grow_for_ever),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
