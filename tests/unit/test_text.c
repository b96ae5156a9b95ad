// SPDX-License-Identifier: Apache-2.0
//
// base/text: what is UTF-8, and foreign text made harmless.
#include "base/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static size_t len_of(const char *bytes)
{
    return text_utf8_len((const unsigned char *)bytes, strlen(bytes));
}

static void test_well_formed_sequences(void **state)
{
    (void)state;
    assert_int_equal(len_of("a"), 1);
    assert_int_equal(len_of("\xc3\xa9"), 2);
    assert_int_equal(len_of("\xe2\x82\xac"), 3);
    assert_int_equal(len_of("\xf0\x9f\x98\x80"), 4);
    assert_int_equal(len_of(""), 0);
    assert_int_equal(len_of("\x80"), 0);             // a continuation alone
    assert_int_equal(len_of("\xc0\xaf"), 0);         // overlong
    assert_int_equal(len_of("\xed\xa0\x80"), 0);     // a surrogate
    assert_int_equal(len_of("\xf4\x90\x80\x80"), 0); // beyond U+10FFFF
    assert_int_equal(len_of("\xe2\x82"), 0);         // cut
}

static void test_clean_text_can_be_shown(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        { "plain caf\xc3\xa9", "plain caf\xc3\xa9" },
        { "\x1b[31mred\r\n\x7f", " [31mred   " },
        { "\xff\xfe", "??" },
        { "cut \xe2\x82", "cut ??" },
        { "\xc2\x9bm", "??m" },
        { "", "" },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char *text = strdup(cases[i][0]); // of exact size, so that ASan sees a read behind the end
        text_clean(text);
        assert_string_equal(text, cases[i][1]);
        free(text);
    }
}

static void test_mended_text_is_utf8_and_else_the_same(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        { "caf\xc3\xa9\n\x1b \xc2\x9b", "caf\xc3\xa9\n\x1b \xc2\x9b" },
        { "\xff\xfe \xc0\xaf", "?? ??" },
        { "cut \xe2\x82", "cut ??" },
        { "", "" },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char *text = strdup(cases[i][0]);
        text_mend(text);
        assert_string_equal(text, cases[i][1]);
        free(text);
    }
}

static void test_secrets_are_hidden(void **state)
{
    (void)state;
    static const char *const cases[][3] = {
        { "a top/secret b top/secret", "top/secret", "a *** b ***" },
        { "top/secrettop/secret", "top/secret", "******" },
        { "top/secre", "top/secret", "top/secre" },
        { "p/secret it ends with", "top/secret", "*** it ends with" }, // its head was cut off
        { "/secret it ends with", "top/secret", "/secret it ends with" },
        { "a short", "short", "a short" },
        { "nothing", "", "nothing" },
        { "", "top/secret", "" },
        { "********", "********", "***" }, // what stands for a secret is not taken for one
        { "*** ****************", "********", "*** ******" },
        { "a***b***c", "a***b***c", "***" },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char *text = strdup(cases[i][0]); // of exact size, so that ASan sees a write behind the end
        text_hide(text, cases[i][1]);
        assert_string_equal(text, cases[i][2]);
        free(text);
    }
}

static void test_a_word_for_a_shell(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        { "vpc-1", "vpc-1" },
        { "http://127.0.0.1:1/", "http://127.0.0.1:1/" },
        { "a=b", "'a=b'" },
        { "--a=b", "--a=b" },
        { "", "''" },
        { "it's", "'it'\\''s'" },
        { "'", "''\\'''" },
        { "$HOME `x`", "'$HOME `x`'" },
        { "~", "'~'" },
        { "caf\xc3\xa9", "'caf\xc3\xa9'" },
        { "a\nb", "'a\nb'" },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        size_t len = strlen(cases[i][1]);
        char *out = malloc(len + 1); // of exact size, so that ASan sees a write behind the end
        assert_int_equal(text_shell_word(cases[i][0], NULL, 0), len);
        assert_int_equal(text_shell_word(cases[i][0], out, len + 1), len);
        assert_string_equal(out, cases[i][1]);
        assert_int_equal(text_shell_word(cases[i][0], out, len), len); // one byte short
        assert_string_equal(out, "");
        free(out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_well_formed_sequences),
        cmocka_unit_test(test_clean_text_can_be_shown),
        cmocka_unit_test(test_mended_text_is_utf8_and_else_the_same),
        cmocka_unit_test(test_secrets_are_hidden),
        cmocka_unit_test(test_a_word_for_a_shell),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
