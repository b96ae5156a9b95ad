// SPDX-License-Identifier: Apache-2.0
//
// Warm spares of a cluster that is verified: to a bare TiDB they have their TLS behind them, to
// TiProxy it begins with the client's own SSLRequest; what TLS says while nobody uses them does
// them no harm, and what else is said does.
#include "tests/loop/login_scene.h"

#include <openssl/err.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { CAPABILITIES_AT = 37, HIGH_AT = 42, SHORT_MS = 1500 };

static const char native[] = "mysql_native_password";

static struct end first_client, first_server; // whose greeting said that spares are welcome
static uint8_t greeting[FIXTURE_GREETING_BYTES];

static void prepare(uint64_t spares)
{
    memcpy(greeting, fixture_greeting, sizeof(greeting));
    scene_prepare(TLS_VERIFY_FULL, CLIENT_TLS_OPTIONAL);
    scene.fixture.options.spares = spares;
}

static void run(void)
{
    scene_run();
    scene_connect();
    end_send(&scene.server, greeting, sizeof(greeting));
    end_expect(&scene.client, greeting, sizeof(greeting));
    first_client = scene.client;
    first_server = scene.server;
    scene.client = scene.server = (struct end){ .fd = -1 };
}

static void stop(void)
{
    end_close(&first_client);
    end_close(&first_server);
    scene_stop();
}

// A connection that no client asked for.
static struct end accept_spare(void)
{
    struct end spare = { .fd = fixture_accept(&scene.fixture) };
    end_send(&spare, greeting, sizeof(greeting));
    return spare;
}

// TLS before any client is there: the request says the least that a TiDB insists on.
static void expect_request(struct end *spare)
{
    struct packet request = packet_take(spare);
    assert_int_equal(request.sequence, 1);
    assert_int_equal(request.len, SSL_REQUEST_BYTES);
    assert_true(request.payload[PACKET_SSL_AT] & PACKET_SSL);
}

static void give_tls(struct end *spare)
{
    expect_request(spare);
    end_open_tls(spare, scene.world.as_server, true);
    end_handshake(spare);
}

static void wait_ready(uint64_t count)
{
    FIXTURE_WAIT(&scene.fixture, spares_ready, count);
}

// Nobody greets it but the spare's greeting of then.
static void meet_with(struct end spare, bool has_tls)
{
    uint64_t used = fixture_count(&scene.fixture).spares_used;
    scene.client = (struct end){ .fd = fixture_connect(&scene.fixture) };
    scene.server = spare;
    end_expect(&scene.client, greeting, sizeof(greeting));
    FIXTURE_WAIT(&scene.fixture, spares_used, used + 1);
    if (has_tls)
        scene_client_tls();
    scene_answer(native);
}

// ---- a bare TiDB --------------------------------------------------------------------------------

static void test_tls_comes_before_the_client(void **state)
{
    (void)state;
    prepare(1);
    run();
    for (int has_tls = 0; has_tls < 2; has_tls++) {
        struct end spare = accept_spare(); // the second one in place of the first
        give_tls(&spare);
        wait_ready(1);
        meet_with(spare, has_tls);
        scene_server_answer(); // behind the request, which was number 1
        scene_accept();
        scene_relays();
        scene_hang_up();
    }
    assert_int_equal(fixture_count(&scene.fixture).tls_handshakes, 2);
    stop();
}

static void log_in_first(void)
{
    scene.client = first_client;
    scene.server = first_server;
    scene_answer(native);
    scene_server_request();
    scene_server_tls();
    scene_server_answer();
    scene_accept();
    first_client = scene.client;
    first_server = scene.server;
}

// What had arrived at the worker before this was dealt with when it returns: the second question
// comes in a later turn than the first, and a turn sees all that is there.
static void pass_a_turn(void)
{
    scene.client = first_client;
    scene.server = first_server;
    scene_relays();
    scene_relays();
    scene.client = scene.server = (struct end){ .fd = -1 };
}

static void test_tickets_and_keys_on_an_idle_spare(void **state)
{
    (void)state;
    prepare(1);
    run();
    log_in_first();
    struct end spare = accept_spare();
    give_tls(&spare);
    wait_ready(1);
    for (int i = 0; i < 6; i++) {
        if (i & 1)
            assert_int_equal(SSL_key_update(spare.ssl, SSL_KEY_UPDATE_REQUESTED), 1);
        else
            assert_int_equal(SSL_new_session_ticket(spare.ssl), 1);
        assert_int_equal(SSL_do_handshake(spare.ssl), 1);
        end_push(&spare);
        pass_a_turn();
    }
    struct proxy_counters counters = fixture_count(&scene.fixture);
    assert_int_equal(counters.spares_ready, 1);
    assert_int_equal(counters.spares_discarded, 0);
    meet_with(spare, true);
    scene_server_answer();
    scene_accept();
    scene_relays();
    stop();
}

static void test_what_else_happens_on_a_spare(void **state)
{
    (void)state;
    for (int kind = 0; kind < 4; kind++) {
        prepare(1);
        run();
        struct end spare = accept_spare();
        give_tls(&spare);
        wait_ready(1);
        if (kind == 0) {
            end_send(&spare, "x", 1);
        } else if (kind == 1) {
            SSL_shutdown(spare.ssl);
            end_push(&spare);
        } else if (kind == 2) {
            end_close(&spare);
        } else {
            struct end plain = { .fd = spare.fd };
            end_send(&plain, "\x17\3\3\0\5wrong", 10);
        }
        FIXTURE_WAIT(&scene.fixture, spares_discarded, 1);
        if (kind != 2)
            end_drain(&spare);
        end_close(&spare);
        stop();
    }
}

// ---- TiProxy ------------------------------------------------------------------------------------

static void test_tiproxy_gets_the_clients_own_request(void **state)
{
    (void)state;
    static const struct {
        size_t at;
        uint8_t bit;
    } marks[] = { { CAPABILITIES_AT, 0x40 }, { CAPABILITIES_AT + 1, 0x40 }, { HIGH_AT, 0x20 } };
    for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++) {
        prepare(1);
        greeting[marks[i].at] |= marks[i].bit;
        run();
        for (int has_tls = 0; has_tls < 2; has_tls++) {
            struct end spare = accept_spare();
            wait_ready(1);
            assert_int_equal(fixture_count(&scene.fixture).tls_handshakes, has_tls);
            meet_with(spare, has_tls);
            scene_server_request();
            scene_server_tls();
            scene_server_answer();
            scene_accept();
            scene_relays();
            scene_hang_up();
        }
        stop();
    }
}

// ---- trust that changes -------------------------------------------------------------------------

// Under the new authority, for the server's same key.
static struct cert change_authority(const char *ca_path, struct cert *out_ca)
{
    const struct cert_plan ca_plan = { .cn = "Next CA", .is_ca = true };
    *out_ca = cert_make(&ca_plan);
    const struct cert_plan plan = { .cn = "server", .names = "IP:127.0.0.1", .issuer = out_ca };
    struct cert cert = cert_make(&plan);
    cert_write(out_ca, ca_path);
    return cert;
}

static void test_a_changed_file(void **state)
{
    (void)state;
    char path[128];
    struct end spares[2];
    struct cert next_ca;
    // Its ticket comes before the end of the handshake.
    SSL_CTX *context = context_as_server(&scene.world.server, TLS1_2_VERSION);
    SSL_CTX *before = scene.world.as_server;
    scene.world.as_server = context;
    snprintf(path, sizeof(path), "%s/changing.pem", scene.world.folder);
    cert_write(&scene.world.ca, path);
    prepare(2);
    scene.fixture.target.trust.ca = path;
    run();
    for (int i = 0; i < 2; i++) { // one after the other, so that the second has tickets
        spares[i] = accept_spare();
        give_tls(&spares[i]);
        wait_ready((uint64_t)i + 1);
        assert_int_equal(SSL_session_reused(spares[i].ssl), i);
    }
    struct cert next = change_authority(path, &next_ca);
    for (int i = 0; i < 2; i++) {
        end_drain(&spares[i]);
        end_close(&spares[i]);
    }
    SSL_CTX_use_certificate(context, next.x509);
    SSL_CTX_use_PrivateKey(context, next.key);
    for (int i = 0; i < 2; i++) {
        spares[i] = accept_spare();
        give_tls(&spares[i]);
        wait_ready((uint64_t)i + 1);
        assert_int_equal(SSL_session_reused(spares[i].ssl), i); // the server still knows the old
    }
    assert_int_equal(fixture_count(&scene.fixture).spares_discarded, 2);
    meet_with(spares[1], false);
    scene_server_answer();
    scene_accept();
    stop();
    end_close(&spares[0]);
    scene.world.as_server = before;
    SSL_CTX_free(context);
    cert_free(&next);
    cert_free(&next_ca);
    unlink(path);
}

// ---- TLS that does not come to an end -----------------------------------------------------------

static void test_a_server_that_stalls(void **state)
{
    (void)state;
    prepare(1);
    scene.fixture.options.handshake_timeout_ms = SHORT_MS;
    run();
    struct end spare = accept_spare();
    expect_request(&spare);
    end_drain(&spare); // a ClientHello, and then the time is up
    end_close(&spare);
    struct proxy_counters counters = fixture_count(&scene.fixture);
    assert_int_equal(counters.dial_failures, 0); // its address has greeted, and is not blamed
    assert_int_equal(counters.spares_discarded, 0);
    spare = accept_spare(); // after a pause
    give_tls(&spare);
    wait_ready(1);
    meet_with(spare, false);
    scene_server_answer();
    scene_accept();
    stop();
}

static void test_drain_and_stop_in_every_step(void **state)
{
    (void)state;
    for (int round = 0; round < 6; round++) {
        bool drains = round & 1;
        prepare(1);
        run();
        struct end spare = accept_spare();
        if (round / 2 == 1)
            expect_request(&spare);
        if (round / 2 == 2) {
            give_tls(&spare);
            wait_ready(1);
        }
        if (drains) {
            fixture_drain(&scene.fixture);
            end_drain(&spare);
        }
        stop();
        end_close(&spare);
    }
}

// Its clients are told why; the spare is only tried again later.
static void test_a_certificate_that_is_not_accepted(void **state)
{
    (void)state;
    const struct cert_plan plan = {
        .cn = "server", .names = "DNS:other.test", .issuer = &scene.world.ca
    };
    struct cert cert = cert_make(&plan);
    SSL_CTX *context = context_as_server(&cert, 0);
    prepare(1);
    run();
    struct end spare = accept_spare();
    expect_request(&spare);
    end_open_tls(&spare, context, true);
    assert_int_not_equal(SSL_do_handshake(spare.ssl), 1);
    do {
        assert_int_not_equal(SSL_do_handshake(spare.ssl), 1);
        end_push(&spare);
    } while (end_pull(&spare));
    ERR_clear_error();
    end_close(&spare);
    struct proxy_counters counters = fixture_count(&scene.fixture);
    assert_int_equal(counters.spares_ready, 0);
    assert_int_equal(counters.tls_handshakes, 0);
    stop();
    SSL_CTX_free(context);
    cert_free(&cert);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tls_comes_before_the_client),
        cmocka_unit_test(test_tickets_and_keys_on_an_idle_spare),
        cmocka_unit_test(test_what_else_happens_on_a_spare),
        cmocka_unit_test(test_tiproxy_gets_the_clients_own_request),
        cmocka_unit_test(test_a_changed_file),
        cmocka_unit_test(test_a_server_that_stalls),
        cmocka_unit_test(test_drain_and_stop_in_every_step),
        cmocka_unit_test(test_a_certificate_that_is_not_accepted),
    };
    return cmocka_run_group_tests(tests, scene_setup, scene_teardown);
}
