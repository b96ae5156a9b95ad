// SPDX-License-Identifier: Apache-2.0
//
// proxy/auth: which plugin with which nonce, when it is over, and whose passwords are decrypted.
#include "proxy/auth.h"

#include "base/err.h"
#include "proxy/rsa_key.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define NONCE "123456789:;<=>?@ABCD"
#define SHA2 "caching_sha2_password"

enum { CIPHER_BYTES = 256 };

static struct rsa_key *key, *other_key;

static int make_keys(void **state)
{
    (void)state;
    struct err err;
    key = rsa_key_open(NULL, &err);
    other_key = rsa_key_open(NULL, &err);
    return key && other_key ? 0 : -1;
}

static int free_keys(void **state)
{
    (void)state;
    rsa_key_unref(key);
    rsa_key_unref(other_key);
    return 0;
}

static struct auth begin(const char *version, const char *plugin)
{
    struct mysql_greeting greeting = { .has_nonce = true };
    struct mysql_login login = { 0 };
    struct auth auth;
    memcpy(greeting.nonce, NONCE, sizeof(greeting.nonce));
    snprintf(greeting.version, sizeof(greeting.version), "%s", version);
    snprintf(greeting.plugin, sizeof(greeting.plugin), "%s", plugin);
    snprintf(login.plugin, sizeof(login.plugin), "%s", plugin);
    auth_init(&auth, &greeting);
    auth_answered(&auth, &login);
    return auth;
}

// An exact-size copy on the heap, so that ASan sees a read behind the end.
static enum auth_step server(struct auth *auth, const char *bytes, size_t len)
{
    uint8_t *copy = malloc(len ? len : 1);
    memcpy(copy, bytes, len);
    enum auth_step step = auth_from_server(auth, &(struct mysql_packet){ copy, len, 2 });
    free(copy);
    return step;
}

static enum auth_reply client(struct auth *auth, const void *bytes, size_t len)
{
    uint8_t *copy = malloc(len ? len : 1);
    memcpy(copy, bytes, len);
    enum auth_reply reply = auth_from_client(auth, &(struct mysql_packet){ copy, len, 3 }, key);
    free(copy);
    return reply;
}

static void test_native_password(void **state)
{
    (void)state;
    struct auth auth = begin("8.0.11-TiDB-v8.5.3", "mysql_native_password");
    assert_int_equal(server(&auth, "\0\0\0\2\0\0\0", 7), AUTH_ACCEPTED);
    assert_int_equal(server(&auth, "\xff\x15\4#28000no", 11), AUTH_REFUSED);
    assert_int_equal(server(&auth, "\xff", 1), AUTH_REFUSED);
    // The plugin does not ask for passwords, so this is something else.
    assert_int_equal(server(&auth, "\1\4", 2), AUTH_GOES_ON);
    assert_int_equal(client(&auth, "\2", 1), AUTH_PASS_ON);
}

static void test_fast_and_full(void **state)
{
    (void)state;
    struct auth auth = begin("8.0.11-TiDB-v8.5.3", SHA2);
    assert_int_equal(client(&auth, "\2", 1), AUTH_PASS_ON); // nobody has asked for anything
    assert_int_equal(server(&auth, "\1\3", 2), AUTH_GOES_ON);
    assert_false(auth.wants_password);
    assert_int_equal(server(&auth, "\1\4", 2), AUTH_GOES_ON);
    assert_true(auth.wants_password);
    assert_int_equal(server(&auth, "\0\0\0\2\0\0\0", 7), AUTH_ACCEPTED);
    assert_false(auth.wants_password);
    assert_int_equal(server(&auth, "\1\4x", 3), AUTH_GOES_ON);
    assert_false(auth.wants_password);
    assert_int_equal(server(&auth, "\1", 1), AUTH_GOES_ON);
    assert_false(auth.wants_password);
}

static void test_what_is_no_business_of_ours(void **state)
{
    (void)state;
    struct auth auth = begin("8.0.11-TiDB-v8.5.3", SHA2);
    assert_int_equal(server(&auth, "\1\4", 2), AUTH_GOES_ON);
    assert_int_equal(server(&auth, "", 0), AUTH_GOES_ON);
    assert_false(auth.wants_password); // whatever that was, it came in between
    assert_int_equal(server(&auth, "\2webauthn\0x", 11), AUTH_GOES_ON);
    assert_int_equal(server(&auth, "Password:", 9), AUTH_GOES_ON);
    assert_int_equal(client(&auth, "", 0), AUTH_PASS_ON);
}

static void test_plugins_are_switched(void **state)
{
    (void)state;
    struct auth auth = begin("8.0.11-TiDB-v8.5.3", "mysql_native_password");
    static const char to_sha2[] = "\xfe" SHA2 "\0abcdefghijklmnopqrst";
    assert_int_equal(server(&auth, to_sha2, sizeof(to_sha2)), AUTH_GOES_ON);
    assert_string_equal(auth.plugin, SHA2);
    assert_memory_equal(auth.nonce, "abcdefghijklmnopqrst", MYSQL_NONCE_BYTES);
    assert_int_equal(server(&auth, "\1\4", 2), AUTH_GOES_ON);
    assert_int_equal(client(&auth, "\2", 1), AUTH_GIVE_KEY);
    // One that cannot be read changes nothing.
    assert_int_equal(server(&auth,
                         "\xfe"
                         "dialog",
                         7),
        AUTH_GOES_ON);
    assert_string_equal(auth.plugin, SHA2);
    assert_true(auth.has_nonce);

    static const char to_native[] = "\xfemysql_native_password\0" NONCE;
    assert_int_equal(server(&auth, to_native, sizeof(to_native)), AUTH_GOES_ON);
    assert_int_equal(server(&auth, "\1\4", 2), AUTH_GOES_ON);
    assert_false(auth.wants_password);
    assert_int_equal(server(&auth, "\xfe", 1), AUTH_GOES_ON);
    assert_string_equal(auth.plugin, "");
    assert_false(auth.has_nonce);
}

static void test_the_key_is_given_to_those_who_need_it(void **state)
{
    (void)state;
    static const uint8_t cipher[CIPHER_BYTES + 1] = { 2 };
    static const char *const plugins[] = { SHA2, "tidb_sm3_password" };
    for (size_t i = 0; i < 2; i++) {
        struct auth auth = begin("8.0.11-TiDB-v8.5.3", plugins[i]);
        server(&auth, "\1\4", 2);
        assert_int_equal(client(&auth, "\2", 1), AUTH_GIVE_KEY);
        assert_int_equal(client(&auth, cipher, CIPHER_BYTES), AUTH_DECRYPT);
        assert_int_equal(client(&auth, cipher, CIPHER_BYTES - 1), AUTH_PASS_ON);
        assert_int_equal(client(&auth, cipher, CIPHER_BYTES + 1), AUTH_PASS_ON);
        assert_int_equal(client(&auth, "\2\0", 2), AUTH_PASS_ON);
        assert_int_equal(client(&auth, "\1", 1), AUTH_PASS_ON); // sha256_password's request
        assert_int_equal(client(&auth, "secret\0", 7), AUTH_PASS_ON);
        struct mysql_packet ask = { (const uint8_t *)"\2", 1, 3 };
        assert_int_equal(auth_from_client(&auth, &ask, NULL), AUTH_PASS_ON);
        auth.has_nonce = false;
        assert_int_equal(client(&auth, "\2", 1), AUTH_PASS_ON);
    }
    struct auth auth = begin("8.0.11", "sha256_password"); // MySQL's has its own
    server(&auth, "\1\4", 2);
    assert_int_equal(client(&auth, "\2", 1), AUTH_PASS_ON);
}

// ---- encrypted passwords ------------------------------------------------------------------------

struct secret {
    const char *password;
    const char *nonce;
    size_t nonce_len;
    int padding;
    const struct rsa_key *for_key;
};

// As the client's side of caching_sha2_password does it.
static void encrypt(const struct secret *secret, uint8_t out[CIPHER_BYTES])
{
    size_t pem_len = 0, len = strlen(secret->password) + 1, out_len = CIPHER_BYTES;
    const char *pem = rsa_key_pem(secret->for_key, &pem_len);
    BIO *bio = BIO_new_mem_buf(pem, (int)pem_len);
    EVP_PKEY *public = PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL);
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(public, NULL);
    uint8_t text[CIPHER_BYTES];
    memcpy(text, secret->password, len);
    for (size_t i = 0; i < len; i++)
        text[i] ^= (uint8_t)secret->nonce[i % secret->nonce_len];
    assert_int_equal(EVP_PKEY_encrypt_init(context), 1);
    assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(context, secret->padding), 1);
    assert_int_equal(EVP_PKEY_encrypt(context, out, &out_len, text, len), 1);
    assert_int_equal(out_len, CIPHER_BYTES);
    EVP_PKEY_CTX_free(context);
    EVP_PKEY_free(public);
    BIO_free(bio);
}

static bool decrypts(const char *version, const struct secret *secret)
{
    struct auth auth = begin(version, SHA2);
    uint8_t cipher[CIPHER_BYTES];
    uint8_t *password = malloc(AUTH_PASSWORD_BYTES);
    encrypt(secret, cipher);
    server(&auth, "\1\4", 2);
    assert_int_equal(client(&auth, cipher, sizeof(cipher)), AUTH_DECRYPT);
    size_t len =
        auth_decrypt(&auth, key, &(struct mysql_packet){ cipher, sizeof(cipher), 5 }, password);
    if (len) {
        assert_int_equal(len, strlen(secret->password) + 1);
        assert_memory_equal(password, secret->password, len);
    }
    free(password);
    return len != 0;
}

static const char *const passwords[] = { "secret", "", "1234567890123456789",
    "12345678901234567890", "123456789012345678901",
    "as long as a sentence, and so longer than the nonce; c\xc3\xa0 et l\xc3\xa0",
    // With padding of OAEP 214 bytes fit in: this and its NUL.
    ("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
     "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
     "ccccccccccccccccccccccccccccccc") };

enum { PASSWORDS = sizeof(passwords) / sizeof(passwords[0]) };

static void test_passwords_come_out_as_they_went_in(void **state)
{
    (void)state;
    assert_int_equal(strlen(passwords[PASSWORDS - 1]), 213);
    for (size_t i = 0; i < PASSWORDS; i++)
        for (size_t nonce_len = 20; nonce_len <= 21; nonce_len++) {
            struct secret secret = { passwords[i], NONCE "\0", nonce_len, RSA_PKCS1_OAEP_PADDING,
                key };
            if (!decrypts("8.0.11-TiDB-v8.5.3", &secret) || !decrypts("8.0.4", &secret))
                fail_msg("password %zu, nonce of %zu bytes", i, nonce_len);
        }
}

// Of what ends with a NUL but has another one before that, a server would take the front.
static void test_a_password_has_no_nul_inside(void **state)
{
    (void)state;
    char nonce[] = NONCE;
    struct secret secret = { "secret", nonce, 20, RSA_PKCS1_OAEP_PADDING, key };
    assert_true(decrypts("8.0.11-TiDB-v8.5.3", &secret));
    for (size_t i = 0; i < strlen(secret.password); i++) {
        nonce[i] ^= secret.password[i]; // so that ours makes it 0
        assert_false(decrypts("8.0.11-TiDB-v8.5.3", &secret));
        nonce[i] ^= secret.password[i];
    }
}

// A client that sees a version from 8.0.5 on does not use the old padding, and for it we would
// answer questions about ciphertexts.
static void test_the_old_padding_is_for_old_versions(void **state)
{
    (void)state;
    struct secret secret = { "secret", NONCE, 20, RSA_PKCS1_PADDING, key };
    assert_true(decrypts("8.0.4", &secret));
    assert_true(decrypts("5.7.25-TiDB-v6.5.0", &secret));
    assert_false(decrypts("8.0.5", &secret));
    assert_false(decrypts("8.0.11-TiDB-v8.5.3", &secret));
    assert_false(decrypts("9.7.4-2", &secret));
}

static size_t decrypt_text(const char *version, const uint8_t text[CIPHER_BYTES])
{
    struct auth auth = begin(version, SHA2);
    struct mysql_packet packet = { text, CIPHER_BYTES, 3 };
    uint8_t *password = malloc(AUTH_PASSWORD_BYTES);
    server(&auth, "\1\4", 2);
    assert_int_equal(auth_from_client(&auth, &packet, key), AUTH_DECRYPT);
    size_t len = auth_decrypt(&auth, key, &packet, password);
    assert_true(!len || memchr(password, 0, len) == password + len - 1);
    free(password);
    return len;
}

static void test_what_was_not_encrypted_for_us(void **state)
{
    (void)state;
    struct secret for_another = { "secret", NONCE, 20, RSA_PKCS1_OAEP_PADDING, other_key };
    assert_false(decrypts("8.0.11-TiDB-v8.5.3", &for_another));
    struct secret with_another_nonce = { "secret", "abcdefghijklmnopqrst", 20,
        RSA_PKCS1_OAEP_PADDING, key };
    assert_false(decrypts("8.0.11-TiDB-v8.5.3", &with_another_nonce));

    // Passwords in the clear which happen to be as long as a ciphertext, and numbers that are
    // larger than the key.
    static const int fills[] = { 'a', 0, 1, 0xff };
    for (size_t i = 0; i < sizeof(fills) / sizeof(fills[0]); i++) {
        uint8_t text[CIPHER_BYTES];
        memset(text, fills[i], sizeof(text));
        text[CIPHER_BYTES - 1] = 0;
        assert_int_equal(decrypt_text("8.0.11", text), 0);
        // Here an OpenSSL may make something up (test_rsa_key.c).
        (void)decrypt_text("8.0.4", text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_native_password),
        cmocka_unit_test(test_fast_and_full),
        cmocka_unit_test(test_what_is_no_business_of_ours),
        cmocka_unit_test(test_plugins_are_switched),
        cmocka_unit_test(test_the_key_is_given_to_those_who_need_it),
        cmocka_unit_test(test_passwords_come_out_as_they_went_in),
        cmocka_unit_test(test_a_password_has_no_nul_inside),
        cmocka_unit_test(test_the_old_padding_is_for_old_versions),
        cmocka_unit_test(test_what_was_not_encrypted_for_us),
    };
    return cmocka_run_group_tests(tests, make_keys, free_keys);
}
