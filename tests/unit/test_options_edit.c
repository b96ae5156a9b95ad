// SPDX-License-Identifier: Apache-2.0
//
// base/options_edit: one value changes, everything else in the file stays byte for byte, with owner
// and mode; what is written is read back by options_file.
#include "base/err.h"
#include "base/file.h"
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

static const char path[] = "t.conf";
static char folder[] = "/tmp/test_options_edit.XXXXXX";

static void put(const char *text)
{
    FILE *file = os_fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void check(const char *before, const char *value, const char *after)
{
    struct err err = { 0 };
    put(before);
    if (!option_file_set(path, "cluster orders", "endpoint-id", value, &err))
        fail_msg("%s", err.text);
    char *text = file_read(path, 1 << 20, NULL, &err);
    assert_non_null(text);
    assert_string_equal(text, after);
    free(text);
}

static void test_a_value_is_replaced(void **state)
{
    (void)state;
    check("a = 1\n[cluster orders]\nendpoint-id = vpce-1 # old\nlisten = x\n", "vpce-2",
        "a = 1\n[cluster orders]\nendpoint-id = vpce-2\nlisten = x\n");
    check("[cluster orders]\n\tendpoint-id=vpce-1", "vpce-2",
        "[cluster orders]\nendpoint-id = vpce-2\n");
}

static void test_a_new_value_joins_its_section(void **state)
{
    (void)state;
    check("a = 1\n\n[cluster orders]  # ours\n; why\nlisten = x\n\n# the other\n[cluster b]\nport "
          "= 1\n",
        "vpce-2",
        "a = 1\n\n[cluster orders]  # ours\n; why\nlisten = x\nendpoint-id = vpce-2\n\n"
        "# the other\n[cluster b]\nport = 1\n");
    check("[cluster orders]\n", "v", "[cluster orders]\nendpoint-id = v\n");
    check("[cluster orders]\nlisten = x", "v", "[cluster orders]\nlisten = x\nendpoint-id = v\n");
    check("[ cluster orders ]\n[cluster b]\nendpoint-id = w\n", "v",
        "[ cluster orders ]\nendpoint-id = v\n[cluster b]\nendpoint-id = w\n");
}

static void test_a_comment_is_no_value(void **state)
{
    (void)state;
    check("[cluster orders]\n# endpoint-id = vpce-1\n", "v",
        "[cluster orders]\nendpoint-id = v\n# endpoint-id = vpce-1\n");
    check("[cluster orders]\nmy-endpoint-id = w\n", "v",
        "[cluster orders]\nmy-endpoint-id = w\nendpoint-id = v\n");
    check("# [cluster orders]\n[cluster orders2]\n", "v",
        "# [cluster orders]\n[cluster orders2]\n\n[cluster orders]\nendpoint-id = v\n");
}

static void test_a_missing_section_is_added(void **state)
{
    (void)state;
    check("", "v", "[cluster orders]\nendpoint-id = v\n");
    check("a = 1", "v", "a = 1\n\n[cluster orders]\nendpoint-id = v\n");
}

static void test_a_value_is_taken_out(void **state)
{
    (void)state;
    check(
        "[cluster orders]\nendpoint-id = v\nlisten = x\n", NULL, "[cluster orders]\nlisten = x\n");
    check("[cluster orders]\nlisten = x\n", NULL, "[cluster orders]\nlisten = x\n");
    check("a = 1\n", NULL, "a = 1\n");
}

// What the reader takes for the section is the section.
static void test_a_section_as_the_reader_sees_it(void **state)
{
    (void)state;
    check("[cluster  orders]\n", "v", "[cluster  orders]\nendpoint-id = v\n");
    check(
        "\xEF\xBB\xBF[cluster\torders]\n", "v", "\xEF\xBB\xBF[cluster\torders]\nendpoint-id = v\n");
    check("[cluster orders]\r\nlisten = x\r\n", "v",
        "[cluster orders]\r\nlisten = x\r\nendpoint-id = v\n");
    check("[cluster orders] ; [cluster b]\nendpoint-id \t= w\n", "v",
        "[cluster orders] ; [cluster b]\nendpoint-id = v\n");
}

static void test_a_file_that_would_not_be_read_stays(void **state)
{
    (void)state;
    static const char *const names[] = { "cluster Orders #1", "cluster a ;b", "cluster a]b",
        "cluster [a", "cluster  a", "cluster a\n[cluster b" };
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        struct err err = { 0 };
        put("a = 1\n[cluster Orders]\n");
        assert_false(option_section_fits(names[i]));
        assert_false(option_file_set(path, names[i], "endpoint-id", "v", &err));
        assert_int_equal(err.code, ERR_OPTION);
        assert_non_null(strstr(err.text, "left as it is"));
        char *text = file_read(path, 1 << 20, NULL, &err);
        assert_string_equal(text, "a = 1\n[cluster Orders]\n");
        free(text);
    }
    assert_true(option_section_fits("cluster Orders#1"));
    assert_true(option_section_fits("cluster two words"));
}

static void test_mode_and_link_stay(void **state)
{
    (void)state;
    struct err err;
    struct stat status;
    put("[cluster orders]\n");
    assert_int_equal(chmod(path, 0604), 0);
    assert_int_equal(symlink(path, "link.conf"), 0);
    assert_true(option_file_set("link.conf", "cluster orders", "endpoint-id", "v", &err));
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0604);
    assert_int_equal(lstat("link.conf", &status), 0);
    assert_true(S_ISLNK(status.st_mode));
    assert_int_equal(unlink("link.conf"), 0);
}

static void test_a_file_that_is_not_there(void **state)
{
    (void)state;
    struct err err;
    assert_false(option_file_set("none.conf", "cluster orders", "endpoint-id", "v", &err));
    assert_int_equal(err.code, ERR_FILE);
    assert_non_null(strstr(err.text, "none.conf"));
}

static int enter(void **state)
{
    (void)state;
    return mkdtemp(folder) && chdir(folder) == 0 ? 0 : -1;
}

static int leave(void **state)
{
    (void)state;
    unlink(path);
    return chdir("/") == 0 && rmdir(folder) == 0 ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_value_is_replaced),
        cmocka_unit_test(test_a_new_value_joins_its_section),
        cmocka_unit_test(test_a_comment_is_no_value),
        cmocka_unit_test(test_a_missing_section_is_added),
        cmocka_unit_test(test_a_value_is_taken_out),
        cmocka_unit_test(test_a_section_as_the_reader_sees_it),
        cmocka_unit_test(test_a_file_that_would_not_be_read_stays),
        cmocka_unit_test(test_mode_and_link_stay),
        cmocka_unit_test(test_a_file_that_is_not_there),
    };
    return cmocka_run_group_tests(tests, enter, leave);
}
