// SPDX-License-Identifier: Apache-2.0
//
// proxy/socks and proxy/http_connect: what is sent, byte for byte, and every answer.
#include "base/defs.h"
#include "proxy/http_connect.h"
#include "proxy/socks.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

// ---- SOCKS --------------------------------------------------------------------------------------

static void test_socks_messages(void **state)
{
    uint8_t out[SOCKS_BYTES_MAX];
    char longest[256];
    (void)state;
    assert_int_equal(socks_offer(false, out), 3);
    assert_memory_equal(out, "\x05\x01\x00", 3);
    assert_int_equal(socks_offer(true, out), 4);
    assert_memory_equal(out, "\x05\x02\x00\x02", 4);
    assert_int_equal(socks_login("me", "pw!", out), 8);
    assert_memory_equal(out, "\x01\x02me\x03pw!", 8);
    // A name, also when it is one that this machine could resolve, and the port in network order.
    assert_int_equal(socks_request("db.x", 4000, out), 11);
    assert_memory_equal(out,
        "\x05\x01\x00\x03\x04"
        "db.x\x0f\xa0",
        11);
    memset(longest, 'x', 255);
    longest[255] = '\0';
    assert_int_equal(socks_login(longest, longest, out), 513);
}

static void test_socks_answers(void **state)
{
    (void)state;
    assert_int_equal(socks_read_choice((const uint8_t *)"\x05\x00"), SOCKS_NO_AUTH);
    assert_int_equal(socks_read_choice((const uint8_t *)"\x05\x02"), SOCKS_PASSWORD);
    assert_int_equal(socks_read_choice((const uint8_t *)"\x05\xff"), SOCKS_NONE_FITS);
    assert_int_equal(socks_read_choice((const uint8_t *)"\x04\x00"), -1);
    assert_int_equal(socks_read_choice((const uint8_t *)"HT"), -1);
    assert_int_equal(socks_read_auth((const uint8_t *)"\x01\x00"), 0);
    assert_int_equal(socks_read_auth((const uint8_t *)"\x05\x00"), 0);
    assert_int_equal(socks_read_auth((const uint8_t *)"\x01\x01"), 1);
    assert_int_equal(socks_read_auth((const uint8_t *)"HT"), -1);
}

static void test_socks_reply_lengths(void **state)
{
    (void)state;
    assert_int_equal(socks_reply_length((const uint8_t *)"\x05\x00\x00\x01\x7f"), 10);
    assert_int_equal(socks_reply_length((const uint8_t *)"\x05\x00\x00\x04\x00"), 22);
    assert_int_equal(socks_reply_length((const uint8_t *)"\x05\x00\x00\x03\x00"), 7);
    assert_int_equal(socks_reply_length((const uint8_t *)"\x05\x00\x00\x03\xff"), 262);
    assert_int_equal(socks_reply_length((const uint8_t *)"\x05\x00\x00\x02\x00"), 0);
    assert_int_equal(socks_reply_length((const uint8_t *)"\x00\x5a\x00\x01\x00"), 0); // SOCKS 4
}

// RFC 1928, section 6.
static void test_socks_reply_words(void **state)
{
    static const char *const words[] = { "succeeded", "general failure", "rules do not allow",
        "network unreachable", "host unreachable", "connection refused", "TTL expired",
        "command not supported", "address type not supported", "unassigned" };
    (void)state;
    for (size_t code = 0; code < ARRAY_LEN(words); code++)
        assert_non_null(strstr(socks_reply_words((uint8_t)code), words[code]));
    assert_string_equal(socks_reply_words(255), "unassigned");
}

// ---- HTTP ---------------------------------------------------------------------------------------

static void test_http_request(void **state)
{
    char out[HTTP_CONNECT_BYTES_MAX];
    char longest[512];
    (void)state;
    size_t len = http_connect_request("db.x", 4000, NULL, NULL, out);
    assert_string_equal(out, "CONNECT db.x:4000 HTTP/1.1\r\nHost: db.x:4000\r\n\r\n");
    assert_int_equal(len, strlen(out));
    assert_true(http_connect_request("fd00::1", 4000, NULL, NULL, out));
    assert_string_equal(out, "CONNECT [fd00::1]:4000 HTTP/1.1\r\nHost: [fd00::1]:4000\r\n\r\n");
    // RFC 7617, section 2.
    assert_true(http_connect_request("db.x", 1, "Aladdin", "open sesame", out));
    assert_string_equal(out, "CONNECT db.x:1 HTTP/1.1\r\nHost: db.x:1\r\n"
                             "Proxy-Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n\r\n");
    assert_true(http_connect_request("db.x", 1, "u", NULL, out));
    assert_non_null(strstr(out, "Basic dTo=\r\n"));
    memset(longest, 'x', sizeof(longest));
    longest[511] = '\0';
    assert_int_equal(http_connect_request("db.x", 1, longest, NULL, out), 0);
    longest[255] = '\0';
    assert_true(http_connect_request("db.x", 1, longest, longest, out));
}

static const struct {
    const char *head;
    enum http_connect_end end;
    int status;
    const char *reason;
} heads[] = {
    { "HTTP/1.1 200 Connection established\r\n\r\n", HTTP_CONNECT_DONE, 200,
        "Connection established" },
    { "HTTP/1.0 200 OK\r\nVia: x\r\n\r\n", HTTP_CONNECT_DONE, 200, "OK" },
    { "HTTP/1.1 200\r\n\r\n", HTTP_CONNECT_DONE, 200, "" },
    { "HTTP/1.1 200 \n\n", HTTP_CONNECT_DONE, 200, "" },
    { "HTTP/1.1 204 x\r\nContent-Length: 5\r\n\r\n", HTTP_CONNECT_DONE, 204, "x" },
    { "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 x\r\nA: b\r\n\r\nHTTP/1.1 200 y\r\n\r\n",
        HTTP_CONNECT_DONE, 200, "y" },
    { "HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic\r\n\r\n",
        HTTP_CONNECT_DONE, 407, "Proxy Authentication Required" },
    { "HTTP/1.1 502 \x1b[31mred\r\n\r\n", HTTP_CONNECT_DONE, 502, "?[31mred" },
    { "HTTP/1.1 200 OK\r\nVia: x\r\n", HTTP_CONNECT_MORE, 200, "OK" },
    { "HTTP/2 200\r\n\r\n", HTTP_CONNECT_BAD, 0, "" },
    { "HTTP/1.1 2x0 OK\r\n", HTTP_CONNECT_BAD, 0, "" },
    { "HTTP/1.1 099 OK\r\n", HTTP_CONNECT_BAD, 0, "" },
    { "HTTP/1.1 2000 OK\r\n", HTTP_CONNECT_BAD, 0, "" },
    { "HTTP/1.1\r\n", HTTP_CONNECT_BAD, 0, "" },
    { "\r\n", HTTP_CONNECT_BAD, 0, "" },
    { "\x05\xff\n", HTTP_CONNECT_BAD, 0, "" },
};

// In pieces of every size the same, and the tunnel's first bytes are left.
static void test_http_responses(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(heads); i++) {
        size_t len = strlen(heads[i].head);
        for (size_t piece = 1; piece <= len; piece++) {
            char bytes[256];
            struct http_connect response = { 0 };
            enum http_connect_end end = HTTP_CONNECT_MORE;
            size_t at = 0, taken = 0;
            size_t all = (size_t)snprintf(bytes, sizeof(bytes), "%sJ", heads[i].head);
            size_t limit = heads[i].end == HTTP_CONNECT_MORE ? len : all;
            for (; end == HTTP_CONNECT_MORE && at < limit; at += taken)
                end = http_connect_take(&response, (const uint8_t *)bytes + at,
                    limit - at < piece ? limit - at : piece, &taken);
            assert_int_equal(end, heads[i].end);
            assert_int_equal(response.status, heads[i].status);
            assert_string_equal(response.reason, heads[i].reason);
            if (end == HTTP_CONNECT_DONE)
                assert_int_equal(at, len);
        }
    }
}

static void test_http_heads_have_an_end(void **state)
{
    struct http_connect response = { 0 };
    static const uint8_t line[] = "A: xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\r\n";
    static const uint8_t status[] = "HTTP/1.1 200 OK\r\n";
    size_t taken, sum = sizeof(status) - 1;
    (void)state;
    assert_int_equal(
        http_connect_take(&response, status, sizeof(status) - 1, &taken), HTTP_CONNECT_MORE);
    enum http_connect_end end = HTTP_CONNECT_MORE;
    while (end == HTTP_CONNECT_MORE) {
        end = http_connect_take(&response, line, sizeof(line) - 1, &taken);
        sum += taken;
    }
    assert_int_equal(end, HTTP_CONNECT_BAD);
    assert_int_equal(sum, HTTP_CONNECT_HEAD_MAX + 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_socks_messages),
        cmocka_unit_test(test_socks_answers),
        cmocka_unit_test(test_socks_reply_lengths),
        cmocka_unit_test(test_socks_reply_words),
        cmocka_unit_test(test_http_request),
        cmocka_unit_test(test_http_responses),
        cmocka_unit_test(test_http_heads_have_an_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
