// SPDX-License-Identifier: Apache-2.0
//
// Logins that end halfway, in every stage and by everything that can end them: either side hangs up
// or resets, time runs out, the proxy drains or stops. The client is told in the packet that it
// waits for, by its number, wherever it can be told. ASan says what was lost.
#include "tests/loop/login_scene.h"

#include <errno.h>
#include <openssl/err.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

enum { SHORT_MS = 1500 }; // all stages have to be reached in this time

static const char native[] = "mysql_native_password";

// ---- stages -------------------------------------------------------------------------------------

static void reach_answer(void)
{
    scene_meet(true);
}

// The handshake's first half: what the server said is the sign that it is under way.
static void reach_client_tls(void)
{
    uint8_t request[PACKET_MAX];
    scene_meet(true);
    make_answer(request, true, native);
    packet_send(&scene.client, 1, request, SSL_REQUEST_BYTES);
    end_open_tls(&scene.client, scene.as_client, false);
    assert_int_equal(SSL_do_handshake(scene.client.ssl), -1);
    ERR_clear_error();
    end_push(&scene.client);
    assert_true(end_pull(&scene.client));
}

static void reach_full_answer(void)
{
    scene_meet(true);
    scene_client_tls();
}

static void reach_server_tls(void)
{
    scene_meet(true);
    scene_answer(native);
    scene_server_request();
}

static void reach_both_tls(void)
{
    reach_full_answer();
    scene_answer(native);
    scene_server_request();
}

static void reach_auth(void)
{
    scene_log_in(false);
}

static void reach_auth_with_tls(void)
{
    scene_log_in(true);
}

static void let_it_switch(uint8_t sequence)
{
    static const char to[] = "\xfe"
                             "mysql_native_password\0abcdefghijklmnopqrst";
    packet_send(&scene.server, 3, to, sizeof(to));
    packet_expect(&scene.client, sequence, to, sizeof(to));
}

static void reach_switch(void)
{
    scene_log_in(false);
    let_it_switch(2);
}

static void reach_switch_with_tls(void)
{
    scene_log_in(true);
    let_it_switch(3);
}

// `sequence`: of the ERR packet that the client waits for, or will when it has said what it has to.
// 0: inside a handshake nothing can be said.
struct stage {
    void (*reach)(void);
    uint8_t sequence;
    unsigned server_gone, too_late; // the numbers
};
static const struct stage stages[] = {
    { reach_answer, 2, 1042, 1159 },
    { reach_client_tls, 0, 0, 0 },
    { reach_full_answer, 3, 1042, 1159 },
    { reach_server_tls, 2, 1105, 1105 },
    { reach_both_tls, 3, 1105, 1105 },
    { reach_auth, 2, 1042, 1042 },
    { reach_auth_with_tls, 3, 1042, 1042 },
    { reach_switch, 4, 1042, 1159 },
    { reach_switch_with_tls, 5, 1042, 1159 },
};
enum { STAGES = sizeof(stages) / sizeof(stages[0]) };

static const char *state_of(unsigned number)
{
    return number == 1105 ? "HY000" : "08S01";
}

static void expect_told(const struct stage *stage, unsigned number, const char *words)
{
    if (stage->sequence)
        packet_expect_error(&scene.client, number, state_of(number), stage->sequence, words);
    else
        end_drain(&scene.client);
}

// ---- either side leaves -------------------------------------------------------------------------

static void test_the_client_leaves(void **state)
{
    (void)state;
    scene_start(TLS_VERIFY_FULL, CLIENT_TLS_OPTIONAL);
    for (int resets = 0; resets < 2; resets++)
        for (size_t i = 0; i < STAGES; i++) {
            stages[i].reach();
            if (resets)
                end_reset(&scene.client);
            else
                end_close(&scene.client);
            end_drain(&scene.server);
            end_close(&scene.server);
            scene_closed(!stages[i].sequence ? CLOSE_CLIENT_TLS
                         : resets            ? CLOSE_CLIENT_RESET
                                             : CLOSE_CLIENT_GONE);
        }
    scene_stop();
}

static void test_the_server_leaves(void **state)
{
    (void)state;
    scene_start(TLS_VERIFY_FULL, CLIENT_TLS_OPTIONAL);
    for (int resets = 0; resets < 2; resets++)
        for (size_t i = 0; i < STAGES; i++) {
            stages[i].reach();
            if (resets)
                end_reset(&scene.server);
            else
                end_close(&scene.server);
            expect_told(&stages[i], stages[i].server_gone,
                stages[i].server_gone == 1105 ? "failed in the handshake" : "during the login");
            end_close(&scene.client);
            scene_closed(CLOSE_REFUSED);
        }
    scene_stop();
}

// ---- the proxy ends it --------------------------------------------------------------------------

static void test_the_proxy_drains(void **state)
{
    (void)state;
    for (size_t i = 0; i < STAGES; i++) {
        scene_start(TLS_VERIFY_FULL, CLIENT_TLS_OPTIONAL);
        stages[i].reach();
        fixture_drain(&scene.fixture);
        expect_told(&stages[i], 1053, "draining");
        end_drain(&scene.server);
        scene_hang_up();
        fixture_wait_drained(&scene.fixture);
        scene_closed(CLOSE_REFUSED);
        scene_stop();
    }
}

static void test_the_proxy_stops(void **state)
{
    (void)state;
    for (size_t i = 0; i < STAGES; i++) {
        scene_start(TLS_VERIFY_FULL, CLIENT_TLS_OPTIONAL);
        stages[i].reach();
        fixture_stop(&scene.fixture);
        end_drain(&scene.client);
        end_drain(&scene.server);
        scene_hang_up();
    }
}

// All at once: it is one wait.
static void test_time_runs_out(void **state)
{
    (void)state;
    struct end clients[STAGES], servers[STAGES];
    scene_prepare(TLS_VERIFY_FULL, CLIENT_TLS_OPTIONAL);
    scene.fixture.options.handshake_timeout_ms = SHORT_MS;
    scene_run();
    for (size_t i = 0; i < STAGES; i++) {
        stages[i].reach();
        clients[i] = scene.client;
        servers[i] = scene.server;
    }
    for (size_t i = 0; i < STAGES; i++) {
        unsigned number = stages[i].too_late;
        scene.client = clients[i];
        expect_told(&stages[i], number,
            number == 1159   ? "the client was waited for"
            : number == 1105 ? "timed out"
                             : "did not answer");
        end_drain(&servers[i]);
        end_close(&scene.client);
        end_close(&servers[i]);
    }
    scene.client = scene.server = (struct end){ .fd = -1 };
    scene.closed[CLOSE_REFUSED] = STAGES - 2;
    scene_closed(CLOSE_REFUSED);
    scene_closed(CLOSE_CLIENT_TLS);
    struct proxy_counters counters = fixture_count(&scene.fixture);
    assert_int_equal(counters.refused[ERR_TLS], 2);
    assert_int_equal(counters.tls_failures, 2);
    assert_int_equal(counters.refused[ERR_CLIENT_SLOW], 4);
    assert_int_equal(counters.refused[ERR_CLIENT_TLS], 1);
    scene_stop();
}

// Half a packet, and then the end.
static void test_half_a_packet(void **state)
{
    (void)state;
    scene_start(TLS_VERIFY_FULL, CLIENT_TLS_OPTIONAL);
    for (int has_tls = 0; has_tls < 2; has_tls++) {
        scene_meet(true);
        if (has_tls)
            scene_client_tls();
        end_send(&scene.client, "\x50\0\0\1\x85\xa2", 6);
        end_close(&scene.client);
        end_expect_end(&scene.server);
        end_close(&scene.server);
        scene_closed(CLOSE_CLIENT_GONE);
        scene_log_in(has_tls);
        end_send(&scene.server, "\x50\0\0\3\0", 5);
        end_close(&scene.server);
        packet_expect_error(
            &scene.client, 1042, "08S01", has_tls ? 3 : 2, "closed the connection during");
        end_close(&scene.client);
        scene_closed(CLOSE_REFUSED);
    }
    scene_stop();
}

// Said and gone in one segment: the client hears all of it.
static void test_the_server_leaves_behind_its_ok(void **state)
{
    (void)state;
    scene_start(TLS_VERIFY_FULL, CLIENT_TLS_OPTIONAL);
    for (int kind = 0; kind < 4; kind++) {
        bool has_tls = kind & 1, notifies = kind & 2;
        scene_log_in(has_tls);
        assert_int_equal(SSL_write(scene.server.ssl, "\7\0\0\3\0\0\0\2\0\0\0and more", 19), 19);
        if (notifies)
            SSL_shutdown(scene.server.ssl);
        end_push(&scene.server);
        shutdown(scene.server.fd, SHUT_WR);
        packet_expect(&scene.client, has_tls ? 3 : 2, scene_ok, sizeof(scene_ok));
        end_expect(&scene.client, "and more", 8);
        end_expect_end(&scene.client);
        scene_hang_up();
        scene_closed(CLOSE_SERVER_QUIT);
    }
    scene_stop();
}

// With half a greeting kept already.
static void test_ends_before_the_greeting(void **state)
{
    (void)state;
    char text[512];
    for (int kind = 0; kind < 4; kind++) {
        scene_start(TLS_VERIFY_FULL, CLIENT_TLS_OPTIONAL);
        scene_connect();
        FIXTURE_WAIT(&scene.fixture, steps[CONN_HANDSHAKE], 1);
        end_send(&scene.server, fixture_greeting, FIXTURE_GREETING_BYTES / 2);
        if (kind == 0) {
            end_close(&scene.client);
            end_drain(&scene.server);
            scene_closed(CLOSE_CLIENT_GONE);
        } else if (kind == 1) {
            end_close(&scene.server);
            assert_int_equal(read_refusal(scene.client.fd, text, sizeof(text)), 1042);
            end_close(&scene.client);
            scene_closed(CLOSE_REFUSED);
        } else if (kind == 2) {
            fixture_drain(&scene.fixture);
            assert_int_equal(read_refusal(scene.client.fd, text, sizeof(text)), 1053);
            end_drain(&scene.server);
        } else {
            fixture_stop(&scene.fixture);
            end_drain(&scene.client);
            scene_hang_up();
            continue;
        }
        scene_stop();
    }
}

// ---- greetings ----------------------------------------------------------------------------------

static void test_a_greeting_without_tls(void **state)
{
    (void)state;
    char text[512];
    uint8_t greeting[FIXTURE_GREETING_BYTES];
    memcpy(greeting, fixture_greeting, sizeof(greeting));
    greeting[SCENE_SSL_AT] &= (uint8_t)~PACKET_SSL;
    scene_start(TLS_VERIFY_FULL, CLIENT_TLS_OPTIONAL);
    scene_connect();
    end_send(&scene.server, greeting, sizeof(greeting));
    assert_int_equal(read_refusal(scene.client.fd, text, sizeof(text)), 1105);
    assert_non_null(strstr(text, "offers no TLS"));
    end_expect_end(&scene.server); // and nothing before it
    scene_hang_up();
    scene_closed(CLOSE_REFUSED);
    assert_int_equal(fixture_count(&scene.fixture).tls_failures, 1);
    scene_stop();
}

// Whoever can write into the connection before TLS must not be believed behind it.
static void test_words_between_greeting_and_tls(void **state)
{
    (void)state;
    static const char injected[] = "\7\0\0\2\0\0\0\2\0\0"; // an OK
    uint8_t bytes[FIXTURE_GREETING_BYTES + sizeof(injected)];
    memcpy(bytes, fixture_greeting, FIXTURE_GREETING_BYTES);
    memcpy(bytes + FIXTURE_GREETING_BYTES, injected, sizeof(injected));
    scene_start(TLS_VERIFY_FULL, CLIENT_TLS_OPTIONAL);
    for (int has_tls = 0; has_tls < 2; has_tls++) {
        scene_connect();
        end_send(&scene.server, bytes, sizeof(bytes));
        end_expect(&scene.client, fixture_greeting, FIXTURE_GREETING_BYTES);
        if (has_tls)
            scene_client_tls();
        scene_answer(native);
        packet_expect_error(&scene.client, 1042, "08S01", has_tls ? 3 : 2, "spoke out of turn");
        end_expect_end(&scene.server);
        scene_hang_up();
        scene_closed(CLOSE_REFUSED);
    }
    scene_meet(true);
    scene_answer(native);
    scene_server_request();
    end_send(&scene.server, injected, sizeof(injected)); // in place of a ServerHello
    packet_expect_error(&scene.client, 1105, "HY000", 2, "failed in the handshake");
    scene_hang_up();
    scene_closed(CLOSE_REFUSED);
    scene_stop();
}

static void test_no_greeting(void **state)
{
    (void)state;
    char text[512];
    static const char *const garbage[] = { "HTTP/1.1 400 Bad Request\r\n\r\n",
        "SSH-2.0-OpenSSH\r\n" };
    for (size_t i = 0; i < 2; i++) {
        scene_start(TLS_VERIFY_FULL, CLIENT_TLS_OPTIONAL);
        scene_connect();
        end_send(&scene.server, garbage[i], strlen(garbage[i]));
        assert_int_equal(read_refusal(scene.client.fd, text, sizeof(text)), 1042);
        assert_non_null(strstr(text, "no MySQL"));
        end_expect_end(&scene.server);
        scene_hang_up();
        scene_closed(CLOSE_REFUSED);
        scene_stop();
    }
}

// As MySQL says it to a host that is blocked: the client has to see that, not words of ours.
static void test_an_error_in_place_of_a_greeting(void **state)
{
    (void)state;
    static const char refusal[] = "\x17\0\0\0\xff\x69\x04Host 'x' is blocked!";
    scene_start(TLS_VERIFY_FULL, CLIENT_TLS_REQUIRED);
    for (size_t piece = 0; piece < 2; piece++) {
        scene_connect();
        scene.server.piece = piece;
        end_send(&scene.server, refusal, sizeof(refusal) - 1);
        end_expect(&scene.client, refusal, sizeof(refusal) - 1);
        scene_expect_both_ends();
        scene_hang_up();
        scene_closed(CLOSE_LOGIN_REFUSED);
    }
    scene_stop();
}

// ---- trust --------------------------------------------------------------------------------------

static void test_a_certificate_of_another(void **state)
{
    (void)state;
    const struct cert_plan plan = {
        .cn = "server", .names = "DNS:other.test", .issuer = &scene.world.ca
    };
    struct cert cert = cert_make(&plan);
    SSL_CTX *right = scene.world.as_server;
    SSL_CTX *wrong = context_as_server(&cert, 0);
    scene_start(TLS_VERIFY_FULL, CLIENT_TLS_OPTIONAL);
    for (int has_tls = 0; has_tls < 2; has_tls++) {
        scene_meet(true);
        if (has_tls)
            scene_client_tls();
        scene_answer(native);
        scene_server_request();
        end_open_tls(&scene.server, wrong, true);
        for (bool is_open = true; is_open;) { // it hears why, and no byte of the answer
            assert_int_not_equal(SSL_do_handshake(scene.server.ssl), 1);
            ERR_clear_error();
            end_push(&scene.server);
            is_open = end_pull(&scene.server);
        }
        packet_expect_error(
            &scene.client, 1105, "HY000", has_tls ? 3 : 2, "set \"tls-server-name = other.test\"");
        scene_hang_up();
        scene_closed(CLOSE_REFUSED);
    }
    scene.world.as_server = right;
    scene_log_in(false); // nothing sticks
    scene_accept();
    scene_stop();
    SSL_CTX_free(wrong);
    cert_free(&cert);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_client_leaves),
        cmocka_unit_test(test_the_server_leaves),
        cmocka_unit_test(test_the_proxy_drains),
        cmocka_unit_test(test_the_proxy_stops),
        cmocka_unit_test(test_time_runs_out),
        cmocka_unit_test(test_half_a_packet),
        cmocka_unit_test(test_the_server_leaves_behind_its_ok),
        cmocka_unit_test(test_ends_before_the_greeting),
        cmocka_unit_test(test_a_greeting_without_tls),
        cmocka_unit_test(test_words_between_greeting_and_tls),
        cmocka_unit_test(test_no_greeting),
        cmocka_unit_test(test_an_error_in_place_of_a_greeting),
        cmocka_unit_test(test_a_certificate_of_another),
    };
    return cmocka_run_group_tests(tests, scene_setup, scene_teardown);
}
