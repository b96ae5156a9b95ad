// SPDX-License-Identifier: Apache-2.0
//
// base/secret_file: whose files with a secret are taken, and what mends the others.
#include "base/defs.h"
#include "base/err.h"
#include "base/secret_file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

enum { US = 1000, OURS = 1000, ALSO_OURS = 2000, ANOTHER = 3000 };

static const gid_t groups[] = { OURS, ALSO_OURS };
static const gid_t root_groups[] = { 0, ALSO_OURS };
static const struct secret_file_user user = { US, groups, ARRAY_LEN(groups) };
static const struct secret_file_user root = { 0, root_groups, ARRAY_LEN(root_groups) };

struct row {
    const struct secret_file_user *user;
    uid_t uid;
    gid_t gid;
    mode_t mode;
    const char *what, *fix; // NULL: taken
};

// clang-format off
static const struct row rows[] = {
    // Ours alone.
    { &user, US,   OURS,      0600, NULL, NULL },
    { &user, US,   OURS,      0400, NULL, NULL },
    { &user, US,   OURS,      0700, NULL, NULL },
    { &root, 0,    0,         0600, NULL, NULL },
    // Root's, for a group of ours: Kubernetes with fsGroup, ssl-cert, systemd's credentials (0440
    // root:root, and an access list that names us).
    { &user, 0,    ALSO_OURS, 0440, NULL, NULL },
    { &user, 0,    ALSO_OURS, 0640, NULL, NULL },
    { &user, 0,    0,         0440, NULL, NULL },
    { &root, 0,    0,         0640, NULL, NULL },
    { &root, 0,    ALSO_OURS, 0640, NULL, NULL },
    // Everybody.
    { &user, US,   OURS,      0604, "everybody may read it", "chmod o-rwx /k" },
    { &user, US,   OURS,      0602, "everybody may write it", "chmod o-rwx /k" },
    { &user, US,   OURS,      0601, "everybody may execute it", "chmod o-rwx /k" },
    { &user, US,   OURS,      0644, "everybody may read it", "chmod o-rwx,g-rwx /k" },
    { &root, 0,    0,         0644, "everybody may read it", "chmod o-rwx /k" },
    { &root, 0,    0,         0666, "everybody may read it", "chmod o-rwx,g-w /k" },
    { &user, 0,    0,         0644, "everybody may read it", "chown 1000 /k && chmod go-rwx /k" },
    { &user, 0,    ALSO_OURS, 0644, "everybody may read it", "chmod o-rwx /k" },
    // A group.
    { &user, US,   OURS,      0640, "its group may read it", "chmod g-rwx /k" },
    { &user, US,   ANOTHER,   0440, "its group may read it", "chmod g-rwx /k" },
    { &root, 0,    ANOTHER,   0640, "its group may read it", "chmod g-rwx /k" },
    { &user, US,   OURS,      0620, "its group may write it", "chmod g-w /k" },
    { &user, 0,    ALSO_OURS, 0660, "its group may write it", "chmod g-w /k" },
    // Somebody else's.
    { &user, 1001, OURS,      0600, "it belongs to neither uid 1000 nor root", "chown 1000 /k" },
    { &root, US,   OURS,      0600, "it belongs to neither uid 0 nor root", "chown 0 /k" },
    { &user, 1001, OURS,      0644, "everybody may read it", "chown 1000 /k && chmod go-rwx /k" },
};
// clang-format on

static void test_the_rules(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct row *row = &rows[i];
        struct secret_file_flaw flaw;
        const struct stat status = {
            .st_mode = S_IFREG | row->mode, .st_uid = row->uid, .st_gid = row->gid
        };
        bool closed = secret_file_judge(&status, "/k", row->user, &flaw);
        if (closed != !row->what || (row->what && strcmp(flaw.what, row->what) != 0) ||
            (row->what && strcmp(flaw.fix, row->fix) != 0))
            fail_msg("row %zu (mode %04o): %s; %s", i, (unsigned)row->mode, flaw.what, flaw.fix);
    }
}

static void test_no_regular_file_has_rights(void **state)
{
    (void)state;
    struct secret_file_flaw flaw;
    const struct stat pipe = { .st_mode = S_IFIFO | 0666, .st_uid = ANOTHER };
    const struct stat terminal = { .st_mode = S_IFCHR | 0666 };
    assert_true(secret_file_judge(&pipe, "/dev/fd/63", &user, &flaw));
    assert_true(secret_file_judge(&terminal, "/dev/tty", &user, &flaw));
}

// The folder is the service's own; what stands in it is as systemd made it.
static void test_credentials_of_systemd(void **state)
{
    (void)state;
    struct secret_file_flaw flaw;
    const struct stat ours = { .st_mode = S_IFREG | 0440, .st_uid = US, .st_gid = OURS };
    const struct stat open = { .st_mode = S_IFREG | 0444, .st_uid = US, .st_gid = OURS };
    setenv("CREDENTIALS_DIRECTORY", "/run/credentials/x.service", 1);
    assert_true(secret_file_judge(&ours, "/run/credentials/x.service/key", &user, &flaw));
    assert_false(secret_file_judge(&ours, "/run/credentials/x.services/key", &user, &flaw));
    assert_false(secret_file_judge(&open, "/run/credentials/x.service/key", &user, &flaw));
    unsetenv("CREDENTIALS_DIRECTORY");
    assert_false(secret_file_judge(&ours, "/run/credentials/x.service/key", &user, &flaw));
}

static void test_long_and_odd_paths(void **state)
{
    (void)state;
    char path[1000];
    struct secret_file_flaw flaw;
    const struct stat open = { .st_mode = S_IFREG | 0644, .st_uid = US };
    assert_false(secret_file_judge(&open, "/a key's", &user, &flaw));
    assert_string_equal(flaw.fix, "chmod o-rwx,g-rwx '/a key'\\''s'");
    memset(path, 'x', sizeof(path) - 1);
    path[sizeof(path) - 1] = '\0';
    assert_false(secret_file_judge(&open, path, &user, &flaw));
    assert_string_equal(flaw.fix, ""); // half a command would do something else
}

static void make(const char *path, const char *text, mode_t mode)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(path, mode), 0);
}

// As the kubelet lays a volume out: the rights are those of the file behind the links.
static void test_a_volume_of_kubernetes(void **state)
{
    (void)state;
    char dir[] = "/tmp/tidblink-test-secret-XXXXXX", real[64], file[64], link[64], data[64];
    struct err err;
    assert_non_null(mkdtemp(dir));
    snprintf(real, sizeof(real), "%s/..2026", dir);
    snprintf(file, sizeof(file), "%s/..2026/private", dir);
    snprintf(data, sizeof(data), "%s/..data", dir);
    snprintf(link, sizeof(link), "%s/private", dir);
    assert_int_equal(mkdir(real, 0755), 0);
    make(file, "key\n", 0644);
    assert_int_equal(symlink("..2026", data), 0);
    assert_int_equal(symlink("..data/private", link), 0);
    assert_int_equal(secret_file_open(link, &err), -1);
    assert_int_equal(err.code, ERR_OPTION);
    assert_int_equal(err.sys, 0);
    char wanted[64];
    snprintf(wanted, sizeof(wanted), "fsGroup: %u", (unsigned)getegid());
    assert_non_null(strstr(err.text, "everybody may read it: its mode is 0644"));
    assert_non_null(strstr(err.text, "defaultMode: 0440"));
    assert_non_null(strstr(err.text, wanted));
    assert_int_equal(chmod(file, 0400), 0);
    int fd = secret_file_open(link, &err);
    assert_true(fd >= 0);
    close(fd);
    assert_true(secret_file_is_closed(link, &err));
    unlink(link);
    unlink(data);
    unlink(file);
    rmdir(real);
    rmdir(dir);
}

static void test_what_cannot_be_opened(void **state)
{
    (void)state;
    struct err err;
    assert_int_equal(secret_file_open("/nonexistent/key", &err), -1);
    assert_string_equal(err.text, "/nonexistent/key cannot be opened: No such file or directory");
    assert_true(secret_file_is_closed("/nonexistent/key", &err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_rules),
        cmocka_unit_test(test_no_regular_file_has_rights),
        cmocka_unit_test(test_credentials_of_systemd),
        cmocka_unit_test(test_long_and_odd_paths),
        cmocka_unit_test(test_a_volume_of_kubernetes),
        cmocka_unit_test(test_what_cannot_be_opened),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
