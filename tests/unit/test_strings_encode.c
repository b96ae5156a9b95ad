// SPDX-License-Identifier: Apache-2.0
//
// Golden vectors of the encoders, and what counts as UTF-8.
#include "strings/encode.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define GOLDEN "a@b:c/d?e#f[g]h!i$j&k'l(m)n*o+p,q;r=s%t\"u\\v w{x}y^z|<>~`"

// clang-format off
static const struct {
    enum string_encoding encoding;
    const char *text;
    const char *encoded; // NULL: refused
} vectors[] = {
    { ENCODING_RAW, GOLDEN, GOLDEN },
    { ENCODING_LINE, GOLDEN, GOLDEN },
    { ENCODING_LINE, "a\nb", NULL },
    { ENCODING_LINE, "a\xc2\x85" "b", NULL },
    { ENCODING_PERCENT, GOLDEN, "a%40b%3Ac%2Fd%3Fe%23f%5Bg%5Dh%21i%24j%26k%27l%28m%29n%2Ao%2Bp%2Cq%3Br%3Ds%25t%22u%5Cv%20w%7Bx%7Dy%5Ez%7C%3C%3E%7E%60" },
    { ENCODING_PERCENT, "AZaz09-._", "AZaz09-._" },
    { ENCODING_PERCENT, "\n\x7f", "%0A%7F" },
    { ENCODING_PERCENT, "é€😀", "%C3%A9%E2%82%AC%F0%9F%98%80" },
    { ENCODING_FILE_URL, "/etc/tidb/ca.pem", "/etc/tidb/ca.pem" },
    { ENCODING_FILE_URL, "/a b%", "/a%2520b%2525" },
    { ENCODING_SHELL, "root", "root" },
    { ENCODING_SHELL, "/run/x.sock", "/run/x.sock" },
    { ENCODING_SHELL, "", "''" },
    { ENCODING_SHELL, "it's $HOME `x` \\ \"!", "'it'\\''s $HOME `x` \\ \"!'" },
    { ENCODING_SHELL, "~", "'~'" },
    { ENCODING_SHELL, "é", "'é'" },
    { ENCODING_JSON, "a\"b\\c/\t\x7f", "\"a\\\"b\\\\c/\\u0009\\u007f\"" },
    { ENCODING_JSON, "é\u2028\u2029\u2027", "\"é\\u2028\\u2029\u2027\"" },
    { ENCODING_PYTHON, "a\"b\\c'\n\x7fé\u2028", "\"a\\\"b\\\\c'\\x0a\\x7fé\u2028\"" },
    { ENCODING_PYTHON_BYTES, "plain", "\"plain\"" },
    { ENCODING_PYTHON_BYTES, "é", "\"é\".encode()" },
    { ENCODING_PLAIN, "my-db_1", "my-db_1" },
    { ENCODING_PLAIN, "my db", NULL },
    { ENCODING_PERCENT_TWICE, "a b", "a%2520b" },
    { ENCODING_PERCENT_LATIN, "a@é", "a%40%C3%83%C2%A9" },
    { ENCODING_PYTHON_LATIN, "é", "\"é\".encode().decode(\"latin1\")" },
    { ENCODING_PERCENT_INI, "a@b", "a%%40b" },
    { ENCODING_BASE64, "any carnal pleas", "YW55IGNhcm5hbCBwbGVhcw==" },
    { ENCODING_SHELL_PART, "it's", "it'\\''s" },
    { ENCODING_POWERSHELL, "it's \u2019$x", "'it''s \u2019\u2019$x'" },
    { ENCODING_JSON, "\xc2\x85\ufeff\u202e", "\"\\u0085\\ufeff\\u202e\"" },
    { ENCODING_DOLLAR, "a$b\"", "\"a\\$b\\\"\"" },
    { ENCODING_BRACES, "#{x}#\n\u202e", "\"\\u{23}{x}#\\u{a}\\u{202e}\"" },
    { ENCODING_OCTAL, "a\"\\\n1?\?/", "\"a\\\"\\\\\\0121\\077?/\"" },
    { ENCODING_SINGLE, "it's \\n$x", "'it\\'s \\\\n$x'" },
    { ENCODING_SINGLE_PART, "it's", "it\\'s" },
    { ENCODING_PDO, "a;b'c", "a;;b\\'c" },
    { ENCODING_SQL, "it's", "'it''s'" },
    { ENCODING_OPTION, GOLDEN, "\"a@b:c/d?e#f[g]h!i$j&k'l(m)n*o+p,q;r=s%t\\\"u\\\\v w{x}y^z|<>~`\"" },
    { ENCODING_OPTION, "a\nb", "\"a\\nb\"" },
    { ENCODING_ADO, "root", "root" },
    { ENCODING_ADO, "a;b\"c", "\"a;b\"\"c\"" },
    { ENCODING_ADO, "", "\"\"" },
    { ENCODING_ODBC, "a;b}c{", "{a;b}}c{}" },
    { ENCODING_XML, "a&b<c>\"'\n", "a&amp;b&lt;c&gt;&quot;&apos;&#10;" },
    { ENCODING_XML, "a\x01", NULL },
    { ENCODING_YAML, "it's #1: yes", "'it''s #1: yes'" },
    { ENCODING_YAML, "a\nb", "\"a\\u000ab\"" },
    { ENCODING_YAML_DOLLAR, "a$b'c", "'a$$b''c'" },
    { ENCODING_PROPERTIES, " a\\b #é😀", "\\u0020a\\\\b #\\u00E9\\uD83D\\uDE00" },
    { ENCODING_HCL, "a${b}%{c}$d$${", "\"a$${b}%%{c}$d\\u0024$${\"" },
    { ENCODING_SYSTEMD, "a\"b\\c$d`e'%", "\"a\\\"b\\\\c\\$d\\`e'%\"" },
    { ENCODING_SYSTEMD, "a\nb", NULL },
    { ENCODING_SYSTEMD_PART, "a%b\"c\\$", "a%%b\\\"c\\\\$" },
    { ENCODING_DOTENV, "plain", "plain" },
    { ENCODING_DOTENV, "a#b\"", "'a#b\"'" },
    { ENCODING_DOTENV, "it's", "\"it's\"" },
    { ENCODING_DOTENV, "it's\\n", "`it's\\n`" },
    { ENCODING_DOTENV, "'\"`", NULL },
    { ENCODING_DOTENV, "a#\\", NULL },
    { ENCODING_DOTENV_EXPAND, "a$b#", "'a\\$b#'" },
    { ENCODING_DOTENV_EXPAND, "a\\$b", NULL },
    { ENCODING_DOTENV_EXPAND, "$(id)", NULL },
    { ENCODING_DOTENV_PHP, "a$b#c", "'a$b#c'" },
    { ENCODING_DOTENV_PHP, "it's $x", "\"it's \\$x\"" },
    { ENCODING_DOTENV_PHP, "TRUE", NULL },
    { ENCODING_DOTENV_PHP, "\"x\"", NULL },
    { ENCODING_DOTENV_PYTHON, "it's \\x", "'it\\'s \\\\x'" },
    { ENCODING_DOTENV_PYTHON, "a${b}", NULL },
};
// clang-format on

static void test_golden_vectors(void **state)
{
    for (size_t i = 0; i < ARRAY_LEN(vectors); i++) {
        struct buf out;
        struct err err;
        buf_init(&out, SIZE_MAX / 2);
        bool ok = encode_text(vectors[i].encoding, vectors[i].text, &out, &err);
        assert_int_equal(ok, vectors[i].encoded != NULL);
        if (ok) {
            char *text = buf_take_text(&out);
            if (strcmp(text, vectors[i].encoded) != 0)
                fail_msg("vector %zu: %s instead of %s", i, text, vectors[i].encoded);
            free(text);
        } else {
            assert_int_equal(err.code, ERR_USAGE);
        }
        buf_done(&out);
    }
}

static void test_running_out_of_room_is_an_error(void **state)
{
    for (size_t encoding = 0; encoding < ENCODINGS; encoding++) {
        for (size_t limit = 0; limit < 2; limit++) {
            struct buf out;
            struct err err;
            buf_init(&out, limit);
            assert_false(encode_text((enum string_encoding)encoding,
                encoding == ENCODING_PLAIN ? "abc" : "a'b\"é", &out, &err));
            assert_int_equal(err.code, ERR_MEMORY);
            buf_done(&out);
        }
    }
}

static void test_utf8(void **state)
{
    static const char *const good[] = { "", "a", "\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80",
        "\xed\x9f\xbf", "\xee\x80\x80", "\xef\xbf\xbf", "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf" };
    static const char *const bad[] = { "\x80", "\xc0\x80", "\xc1\xbf", "\xc2", "\xc2 ",
        "\xe0\x9f\xbf", "\xe2\x82", "\xed\xa0\x80", "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80",
        "\xf5\x80\x80\x80", "\xff", "a\xfe" };
    for (size_t i = 0; i < ARRAY_LEN(good); i++)
        assert_true(encode_is_utf8(good[i], strlen(good[i])));
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_false(encode_is_utf8(bad[i], strlen(bad[i])));
}

static void test_control_characters(void **state)
{
    static const char *const with[] = { "\x01", "a\x1b[2J", "\x7f", "\xc2\x80", "\xc2\x9f" };
    static const char *const without[] = { "", " ", "~", "\u00a0", "Ȁ", "€" };
    for (size_t i = 0; i < ARRAY_LEN(with); i++)
        assert_true(encode_has_control(with[i]));
    for (size_t i = 0; i < ARRAY_LEN(without); i++)
        assert_false(encode_has_control(without[i]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_golden_vectors),
        cmocka_unit_test(test_running_out_of_room_is_an_error),
        cmocka_unit_test(test_utf8),
        cmocka_unit_test(test_control_characters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
