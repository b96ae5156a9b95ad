// SPDX-License-Identifier: Apache-2.0
//
// For every encoding: what is encoded is read back as it was, by the model of the client that reads
// it, whatever stands behind it in the same file; or the encoder refused and said why.
#include "any_text.h"
#include "strings/decode.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { ROUNDS = 4000, TEXT_BYTES = 160 };

// How a value ends in its format: with its own quote or the line, with a quote that belongs to the
// shape, or with the text.
enum ending { BY_ITSELF = 0, AT_QUOTE, AT_DOUBLE, AT_TAG, WITH_TEXT };

static const enum ending endings[ENCODINGS] = {
    [ENCODING_RAW] = WITH_TEXT,
    [ENCODING_PLAIN] = WITH_TEXT,
    [ENCODING_PERCENT] = WITH_TEXT,
    [ENCODING_PERCENT_TWICE] = WITH_TEXT,
    [ENCODING_PERCENT_LATIN] = WITH_TEXT,
    [ENCODING_PERCENT_INI] = WITH_TEXT,
    [ENCODING_FILE_URL] = WITH_TEXT,
    [ENCODING_BASE64] = WITH_TEXT,
    [ENCODING_SHELL_PART] = AT_QUOTE,
    [ENCODING_SINGLE_PART] = AT_QUOTE,
    [ENCODING_PDO] = AT_QUOTE,
    [ENCODING_XML] = AT_TAG,
    [ENCODING_SYSTEMD_PART] = AT_DOUBLE,
};

static const char *const behind[] = {
    [BY_ITSELF] = "\nNEXT='\"`x\\'\"`'\n",
    [AT_QUOTE] = "' '\n",
    [AT_DOUBLE] = "\" \"\n",
    [AT_TAG] = "</x>",
    [WITH_TEXT] = "",
};

static const char *const edges[] = { "", " ", "x ", " x", "\\", "x\\", "'", "\"", "`", "''", "\"\"",
    "\\'", "\\\"", "'\"`", "$", "$$", "${", "$${x}", "$$${x}", "%{x}", "%%{x}", "$%{", "\\$",
    "\\${x}", "#", "#{x}", "a #b", "true", "NULL", "(empty)", "\"x\"", "'x'", "a=\"b", "}", "}}",
    "{", "]]>", "&amp;", "%", "%41", "%%", "%(x)s", "+", "\n", "\r\n", "\t", "\x01", "\x7f",
    "\xc2\x85", "\u2028", "\u2029", "\ufeff", "\ufffe", "\U0001fffe", "\u202e", "\u2019", "\u2019'",
    "é", "😀", "?\?/", "?\?\?", "\\u0041", "\\x41", "\\n", "\\101", "-", "=", ":", "yes", "4000",
    "null", "~", ";", ";;", "a;b", "YQ==", GOLDEN_PASSWORD };

static const char *name_of(enum string_encoding encoding)
{
    static char text[32];
    snprintf(text, sizeof(text), "encoding %d", (int)encoding);
    return text;
}

static void check_read(enum string_encoding encoding, const char *text, const char *encoded)
{
    char file[TEXT_BYTES * 40]; // no encoding makes more of a byte
    struct buf read;
    size_t used = 0, len = strlen(encoded);
    snprintf(file, sizeof(file), "%s%s", encoded, behind[endings[encoding]]);
    buf_init(&read, SIZE_MAX / 2);
    if (!decode_text(encoding, file, strlen(file), &read, &used))
        fail_msg("%s: \"%s\" as %s is refused", name_of(encoding), text, encoded);
    if (used != len)
        fail_msg("%s: of %s the first %zu bytes are read", name_of(encoding), encoded, used);
    char *value = buf_take_text(&read);
    assert_non_null(value);
    if (strcmp(value, text) != 0)
        fail_msg("%s: \"%s\" as %s is read as \"%s\"", name_of(encoding), text, encoded, value);
    free(value);
    buf_done(&read);
}

// Whether it was encoded.
static bool check_text(enum string_encoding encoding, const char *text)
{
    struct buf out;
    struct err err;
    buf_init(&out, SIZE_MAX / 2);
    bool ok = encode_text(encoding, text, &out, &err);
    if (ok) {
        char *encoded = buf_take_text(&out);
        assert_non_null(encoded);
        check_read(encoding, text, encoded);
        free(encoded);
    } else {
        assert_int_equal(err.code, ERR_USAGE);
        assert_true(strlen(err.text) > 20);
    }
    buf_done(&out);
    return ok;
}

static void test_random_text_comes_back(void **state)
{
    (void)state;
    printf("seed %#llx\n", (unsigned long long)ANY_SEED);
    for (int encoding = 0; encoding < ENCODINGS; encoding++) {
        size_t carried = 0;
        for (size_t round = 0; round < ROUNDS; round++) {
            char text[TEXT_BYTES];
            any_text(text, sizeof(text), 0, any_below(3) == 0);
            carried += check_text((enum string_encoding)encoding, text);
        }
        // A property of nothing proves nothing.
        if (encoding != ENCODING_PLAIN && carried < ROUNDS / 4)
            fail_msg(
                "%s carried %zu of %d", name_of((enum string_encoding)encoding), carried, ROUNDS);
    }
}

static void test_edges_come_back(void **state)
{
    (void)state;
    for (int encoding = 0; encoding < ENCODINGS; encoding++) {
        for (size_t i = 0; i < ARRAY_LEN(edges); i++)
            check_text((enum string_encoding)encoding, edges[i]);
    }
}

// It has all three quotes, which Node's dotenv cannot carry together.
static void test_the_golden_password_is_carried(void **state)
{
    (void)state;
    for (int encoding = 0; encoding < ENCODINGS; encoding++) {
        bool cannot = encoding == ENCODING_DOTENV || encoding == ENCODING_DOTENV_EXPAND ||
                      encoding == ENCODING_PLAIN;
        assert_int_equal(check_text((enum string_encoding)encoding, GOLDEN_PASSWORD), !cannot);
    }
}

static const struct {
    enum string_encoding encoding;
    const char *text;
} wrong[] = { { ENCODING_PERCENT, "a@b" }, { ENCODING_PERCENT, "%4" },
    { ENCODING_PERCENT_INI, "%41" }, { ENCODING_PERCENT_LATIN, "%E2%82%AC" },
    { ENCODING_PYTHON_BYTES, "\"é\"" }, { ENCODING_SHELL, "$x" }, { ENCODING_SHELL, "'x" },
    { ENCODING_JSON, "\"\\x41\"" }, { ENCODING_JSON, "\"\n\"" }, { ENCODING_DOLLAR, "\"a$b\"" },
    { ENCODING_BRACES, "\"#{x}\"" }, { ENCODING_OCTAL, "\"\\1\"" }, { ENCODING_SINGLE, "'x" },
    { ENCODING_HCL, "\"${x}\"" }, { ENCODING_YAML, "true" }, { ENCODING_YAML_DOLLAR, "'$x'" },
    { ENCODING_PROPERTIES, "é" }, { ENCODING_XML, "a&b" }, { ENCODING_DOTENV, "a#b" },
    { ENCODING_DOTENV, "\"a\\nb\"" }, { ENCODING_DOTENV_EXPAND, "'a$b'" },
    { ENCODING_DOTENV_PHP, "\"a$b\"" }, { ENCODING_DOTENV_PHP, "'a=\"b'" },
    { ENCODING_DOTENV_PYTHON, "'${x}'" }, { ENCODING_BASE64, "YQ" }, { ENCODING_ODBC, "{a" },
    { ENCODING_OPTION, "\"a" } };

static void test_what_clients_would_misread_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        struct buf out;
        size_t used;
        buf_init(&out, SIZE_MAX / 2);
        if (decode_text(wrong[i].encoding, wrong[i].text, strlen(wrong[i].text), &out, &used))
            fail_msg("%s takes %s", name_of(wrong[i].encoding), wrong[i].text);
        buf_done(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_text_comes_back),
        cmocka_unit_test(test_edges_come_back),
        cmocka_unit_test(test_the_golden_password_is_carried),
        cmocka_unit_test(test_what_clients_would_misread_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
