// SPDX-License-Identifier: Apache-2.0
//
// proxy/mysql: ERR packets byte for byte, and greetings whole, cut and mangled.
#include "proxy/mysql.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void test_err_packet_has_no_state_marker(void **state)
{
    (void)state;
    struct err err;
    uint8_t packet[MYSQL_ERR_BYTES];
    err_set(&err, ERR_LIMIT, "tidblink: full");
    // FF, 1040 little-endian, then the text: Protocol::ERR_Packet before capabilities are agreed.
    static const uint8_t expected[] = "\x11\x00\x00\x00\xff\x10\x04tidblink: full";
    assert_int_equal(mysql_err_packet(&err, 0, packet), sizeof(expected) - 1);
    assert_memory_equal(packet, expected, sizeof(expected) - 1);
}

static void test_err_packet_names_us_once_and_is_ascii(void **state)
{
    (void)state;
    struct err err;
    uint8_t packet[MYSQL_ERR_BYTES];
    err_set(&err, ERR_DIAL, "caf\xc3\xa9\n");
    size_t len = mysql_err_packet(&err, 0, packet);
    assert_int_equal(len, 7 + strlen("tidblink: caf???"));
    assert_memory_equal(packet + 7, "tidblink: caf???", len - 7);
}

static void test_err_packet_is_cut_at_its_limit(void **state)
{
    (void)state;
    struct err err = { .code = ERR_REFUSED };
    uint8_t packet[MYSQL_ERR_BYTES];
    memset(err.text, 'x', sizeof(err.text) - 1);
    size_t len = mysql_err_packet(&err, 0, packet);
    assert_int_equal(len, MYSQL_HEADER_BYTES + 3 + MYSQL_TEXT_BYTES);
    assert_int_equal(packet[0] | packet[1] << 8, len - MYSQL_HEADER_BYTES);
}

static const uint8_t greeting[] = "\x56\x00\x00\x00\x0a"
                                  "8.0.11-TiDB-v8.5.3\0"
                                  "\x34\x12\x00\x00"
                                  "12345678\0"
                                  "\xaf\xae\x2e\x02\x00\x1b\x05\x15\0\0\0\0\0\0\0\0\0\0"
                                  "9:;<=>?@ABCD\0"
                                  "mysql_native_password";

static void test_greeting_is_read(void **state)
{
    (void)state;
    struct mysql_greeting read = { 0 };
    assert_int_equal(mysql_read_greeting(greeting, sizeof(greeting), &read), MYSQL_FIRST_GREETING);
    assert_int_equal(read.connection_id, 0x1234);
    assert_string_equal(read.version, "8.0.11-TiDB-v8.5.3");
}

// Exact-size copies on the heap, so that ASan sees a read behind the end.
static enum mysql_first read_copy(const uint8_t *bytes, size_t len)
{
    struct mysql_greeting read = { 0 };
    uint8_t *copy = malloc(len ? len : 1);
    memcpy(copy, bytes, len);
    enum mysql_first first = mysql_read_greeting(copy, len, &read);
    free(copy);
    return first;
}

static void test_every_truncation_wants_more(void **state)
{
    (void)state;
    for (size_t len = 0; len < sizeof(greeting); len++)
        assert_int_equal(read_copy(greeting, len), MYSQL_FIRST_MORE);
}

static void test_other_first_packets(void **state)
{
    (void)state;
    assert_int_equal(
        read_copy((const uint8_t *)"\x17\x00\x00\x00\xff\x10\x04x", 8), MYSQL_FIRST_ERR);
    assert_int_equal(read_copy((const uint8_t *)"HTTP/1.1 400", 12), MYSQL_FIRST_OTHER);
    assert_int_equal(read_copy((const uint8_t *)"\x05\x00\x00\x00\x09", 5), MYSQL_FIRST_OTHER);
    assert_int_equal(read_copy((const uint8_t *)"\x05\x00\x00\x01\x0a", 5), MYSQL_FIRST_OTHER);
    // Its length is over before the version's NUL.
    assert_int_equal(read_copy((const uint8_t *)"\x04\x00\x00\x00\x0a"
                                                "8.0",
                         8),
        MYSQL_FIRST_OTHER);
}

static void test_a_hostile_version_stays_printable(void **state)
{
    (void)state;
    static const uint8_t hostile[] = "\x0b\x00\x00\x00\x0a\x1b[31m\0\x01\0\0\0";
    struct mysql_greeting read = { 0 };
    assert_int_equal(mysql_read_greeting(hostile, 15, &read), MYSQL_FIRST_GREETING);
    assert_string_equal(read.version, "?[31m");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_err_packet_has_no_state_marker),
        cmocka_unit_test(test_err_packet_names_us_once_and_is_ascii),
        cmocka_unit_test(test_err_packet_is_cut_at_its_limit),
        cmocka_unit_test(test_greeting_is_read),
        cmocka_unit_test(test_every_truncation_wants_more),
        cmocka_unit_test(test_other_first_packets),
        cmocka_unit_test(test_a_hostile_version_stays_printable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
