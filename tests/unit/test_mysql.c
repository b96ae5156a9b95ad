// SPDX-License-Identifier: Apache-2.0
//
// proxy/mysql: ERR packets byte for byte, greetings whole, cut and mangled, packets out of a
// stream.
#include "proxy/mysql.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
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

static void test_err_packet_has_a_state_later_on(void **state)
{
    (void)state;
    struct err err = { .code = ERR_TLS_REQUIRED, .text = "tidblink: no" };
    const struct err_row *row = err_row(ERR_TLS_REQUIRED);
    uint8_t packet[MYSQL_ERR_BYTES];
    size_t len = mysql_err_packet(&err, 2, packet);
    assert_int_equal(len, MYSQL_HEADER_BYTES + 3 + 6 + 12);
    assert_memory_equal(packet, "\x15\x00\x00\x02\xff", 5);
    assert_int_equal(packet[5] | packet[6] << 8, row->mysql_errno);
    assert_int_equal(packet[7], '#');
    assert_memory_equal(packet + 8, row->sqlstate, 5);
    assert_memory_equal(packet + 13, "tidblink: no", 12);

    memset(err.text, 'x', sizeof(err.text) - 1);
    assert_int_equal(mysql_err_packet(&err, 255, packet), MYSQL_ERR_BYTES);
    assert_int_equal(packet[3], 255);
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
    assert_int_equal(read.packet_bytes, sizeof(greeting));
    assert_int_equal(read.capabilities, 0x051baeaf);
    assert_int_equal(greeting[read.ssl_at], 0xae);
    assert_true(read.has_nonce);
    assert_memory_equal(read.nonce, "123456789:;<=>?@ABCD", MYSQL_NONCE_BYTES);
    assert_string_equal(read.plugin, "mysql_native_password");
    assert_true(read.is_tidb);
    assert_false(read.is_tiproxy);
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
    assert_int_equal(read_copy((const uint8_t *)"\0\0\0\0\xff", 5), MYSQL_FIRST_OTHER);
    assert_int_equal(read_copy((const uint8_t *)"\0\4\0\0\x0a", 5), MYSQL_FIRST_MORE);
    assert_int_equal(read_copy((const uint8_t *)"\1\4\0\0\x0a", 5), MYSQL_FIRST_OTHER);
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

// As pingcap/tidb's writeInitialHandshake has it; `tail` follows the first byte behind the nonce.
static struct mysql_greeting greet(
    const char *version, uint32_t capabilities, uint8_t auth_len, const char *tail, size_t tail_len)
{
    uint8_t packet[600] = { 0 };
    size_t at = MYSQL_HEADER_BYTES;
    packet[at++] = 10;
    at += (size_t)snprintf((char *)packet + at, 300, "%s", version) + 1 + 4;
    memcpy(packet + at, "abcdefgh", 9);
    at += 9;
    packet[at++] = (uint8_t)capabilities;
    packet[at++] = (uint8_t)(capabilities >> 8);
    at += 3;
    packet[at++] = (uint8_t)(capabilities >> 16);
    packet[at++] = (uint8_t)(capabilities >> 24);
    packet[at++] = auth_len;
    at += 10;
    memcpy(packet + at, "ijklmnopqrst", 13);
    at += 13;
    memcpy(packet + at, tail, tail_len);
    at += tail_len;
    mysql_write_header(packet, at - MYSQL_HEADER_BYTES, 0);

    struct mysql_greeting read = { 0 };
    uint8_t *copy = malloc(at);
    memcpy(copy, packet, at);
    assert_int_equal(mysql_read_greeting(copy, at, &read), MYSQL_FIRST_GREETING);
    free(copy);
    return read;
}

static void test_tidb_and_tiproxy_differ_by_capabilities(void **state)
{
    (void)state;
    static const uint32_t tidb = 0x051baeaf;
    static const uint32_t tiproxy_alone[] = { MYSQL_ODBC, MYSQL_RESERVED, MYSQL_LENENC_AUTH };
    struct mysql_greeting read = greet("5.7.25-TiDB-v6.5.0", tidb, 21, "x", 2);
    assert_true(read.is_tidb && !read.is_tiproxy);
    for (size_t i = 0; i < 3; i++) {
        read = greet("8.0.11-TiDB-v8.5.3", tidb | tiproxy_alone[i], 21, "x", 2);
        assert_true(read.is_tidb && read.is_tiproxy);
        read = greet("8.0.11", tidb | tiproxy_alone[i], 21, "x", 2);
        assert_true(!read.is_tidb && !read.is_tiproxy);
    }
    assert_true(greet("8.0.11-TiDB-X-CLOUD.202510.2", tidb, 21, "x", 2).is_tidb);
    assert_false(greet("8.0.11-tidb", tidb, 21, "x", 2).is_tidb);
    assert_false(greet("8.0.11-TiDBish-v8.5.3", tidb, 21, "x", 2).is_tidb);
}

// Recorded.
static void test_mariadb_10_11(void **state)
{
    (void)state;
    static const uint8_t packet[] =
        "d\0\0\0\x0a"
        "5.5.5-10.11.19-MariaDB-0+deb12u1\0\x07\0\0\0!.f7|.lW\0\xfe\xf7-\x02\0\xff\x81\x15"
        "\0\0\0\0\0\0\x1d\0\0\0Od*AH)2_is%X\0mysql_native_password";
    struct mysql_greeting read = { 0 };
    assert_int_equal(mysql_read_greeting(packet, sizeof(packet), &read), MYSQL_FIRST_GREETING);
    assert_string_equal(read.version, "5.5.5-10.11.19-MariaDB-0+deb12u1");
    assert_int_equal(read.connection_id, 7);
    assert_int_equal(read.capabilities, 0x81fff7fe); // without MYSQL_SSL
    assert_int_equal(packet[read.ssl_at], 0xf7);
    assert_memory_equal(read.nonce, "!.f7|.lWOd*AH)2_is%X", MYSQL_NONCE_BYTES);
    assert_string_equal(read.plugin, "mysql_native_password");
    assert_true(!read.is_tidb && !read.is_tiproxy);
}

static void test_mysql_9_7(void **state)
{
    (void)state;
    static const uint8_t packet[] =
        "K\0\0\0\x0a"
        "9.7.4-2\0\x0e\0\0\0k\x0f?@0\x08l7\0\xff\xff\xff\x02\0\xff\xdf\x15\0\0\0\0\0\0\0\0\0\0"
        "u8t2W/\\\x06v@+J\0caching_sha2_password";
    struct mysql_greeting read = { 0 };
    assert_int_equal(mysql_read_greeting(packet, sizeof(packet), &read), MYSQL_FIRST_GREETING);
    assert_string_equal(read.version, "9.7.4-2");
    assert_int_equal(read.capabilities, 0xdfffffff);
    assert_memory_equal(read.nonce, "k\x0f?@0\x08l7u8t2W/\\\x06v@+J", MYSQL_NONCE_BYTES);
    assert_string_equal(read.plugin, "caching_sha2_password");
    assert_true(!read.is_tidb && !read.is_tiproxy);
}

static void test_the_plugin_of_a_greeting(void **state)
{
    (void)state;
    static const uint32_t with = 0x051baeaf, without = with & ~(uint32_t)MYSQL_PLUGIN_AUTH;
    char tail[300] = { 0 };
    assert_string_equal(greet("8", with, 21, "plugin", 7).plugin, "plugin");
    assert_string_equal(greet("8", with, 21, "plugin", 6).plugin, "plugin"); // bug 59453
    assert_string_equal(greet("8", without, 21, "plugin", 7).plugin, "");
    assert_string_equal(greet("8", with, 21, "", 0).plugin, "");
    assert_string_equal(greet("8", with, 21, "a\x1b\xff\n", 5).plugin, "a???");
    memset(tail, 'p', 200);
    assert_int_equal(strlen(greet("8", with, 21, tail, 200).plugin), MYSQL_PLUGIN_BYTES - 1);

    // The nonce's second half has at least 13 bytes, whatever the length of both says.
    assert_string_equal(greet("8", with, 0, "plugin", 7).plugin, "plugin");
    assert_string_equal(greet("8", with, 22, "\0plugin", 8).plugin, "plugin");
    memset(tail, 0, sizeof(tail));
    memcpy(tail + 255 - 21, "plugin", 7);
    struct mysql_greeting read = greet("8", with, 255, tail, 255 - 21 + 7);
    assert_string_equal(read.plugin, "plugin");
    assert_memory_equal(read.nonce, "abcdefghijklmnopqrst", MYSQL_NONCE_BYTES);
    assert_string_equal(greet("8", with, 255, tail, 255 - 21 - 1).plugin, "");
}

// Before 4.1 the second half of the nonce is missing, and long before that what is behind the
// capabilities.
static void test_old_greetings_end_early(void **state)
{
    (void)state;
    static const uint8_t old[] =
        "\x2c\0\0\0\x0a"
        "4.0.30\0\7\0\0\0aBcDeFgH\0\x2c\x28\x08\2\0\0\0\0\0\0\0\0\0\0\0\0\0";
    struct mysql_greeting read = { 0 };
    uint8_t packet[sizeof(old)];
    memcpy(packet, old, sizeof(old));
    packet[0] = sizeof(old) - MYSQL_HEADER_BYTES;
    assert_int_equal(mysql_read_greeting(packet, sizeof(old), &read), MYSQL_FIRST_GREETING);
    assert_int_equal(read.capabilities, 0x282c);
    assert_int_equal(packet[read.ssl_at], 0x28);
    assert_false(read.has_nonce);
    assert_string_equal(read.plugin, "");

    packet[0] -= 16;
    assert_int_equal(mysql_read_greeting(packet, sizeof(old) - 16, &read), MYSQL_FIRST_GREETING);
    assert_int_equal(read.ssl_at, 0);
    assert_int_equal(read.capabilities, 0);
    assert_string_equal(read.version, "4.0.30");
    mysql_offer_ssl(packet, &read, true);
    assert_memory_equal(packet + 1, old + 1, sizeof(old) - 1);
}

static void test_a_nonce_needs_no_nul_and_all_its_bytes(void **state)
{
    (void)state;
    uint8_t packet[sizeof(greeting)];
    memcpy(packet, greeting, sizeof(greeting));
    size_t end = sizeof(greeting) - sizeof("mysql_native_password") - 1; // behind 12 bytes
    for (size_t len = end - 1; len <= end; len++) {
        struct mysql_greeting read = { 0 };
        uint8_t *copy = malloc(len);
        mysql_write_header(packet, len - MYSQL_HEADER_BYTES, 0);
        memcpy(copy, packet, len);
        assert_int_equal(mysql_read_greeting(copy, len, &read), MYSQL_FIRST_GREETING);
        free(copy);
        assert_int_equal(read.has_nonce, len == end);
        assert_memory_equal(read.nonce, len == end ? "123456789:;<=>?@ABCD" : (char[20]){ 0 }, 20);
        assert_string_equal(read.plugin, "");
    }
}

static void test_a_version_has_at_most_255_bytes(void **state)
{
    (void)state;
    uint8_t packet[MYSQL_HEADER_BYTES + 1 + 256 + 1 + 4] = { 0 };
    for (size_t version = 255; version <= 256; version++) {
        size_t payload = 1 + version + 1 + 4;
        memset(packet, 0, sizeof(packet));
        mysql_write_header(packet, payload, 0);
        packet[MYSQL_HEADER_BYTES] = 10;
        memset(packet + MYSQL_HEADER_BYTES + 1, '8', version);
        assert_int_equal(read_copy(packet, MYSQL_HEADER_BYTES + payload),
            version == 255 ? MYSQL_FIRST_GREETING : MYSQL_FIRST_OTHER);
    }
}

// Every length that the packet may say it has: less than it needs is no greeting, and what is cut
// off behind the version is missing. Then the same with more bytes behind it, which must not count.
static void test_every_shorter_greeting(void **state)
{
    (void)state;
    static const size_t at_id = MYSQL_HEADER_BYTES + 1 + 19, at_nonce_2 = at_id + 4 + 27;
    for (size_t len = MYSQL_HEADER_BYTES + 2; len < sizeof(greeting); len++) {
        struct mysql_greeting read = { 0 }, again = { 0 };
        uint8_t *copy = malloc(len);
        uint8_t followed[sizeof(greeting)];
        memcpy(copy, greeting, len);
        memcpy(followed, greeting, sizeof(followed));
        mysql_write_header(copy, len - MYSQL_HEADER_BYTES, 0);
        mysql_write_header(followed, len - MYSQL_HEADER_BYTES, 0);
        enum mysql_first first = mysql_read_greeting(copy, len, &read);
        assert_int_equal(first, len < at_id + 4 ? MYSQL_FIRST_OTHER : MYSQL_FIRST_GREETING);
        assert_int_equal(mysql_read_greeting(followed, sizeof(followed), &again), first);
        assert_memory_equal(&read, &again, sizeof(read));
        free(copy);
        if (first == MYSQL_FIRST_OTHER)
            continue;
        assert_int_equal(read.ssl_at != 0, len >= at_nonce_2);
        assert_int_equal(read.has_nonce, len >= at_nonce_2 + 12);
        size_t plugin_len = len > at_nonce_2 + 13 ? len - at_nonce_2 - 13 : 0;
        assert_int_equal(strlen(read.plugin), plugin_len);
    }
}

static void test_offering_ssl_changes_one_bit(void **state)
{
    (void)state;
    struct mysql_greeting read = { 0 };
    uint8_t packet[sizeof(greeting)];
    memcpy(packet, greeting, sizeof(packet));
    assert_int_equal(mysql_read_greeting(packet, sizeof(packet), &read), MYSQL_FIRST_GREETING);
    mysql_offer_ssl(packet, &read, true);
    assert_memory_equal(packet, greeting, sizeof(packet));
    mysql_offer_ssl(packet, &read, false);
    assert_int_equal(packet[read.ssl_at], 0xa6);
    mysql_offer_ssl(packet, &read, false);
    assert_int_equal(packet[read.ssl_at], 0xa6);
    packet[read.ssl_at] = 0xae;
    assert_memory_equal(packet, greeting, sizeof(packet));
}

static void test_versions_compare(void **state)
{
    (void)state;
    static const struct {
        const char *version;
        bool at_least; // 8.0.5
    } rows[] = { { "8.0.5", true }, { "8.0.4", false }, { "8.0.4-rc-log", false },
        { "8.0.11-TiDB-v8.5.3", true }, { "5.7.25-TiDB-v6.5.0", false }, { "8.1.0", true },
        { "9.7.4-2", true }, { "10.0.0", true }, { "8.0.50", true }, { "9", true },
        { "7.9.9", false }, { "5.5.5-10.11.19-MariaDB", false }, { "8.0", false },
        { "8.0.", false }, { "8", false }, { "", false }, { "TiDB", false }, { "8.x.9", false },
        { "8.0.99999999", false }, { "-8.0.5", false }, { "4294967296.0.0", false } };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (mysql_version_at_least(rows[i].version, 8, 0, 5) != rows[i].at_least)
            fail_msg("%s", rows[i].version);
}

static enum mysql_taken take_copy(const char *bytes, size_t len, size_t max, size_t *payload)
{
    struct mysql_packet packet = { .len = SIZE_MAX };
    char *copy = malloc(len ? len : 1);
    memcpy(copy, bytes, len);
    enum mysql_taken taken = mysql_take(copy, len, max, &packet);
    if (taken == MYSQL_TAKEN_WHOLE) {
        assert_ptr_equal(packet.payload, copy + MYSQL_HEADER_BYTES);
        assert_int_equal(packet.sequence, (uint8_t)bytes[3]);
    }
    free(copy);
    *payload = packet.len;
    return taken;
}

static void test_packets_are_taken_whole(void **state)
{
    (void)state;
    size_t len = 0;
    for (size_t have = 0; have < 7; have++)
        assert_int_equal(take_copy("\3\0\0\7abc", have, 100, &len), MYSQL_TAKEN_MORE);
    assert_int_equal(take_copy("\3\0\0\7abc", 7, 100, &len), MYSQL_TAKEN_WHOLE);
    assert_int_equal(len, 3);
    assert_int_equal(take_copy("\3\0\0\xff"
                               "abcd",
                         8, 3, &len),
        MYSQL_TAKEN_WHOLE);
    assert_int_equal(len, 3);
    assert_int_equal(take_copy("\0\0\0\1", 4, 100, &len), MYSQL_TAKEN_WHOLE);
    assert_int_equal(len, 0);
}

static void test_a_header_has_three_bytes_of_length(void **state)
{
    (void)state;
    uint8_t header[MYSQL_HEADER_BYTES];
    mysql_write_header(header, 0x123456, 7);
    assert_memory_equal(header, "\x56\x34\x12\x07", sizeof(header));
}

static void test_a_packet_may_be_too_long(void **state)
{
    (void)state;
    size_t len = 0;
    // Known from the header on, but not before.
    assert_int_equal(take_copy("\3\0\0\1", 4, 2, &len), MYSQL_TAKEN_TOO_LONG);
    assert_int_equal(take_copy("\xff\xff\xff\1", 3, 2, &len), MYSQL_TAKEN_MORE);
    assert_int_equal(take_copy("\xff\xff\xff\1", 4, SIZE_MAX, &len), MYSQL_TAKEN_TOO_LONG);
    assert_int_equal(take_copy("\xfe\xff\xff\1", 4, SIZE_MAX, &len), MYSQL_TAKEN_MORE);
    assert_int_equal(len, SIZE_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_err_packet_has_no_state_marker),
        cmocka_unit_test(test_err_packet_names_us_once_and_is_ascii),
        cmocka_unit_test(test_err_packet_is_cut_at_its_limit),
        cmocka_unit_test(test_err_packet_has_a_state_later_on),
        cmocka_unit_test(test_greeting_is_read),
        cmocka_unit_test(test_every_truncation_wants_more),
        cmocka_unit_test(test_other_first_packets),
        cmocka_unit_test(test_a_hostile_version_stays_printable),
        cmocka_unit_test(test_tidb_and_tiproxy_differ_by_capabilities),
        cmocka_unit_test(test_mariadb_10_11),
        cmocka_unit_test(test_mysql_9_7),
        cmocka_unit_test(test_the_plugin_of_a_greeting),
        cmocka_unit_test(test_old_greetings_end_early),
        cmocka_unit_test(test_a_nonce_needs_no_nul_and_all_its_bytes),
        cmocka_unit_test(test_a_version_has_at_most_255_bytes),
        cmocka_unit_test(test_every_shorter_greeting),
        cmocka_unit_test(test_offering_ssl_changes_one_bit),
        cmocka_unit_test(test_versions_compare),
        cmocka_unit_test(test_packets_are_taken_whole),
        cmocka_unit_test(test_a_header_has_three_bytes_of_length),
        cmocka_unit_test(test_a_packet_may_be_too_long),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
