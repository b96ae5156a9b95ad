// SPDX-License-Identifier: Apache-2.0
//
// base/options_file: what a configuration file means, and that every line that is not right is
// refused with its number and what was expected.
#include "base/err.h"
#include "base/options.h"
#include "base/os.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

// Every test runs in a folder of its own, so that the path in the errors is this short one.
static const char path[] = "t.conf";
static char folder[] = "/tmp/test_options_file.XXXXXX";

// What the callbacks were told, a line each; a name "refuse" is refused.
struct told {
    char text[1024];
    size_t len;
};

static void tell(struct told *told, const char *first, const char *second, const char *origin)
{
    told->len += snprintf(told->text + told->len, sizeof(told->text) - told->len, "%s|%s|%s\n",
        first, second, origin);
    assert_true(told->len < sizeof(told->text));
}

static bool on_section(void *arg, const char *section, const char *origin, struct err *err)
{
    tell(arg, "section", section, origin);
    if (strcmp(section, "refuse") == 0)
        return err_set(err, ERR_USAGE, "%s: refused by the section callback", origin);
    return true;
}

static bool on_value(
    void *arg, const char *name, const char *value, const char *origin, struct err *err)
{
    tell(arg, name, value, origin);
    if (strcmp(name, "refuse") == 0)
        return err_set(err, ERR_USAGE, "%s: refused by the value callback", origin);
    return true;
}

static void write_file(const char *bytes, size_t len)
{
    FILE *file = os_fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, len, file), len);
    assert_int_equal(fclose(file), 0);
}

static bool read_back(struct told *told, struct err *err)
{
    *told = (struct told){ 0 };
    *err = (struct err){ 0 };
    const struct option_reader reader = { told, on_section, on_value };
    return option_read_file(path, &reader, err);
}

static void assert_reads(const char *text, const char *expected)
{
    struct told told;
    struct err err;
    write_file(text, strlen(text));
    if (!read_back(&told, &err))
        fail_msg("%s", err.text);
    assert_string_equal(told.text, expected);
}

static void assert_fails_bytes(const char *bytes, size_t len, const char *expected)
{
    struct told told;
    struct err err;
    write_file(bytes, len);
    assert_false(read_back(&told, &err));
    assert_string_equal(err.text, expected);
    assert_int_equal(err.code, ERR_OPTION);
}

static void assert_fails(const char *text, const char *expected)
{
    assert_fails_bytes(text, strlen(text), expected);
}

static void test_values_and_sections(void **state)
{
    (void)state;
    assert_reads("log-format = json\n"
                 "\n"
                 "[cluster orders]\n"
                 "listen=127.0.0.1:4000, unix:/run/o.sock\n"
                 "[empty]\n"
                 "[cluster   billing ]\n"
                 "listen = x\n"
                 "tls-ca =\n"
                 "dsn = a=b:c = d",
        "log-format|json|t.conf:1: log-format\n"
        "section|cluster orders|t.conf:3: [cluster orders]\n"
        "listen|127.0.0.1:4000, unix:/run/o.sock|t.conf:4: listen\n"
        "section|empty|t.conf:5: [empty]\n"
        "section|cluster billing|t.conf:6: [cluster billing]\n"
        "listen|x|t.conf:7: listen\n"
        "tls-ca||t.conf:8: tls-ca\n"
        "dsn|a=b:c = d|t.conf:9: dsn\n");
}

static void test_an_empty_file_is_fine(void **state)
{
    (void)state;
    assert_reads("", "");
    assert_reads("\n\n", "");
    assert_reads("# nothing", "");
}

static void test_comments(void **state)
{
    (void)state;
    assert_reads("# a = 1\n"
                 "  ; b = 2\n"
                 "c = 3 # three\n"
                 "d = 4\t; four\n"
                 "e = a#b;c\n"
                 "[s] # [t]\n"
                 "f = # empty\n",
        "c|3|t.conf:3: c\n"
        "d|4|t.conf:4: d\n"
        "e|a#b;c|t.conf:5: e\n"
        "section|s|t.conf:6: [s]\n"
        "f||t.conf:7: f\n");
}

// inih would read the second line as more of the first value.
static void test_indented_lines_are_lines(void **state)
{
    (void)state;
    assert_reads("a = 1\n"
                 "    b = 2\n"
                 "\t[s]\n",
        "a|1|t.conf:1: a\n"
        "b|2|t.conf:2: b\n"
        "section|s|t.conf:3: [s]\n");
    assert_fails("a = 1\n  2\n",
        "t.conf:2: \"2\" is not an option: expected \"name = value\" or \"[kind name]\"");
}

static void test_windows_files(void **state)
{
    (void)state;
    assert_reads("\xEF\xBB\xBF[s]\r\n"
                 "a = 1\r\n"
                 "\r\n",
        "section|s|t.conf:1: [s]\n"
        "a|1|t.conf:2: a\n");
}

static void test_the_same_name_in_two_sections(void **state)
{
    (void)state;
    assert_reads("a = 1\n[s]\na = 2\n[t]\na = 3\n", "a|1|t.conf:1: a\n"
                                                    "section|s|t.conf:2: [s]\n"
                                                    "a|2|t.conf:3: a\n"
                                                    "section|t|t.conf:4: [t]\n"
                                                    "a|3|t.conf:5: a\n");
}

static void test_duplicates(void **state)
{
    (void)state;
    assert_fails("[s]\na = 1\n[t]\n[ s ]\n",
        "t.conf:4: [s] is already on line 1: expected each section once");
    assert_fails("[s]\na = 1\nb = 1\na = 1\n",
        "t.conf:4: a is already set on line 2: expected it once in a section");
}

static void test_lines_that_are_nothing(void **state)
{
    (void)state;
    static const char *const wrong[] = { "listen 127.0.0.1:4000", "listen: x", "= x", "a b = x",
        "a:b = x", "\"a\" = x", "name" };
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        char text[100];
        char expected[200];
        snprintf(text, sizeof(text), "# comment\n\n%s\na = 1\n", wrong[i]);
        snprintf(expected, sizeof(expected),
            "t.conf:3: \"%s\" is not an option: expected \"name = value\" or \"[kind name]\"",
            wrong[i]);
        assert_fails(text, expected);
    }
    assert_fails("[s]\nvia socks5h://me:secret@h\n",
        "t.conf:2: \"via socks5h://...\" is not an option: expected \"name = value\" or "
        "\"[kind name]\"");
}

static void test_section_heads_that_are_none(void **state)
{
    (void)state;
    static const char *const wrong[] = { "[s", "[]", "[ ]", "[s] a = 1", "[[s]]", "[a]b]", "[" };
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        char expected[200];
        snprintf(expected, sizeof(expected),
            "t.conf:1: \"%s\" is not a section head: expected \"[kind name]\"", wrong[i]);
        assert_fails(wrong[i], expected);
    }
}

static void test_long_lines(void **state)
{
    (void)state;
    char text[OPTION_LINE_BYTES + 32];
    char expected[sizeof(text) + 100];
    memset(text, 'x', sizeof(text));
    text[1] = '=';
    memcpy(text + OPTION_LINE_BYTES, "\nb=2\n", 6);
    snprintf(expected, sizeof(expected), "x|%.*s|t.conf:1: x\nb|2|t.conf:2: b\n",
        OPTION_LINE_BYTES - 2, text + 2);
    assert_reads(text, expected);
    memcpy(text + OPTION_LINE_BYTES, "x\nb=2\n", 7);
    assert_fails(text, "t.conf:1: the line is too long: expected at most 198 bytes");
    memcpy(text + OPTION_LINE_BYTES, "x", 2);
    text[0] = '#';
    assert_fails(text, "t.conf:1: the line is too long: expected at most 198 bytes");
}

static void test_a_nul_byte(void **state)
{
    (void)state;
    static const char bytes[] = "a = 1\nb = 2\0secret\nc = 3\n";
    assert_fails_bytes(bytes, sizeof(bytes) - 1, "t.conf:2: a NUL byte: expected a text file");
}

static void test_a_callback_refuses(void **state)
{
    (void)state;
    struct told told;
    struct err err;
    static const char value[] = "a = 1\nrefuse = 2\nb = 3\n";
    write_file(value, strlen(value));
    assert_false(read_back(&told, &err));
    assert_int_equal(err.code, ERR_USAGE);
    assert_string_equal(err.text, "t.conf:2: refuse: refused by the value callback");
    assert_string_equal(told.text, "a|1|t.conf:1: a\nrefuse|2|t.conf:2: refuse\n");
    static const char section[] = "[refuse]\na = 1\n";
    write_file(section, strlen(section));
    assert_false(read_back(&told, &err));
    assert_string_equal(err.text, "t.conf:1: [refuse]: refused by the section callback");
    assert_string_equal(told.text, "section|refuse|t.conf:1: [refuse]\n");
}

static void test_no_file(void **state)
{
    (void)state;
    struct err err = { 0 };
    const struct option_reader reader = { NULL, on_section, on_value };
    assert_false(option_read_file("none.conf", &reader, &err));
    assert_string_equal(
        err.text, "none.conf: cannot open the configuration file: No such file or directory");
    assert_int_equal(err.code, ERR_OPTION);
    assert_false(option_read_file(folder, &reader, &err));
    assert_non_null(strstr(err.text, ": cannot read the configuration file: Is a directory"));
}

static int enter_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) && chdir(folder) == 0 ? 0 : -1;
}

static int leave_folder(void **state)
{
    (void)state;
    unlink(path);
    return chdir("/") == 0 && rmdir(folder) == 0 ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values_and_sections),
        cmocka_unit_test(test_an_empty_file_is_fine),
        cmocka_unit_test(test_comments),
        cmocka_unit_test(test_indented_lines_are_lines),
        cmocka_unit_test(test_windows_files),
        cmocka_unit_test(test_the_same_name_in_two_sections),
        cmocka_unit_test(test_duplicates),
        cmocka_unit_test(test_lines_that_are_nothing),
        cmocka_unit_test(test_section_heads_that_are_none),
        cmocka_unit_test(test_long_lines),
        cmocka_unit_test(test_a_nul_byte),
        cmocka_unit_test(test_a_callback_refuses),
        cmocka_unit_test(test_no_file),
    };
    return cmocka_run_group_tests_name("options_file", tests, enter_folder, leave_folder);
}
