// SPDX-License-Identifier: Apache-2.0
//
// proxy/mysql_login: answers of clients and AuthSwitchRequests, whole, odd and cut.
#include "proxy/mysql_login.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { PLAIN = MYSQL_PROTOCOL_41 | MYSQL_SECURE_CONNECTION };

// A payload under construction.
struct answer {
    uint8_t bytes[700];
    size_t len;
};

static void add(struct answer *answer, const void *bytes, size_t len)
{
    memcpy(answer->bytes + answer->len, bytes, len);
    answer->len += len;
}

// 32 bytes: the whole of an SSLRequest, the head of anything else.
static struct answer head(uint32_t capabilities)
{
    struct answer answer = { .len = MYSQL_LOGIN_HEAD_BYTES };
    for (size_t i = 0; i < 4; i++)
        answer.bytes[i] = (uint8_t)(capabilities >> 8 * i);
    answer.bytes[8] = 0x2d;
    return answer;
}

#define ADD(answer, text) add(answer, text, sizeof(text) - 1)

static enum mysql_answer read_copy(const uint8_t *payload, size_t len, struct mysql_login *out)
{
    uint8_t *copy = malloc(len ? len : 1);
    memcpy(copy, payload, len);
    memset(out, 'x', sizeof(*out));
    enum mysql_answer kind = mysql_read_answer(copy, len, out);
    free(copy);
    return kind;
}

static struct mysql_login read_full(const struct answer *answer)
{
    struct mysql_login login;
    assert_int_equal(read_copy(answer->bytes, answer->len, &login), MYSQL_ANSWER_FULL);
    return login;
}

static void test_all_fields(void **state)
{
    (void)state;
    struct answer answer =
        head(PLAIN | MYSQL_CONNECT_WITH_DB | MYSQL_PLUGIN_AUTH | 1 << 20 | 0x01000005);
    ADD(&answer, "app\0\x14"
                 "12345678901234567890"
                 "test\0caching_sha2_password\0\x07\4_pid\1"
                 "1");
    struct mysql_login login = read_full(&answer);
    assert_int_equal(login.capabilities, 0x0118820d);
    assert_string_equal(login.user, "app");
    assert_string_equal(login.plugin, "caching_sha2_password");
}

// mysql2 3.24.6 to MySQL 9.7, recorded.
static void test_a_recorded_answer(void **state)
{
    (void)state;
    static const uint8_t payload[] =
        "\xcf\xf3\xba\x18\0\0\0\0\xe0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
        "app\0 \xdf\xeb\x9f"
        "C\xc7\xf9\\\xb5'6\xbdp\xd1\xf9\x9c"
        "aE\xc8"
        "3n>\x10q\x0e\0\x93\xcek\xb1"
        "\x8c\x92\xb6test\0caching_sha2_password\0"
        "1\x0c_client_name\x0cNode-MySQL-2\x0f"
        "_client_version\x06"
        "3.24.6";
    struct mysql_login login;
    assert_int_equal(read_copy(payload, sizeof(payload) - 1, &login), MYSQL_ANSWER_FULL);
    assert_string_equal(login.user, "app");
    assert_string_equal(login.plugin, "caching_sha2_password");
}

static void test_each_way_to_send_the_proof(void **state)
{
    (void)state;
    static const struct {
        uint32_t capabilities;
        const char *auth;
        size_t len;
    } rows[] = {
        { PLAIN, "\3\0\0\0", 4 },
        { PLAIN, "\0", 1 },
        { MYSQL_PROTOCOL_41, "abc\0", 4 },
        { MYSQL_PROTOCOL_41, "\0", 1 },
        { PLAIN | MYSQL_LENENC_AUTH, "\3\0\0\0", 4 },
        { PLAIN | MYSQL_LENENC_AUTH, "\0", 1 },
        { PLAIN | MYSQL_LENENC_AUTH, "\xfc\3\0abc", 6 },
        { PLAIN | MYSQL_LENENC_AUTH, "\xfd\3\0\0abc", 7 },
        { MYSQL_PROTOCOL_41 | MYSQL_LENENC_AUTH, "\3abc", 4 },
        // What TiDB reads as "no proof" and skips is one byte long: parse.go.
        { PLAIN | MYSQL_LENENC_AUTH, "\1\0", 2 },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        for (int with_db = 0; with_db < 2; with_db++) {
            uint32_t db = with_db ? MYSQL_CONNECT_WITH_DB : 0;
            struct answer answer = head(rows[i].capabilities | MYSQL_PLUGIN_AUTH | db);
            ADD(&answer, "u\0");
            add(&answer, rows[i].auth, rows[i].len);
            add(&answer, "test\0plugin\0" + (with_db ? 0 : 5), with_db ? 12 : 7);
            struct mysql_login login = read_full(&answer);
            assert_string_equal(login.user, "u");
            if (strcmp(login.plugin, "plugin") != 0)
                fail_msg("row %zu, database %d: \"%s\"", i, with_db, login.plugin);
        }
}

static void test_a_long_proof(void **state)
{
    (void)state;
    static const char proof[300];
    struct answer answer = head(PLAIN | MYSQL_LENENC_AUTH | MYSQL_PLUGIN_AUTH);
    ADD(&answer, "u\0\xfc\x2c\1");
    add(&answer, proof, sizeof(proof));
    ADD(&answer, "plugin\0");
    assert_string_equal(read_full(&answer).plugin, "plugin");
}

// NULL, 8 bytes, ERR, and lengths that lead out of the packet: the server's to complain about.
static void test_lengths_that_lead_nowhere(void **state)
{
    (void)state;
    static const char *const lengths[] = { "\xfb", "\xff", "\xfe\1\1\1\1\1\1\1\1", "\x20",
        "\xfc\xff\xff", "\xfd\xff\xff\xff", "\xfc", "\xfd\1" };
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        struct answer answer = head(PLAIN | MYSQL_LENENC_AUTH | MYSQL_PLUGIN_AUTH);
        ADD(&answer, "u\0");
        add(&answer, lengths[i], strlen(lengths[i]));
        if (i < 6)
            ADD(&answer, "plugin\0");
        struct mysql_login login = read_full(&answer);
        assert_string_equal(login.user, "u");
        assert_string_equal(login.plugin, "");
    }
}

// The first bytes above 250 are no lengths, also where so many bytes would follow.
static void test_the_longest_length_of_one_byte(void **state)
{
    (void)state;
    static const char proof[255];
    for (unsigned first = 250; first <= 255; first++) {
        if (first == 0xfc || first == 0xfd)
            continue;
        struct answer answer = head(PLAIN | MYSQL_LENENC_AUTH | MYSQL_PLUGIN_AUTH);
        ADD(&answer, "u\0");
        add(&answer, &(uint8_t){ (uint8_t)first }, 1);
        add(&answer, proof, first);
        ADD(&answer, "plugin\0");
        assert_string_equal(read_full(&answer).plugin, first == 250 ? "plugin" : "");
    }
}

static void test_no_plugin_unless_it_says_so(void **state)
{
    (void)state;
    struct answer answer = head(PLAIN);
    ADD(&answer, "u\0\0plugin\0");
    assert_string_equal(read_full(&answer).plugin, "");
}

static void test_ssl_requests(void **state)
{
    (void)state;
    struct mysql_login login;
    struct answer request = head(PLAIN | MYSQL_SSL);
    assert_int_equal(read_copy(request.bytes, 32, &login), MYSQL_ANSWER_SSL_REQUEST);
    assert_int_equal(login.capabilities, PLAIN | MYSQL_SSL);
    assert_string_equal(login.user, "");
    request.bytes[28] = 0x1d; // MariaDB's extended capabilities
    assert_int_equal(read_copy(request.bytes, 32, &login), MYSQL_ANSWER_SSL_REQUEST);
    // Longer: a full answer whose driver says SSL and does not mean it.
    assert_int_equal(read_copy(request.bytes, 33, &login), MYSQL_ANSWER_FULL);
    assert_string_equal(login.user, "");
    request = head(PLAIN);
    assert_int_equal(read_copy(request.bytes, 32, &login), MYSQL_ANSWER_FULL);
    // Of an old Connector/J.
    request = head(PLAIN | MYSQL_SSL);
    assert_int_equal(read_copy(request.bytes, 4, &login), MYSQL_ANSWER_BROKEN);
}

static void test_answers_of_before_4_1(void **state)
{
    (void)state;
    struct mysql_login login;
    assert_int_equal(
        read_copy((const uint8_t *)"\5\x24\0\0\0old\0HASHHASH", 17, &login), MYSQL_ANSWER_320);
    assert_string_equal(login.user, "");
    struct answer answer = head(MYSQL_SECURE_CONNECTION | MYSQL_SSL);
    assert_int_equal(read_copy(answer.bytes, 32, &login), MYSQL_ANSWER_320);
}

static void test_names_stay_printable_and_are_cut(void **state)
{
    (void)state;
    char longest[200];
    memset(longest, 'n', sizeof(longest));
    longest[0] = '\x1b';
    struct answer answer = head(PLAIN | MYSQL_PLUGIN_AUTH);
    add(&answer, longest, sizeof(longest));
    ADD(&answer, "\0\0");
    longest[1] = '\xc3';
    add(&answer, longest, sizeof(longest));
    ADD(&answer, "\0");
    struct mysql_login login = read_full(&answer);
    assert_int_equal(strlen(login.user), MYSQL_USER_SHOWN_BYTES - 1);
    assert_memory_equal(login.user, "?nnn", 4);
    assert_int_equal(strlen(login.plugin), MYSQL_PLUGIN_BYTES - 1);
    assert_memory_equal(login.plugin, "??nn", 4);
}

static void test_every_truncation(void **state)
{
    (void)state;
    static const uint32_t kinds[] = { PLAIN, MYSQL_PROTOCOL_41, PLAIN | MYSQL_LENENC_AUTH };
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        struct answer answer = head(kinds[i] | MYSQL_CONNECT_WITH_DB | MYSQL_PLUGIN_AUTH);
        ADD(&answer, "app\0\3abc");
        if (kinds[i] == MYSQL_PROTOCOL_41)
            ADD(&answer, "\0");
        ADD(&answer, "test\0plugin\0");
        for (size_t len = 0; len < answer.len; len++) {
            struct mysql_login login;
            enum mysql_answer kind = read_copy(answer.bytes, len, &login);
            if (len < MYSQL_LOGIN_HEAD_BYTES) {
                assert_int_equal(kind, MYSQL_ANSWER_BROKEN);
                assert_int_equal(login.capabilities, 0);
                continue;
            }
            assert_int_equal(kind, MYSQL_ANSWER_FULL);
            assert_string_equal(login.user, len < MYSQL_LOGIN_HEAD_BYTES + 4 ? "" : "app");
            assert_string_equal(login.plugin, "");
        }
    }
}

static void test_ssl_is_set_and_cleared(void **state)
{
    (void)state;
    struct answer answer = head(PLAIN | 0xff);
    uint8_t before[MYSQL_LOGIN_HEAD_BYTES];
    memcpy(before, answer.bytes, sizeof(before));
    mysql_set_ssl(answer.bytes, true);
    assert_int_equal(answer.bytes[1], before[1] | 0x08);
    mysql_set_ssl(answer.bytes, true);
    assert_int_equal(answer.bytes[1], before[1] | 0x08);
    mysql_set_ssl(answer.bytes, false);
    assert_memory_equal(answer.bytes, before, sizeof(before));
}

// ---- AuthSwitchRequest --------------------------------------------------------------------------

static bool read_switch(const char *payload, size_t len, struct mysql_switch *out)
{
    uint8_t *copy = malloc(len ? len : 1);
    memcpy(copy, payload, len);
    memset(out, 'x', sizeof(*out));
    bool read = mysql_read_switch(copy, len, out);
    free(copy);
    return read;
}

static void test_switches(void **state)
{
    (void)state;
    struct mysql_switch to;
    // MariaDB 10.11's, recorded.
    static const char native[] = "\xfemysql_native_password\0{aUdySoYPb}m,/H\\uW5A";
    assert_true(read_switch(native, sizeof(native), &to));
    assert_string_equal(to.plugin, "mysql_native_password");
    assert_true(to.has_nonce);
    assert_memory_equal(to.nonce, "{aUdySoYPb}m,/H\\uW5A", MYSQL_NONCE_BYTES);
    assert_true(read_switch(native, sizeof(native) - 1, &to) && to.has_nonce); // without its NUL
    assert_true(read_switch(native, sizeof(native) - 2, &to) && !to.has_nonce);

    assert_true(read_switch("\xfe", 1, &to)); // to mysql_old_password
    assert_string_equal(to.plugin, "");
    assert_false(to.has_nonce);
    assert_true(read_switch("\xfe"
                            "dialog\0\4Password:",
        18, &to));
    assert_string_equal(to.plugin, "dialog");
    assert_false(to.has_nonce);
    assert_true(read_switch("\xfe"
                            "dialog\0",
                    8, &to) &&
                !to.has_nonce);
    assert_true(read_switch("\xfe\x1b[2J\0", 6, &to));
    assert_string_equal(to.plugin, "?[2J");
}

static void test_broken_switches(void **state)
{
    (void)state;
    struct mysql_switch to;
    char longest[1 + 64 + 1 + 20] = "\xfe";
    assert_false(read_switch("", 0, &to));
    assert_false(read_switch("\0", 1, &to));
    assert_false(read_switch("\xfe"
                             "dialog",
        7, &to));
    assert_string_equal(to.plugin, "");
    memset(longest + 1, 'p', 63);
    assert_true(read_switch(longest, 1 + 63 + 1 + 20, &to) && to.has_nonce);
    assert_int_equal(strlen(to.plugin), 63);
    longest[64] = 'p';
    assert_false(read_switch(longest, sizeof(longest), &to));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_fields),
        cmocka_unit_test(test_a_recorded_answer),
        cmocka_unit_test(test_each_way_to_send_the_proof),
        cmocka_unit_test(test_a_long_proof),
        cmocka_unit_test(test_lengths_that_lead_nowhere),
        cmocka_unit_test(test_the_longest_length_of_one_byte),
        cmocka_unit_test(test_no_plugin_unless_it_says_so),
        cmocka_unit_test(test_ssl_requests),
        cmocka_unit_test(test_answers_of_before_4_1),
        cmocka_unit_test(test_names_stay_printable_and_are_cut),
        cmocka_unit_test(test_every_truncation),
        cmocka_unit_test(test_ssl_is_set_and_cleared),
        cmocka_unit_test(test_switches),
        cmocka_unit_test(test_broken_switches),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
