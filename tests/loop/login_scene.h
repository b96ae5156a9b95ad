// SPDX-License-Identifier: Apache-2.0
//
// A proxy of the fixture with TLS, and the steps of a login on both sides of it, for the tests to
// put together.
#pragma once

#include "tests/loop/proxy_fixture.h"
#include "tests/loop/tls_world.h"

struct scene {
    struct world world; // of the group
    struct fixture fixture;
    struct end client, server;
    SSL_CTX *as_client; // TLS 1.2: no ticket is left unread that would make an end a reset
    // The last answer of the client's; what the server has to get.
    uint8_t answer[PACKET_MAX];
    size_t answer_len;
    uint64_t closed[CLOSE_REASONS]; // of this proxy, that were expected
};
extern struct scene scene;

enum {
    SCENE_SSL_AT = 38, // of the greeting: the byte with CLIENT_SSL, which is its 0x08
    SCENE_OK_BYTES = 7,
};
extern const uint8_t scene_ok[SCENE_OK_BYTES];

int scene_setup(void **state);
int scene_teardown(void **state);

void scene_prepare(enum tls_mode tls, enum client_tls client_tls);
void scene_run(void); // behind scene_prepare
void scene_start(enum tls_mode tls, enum client_tls client_tls);
void scene_stop(void); // the ends are closed as well
void scene_hang_up(void);

void scene_connect(void); // both ends are connected, nothing is said
// The server greets, and the client is offered TLS or not.
void scene_greet(bool is_offered);
void scene_meet(bool is_offered); // both
void scene_client_tls(void);      // its SSLRequest, and the handshake
void scene_answer(const char *plugin);
// The server's end of our TLS: the SSLRequest, the handshake, the answer.
void scene_server_request(void);
void scene_server_tls(void);
void scene_server_answer(void);
// All of this, and whether TLS with the client is used.
void scene_log_in(bool has_tls);
void scene_accept(void);                     // the server's OK
void scene_relays(void);                     // bytes both ways
void scene_expect_both_ends(void);           // neither hears anything but the end
void scene_closed(enum close_reason reason); // one more has ended so, and none is left
