// SPDX-License-Identifier: Apache-2.0
//
// base/addr and base/cidr: what is read comes back as it was, what is wrong is refused in words.
#include "base/addr.h"
#include "base/cidr.h"
#include "base/err.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct addr parsed(const char *text)
{
    struct addr addr = { 0 };
    struct err err = { 0 };
    if (!addr_parse(text, &addr, &err))
        fail_msg("%s", err.text);
    return addr;
}

static struct addr ip(const char *text)
{
    struct addr addr = { 0 };
    assert_true(addr_from_ip(text, 0, &addr));
    return addr;
}

static void test_addresses_come_back_as_they_were(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *ip;
        uint16_t port;
    } good[] = {
        { "127.0.0.1:4000", "127.0.0.1", 4000 },
        { "0.0.0.0:0", "0.0.0.0", 0 },
        { "[::1]:65535", "::1", 65535 },
        { "[fd00::10:0]:4000", "fd00::10:0", 4000 },
        { "unix:/run/tidblink/orders.sock", "unix:/run/tidblink/orders.sock", 0 },
    };
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        char text[ADDR_TEXT_BYTES];
        struct addr addr = parsed(good[i].text);
        assert_string_equal(addr_format(&addr, text), good[i].text);
        assert_string_equal(addr_format_ip(&addr, text), good[i].ip);
        assert_int_equal(addr_port(&addr), good[i].port);
    }
}

static void test_addresses_refused(void **state)
{
    (void)state;
    static const char *const wrong[] = { "", "4000", ":4000", "127.0.0.1",
        "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:-1", "127.0.0.1: 4000", "127.0.0.1:0x10",
        "localhost:4000", "::1:4000", "[::1]", "[::1]4000", "[::1:4000", "::1]:4000",
        "[127.0.0.1]:4000", "[]:4000", "127.1:4000", "*:4000", "1.2.3.4:5:6", "[fe80::1%lo]:1" };
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        struct addr addr = { 0 };
        struct err err = { 0 };
        char expected[200];
        snprintf(expected, sizeof(expected),
            "\"%s\" is not valid: expected an IP address and a port such as 127.0.0.1:4000 or "
            "[::1]:4000, or unix:/PATH",
            wrong[i]);
        assert_false(addr_parse(wrong[i], &addr, &err));
        assert_int_equal(err.code, ERR_OPTION);
        assert_string_equal(err.text, expected);
        assert_int_equal(addr.len, 0);
    }
}

static void test_unix_paths(void **state)
{
    (void)state;
    struct addr addr = { 0 };
    struct err err = { 0 };
    char text[ADDR_TEXT_BYTES] = "unix:/";
    char expected[300];
    memset(text + 6, 'x', 106);
    text[6 + 106] = '\0';
    assert_true(addr_parse(text, &addr, &err)); // 107 bytes and a NUL fill sun_path
    char again[ADDR_TEXT_BYTES];
    assert_string_equal(addr_format(&addr, again), text);
    memcpy(text + 6 + 106, "y", 2);
    assert_false(addr_parse(text, &addr, &err));
    assert_int_equal(err.code, ERR_LISTEN);
    snprintf(expected, sizeof(expected),
        "the socket path %s is 108 bytes long: expected at most 107", text + strlen("unix:"));
    assert_string_equal(err.text, expected);
    assert_false(addr_parse("unix:run/x.sock", &addr, &err));
    assert_string_equal(
        err.text, "\"unix:run/x.sock\" is not valid: expected unix:/PATH from the root");
    assert_false(addr_parse("unix:", &addr, &err));
}

static void test_addresses_from_the_kernel(void **state)
{
    (void)state;
    char text[ADDR_TEXT_BYTES];
    // A client that is not bound, and a path that fills its field without a NUL.
    struct addr unnamed = { .un.sun_family = AF_UNIX, .len = sizeof(sa_family_t) };
    assert_string_equal(addr_format(&unnamed, text), "unix:");
    struct addr full = { .un.sun_family = AF_UNIX, .len = sizeof(full.un) };
    memset(full.un.sun_path, 'x', sizeof(full.un.sun_path));
    assert_int_equal(strlen(addr_format(&full, text)), strlen("unix:") + 108);
    struct addr none = { 0 };
    assert_string_equal(addr_format(&none, text), "");
    assert_int_equal(addr_port(&none), 0);
    assert_false(addr_is_loopback(&none));
}

static void test_equal(void **state)
{
    (void)state;
    static const char *const all[] = { "127.0.0.1:1", "127.0.0.1:2", "127.0.0.2:1", "[::1]:1",
        "[::2]:1", "unix:/a", "unix:/b" };
    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        for (size_t n = 0; n < ARRAY_LEN(all); n++) {
            struct addr a = parsed(all[i]);
            struct addr b = parsed(all[n]);
            assert_int_equal(addr_equal(&a, &b), i == n);
        }
    }
    // What a kernel does not fill in does not count.
    struct addr a = parsed("127.0.0.1:1");
    struct addr b = a;
    memset(b.in4.sin_zero, 0xff, sizeof(b.in4.sin_zero));
    assert_true(addr_equal(&a, &b));
}

static void test_loopback(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool loopback;
    } cases[] = {
        { "127.0.0.1:1", true },
        { "127.255.0.9:1", true },
        { "128.0.0.1:1", false },
        { "10.0.0.1:1", false },
        { "0.0.0.0:1", false },
        { "[::1]:1", true },
        { "[::ffff:127.0.0.1]:1", true },
        { "[::ffff:10.0.0.1]:1", false },
        { "[::]:1", false },
        { "unix:/x", true },
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct addr addr = parsed(cases[i].text);
        assert_int_equal(addr_is_loopback(&addr), cases[i].loopback);
    }
}

static void test_cidr_contains(void **state)
{
    (void)state;
    static const struct {
        const char *block;
        const char *ip;
        bool inside;
    } cases[] = {
        { "10.0.0.0/8", "10.0.0.0", true },
        { "10.0.0.0/8", "10.255.255.255", true },
        { "10.0.0.0/8", "11.0.0.0", false },
        { "10.0.0.0/8", "9.255.255.255", false },
        { "172.16.0.0/12", "172.31.255.255", true },
        { "172.16.0.0/12", "172.32.0.0", false },
        { "100.64.0.0/10", "100.127.0.1", true },
        { "100.64.0.0/10", "100.128.0.1", false },
        { "192.168.1.7/32", "192.168.1.7", true },
        { "192.168.1.7/32", "192.168.1.6", false },
        { "0.0.0.0/0", "8.8.8.8", true },
        { "0.0.0.0/0", "::1", false },
        { "10.0.0.0/8", "::ffff:10.1.2.3", true },
        { "::ffff:10.0.0.0/104", "10.1.2.3", true },
        { "::ffff:10.0.0.0/104", "11.1.2.3", false },
        { "fc00::/7", "fd12::1", true },
        { "fc00::/7", "fe00::1", false },
        { "::/0", "fd12::1", true },
        { "::/0", "10.0.0.1", false },
        { "::/0", "::ffff:10.0.0.1", false },
        { "::1/128", "::1", true },
        { "::1/128", "::2", false },
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct cidr block = { 0 };
        struct addr addr = ip(cases[i].ip);
        assert_true(cidr_parse(cases[i].block, &block, NULL));
        if (cidr_contains(&block, &addr) != cases[i].inside)
            fail_msg("%s in %s", cases[i].ip, cases[i].block);
    }
    struct cidr block = { 0 };
    struct addr unix_addr = parsed("unix:/x");
    struct addr none = { 0 };
    assert_true(cidr_parse("0.0.0.0/0", &block, NULL));
    assert_false(cidr_contains(&block, &unix_addr));
    assert_false(cidr_contains(&block, &none));
}

static void test_cidr_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *expected;
    } cases[] = {
        { "", "\"\" is not valid: expected a block such as 10.0.0.0/8 or fd00::/8" },
        { "ten/8", "\"ten/8\" is not valid: expected a block such as 10.0.0.0/8 or fd00::/8" },
        { "/8", "\"/8\" is not valid: expected a block such as 10.0.0.0/8 or fd00::/8" },
        { "10.1.2.3", "\"10.1.2.3\" has no prefix: write 10.1.2.3/32 for this one address" },
        { "fd00::1", "\"fd00::1\" has no prefix: write fd00::1/128 for this one address" },
        { "10.0.0.0/33", "\"10.0.0.0/33\" is not valid: expected a prefix from 0 to 32" },
        { "10.0.0.0/", "\"10.0.0.0/\" is not valid: expected a prefix from 0 to 32" },
        { "10.0.0.0/8/8", "\"10.0.0.0/8/8\" is not valid: expected a prefix from 0 to 32" },
        { "fd00::/129", "\"fd00::/129\" is not valid: expected a prefix from 0 to 128" },
        { "10.0.0.1/8", "\"10.0.0.1/8\" has bits set behind its prefix: write 10.0.0.0/8" },
        { "fd00::1/64", "\"fd00::1/64\" has bits set behind its prefix: write fd00::/64" },
        { "::ffff:10.0.0.0/64", "\"::ffff:10.0.0.0/64\" is not valid: expected a block such as "
                                "10.0.0.0/8 or fd00::/8" },
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct cidr block = { .prefix = 77 };
        struct err err = { 0 };
        assert_false(cidr_parse(cases[i].text, &block, &err));
        assert_string_equal(err.text, cases[i].expected);
        assert_int_equal(err.code, ERR_OPTION);
        assert_int_equal(block.prefix, 77);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_addresses_come_back_as_they_were),
        cmocka_unit_test(test_addresses_refused),
        cmocka_unit_test(test_unix_paths),
        cmocka_unit_test(test_addresses_from_the_kernel),
        cmocka_unit_test(test_equal),
        cmocka_unit_test(test_loopback),
        cmocka_unit_test(test_cidr_contains),
        cmocka_unit_test(test_cidr_refused),
    };
    return cmocka_run_group_tests_name("addr", tests, NULL, NULL);
}
