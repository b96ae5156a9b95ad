// SPDX-License-Identifier: Apache-2.0
//
// resolver/policy: which addresses count as private, and what is said about an answer that is not.
#include "base/cidr.h"
#include "resolver/addr_set.h"
#include "resolver/policy.h"
#include "resolver/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct verdict {
    const char *ip;
    bool plain;    // no option set
    bool loopback; // allow_loopback
    bool wide;     // allowed-cidrs = 0.0.0.0/0, ::/0
};

// clang-format off
static const struct verdict verdicts[] = {
    { "10.0.0.0",                true,  true,  true },
    { "10.255.255.255",          true,  true,  true },
    { "9.255.255.255",           false, false, true },
    { "11.0.0.0",                false, false, true },
    { "172.16.0.1",              true,  true,  true },
    { "172.31.255.255",          true,  true,  true },
    { "172.15.255.255",          false, false, true },
    { "172.32.0.0",              false, false, true },
    { "192.168.0.1",             true,  true,  true },
    { "192.167.255.255",         false, false, true },
    { "192.169.0.0",             false, false, true },
    { "100.64.0.0",              true,  true,  true },
    { "100.127.255.255",         true,  true,  true },
    { "100.63.255.255",          false, false, true },
    { "100.128.0.0",             false, false, true },
    { "fc00::1",                 true,  true,  true },
    { "fdff:ffff::1",            true,  true,  true },
    { "fe00::1",                 false, false, true },
    { "2600:1f14::1",            false, false, true },
    { "64:ff9b::a00:1",          false, false, true },  // NAT64 may lead anywhere
    { "8.8.8.8",                 false, false, true },
    { "::ffff:10.1.2.3",         true,  true,  true },
    { "::ffff:8.8.8.8",          false, false, true },
    { "127.0.0.1",               false, true,  false },
    { "127.255.0.1",             false, true,  false },
    { "::1",                     false, true,  false },
    { "::ffff:127.0.0.1",        false, true,  false },
    { "0.0.0.0",                 false, false, false },
    { "0.1.2.3",                 false, false, false },
    { "::",                      false, false, false },
    { "169.254.169.254",         false, false, false },
    { "::ffff:169.254.169.254",  false, false, false },
    { "fe80::1",                 false, false, false },
    { "224.0.0.1",               false, false, false },
    { "255.255.255.255",         false, false, false },
    { "ff02::1",                 false, false, false },
};
// clang-format on

static struct addr ip(const char *text)
{
    struct addr addr;
    if (!addr_from_ip(text, 0, &addr))
        fail_msg("%s", text);
    return addr;
}

static void test_every_block_and_its_neighbours(void **state)
{
    (void)state;
    struct cidr everything[2];
    assert_true(cidr_parse("0.0.0.0/0", &everything[0], NULL));
    assert_true(cidr_parse("::/0", &everything[1], NULL));
    const struct policy plain = { 0 };
    const struct policy loopback = { .allow_loopback = true };
    const struct policy wide = { .allowed = everything, .allowed_count = 2 };
    for (size_t i = 0; i < ARRAY_LEN(verdicts); i++) {
        const struct verdict *row = &verdicts[i];
        struct addr addr = ip(row->ip);
        if (policy_is_private(&plain, &addr) != row->plain ||
            policy_is_private(&loopback, &addr) != row->loopback ||
            policy_is_private(&wide, &addr) != row->wide)
            fail_msg("%s", row->ip);
    }
}

static void test_allowed_block_adds_only_itself(void **state)
{
    (void)state;
    struct cidr block;
    assert_true(cidr_parse("203.0.113.0/24", &block, NULL));
    const struct policy policy = { .allowed = &block, .allowed_count = 1 };
    struct addr inside = ip("203.0.113.77"), outside = ip("203.0.114.1");
    assert_true(policy_is_private(&policy, &inside));
    assert_false(policy_is_private(&policy, &outside));
}

static struct addr_set *set_of(const char *host, const char *first, const char *second)
{
    struct addr_set *set = addr_set_new(host, 2);
    assert_non_null(set);
    set->addrs[set->count++] = ip(first);
    if (second)
        set->addrs[set->count++] = ip(second);
    return set;
}

static void check_refusal(
    const char *first, const char *second, const char *named, const char *word)
{
    const struct policy plain = { 0 };
    struct addr_set *set = set_of("db.example.com", first, second);
    struct err err = { 0 };
    assert_false(policy_accepts(&plain, set, &err));
    assert_int_equal(err.code, ERR_DNS_POLICY);
    assert_non_null(strstr(err.text, named));
    assert_non_null(strstr(err.text, word));
    addr_set_unref(set);
}

static void test_one_bad_address_refuses_the_answer_and_is_named(void **state)
{
    (void)state;
    check_refusal("10.0.0.1", "52.1.2.3", "52.1.2.3", "public internet");
    check_refusal("52.1.2.3", "10.0.0.1", "52.1.2.3", "allowed-cidrs");
    check_refusal("127.0.0.1", NULL, "127.0.0.1", "allow-loopback");
    check_refusal("169.254.169.254", NULL, "169.254.169.254", "tidblink doctor");

    const struct policy plain = { 0 };
    struct addr_set *good = set_of("db.example.com", "10.0.0.1", "fd00::1");
    struct err err;
    assert_true(policy_accepts(&plain, good, &err));
    addr_set_unref(good);
}

static void test_texts_fit_an_err_packet(void **state)
{
    (void)state;
    char host[300];
    memset(host, 'x', sizeof(host) - 1);
    host[sizeof(host) - 1] = '\0';
    const struct policy plain = { 0 };
    const char *const longest[] = { "2600:1111:2222:3333:4444:5555:6666:7777", "127.0.0.1",
        "fe80:1111:2222:3333:4444:5555:6666:7777" };
    for (size_t i = 0; i < ARRAY_LEN(longest); i++) {
        struct addr_set *set = set_of(host, longest[i], NULL);
        struct err err;
        assert_false(policy_accepts(&plain, set, &err));
        if (strlen(err.text) >= TEXT_BYTES)
            fail_msg("%zu bytes: %s", strlen(err.text), err.text);
        addr_set_unref(set);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_block_and_its_neighbours),
        cmocka_unit_test(test_allowed_block_adds_only_itself),
        cmocka_unit_test(test_one_bad_address_refuses_the_answer_and_is_named),
        cmocka_unit_test(test_texts_fit_an_err_packet),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
