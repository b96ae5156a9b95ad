// SPDX-License-Identifier: Apache-2.0
//
// Where the API keys come from, and that they leave the environment.
#include "base/err.h"
#include "control/control.h"
#include "control/keys.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
    chmod(path, 0600);
}

static void test_keys_from_files(void **unused)
{
    char directory[] = "/tmp/tidblink-test-keys-XXXXXX";
    assert_non_null(mkdtemp(directory));
    char public_path[64];
    char private_path[64];
    snprintf(public_path, sizeof(public_path), "%s/tidbcloud-public-key", directory);
    snprintf(private_path, sizeof(private_path), "%s/tidbcloud-private-key", directory);
    write_file(public_path, "PUB\n");
    write_file(private_path, "top-secret\r\n");
    struct control_options options = { .public_key_file = public_path,
        .private_key_file = private_path };
    struct keys keys = { 0 };
    struct err err;
    assert_true(keys_load(&options, &keys, &err));
    assert_string_equal(keys.public_key, "PUB");
    assert_string_equal(keys.private_key, "top-secret");
    keys_wipe(&keys);
    static const char *const bad[] = { "", "\n", "top-secret\nsecond line\n", "top\x01secret" };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        write_file(private_path, bad[i]);
        assert_false(keys_load(&options, &keys, &err));
        assert_int_equal(err.code, ERR_OPTION);
        assert_non_null(strstr(err.text, "api-private-key-file"));
        assert_null(strstr(err.text, "secret"));
    }
    write_file(private_path, "\xef\xbb\xbftop-secret\n"); // as some editors begin a file
    assert_false(keys_load(&options, &keys, &err));
    assert_non_null(strstr(err.text, "has the byte 0xef at place 1, which no key has"));
    write_file(private_path, "top-secret");
    options = (struct control_options){ 0 };
    setenv("CREDENTIALS_DIRECTORY", directory, 1);
    assert_true(keys_load(&options, &keys, &err));
    assert_string_equal(keys.private_key, "top-secret");
    keys_wipe(&keys);
    unlink(private_path);
    assert_false(keys_load(&options, &keys, &err));
    assert_non_null(strstr(err.text, "TIDBCLOUD_PRIVATE_KEY"));
    unsetenv("CREDENTIALS_DIRECTORY");
    options.private_key_file = private_path;
    options.public_key_file = public_path;
    assert_false(keys_load(&options, &keys, &err));
    assert_non_null(strstr(err.text, private_path));
    unlink(public_path);
    rmdir(directory);
}

static void test_keys_leave_the_environment(void **unused)
{
    char variable[] = "TIDBCLOUD_PRIVATE_KEY=env-secret";
    putenv(variable); // this very memory is the environment now
    setenv("TIDBCLOUD_PUBLIC_KEY", "PUB", 1);
    struct keys environment;
    keys_take_environment(&environment);
    assert_null(getenv("TIDBCLOUD_PRIVATE_KEY"));
    assert_null(getenv("TIDBCLOUD_PUBLIC_KEY"));
    assert_string_equal(variable, "TIDBCLOUD_PRIVATE_KEY=");
    struct control_options options = { .environment_keys = &environment };
    struct keys keys = { 0 };
    struct err err;
    assert_true(keys_load(&options, &keys, &err));
    assert_string_equal(keys.public_key, "PUB");
    assert_string_equal(keys.private_key, "env-secret");
    keys_wipe(&keys);
    keys_wipe(&environment);
    assert_null(environment.private_key);
}

// A Secret of Kubernetes that was made by `echo KEY | base64` ends with a line end.
static void test_keys_of_the_environment_are_looked_at(void **unused)
{
    char key[] = "env-secret\r\n", public_key[] = "PUB \n", long_key[5000];
    struct keys environment = { public_key, key };
    struct control_options options = { .environment_keys = &environment };
    struct keys keys = { 0 };
    struct err err;
    assert_true(keys_load(&options, &keys, &err));
    assert_string_equal(keys.public_key, "PUB");
    assert_string_equal(keys.private_key, "env-secret");
    keys_wipe(&keys);
    memset(long_key, 'k', sizeof(long_key));
    long_key[sizeof(long_key) - 1] = '\0';
    struct {
        char key[16];
        const char *text;
    } bad[] = {
        { " \n", "TIDBCLOUD_PRIVATE_KEY is empty" },
        { "env\nsecret", "TIDBCLOUD_PRIVATE_KEY holds more than one line" },
        { "env secret", "TIDBCLOUD_PRIVATE_KEY has the byte 0x20 at place 4" },
    };
    environment.private_key = long_key;
    assert_false(keys_load(&options, &keys, &err));
    assert_non_null(strstr(err.text, "TIDBCLOUD_PRIVATE_KEY is too long for a key"));
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        environment.private_key = bad[i].key;
        assert_false(keys_load(&options, &keys, &err));
        assert_int_equal(err.code, ERR_OPTION);
        assert_non_null(strstr(err.text, bad[i].text));
        assert_null(strstr(err.text, "secret"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keys_from_files),
        cmocka_unit_test(test_keys_leave_the_environment),
        cmocka_unit_test(test_keys_of_the_environment_are_looked_at),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
