// SPDX-License-Identifier: Apache-2.0
//
// proxy/rsa_key: made once, the same from then on, and what it refuses to read.
#include "proxy/rsa_key.h"

#include "base/err.h"
#include "base/os.h"

#include <dirent.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/ui.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

enum { PATH_BYTES = 300 };

static char dir[100], path[PATH_BYTES];

static int make_dir(void **state)
{
    (void)state;
    const char *tmp = getenv("TMPDIR");
    snprintf(dir, sizeof(dir), "%s/tidblink-key-XXXXXX", tmp ? tmp : "/tmp");
    if (!mkdtemp(dir))
        return -1;
    snprintf(path, sizeof(path), "%s/key.pem", dir);
    umask(077);
    return 0;
}

// How many files there are; none of them stays.
static unsigned empty_dir(void)
{
    unsigned files = 0;
    DIR *opened = opendir(dir);
    assert_non_null(opened);
    for (struct dirent *entry; (entry = readdir(opened));) {
        char file[PATH_BYTES + 256];
        snprintf(file, sizeof(file), "%s/%s", dir, entry->d_name);
        if (entry->d_name[0] != '.' && unlink(file) == 0)
            files++;
    }
    closedir(opened);
    return files;
}

static int remove_dir(void **state)
{
    (void)state;
    empty_dir();
    return rmdir(dir);
}

static struct rsa_key *open_good(const char *from)
{
    struct err err = { 0 };
    struct rsa_key *key = rsa_key_open(from, &err);
    if (!key)
        fail_msg("%s", err.text);
    return key;
}

static bool are_same(const struct rsa_key *a, const struct rsa_key *b)
{
    size_t a_len = 0, b_len = 0;
    const char *a_pem = rsa_key_pem(a, &a_len), *b_pem = rsa_key_pem(b, &b_len);
    return a_len == b_len && memcmp(a_pem, b_pem, a_len) == 0;
}

static void test_a_missing_key_is_made_once(void **state)
{
    (void)state;
    struct stat status;
    umask(0);
    struct rsa_key *made = open_good(path);
    umask(077);
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0600);
    assert_int_equal(rsa_key_bytes(made), 256);
    size_t len = 0;
    assert_memory_equal(rsa_key_pem(made, &len), "-----BEGIN PUBLIC KEY-----\n", 27);

    struct rsa_key *read = open_good(path);
    assert_true(are_same(made, read));
    rsa_key_unref(read);
    struct rsa_key *own = open_good(NULL);
    assert_false(are_same(made, own));
    rsa_key_unref(own);
    rsa_key_unref(made);
    assert_int_equal(empty_dir(), 1); // nothing half-written beside it
}

static void test_references_are_counted(void **state)
{
    (void)state;
    struct rsa_key *key = open_good(NULL);
    assert_ptr_equal(rsa_key_ref(key), key);
    rsa_key_unref(key);
    assert_int_equal(rsa_key_bytes(key), 256);
    rsa_key_unref(key);
    rsa_key_unref(NULL);
}

static void *open_in_thread(void *arg)
{
    struct err err;
    (void)arg;
    return rsa_key_open(path, &err);
}

static void test_two_that_start_at_once_agree(void **state)
{
    (void)state;
    pthread_t threads[4];
    void *keys[4] = { 0 };
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, open_in_thread, NULL), 0);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(pthread_join(threads[i], &keys[i]), 0);
    for (size_t i = 0; i < 4; i++) {
        assert_non_null(keys[i]);
        assert_true(are_same(keys[0], keys[i]));
    }
    for (size_t i = 0; i < 4; i++)
        rsa_key_unref(keys[i]);
    assert_int_equal(empty_dir(), 1);
}

// ---- files that are no use ----------------------------------------------------------------------

static void write_key(EVP_PKEY *key, const EVP_CIPHER *cipher)
{
    FILE *file = os_fopen(path, "w");
    assert_non_null(file);
    assert_non_null(key);
    char password[] = "password";
    assert_int_equal(PEM_write_PKCS8PrivateKey(
                         file, key, cipher, cipher ? password : NULL, cipher ? 8 : 0, NULL, NULL),
        1);
    assert_int_equal(fclose(file), 0);
    EVP_PKEY_free(key);
}

static void assert_refused(const char *from, enum err_code code)
{
    struct err err = { 0 };
    struct rsa_key *key = rsa_key_open(from, &err);
    assert_null(key);
    if (err.code != code)
        fail_msg("code %d: %s", err.code, err.text);
    assert_non_null(strstr(err.text, from));
}

static void write_text(const char *text)
{
    FILE *file = os_fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void test_what_is_no_rsa_key_is_refused(void **state)
{
    (void)state;
    static const char *const texts[] = { "", "x\n",
        "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
        "-----BEGIN PRIVATE KEY-----\n" };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        write_text(texts[i]);
        assert_refused(path, ERR_OPTION);
    }
    write_key(EVP_EC_gen("P-256"), NULL);
    assert_refused(path, ERR_OPTION);
    write_key(EVP_RSA_gen(1024), NULL);
    assert_refused(path, ERR_OPTION);

    // A public one.
    struct rsa_key *key = open_good(NULL);
    size_t len = 0;
    const char *pem = rsa_key_pem(key, &len);
    char copy[2000];
    snprintf(copy, sizeof(copy), "%.*s", (int)len, pem);
    write_text(copy);
    rsa_key_unref(key);
    assert_refused(path, ERR_OPTION);
    assert_int_equal(empty_dir(), 1); // it is still there
}

static void test_a_key_of_3072_bits_will_do(void **state)
{
    (void)state;
    write_key(EVP_RSA_gen(3072), NULL);
    struct rsa_key *key = open_good(path);
    assert_int_equal(rsa_key_bytes(key), 384);
    rsa_key_unref(key);
    empty_dir();
}

static unsigned asked;

static int on_asked(UI *ui)
{
    (void)ui;
    asked++;
    return 0;
}

// A daemon that is started from a terminal must not wait there for a password.
static void test_nobody_is_asked_for_a_password(void **state)
{
    (void)state;
    UI_METHOD *method = UI_create_method("counts");
    assert_int_equal(UI_method_set_opener(method, on_asked), 0);
    UI_set_default_method(method);
    write_key(EVP_RSA_gen(2048), EVP_aes_256_cbc());
    assert_refused(path, ERR_OPTION);
    assert_int_equal(asked, 0);
    UI_set_default_method(UI_OpenSSL());
    UI_destroy_method(method);
    empty_dir();
}

static void test_places_that_cannot_be_written(void **state)
{
    (void)state;
    char below[PATH_BYTES];
    snprintf(below, sizeof(below), "%s/missing/key.pem", dir);
    assert_refused(below, ERR_FILE);
    assert_refused("/proc/tidblink-key.pem", ERR_FILE); // also for root
    write_text("x\n");
    snprintf(below, sizeof(below), "%s/key.pem/key.pem", dir);
    assert_refused(below, ERR_OPTION);
    empty_dir();
    assert_refused(dir, ERR_OPTION);

    if (geteuid() == 0)
        return; // whom permissions do not stop
    assert_int_equal(chmod(dir, 0500), 0);
    assert_refused(path, ERR_FILE);
    assert_int_equal(chmod(dir, 0700), 0);
    write_text("x\n");
    assert_int_equal(chmod(path, 0), 0);
    assert_refused(path, ERR_OPTION);
    empty_dir();
}

// Of PKCS #1 v1.5 some OpenSSLs never say that it is wrong: what comes out then means nothing
// (EVP_PKEY_CTX_set_rsa_padding(3), "implicit rejection").
static void test_garbage_is_not_decrypted(void **state)
{
    (void)state;
    static const uint8_t garbage[257] = { 7 };
    static const size_t lengths[] = { 0, 1, 255, 256, 257 };
    uint8_t out[RSA_KEY_BYTES_MAX];
    struct rsa_key *key = open_good(NULL);
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        size_t len = sizeof(out);
        assert_false(rsa_key_decrypt(key, RSA_PADDING_OAEP, garbage, lengths[i], out, &len));
        len = sizeof(out);
        if (rsa_key_decrypt(key, RSA_PADDING_V15, garbage, lengths[i], out, &len))
            assert_true(len < rsa_key_bytes(key) && lengths[i] <= rsa_key_bytes(key));
    }
    rsa_key_unref(key);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_missing_key_is_made_once),
        cmocka_unit_test(test_references_are_counted),
        cmocka_unit_test(test_two_that_start_at_once_agree),
        cmocka_unit_test(test_what_is_no_rsa_key_is_refused),
        cmocka_unit_test(test_a_key_of_3072_bits_will_do),
        cmocka_unit_test(test_nobody_is_asked_for_a_password),
        cmocka_unit_test(test_places_that_cannot_be_written),
        cmocka_unit_test(test_garbage_is_not_decrypted),
    };
    return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
