// SPDX-License-Identifier: Apache-2.0
//
// proxy/socks, proxy/http_connect, proxy/jump_words and proxy/jump_child: what is sent, byte for
// byte, every answer, and what a program is started with.
#include "base/defs.h"
#include "proxy/http_connect.h"
#include "proxy/jump_child.h"
#include "proxy/jump_words.h"
#include "proxy/socks.h"
#include "proxy/via.h"
#include "proxy/view.h"

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

// ---- programs -----------------------------------------------------------------------------------

static struct view *make_view(const char *url, const char *host)
{
    struct view *view = view_new("orders");
    assert_non_null(view);
    view->via = via_parse(url, NULL);
    assert_non_null(view->via);
    view->host = strdup(host);
    view->port = 4000;
    view->options.dial_budget_ms = 15000;
    view->control_path = "/run/x/m";
    return view;
}

// All words, each followed by a bar.
static void check_words(const char *url, const char *host, bool alone, const char *expected)
{
    char joined[1024] = "";
    struct jump_words words;
    struct view *view = make_view(url, host);
    assert_true(jump_words_make(&words, view, alone));
    for (size_t i = 0; words.argv[i]; i++) {
        size_t len = strlen(joined);
        snprintf(joined + len, sizeof(joined) - len, "%s|", words.argv[i]);
    }
    assert_string_equal(joined, expected);
    jump_words_done(&words);
    via_free((struct via *)(uintptr_t)view->via);
    view_unref(view);
}

#define SSH                                                                                        \
    "ssh|-o|RemoteCommand=none|-o|PermitLocalCommand=no|-o|ServerAliveInterval=15|-o|BatchMode="   \
    "yes|-o|ConnectTimeout=14|"
#define SHARED "-o|ControlMaster=auto|-o|ControlPersist=60|-o|ControlPath=/run/x/m|"
#define ALONE "-o|ControlMaster=no|-o|ControlPath=none|"

static void test_words_of_programs(void **state)
{
    (void)state;
    check_words("ssh://bastion", "db.x", false, SSH SHARED "-W|db.x:4000|--|bastion|");
    check_words("ssh://me@bastion:2222", "fd00::1", true,
        SSH ALONE "-p|2222|-l|me|-W|[fd00::1]:4000|--|bastion|");
    check_words("command:a 'b %h' %%h%p \"\"", "db.x", false, "a|b db.x|%h4000||");
}

static void test_last_words(void **state)
{
    static const char *const rows[][2] = {
        { "", "" },
        { "\\n \\x0d\\n", "" },
        { "one", "one" },
        { "one.\\n", "one" },
        { "one\\x0d\\n\\ntwo\\x0d\\nthree.\\x0d\\n", "two; three" },
        { "\\x1b[31mred\\x1b[0m", "[31mred[0m" },
        { "caf\xc3\xa9", "caf??" },
        { "a\\", "a\\" },
    };
    char out[JUMP_SAID_BYTES], long_line[1000];
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        jump_child_said(rows[i][0], out);
        assert_string_equal(out, rows[i][1]);
    }
    // The reason is at the end.
    snprintf(long_line, sizeof(long_line), "%0*d\\n%0*d: refused\\n", 400, 7, 400, 7);
    jump_child_said(long_line, out);
    assert_true(strlen(out) < JUMP_SAID_BYTES);
    assert_string_equal(out + strlen(out) - strlen(": refused"), ": refused");
    assert_non_null(strstr(out, "7; 0"));
}

static void test_whose_refusal_it_is(void **state)
{
    (void)state;
    assert_true(
        jump_words_is_of_master("mux_client_request_stdio_fwd: Session open refused by peer"));
    assert_true(jump_words_is_of_master("Stdio forwarding request failed: Session open refused"));
    assert_false(jump_words_is_of_master("me@bastion: Permission denied (publickey)"));
    assert_false(jump_words_is_of_master("channel 0: open failed; stdio forwarding failed"));
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
        cmocka_unit_test(test_words_of_programs),
        cmocka_unit_test(test_last_words),
        cmocka_unit_test(test_whose_refusal_it_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
