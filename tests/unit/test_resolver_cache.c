// SPDX-License-Identifier: Apache-2.0
//
// resolver/cache: what is believed, for how long, and who hears of it, with a clock of our own.
#include "resolver/addr_set.h"
#include "resolver/cache.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct resolver_options rules = {
    .timeout_ms = 5000,
    .ttl_min_ms = 5000,
    .ttl_max_ms = 60000,
    .negative_ms = 5000,
};
enum { T0 = 1000000 };

static struct addr_set *answer(uint32_t ttl_s, const char *first, const char *second)
{
    struct addr_set *set = addr_set_new("db.example.com", 2);
    assert_non_null(set);
    set->ttl_s = ttl_s;
    assert_true(addr_from_ip(first, 0, &set->addrs[set->count++]));
    if (second)
        assert_true(addr_from_ip(second, 0, &set->addrs[set->count++]));
    return set;
}

static struct err failed(enum err_code code)
{
    struct err err;
    err_set(&err, code, "%s", err_row(code)->key);
    return err;
}

static bool fail_at(struct cache *cache, enum err_code code, uint64_t now_ms)
{
    struct err err = failed(code);
    return cache_failure(cache, &err, now_ms, 0);
}

static void check(const struct cache *cache, bool has_addrs, enum err_code failure)
{
    struct resolution seen = cache_resolution(cache);
    assert_int_equal(seen.addrs != NULL, has_addrs);
    assert_int_equal(seen.failure ? seen.failure->code : ERR_NONE, failure);
}

static int setup(void **state)
{
    static struct cache cache;
    cache_init(&cache, &rules);
    *state = &cache;
    return 0;
}

static int teardown(void **state)
{
    cache_done(*state);
    return 0;
}

static void test_ttl_is_bounded_and_refreshed_ahead(void **state)
{
    struct cache *cache = *state;
    static const struct {
        uint32_t ttl_s;
        uint64_t bounded_ms;
    } rows[] = { { 0, 5000 }, { 5, 5000 }, { 20, 20000 }, { 60, 60000 }, { 86400, 60000 },
        { UINT32_MAX, 60000 } };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        cache_answer(cache, answer(rows[i].ttl_s, "10.0.0.1", NULL), T0, 0);
        assert_int_equal(cache->expires_ms, T0 + rows[i].bounded_ms);
        assert_int_equal(cache->due_ms, T0 + rows[i].bounded_ms * 75 / 100);
        cache_answer(cache, answer(rows[i].ttl_s, "10.0.0.1", NULL), T0, CACHE_DICE - 1);
        assert_true(cache->due_ms > T0 + rows[i].bounded_ms * 89 / 100);
        assert_true(cache->due_ms < cache->expires_ms);
    }
}

static void test_only_changes_are_news(void **state)
{
    struct cache *cache = *state;
    check(cache, false, ERR_NONE);
    assert_int_equal(cache_resolution(cache).answered_ms, 0);
    assert_true(cache_answer(cache, answer(60, "10.0.0.1", "10.0.0.2"), T0, 0));
    assert_false(cache_answer(cache, answer(30, "10.0.0.2", "10.0.0.1"), T0 + 1, 0)); // rotated
    assert_int_equal(cache_resolution(cache).answered_ms, T0 + 1);
    assert_true(cache_answer(cache, answer(60, "10.0.0.1", NULL), T0 + 2, 0));
    assert_false(cache_answer(cache, answer(60, "10.0.0.1", "10.0.0.1"), T0 + 3, 0));
    assert_true(cache_answer(cache, answer(60, "10.0.0.1", "10.0.0.3"), T0 + 4, 0));
    check(cache, true, ERR_NONE);
}

static void test_first_failure_is_told_and_stands(void **state)
{
    struct cache *cache = *state;
    static const enum err_code codes[] = { ERR_DNS_NXDOMAIN, ERR_DNS_NODATA, ERR_DNS_SERVFAIL,
        ERR_DNS_TIMEOUT, ERR_DNS_POLICY };
    for (size_t i = 0; i < ARRAY_LEN(codes); i++) {
        assert_true(fail_at(cache, codes[i], T0)); // each is another failure than the one before
        assert_int_equal(cache->due_ms, T0 + 5000);
        check(cache, false, codes[i]);
        assert_false(fail_at(cache, codes[i], T0 + 5000));
    }
    assert_true(cache_answer(cache, answer(60, "10.0.0.1", NULL), T0 + 9000, 0));
    check(cache, true, ERR_NONE);
}

static void test_silence_before_expiry_is_not_told(void **state)
{
    struct cache *cache = *state;
    cache_answer(cache, answer(60, "10.0.0.1", NULL), T0, 0);
    assert_false(fail_at(cache, ERR_DNS_TIMEOUT, T0 + 50000));
    check(cache, true, ERR_NONE);
    assert_int_equal(cache->due_ms, T0 + 55000); // tried again soon, not a TTL later
    assert_false(cache_answer(cache, answer(60, "10.0.0.1", NULL), T0 + 55000, 0));
}

static void test_stale_is_served_and_told(void **state)
{
    struct cache *cache = *state;
    cache_answer(cache, answer(60, "10.0.0.1", NULL), T0, 0);
    assert_true(fail_at(cache, ERR_DNS_TIMEOUT, T0 + 60000));
    check(cache, true, ERR_DNS_TIMEOUT);
    assert_int_equal(cache_resolution(cache).answered_ms, T0);
    assert_true(fail_at(cache, ERR_DNS_SERVFAIL, T0 + 70000));
    check(cache, true, ERR_DNS_SERVFAIL);
    assert_false(fail_at(cache, ERR_DNS_SERVFAIL, T0 + 100000000)); // however long it lasts
    check(cache, true, ERR_DNS_SERVFAIL);
    assert_true(cache_answer(cache, answer(60, "10.0.0.1", NULL), T0 + 100005000, 0)); // recovered
    check(cache, true, ERR_NONE);
}

static void check_second_look(struct cache *cache, enum err_code first, enum err_code second)
{
    cache_answer(cache, answer(60, "10.0.0.1", NULL), T0, 0);
    assert_false(fail_at(cache, first, T0 + 45000));
    check(cache, true, ERR_NONE);
    assert_int_equal(cache->due_ms, T0 + 46000);
    assert_true(fail_at(cache, second, T0 + 46000));
    check(cache, false, second);
    assert_int_equal(cache->due_ms, T0 + 51000);
    assert_int_equal(cache_resolution(cache).answered_ms, T0);
}

static void test_none_counts_when_confirmed(void **state)
{
    check_second_look(*state, ERR_DNS_NXDOMAIN, ERR_DNS_NXDOMAIN);
    check_second_look(*state, ERR_DNS_NODATA, ERR_DNS_NODATA);
    check_second_look(*state, ERR_DNS_NODATA, ERR_DNS_NXDOMAIN);
}

static void test_doubt_ends_with_a_good_answer(void **state)
{
    struct cache *cache = *state;
    cache_answer(cache, answer(60, "10.0.0.1", NULL), T0, 0);
    assert_false(fail_at(cache, ERR_DNS_NXDOMAIN, T0 + 45000));
    assert_false(cache_answer(cache, answer(60, "10.0.0.1", NULL), T0 + 46000, 0));
    assert_false(fail_at(cache, ERR_DNS_NXDOMAIN, T0 + 90000)); // a first one again
    check(cache, true, ERR_NONE);
}

static void test_silence_does_not_confirm(void **state)
{
    struct cache *cache = *state;
    cache_answer(cache, answer(60, "10.0.0.1", NULL), T0, 0);
    assert_false(fail_at(cache, ERR_DNS_NXDOMAIN, T0 + 45000));
    assert_false(fail_at(cache, ERR_DNS_TIMEOUT, T0 + 51000));
    check(cache, true, ERR_NONE);
    assert_true(fail_at(cache, ERR_DNS_NXDOMAIN, T0 + 56000)); // the doubt stood
    check(cache, false, ERR_DNS_NXDOMAIN);
}

static void test_stale_needs_a_second_look_too(void **state)
{
    struct cache *cache = *state;
    cache_answer(cache, answer(60, "10.0.0.1", NULL), T0, 0);
    assert_true(fail_at(cache, ERR_DNS_TIMEOUT, T0 + 65000));
    assert_false(fail_at(cache, ERR_DNS_NXDOMAIN, T0 + 70000));
    check(cache, true, ERR_DNS_TIMEOUT);
    assert_true(fail_at(cache, ERR_DNS_NXDOMAIN, T0 + 71000));
    check(cache, false, ERR_DNS_NXDOMAIN);
}

static void test_refused_answer_counts_at_once(void **state)
{
    struct cache *cache = *state;
    cache_answer(cache, answer(60, "10.0.0.1", NULL), T0, 0);
    assert_true(fail_at(cache, ERR_DNS_POLICY, T0 + 45000));
    check(cache, false, ERR_DNS_POLICY);
    assert_int_equal(cache->due_ms, T0 + 50000);
}

// After a change of networks.
static void test_doubt_believes_what_comes_first(void **state)
{
    struct cache *cache = *state;
    cache_answer(cache, answer(60, "10.0.0.1", NULL), T0, 0);
    cache_doubt(cache, T0 + 1000);
    assert_true(fail_at(cache, ERR_DNS_TIMEOUT, T0 + 2000)); // told at once: the TTL counts no more
    check(cache, true, ERR_DNS_TIMEOUT);
    assert_int_equal(cache->due_ms, T0 + 3000);               // and looked at again soon
    assert_true(fail_at(cache, ERR_DNS_NXDOMAIN, T0 + 3000)); // needs no second look
    check(cache, false, ERR_DNS_NXDOMAIN);
    assert_int_equal(cache->due_ms, T0 + 4000);
    fail_at(cache, ERR_DNS_NXDOMAIN, T0 + 60000); // but not for ever
    assert_int_equal(cache->due_ms, T0 + 65000);
    cache_answer(cache, answer(60, "10.0.0.1", NULL), T0 + 66000, 0);
    assert_false(fail_at(cache, ERR_DNS_NXDOMAIN, T0 + 67000)); // as always
}

static void test_kept_set_outlives_the_cache(void **state)
{
    struct cache *cache = *state;
    cache_answer(cache, answer(60, "10.0.0.1", NULL), T0, 0);
    struct addr_set *kept = addr_set_ref(cache_resolution(cache).addrs);
    fail_at(cache, ERR_DNS_POLICY, T0 + 1);
    assert_string_equal(kept->host, "db.example.com");
    addr_set_unref(kept);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_ttl_is_bounded_and_refreshed_ahead, setup, teardown),
        cmocka_unit_test_setup_teardown(test_only_changes_are_news, setup, teardown),
        cmocka_unit_test_setup_teardown(test_first_failure_is_told_and_stands, setup, teardown),
        cmocka_unit_test_setup_teardown(test_silence_before_expiry_is_not_told, setup, teardown),
        cmocka_unit_test_setup_teardown(test_stale_is_served_and_told, setup, teardown),
        cmocka_unit_test_setup_teardown(test_none_counts_when_confirmed, setup, teardown),
        cmocka_unit_test_setup_teardown(test_doubt_ends_with_a_good_answer, setup, teardown),
        cmocka_unit_test_setup_teardown(test_silence_does_not_confirm, setup, teardown),
        cmocka_unit_test_setup_teardown(test_stale_needs_a_second_look_too, setup, teardown),
        cmocka_unit_test_setup_teardown(test_refused_answer_counts_at_once, setup, teardown),
        cmocka_unit_test_setup_teardown(test_doubt_believes_what_comes_first, setup, teardown),
        cmocka_unit_test_setup_teardown(test_kept_set_outlives_the_cache, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
