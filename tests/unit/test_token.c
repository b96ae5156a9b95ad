// SPDX-License-Identifier: Apache-2.0
//
// guide/token: the note is on disk before the first call, survives, is never lost to a second run
// or to damage, and is gone when it has served.
#include "base/err.h"
#include "base/file.h"
#include "guide/token.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[] = "/tmp/test_token.XXXXXX";
static char dir[64];
static const char service[] = "com.amazonaws.vpce.us-east-1.vpce-svc-0a1b";
static const char vpc[] = "vpc-1";

static void open_it(struct token *token)
{
    struct err err = { 0 };
    if (!token_open(token, dir, service, vpc, &err))
        fail_msg("%s", err.text);
}

static void test_a_token_is_on_disk_before_it_is_used(void **state)
{
    (void)state;
    struct token first, second;
    struct err err;
    char kept[TOKEN_BYTES];
    open_it(&first);
    assert_string_equal(first.client_token, "");
    assert_int_equal(access(first.path, F_OK), -1);
    assert_true(token_need(&first, &err));
    assert_true(strlen(first.client_token) > 32); // EC2 takes up to 64 ASCII characters
    assert_true(strlen(first.client_token) <= 64);
    assert_true(first.asked > 0);
    snprintf(kept, sizeof(kept), "%s", first.client_token);
    assert_true(token_need(&first, &err)); // the same one
    assert_string_equal(first.client_token, kept);
    token_close(&first); // as a crash would
    open_it(&second);
    assert_string_equal(second.client_token, kept);
    assert_string_equal(second.endpoint_id, "");
    assert_true(token_answered(&second, "vpce-1", &err));
    token_close(&second);
    open_it(&first);
    assert_string_equal(first.endpoint_id, "vpce-1");
    assert_string_equal(first.client_token, kept);
    assert_true(token_forget(&first, &err));
    assert_int_equal(access(first.path, F_OK), -1);
    assert_true(token_forget(&first, &err)); // again
    assert_true(token_need(&first, &err));
    assert_string_not_equal(first.client_token, kept);
    assert_true(token_forget(&first, &err));
    token_close(&first);
}

static void test_only_the_owner_reads_it(void **state)
{
    (void)state;
    struct token token;
    struct stat status;
    struct err err;
    open_it(&token);
    assert_true(token_need(&token, &err));
    assert_int_equal(stat(token.path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
    assert_true(token_forget(&token, &err));
    token_close(&token);
}

static void test_two_at_once(void **state)
{
    (void)state;
    struct token first, second, other;
    struct err err;
    open_it(&first);
    assert_false(token_open(&second, dir, service, vpc, &err));
    assert_int_equal(err.code, ERR_FILE);
    assert_non_null(strstr(err.text, "another tidblink"));
    token_close(&second);
    assert_true(token_open(&other, dir, service, "vpc-2", &err)); // another VPC is another matter
    token_close(&other);
    token_close(&first);
    open_it(&second);
    token_close(&second);
}

static void test_damage_is_told_and_kept(void **state)
{
    (void)state;
    static const char *const damaged[] = { "", "{", "[]", "{\"client_token\": 7}",
        "{\"client_token\": \"\"}" };
    for (size_t i = 0; i < ARRAY_LEN(damaged); i++) {
        struct token token;
        struct err err;
        char path[160];
        open_it(&token);
        snprintf(path, sizeof(path), "%s", token.path);
        token_close(&token);
        assert_true(file_replace(path, damaged[i], strlen(damaged[i]), 0600, &err));
        assert_false(token_open(&token, dir, service, vpc, &err));
        assert_int_equal(err.code, ERR_FILE);
        assert_non_null(strstr(err.text, path));
        assert_int_equal(access(path, F_OK), 0);
        token_close(&token);
        assert_int_equal(unlink(path), 0);
    }
}

static void test_no_place_for_it(void **state)
{
    (void)state;
    struct token token;
    struct err err;
    assert_false(token_open(&token, NULL, service, vpc, &err));
    assert_non_null(strstr(err.text, "state-dir"));
    token_close(&token);
    assert_false(token_open(&token, "/proc/none", service, vpc, &err));
    assert_non_null(strstr(err.text, "state-dir"));
    token_close(&token);
}

static void test_odd_names_stay_in_the_folder(void **state)
{
    (void)state;
    struct token token;
    struct err err;
    assert_true(token_open(&token, dir, "../../etc/x", "../y", &err));
    assert_int_equal(strncmp(token.path, dir, strlen(dir)), 0);
    assert_null(strchr(token.path + strlen(dir) + 1, '/'));
    token_close(&token);
}

static int enter(void **state)
{
    (void)state;
    if (!mkdtemp(folder))
        return -1;
    snprintf(dir, sizeof(dir), "%s/new/state", folder); // made when it is missing
    return 0;
}

static int leave(void **state)
{
    (void)state;
    char outer[64];
    DIR *entries = opendir(dir);
    const struct dirent *entry;
    while (entries && (entry = readdir(entries)))
        if (entry->d_name[0] != '.')
            unlinkat(dirfd(entries), entry->d_name, 0); // the locks stay behind
    if (entries)
        closedir(entries);
    snprintf(outer, sizeof(outer), "%s/new", folder);
    return rmdir(dir) == 0 && rmdir(outer) == 0 ? rmdir(folder) : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_token_is_on_disk_before_it_is_used),
        cmocka_unit_test(test_only_the_owner_reads_it),
        cmocka_unit_test(test_two_at_once),
        cmocka_unit_test(test_damage_is_told_and_kept),
        cmocka_unit_test(test_no_place_for_it),
        cmocka_unit_test(test_odd_names_stay_in_the_folder),
    };
    return cmocka_run_group_tests(tests, enter, leave);
}
