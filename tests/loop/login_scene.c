// SPDX-License-Identifier: Apache-2.0
//
// The steps of a login, played.
#include "tests/loop/login_scene.h"

#include "base/net.h"

#include <openssl/err.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

struct scene scene;

const uint8_t scene_ok[SCENE_OK_BYTES] = { 0, 0, 0, 2, 0, 0, 0 };

int scene_setup(void **state)
{
    (void)state;
    world_make(&scene.world);
    scene.as_client = context_as_client(TLS1_2_VERSION);
    scene.client.fd = scene.server.fd = -1;
    return 0;
}

int scene_teardown(void **state)
{
    (void)state;
    SSL_CTX_free(scene.as_client);
    world_free(&scene.world);
    return 0;
}

// ---- the proxy ----------------------------------------------------------------------------------

void scene_prepare(enum tls_mode tls, enum client_tls client_tls)
{
    struct fixture *fixture = &scene.fixture;
    fixture_prepare(fixture);
    fixture->options.threads = 1;
    fixture->target.tls = tls;
    fixture->target.client_tls = client_tls;
    fixture->target.trust = (struct tls_trust_plan){ .ca = scene.world.ca_path };
    fixture->plan.identity.rsa_key = scene.world.rsa_path; // made once: it takes a while
}

void scene_run(void)
{
    memset(scene.closed, 0, sizeof(scene.closed));
    fixture_start(&scene.fixture, "127.0.0.1");
    fixture_verdict(&scene.fixture, VERDICT_ALLOW, ERR_NONE, false, "");
}

void scene_start(enum tls_mode tls, enum client_tls client_tls)
{
    scene_prepare(tls, client_tls);
    scene_run();
}

void scene_hang_up(void)
{
    end_close(&scene.client);
    end_close(&scene.server);
}

void scene_stop(void)
{
    scene_hang_up();
    fixture_stop(&scene.fixture);
    assert_int_equal(ERR_peek_error(), 0);
}

// ---- steps --------------------------------------------------------------------------------------

void scene_connect(void)
{
    scene.client = (struct end){ .fd = fixture_connect(&scene.fixture) };
    scene.server = (struct end){ .fd = fixture_accept(&scene.fixture) };
    net_nodelay(scene.client.fd);
    net_nodelay(scene.server.fd);
}

void scene_greet(bool is_offered)
{
    uint8_t greeting[FIXTURE_GREETING_BYTES];
    memcpy(greeting, fixture_greeting, sizeof(greeting));
    end_send(&scene.server, greeting, sizeof(greeting));
    if (!is_offered)
        greeting[SCENE_SSL_AT] &= (uint8_t)~PACKET_SSL;
    end_expect(&scene.client, greeting, sizeof(greeting));
}

void scene_meet(bool is_offered)
{
    scene_connect();
    scene_greet(is_offered);
}

void scene_client_tls(void)
{
    uint8_t request[PACKET_MAX];
    make_answer(request, true, "mysql_native_password");
    packet_send(&scene.client, 1, request, SSL_REQUEST_BYTES);
    end_open_tls(&scene.client, scene.as_client, false);
    end_handshake(&scene.client);
}

void scene_answer(const char *plugin)
{
    bool has_tls = scene.client.ssl != NULL;
    scene.answer_len = make_answer(scene.answer, has_tls, plugin);
    packet_send(&scene.client, has_tls ? 2 : 1, scene.answer, scene.answer_len);
    scene.answer[PACKET_SSL_AT] |= PACKET_SSL;
}

void scene_server_request(void)
{
    packet_expect(&scene.server, 1, scene.answer, SSL_REQUEST_BYTES);
}

void scene_server_tls(void)
{
    end_open_tls(&scene.server, scene.world.as_server, true);
    end_handshake(&scene.server);
}

void scene_server_answer(void)
{
    packet_expect(&scene.server, 2, scene.answer, scene.answer_len);
}

void scene_log_in(bool has_tls)
{
    scene_meet(true);
    if (has_tls)
        scene_client_tls();
    scene_answer("mysql_native_password");
    scene_server_request();
    scene_server_tls();
    scene_server_answer();
}

void scene_accept(void)
{
    packet_send(&scene.server, 3, scene_ok, sizeof(scene_ok));
    packet_expect(&scene.client, scene.client.ssl ? 3 : 2, scene_ok, sizeof(scene_ok));
}

void scene_relays(void)
{
    packet_send(&scene.client, 0, "\x03select 1", 9);
    packet_expect(&scene.server, 0, "\x03select 1", 9);
    packet_send(&scene.server, 1, "a result", 8);
    packet_expect(&scene.client, 1, "a result", 8);
}

void scene_expect_both_ends(void)
{
    end_expect_end(&scene.server);
    end_expect_end(&scene.client);
}

void scene_closed(enum close_reason reason)
{
    size_t counter = offsetof(struct proxy_counters, closed) + reason * sizeof(uint64_t);
    fixture_wait_count(&scene.fixture, counter, ++scene.closed[reason]);
    FIXTURE_WAIT(&scene.fixture, open, 0);
}
