// SPDX-License-Identifier: Apache-2.0
//
// proxy/via: every form of a jump, and nothing of a password in what is said about a wrong one.
#include "proxy/via.h"

#include "base/defs.h"
#include "base/err.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void check_text(const char *is, const char *expected)
{
    assert_int_equal(is != NULL, expected != NULL);
    if (expected)
        assert_string_equal(is, expected);
}

static void test_what_is_read(void **state)
{
    static const struct {
        const char *text;
        enum via_kind kind;
        const char *user, *password, *host, *shown;
        uint16_t port;
    } rows[] = {
        { "socks5h://bastion", VIA_SOCKS, NULL, NULL, "bastion", "socks5h://bastion:1080", 1080 },
        { "socks5h://u:p@10.0.0.1:9", VIA_SOCKS, "u", "p", "10.0.0.1", "socks5h://10.0.0.1:9", 9 },
        { "socks5h://u%40x:p%3a%40%25@h/", VIA_SOCKS, "u@x", "p:@%", "h", "socks5h://h:1080",
            1080 },
        { "socks5h://u:p@p@h", VIA_SOCKS, "u", "p@p", "h", "socks5h://h:1080", 1080 },
        { "socks5h://[::1]:1081", VIA_SOCKS, NULL, NULL, "::1", "socks5h://[::1]:1081", 1081 },
        { "http://proxy:3128", VIA_HTTP, NULL, NULL, "proxy", "http://proxy:3128", 3128 },
        { "http://u:p%20w@proxy", VIA_HTTP, "u", "p w", "proxy", "http://proxy:80", 80 },
        { "http://u@proxy", VIA_HTTP, "u", NULL, "proxy", "http://proxy:80", 80 },
        { "ssh://bastion", VIA_SSH, NULL, NULL, "bastion", "ssh://bastion", 0 },
        { "ssh://ec2-user@i-0a1b.x:2222", VIA_SSH, "ec2-user", NULL, "i-0a1b.x",
            "ssh://i-0a1b.x:2222", 2222 },
        { "command:socat - TCP:%h:%p", VIA_COMMAND, NULL, NULL, NULL, "command:socat", 0 },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct err err = { 0 };
        struct via *via = via_parse(rows[i].text, &err);
        if (!via) {
            fail_msg("%s: %s", rows[i].text, err.text);
            return;
        }
        assert_int_equal(via->kind, rows[i].kind);
        check_text(via->user, rows[i].user);
        check_text(via->password, rows[i].password);
        check_text(via->host, rows[i].host);
        assert_string_equal(via->shown, rows[i].shown);
        assert_int_equal(via->port, rows[i].port);
        via_free(via);
    }
}

static void test_what_is_refused(void **state)
{
    static const struct {
        const char *text, *words;
    } rows[] = {
        { "", "expected socks5h://" },
        { "bastion", "expected socks5h://" },
        { "socks5://bastion", "expected socks5h://" },
        { "socks4://bastion", "ssh://[USER@]HOST" },
        { "https://proxy", "TLS to an HTTP proxy is not supported" },
        { "socks5h://", "no host name" },
        { "socks5h://-x", "no host name" },
        { "ssh://-oProxyCommand=x", "no host name" },
        { "ssh://u@-oProxyCommand=x", "no host name" },
        { "ssh://-oProxyCommand=x@h", "begins with \"-\"" },
        { "ssh://%2doProxyCommand=x@h", "begins with \"-\"" },
        { "ssh://u:hunter2hunter2@h", "ssh takes no password" },
        { "socks5h://h:0", "HOST:PORT" },
        { "socks5h://h:65536", "HOST:PORT" },
        { "socks5h://h:1080/x", "HOST:PORT" },
        { "socks5h://[::1", "closing bracket" },
        { "socks5h://a b", "no host name" },
        { "socks5h://:hunter2hunter2@h", "USER:PASSWORD" },
        { "socks5h://u:@h", "USER:PASSWORD" },
        { "socks5h://hunter2hunter2%2@h", "USER:PASSWORD" },
        { "socks5h://u:hunter2hunter2%00@h", "USER:PASSWORD" },
        { "http://u%3ahunter2hunter2:p@h", "RFC 7617" },
        { "command:", "expected a program" },
        { "command:  ", "expected a program" },
        { "command:''", "expected a program" },
        { "command:a 'b", "every quote closed" },
        { "command:a b\\", "every quote closed" },
        { "command:ssh %r@bastion", "word 2 of the command" },
        { "command:ssh %", "word 2 of the command" },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct err err = { 0 };
        assert_null(via_parse(rows[i].text, &err));
        if (!strstr(err.text, rows[i].words))
            fail_msg("%s: %s", rows[i].text, err.text);
        assert_null(strstr(err.text, "hunter2"));
        assert_int_equal(err.code, ERR_OPTION);
    }
}

static void test_a_secret_of_256_bytes_is_refused(void **state)
{
    char text[400];
    struct err err;
    (void)state;
    for (int len = 255; len <= 256; len++) {
        snprintf(text, sizeof(text), "socks5h://u:%0*d@h", len, 7);
        struct via *via = via_parse(text, &err);
        assert_int_equal(via != NULL, len == 255);
        via_free(via);
    }
}

static void check_words(const char *text, const char *const *expected)
{
    char **words = via_split(text);
    assert_non_null(words);
    size_t i = 0;
    for (; expected[i]; i++)
        check_text(words[i], expected[i]);
    assert_null(words[i]);
    via_free_words(words);
}

static void test_words_are_a_shells_and_nothing_is_expanded(void **state)
{
    (void)state;
    check_words("  a\tb\n c ", (const char *const[]){ "a", "b", "c", NULL });
    check_words("a 'b c' \"d e\"f", (const char *const[]){ "a", "b c", "d ef", NULL });
    check_words("a '' \"\"", (const char *const[]){ "a", "", "", NULL });
    check_words("a\\ b 'c\\d' \"e\\f\" \"g\\\"h\\\\\"",
        (const char *const[]){ "a b", "c\\d", "e\\f", "g\"h\\", NULL });
    check_words("a;b $HOME `x` *|c", (const char *const[]){ "a;b", "$HOME", "`x`", "*|c", NULL });
}

static void test_percents(void **state)
{
    static const char *const rows[][2] = {
        { "TCP:%h:%p", "TCP:db.x:4000" },
        { "%%h%%%p", "%h%4000" },
        { "", "" },
        { "%h%h", "db.xdb.x" },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char *word = via_expand(rows[i][0], "db.x", "4000");
        check_text(word, rows[i][1]);
        free(word);
    }
}

static void test_which_hosts_may_be_handed_on(void **state)
{
    static const char *const safe[] = { "a", "privatelink-1.x_y.com.", "10.0.0.1", "fd00::1",
        "1a" };
    static const char *const unsafe[] = { "", "-oProxyCommand=x", ".a", "a b", "a;b", "a$(b)",
        "a`b`", "a\nb", "a/b", "a'b", "a:b", "\xc3\xa4", "a%h", "[::1]", "a@b" };
    char text[256];
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(safe); i++)
        assert_true(via_host_is_safe(safe[i]));
    for (size_t i = 0; i < ARRAY_LEN(unsafe); i++)
        assert_false(via_host_is_safe(unsafe[i]));
    memset(text, 'a', sizeof(text));
    text[253] = '\0';
    assert_true(via_host_is_safe(text));
    text[253] = 'a';
    text[254] = '\0';
    assert_false(via_host_is_safe(text));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_read),
        cmocka_unit_test(test_what_is_refused),
        cmocka_unit_test(test_a_secret_of_256_bytes_is_refused),
        cmocka_unit_test(test_words_are_a_shells_and_nothing_is_expanded),
        cmocka_unit_test(test_percents),
        cmocka_unit_test(test_which_hosts_may_be_handed_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
