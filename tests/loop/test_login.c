// SPDX-License-Identifier: Apache-2.0
//
// Logins through the proxy, packet by packet: what either side is shown and sent, with which
// sequence number, and who is refused with which words. How logins end halfway is in
// test_login_ends.c.
#include "tests/loop/login_scene.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

static const char native[] = "mysql_native_password", sha2[] = "caching_sha2_password";

// ---- whole logins -------------------------------------------------------------------------------

static void test_login_with_and_without_local_tls(void **state)
{
    (void)state;
    SSL_CTX *version_1_2 = scene.as_client;
    scene_start(TLS_VERIFY_FULL, CLIENT_TLS_OPTIONAL);
    for (int round = 0; round < 4; round++) {
        scene.as_client = round < 2 ? version_1_2 : scene.world.as_client; // 1.3
        scene_log_in(round & 1);
        scene_accept();
        scene_relays();
        FIXTURE_WAIT(&scene.fixture, steps[CONN_RELAY], 1);
        scene_hang_up();
        FIXTURE_WAIT(&scene.fixture, open, 0);
    }
    scene.as_client = version_1_2;
    struct proxy_counters counters = fixture_count(&scene.fixture);
    assert_int_equal(counters.tls_handshakes, 4);
    assert_int_equal(counters.tls_resumed, 3);
    assert_int_equal(counters.tls_failures, 0);
    scene_stop();
}

static void test_one_byte_at_a_time(void **state)
{
    (void)state;
    scene_start(TLS_VERIFY_FULL, CLIENT_TLS_OPTIONAL);
    for (int has_tls = 0; has_tls < 2; has_tls++) {
        scene_connect();
        scene.client.piece = scene.server.piece = 1;
        scene_greet(true);
        if (has_tls)
            scene_client_tls();
        scene_answer(native);
        scene_server_request();
        scene_server_tls();
        scene_server_answer();
        scene_accept();
        scene_relays();
        scene_hang_up();
    }
    scene_stop();
}

static void test_request_and_hello_in_one_segment(void **state)
{
    (void)state;
    static const uint8_t header[] = { SSL_REQUEST_BYTES, 0, 0, 1 };
    uint8_t bytes[4096], request[PACKET_MAX];
    scene_start(TLS_VERIFY_FULL, CLIENT_TLS_REQUIRED);
    scene_meet(true);
    make_answer(request, true, native);
    memcpy(bytes, header, sizeof(header));
    memcpy(bytes + 4, request, SSL_REQUEST_BYTES);
    size_t len = 4 + SSL_REQUEST_BYTES;
    struct end tls = { .fd = scene.client.fd };
    end_open_tls(&tls, scene.as_client, false);
    assert_int_equal(SSL_do_handshake(tls.ssl), -1);
    ERR_clear_error();
    int hello = BIO_read(SSL_get_wbio(tls.ssl), bytes + len, (int)(sizeof(bytes) - len));
    assert_true(hello > 0);
    end_send(&scene.client, bytes, len + (size_t)hello);
    scene.client = tls;
    end_handshake(&scene.client);
    scene_answer(native);
    scene_server_request();
    scene_server_tls();
    scene_server_answer();
    scene_accept();
    scene_relays();
    scene_stop();
}

static void test_an_answer_with_many_attributes(void **state)
{
    (void)state;
    enum { LONG = 300000 };
    static const uint8_t length[] = { 0xe0, 0x93, 0x04 };
    uint8_t *bytes = malloc(4 + LONG);
    assert_non_null(bytes);
    scene_start(TLS_VERIFY_FULL, CLIENT_TLS_OPTIONAL);
    for (int has_tls = 0; has_tls < 2; has_tls++) {
        scene_meet(true);
        if (has_tls)
            scene_client_tls();
        for (size_t i = 0; i < LONG; i++)
            bytes[4 + i] = (uint8_t)(i * 7 + (i >> 8));
        make_answer(scene.answer, has_tls, native);
        memcpy(bytes, length, sizeof(length));
        bytes[3] = has_tls ? 2 : 1;
        memcpy(bytes + 4, scene.answer, SSL_REQUEST_BYTES);
        end_send(&scene.client, bytes, 4 + LONG);
        scene.answer[PACKET_SSL_AT] |= PACKET_SSL;
        bytes[4 + PACKET_SSL_AT] |= PACKET_SSL;
        bytes[3] = 2;
        scene_server_request();
        scene_server_tls();
        end_expect(&scene.server, bytes, 4 + LONG);
        scene_accept();
        scene_relays();
        scene_hang_up();
    }
    scene_stop();
    free(bytes);
}

// ---- the authentication -------------------------------------------------------------------------

static void test_another_plugin(void **state)
{
    (void)state;
    static const char to[] = "\xfe"
                             "mysql_native_password\0abcdefghijklmnopqrst";
    scene_start(TLS_VERIFY_FULL, CLIENT_TLS_OPTIONAL);
    for (int has_tls = 0; has_tls < 2; has_tls++) {
        scene_log_in(has_tls);
        uint8_t next = has_tls ? 3 : 2;
        packet_send(&scene.server, 3, to, sizeof(to));
        packet_expect(&scene.client, next++, to, sizeof(to));
        packet_send(&scene.client, next++, "twenty bytes of hash", 20);
        packet_expect(&scene.server, 4, "twenty bytes of hash", 20);
        packet_send(&scene.server, 5, scene_ok, sizeof(scene_ok));
        packet_expect(&scene.client, next, scene_ok, sizeof(scene_ok));
        scene_relays();
        scene_hang_up();
    }
    scene_stop();
}

// The nonce over and over, under the password with its NUL: "Caching_sha2_password information".
static size_t encrypt(const char *pem, size_t pem_len, const char *password, uint8_t out[512])
{
    static const char nonce[] = "123456789:;<=>?@ABCD";
    uint8_t text[64];
    size_t text_len = strlen(password) + 1, len = 512;
    for (size_t i = 0; i < text_len; i++)
        text[i] = (uint8_t)password[i] ^ (uint8_t)nonce[i % (sizeof(nonce) - 1)];
    BIO *bio = BIO_new_mem_buf(pem, (int)pem_len);
    EVP_PKEY *key = PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL);
    assert_non_null(key);
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(key, NULL);
    assert_int_equal(EVP_PKEY_encrypt_init(context), 1);
    assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_OAEP_PADDING), 1);
    assert_int_equal(EVP_PKEY_encrypt(context, out, &len, text, text_len), 1);
    EVP_PKEY_CTX_free(context);
    EVP_PKEY_free(key);
    BIO_free(bio);
    return len;
}

static void test_a_password_without_local_tls(void **state)
{
    (void)state;
    uint8_t secret[512];
    scene_start(TLS_VERIFY_FULL, CLIENT_TLS_OPTIONAL);
    scene_meet(true);
    scene_answer(sha2);
    scene_server_request();
    scene_server_tls();
    scene_server_answer();
    packet_send(&scene.server, 3, "\x01\x04", 2);
    packet_expect(&scene.client, 2, "\x01\x04", 2);
    packet_send(&scene.client, 3, "\x02", 1); // the key, please: the server never hears of it
    struct packet key = packet_take(&scene.client);
    assert_int_equal(key.sequence, 4);
    assert_int_equal(key.payload[0], 1);
    size_t len = encrypt((const char *)key.payload + 1, key.len - 1, "open sesame", secret);
    packet_send(&scene.client, 5, secret, len);
    packet_expect(&scene.server, 4, "open sesame", 12);
    packet_send(&scene.server, 5, scene_ok, sizeof(scene_ok));
    packet_expect(&scene.client, 6, scene_ok, sizeof(scene_ok));
    scene_relays();
    scene_stop();
}

static void test_a_password_with_local_tls(void **state)
{
    (void)state;
    scene_start(TLS_VERIFY_FULL, CLIENT_TLS_OPTIONAL);
    scene_meet(true);
    scene_client_tls();
    scene_answer(sha2);
    scene_server_request();
    scene_server_tls();
    scene_server_answer();
    packet_send(&scene.server, 3, "\x01\x04", 2);
    packet_expect(&scene.client, 3, "\x01\x04", 2);
    packet_send(&scene.client, 4, "open sesame", 12);
    packet_expect(&scene.server, 4, "open sesame", 12);
    packet_send(&scene.server, 5, scene_ok, sizeof(scene_ok));
    packet_expect(&scene.client, 5, scene_ok, sizeof(scene_ok));
    scene_relays();
    scene_stop();
}

static void test_a_refused_login(void **state)
{
    (void)state;
    static const char refusal[] = "\xff\x15\x04#28000Access denied for user 'app'";
    scene_start(TLS_VERIFY_FULL, CLIENT_TLS_OPTIONAL);
    for (int has_tls = 0; has_tls < 2; has_tls++) {
        scene_log_in(has_tls);
        packet_send(&scene.server, 3, refusal, sizeof(refusal) - 1);
        packet_expect_error(
            &scene.client, 1045, "28000", has_tls ? 3 : 2, "Access denied for user 'app'");
        end_expect_end(&scene.server);
        scene_hang_up();
        scene_closed(CLOSE_LOGIN_REFUSED);
    }
    scene_stop();
}

// In one segment with the end of the handshake: the socket will not tell of it.
static void test_a_refusal_behind_the_handshake(void **state)
{
    (void)state;
    static const char refusal[] = "\x11\0\0\2\xff\x1d\x04#08S01too late";
    SSL_CTX *context = context_as_server(&scene.world.server, TLS1_2_VERSION);
    scene_start(TLS_VERIFY_FULL, CLIENT_TLS_OPTIONAL);
    scene_meet(true);
    scene_answer(native);
    scene_server_request();
    end_open_tls(&scene.server, context, true);
    while (SSL_do_handshake(scene.server.ssl) != 1) {
        end_push(&scene.server);
        assert_true(end_pull(&scene.server));
    }
    end_send(&scene.server, refusal, sizeof(refusal) - 1);
    packet_expect_error(&scene.client, 1053, "08S01", 2, "too late");
    scene_hang_up();
    scene_closed(CLOSE_LOGIN_REFUSED);
    scene_stop();
    SSL_CTX_free(context);
}

// Sent in one segment with the answer: it waits for the OK.
static void pipeline(bool has_tls, size_t len)
{
    uint8_t *bytes = malloc(PACKET_MAX + len), *command;
    assert_non_null(bytes);
    scene_meet(true);
    if (has_tls)
        scene_client_tls();
    scene.answer_len = make_answer(scene.answer, has_tls, native);
    bytes[0] = (uint8_t)scene.answer_len;
    bytes[1] = bytes[2] = 0;
    bytes[3] = has_tls ? 2 : 1;
    memcpy(bytes + 4, scene.answer, scene.answer_len);
    command = bytes + 4 + scene.answer_len;
    for (size_t i = 0; i < len; i++)
        command[i] = (uint8_t)(i * 13 + (i >> 9));
    const uint8_t header[] = { (uint8_t)(len - 4), (uint8_t)((len - 4) >> 8),
        (uint8_t)((len - 4) >> 16), 0 };
    memcpy(command, header, sizeof(header));
    end_send(&scene.client, bytes, 4 + scene.answer_len + len);
    scene.answer[PACKET_SSL_AT] |= PACKET_SSL;
    scene_server_request();
    scene_server_tls();
    scene_server_answer();
    scene_accept();
    end_expect(&scene.server, command, len);
    scene_relays();
    scene_hang_up();
    free(bytes);
}

static void test_a_hasty_command(void **state)
{
    (void)state;
    scene_start(TLS_VERIFY_FULL, CLIENT_TLS_OPTIONAL);
    for (int has_tls = 0; has_tls < 2; has_tls++)
        pipeline(has_tls, 20);
    scene_stop();
}

// More than a packet of the login may have, more than a write may have.
static void test_a_long_hasty_command(void **state)
{
    (void)state;
    static const size_t lengths[] = { 100000, 700000 };
    scene_start(TLS_VERIFY_FULL, CLIENT_TLS_OPTIONAL);
    for (int round = 0; round < 4; round++)
        pipeline(round & 1, lengths[round / 2]);
    scene_stop();
}

// ---- what the client is offered -----------------------------------------------------------------

static void test_only_the_bit_changes(void **state)
{
    (void)state;
    static const enum tls_mode modes[] = { TLS_OFF, TLS_VERIFY_CA, TLS_VERIFY_FULL };
    for (size_t i = 0; i < 3; i++)
        for (int client_tls = CLIENT_TLS_OFF; client_tls <= CLIENT_TLS_REQUIRED; client_tls++) {
            scene_start(modes[i], (enum client_tls)client_tls);
            scene_meet(client_tls != CLIENT_TLS_OFF);
            scene_stop();
        }
}

// As it comes, from either side.
static void test_no_tls_anywhere(void **state)
{
    (void)state;
    scene_start(TLS_OFF, CLIENT_TLS_OFF);
    scene_meet(false);
    FIXTURE_WAIT(&scene.fixture, steps[CONN_RELAY], 1);
    end_send(&scene.client, "whatever it says", 16);
    end_expect(&scene.server, "whatever it says", 16);
    end_send(&scene.server, "and hears", 9);
    end_expect(&scene.client, "and hears", 9);
    scene_stop();
}

static void test_local_tls_only(void **state)
{
    (void)state;
    scene_start(TLS_OFF, CLIENT_TLS_OPTIONAL);
    for (int has_tls = 0; has_tls < 2; has_tls++) {
        scene_meet(true);
        if (has_tls)
            scene_client_tls();
        scene_answer(native);
        scene.answer[PACKET_SSL_AT] &= (uint8_t)~PACKET_SSL;
        packet_expect(&scene.server, 1, scene.answer, scene.answer_len);
        packet_send(&scene.server, 2, scene_ok, sizeof(scene_ok));
        packet_expect(&scene.client, has_tls ? 3 : 2, scene_ok, sizeof(scene_ok));
        scene_relays();
        scene_hang_up();
    }
    scene_stop();
}

// MariaDB's newer clients insist on the offer, also there.
static void test_a_unix_socket_is_offered_it(void **state)
{
    (void)state;
    char listen[128];
    snprintf(listen, sizeof(listen), "unix:%s", scene.world.socket_path);
    for (int client_tls = CLIENT_TLS_OFF; client_tls <= CLIENT_TLS_REQUIRED; client_tls++) {
        scene_prepare(TLS_VERIFY_FULL, (enum client_tls)client_tls);
        assert_true(addr_parse(listen, &scene.fixture.listen, NULL));
        scene_run();
        for (int has_tls = 0; has_tls < 2; has_tls++) {
            scene_log_in(has_tls); // also without, where it is required
            scene_accept();
            scene_relays();
            scene_hang_up();
        }
        scene_stop();
    }
}

// ---- answers that are refused -------------------------------------------------------------------

struct bad_answer {
    enum tls_mode tls;
    enum client_tls client_tls;
    const char *bytes;
    size_t len;
    unsigned number;
    const char *state, *words;
};

#define HEAD(low, high) low high "\x3a\0\0\0\0\1\x2d\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
_Static_assert(sizeof(HEAD("\x85", "\xa2")) - 1 == SSL_REQUEST_BYTES, "a whole head");
#define BODY "app\0\0mysql_native_password\0"
#define PLAIN "\x3b\0\0\1" HEAD("\x85", "\xa2") BODY
#define REQUEST "\x20\0\0\1" HEAD("\x85", "\xaa")
#define BYTES(text) text, sizeof(text) - 1

static const struct bad_answer bad_answers[] = {
    { TLS_VERIFY_FULL, CLIENT_TLS_OPTIONAL, BYTES("\4\0\0\1\x85\xaa\x3a\0"), 1043, "08S01",
        "login" },
    { TLS_VERIFY_FULL, CLIENT_TLS_OPTIONAL, BYTES("\x10\0\0\1\x85\xa0\0\0\1app\0hashhash\0"), 1251,
        "08004", "before MySQL 4.1" },
    { TLS_VERIFY_FULL, CLIENT_TLS_OPTIONAL, BYTES("\x01\0\x10\1"), 1043, "08S01", "login" },
    { TLS_VERIFY_FULL, CLIENT_TLS_OPTIONAL, BYTES("\xff\xff\xff\1"), 1043, "08S01", "login" },
    { TLS_VERIFY_FULL, CLIENT_TLS_OPTIONAL, BYTES("\0\0\0\1"), 1043, "08S01", "login" },
    { TLS_VERIFY_FULL, CLIENT_TLS_OPTIONAL, BYTES("\1\0\0\1\x85"), 1043, "08S01", "login" },
    { TLS_VERIFY_FULL, CLIENT_TLS_OPTIONAL, BYTES("\x08\0\0\1\x85\xa2\x3a\0\0\0\0\1"), 1043,
        "08S01", "login" },
    { TLS_VERIFY_FULL, CLIENT_TLS_OPTIONAL, BYTES("\x3b\0\0\1" HEAD("\x85", "\xaa") BODY), 1043,
        "08S01", "login" },
    { TLS_VERIFY_FULL, CLIENT_TLS_OPTIONAL, BYTES("GET / HTTP/1.1\r\n\r\n"), 1043, "08S01",
        "login" },
    { TLS_VERIFY_FULL, CLIENT_TLS_OFF, BYTES(REQUEST), 1043, "08S01", "does not offer" },
    { TLS_VERIFY_FULL, CLIENT_TLS_REQUIRED, BYTES(PLAIN), 3159, "HY000", "TLS only" },
    { TLS_OFF, CLIENT_TLS_REQUIRED, BYTES(PLAIN), 3159, "HY000", "TLS only" },
    { TLS_PASSTHROUGH, CLIENT_TLS_REQUIRED, BYTES(PLAIN), 3159, "HY000", "TLS only" },
};

static void test_bad_answers(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(bad_answers) / sizeof(bad_answers[0]); i++) {
        const struct bad_answer *bad = &bad_answers[i];
        scene_start(bad->tls, bad->client_tls);
        scene_meet(bad->client_tls != CLIENT_TLS_OFF);
        end_send(&scene.client, bad->bytes, bad->len);
        packet_expect_error(&scene.client, bad->number, bad->state, 2, bad->words);
        end_expect_end(&scene.server); // which has heard nothing of it
        scene_hang_up();
        scene_closed(CLOSE_REFUSED);
        scene_stop();
    }
}

static void test_bad_answers_inside_tls(void **state)
{
    (void)state;
    uint8_t request[PACKET_MAX];
    scene_start(TLS_VERIFY_FULL, CLIENT_TLS_OPTIONAL);
    for (int kind = 0; kind < 2; kind++) {
        scene_meet(true);
        scene_client_tls();
        make_answer(request, true, native);
        if (kind)
            packet_send(&scene.client, 2, request, SSL_REQUEST_BYTES); // once is enough
        else
            packet_send(&scene.client, 2, "\x85\xa2", 2);
        packet_expect_error(&scene.client, 1043, "08S01", 3, "login");
        end_expect_end(&scene.server);
        scene_hang_up();
        scene_closed(CLOSE_REFUSED);
    }
    scene_stop();
}

static void test_passthrough_with_tls_required(void **state)
{
    (void)state;
    scene_start(TLS_PASSTHROUGH, CLIENT_TLS_REQUIRED);
    scene_meet(true);
    end_send(&scene.client, BYTES(REQUEST "\x16\3\1 and what follows"));
    end_expect(&scene.server, BYTES(REQUEST "\x16\3\1 and what follows"));
    end_send(&scene.server, "\x16\3\3", 3);
    end_expect(&scene.client, "\x16\3\3", 3);
    scene_stop();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_login_with_and_without_local_tls),
        cmocka_unit_test(test_one_byte_at_a_time),
        cmocka_unit_test(test_request_and_hello_in_one_segment),
        cmocka_unit_test(test_an_answer_with_many_attributes),
        cmocka_unit_test(test_another_plugin),
        cmocka_unit_test(test_a_password_without_local_tls),
        cmocka_unit_test(test_a_password_with_local_tls),
        cmocka_unit_test(test_a_refused_login),
        cmocka_unit_test(test_a_refusal_behind_the_handshake),
        cmocka_unit_test(test_a_hasty_command),
        cmocka_unit_test(test_a_long_hasty_command),
        cmocka_unit_test(test_only_the_bit_changes),
        cmocka_unit_test(test_no_tls_anywhere),
        cmocka_unit_test(test_local_tls_only),
        cmocka_unit_test(test_a_unix_socket_is_offered_it),
        cmocka_unit_test(test_bad_answers),
        cmocka_unit_test(test_bad_answers_inside_tls),
        cmocka_unit_test(test_passthrough_with_tls_required),
    };
    return cmocka_run_group_tests(tests, scene_setup, scene_teardown);
}
