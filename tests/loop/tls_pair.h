// SPDX-License-Identifier: Apache-2.0
//
// An end of ours (proxy/io.h) and a far end (tls_world.h) on the two ends of one socket, both in
// the test's thread: it turns the crank for either, so nothing ever waits.
#pragma once

#include "proxy/tickets.h"
#include "proxy/tls.h"
#include "proxy/tls_identity.h"
#include "proxy/tls_trust.h"
#include "tests/loop/tls_world.h"

enum { PAIR_BYTES = IO_BYTES_MAX, PAIR_WAYS = 4, PAIR_STEPS = 100000 };

// The version of TLS, and whether ours is the client.
struct pair_way {
    int version;
    bool to_server;
};
extern const struct pair_way pair_ways[PAIR_WAYS];

struct pair {
    struct world world;
    struct tls_trust *trust; // of the world's authority
    struct tls_identity *identity;
    struct io_pool pool;
    struct tickets tickets;
    struct io ours;
    struct end peer;
    uint8_t sent[PAIR_BYTES], seen[PAIR_BYTES];
};
extern struct pair pair;

int pair_setup(void **state);
int pair_teardown(void **state);

void pair_open(void);     // sockets only
void pair_open_tcp(void); // those that know what a reset is
void pair_open_tls(const struct pair_way *way);
// Until the handshake is over on both sides, or has failed on ours.
enum tls_step pair_shake(void);
// All of it, and nothing is left to be read.
void pair_start(const struct pair_way *way);
void pair_stop(void);

ssize_t pair_read(void); // into `seen`
void pair_expect_wait(void);
void pair_expect_failure(int sys);
void pair_expect_bytes(const void *bytes, size_t len);
void pair_expect_end(void);

void pair_peer_says(const void *bytes, size_t len); // not sent yet
// `len` bytes of `sent`, whole and in order.
void pair_to_ours(size_t len, size_t read_size);
void pair_from_ours(size_t len); // that were written already
void pair_to_peer(size_t len);
void pair_both_ways(void);
void pair_peer_works(void); // what its OpenSSL has to do beside data, and sends it

// The peer's next bytes on the wire, which then are the test's to send.
size_t pair_steal_wire(uint8_t *out, size_t size);
void pair_send_wire(const uint8_t *bytes, size_t len);
