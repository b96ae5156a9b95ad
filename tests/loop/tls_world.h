// SPDX-License-Identifier: Apache-2.0
//
// What the loop tests of TLS stand on: throwaway certificates, the far ends of sockets with or
// without TLS, and MySQL's packets of a login on them. The far ends keep OpenSSL away from the
// socket, by memory BIOs, so that a test decides which bytes go in which segment. The test's thread
// only; whoever waits, waits FIXTURE_WAIT_S at most and fails then.
#pragma once

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// ---- certificates -------------------------------------------------------------------------------

struct cert {
    X509 *x509;
    EVP_PKEY *key;
};

struct cert_plan {
    const char *cn;
    const char *names;         // subjectAltName, "DNS:db.test,IP:127.0.0.1"; NULL: none
    const struct cert *issuer; // NULL: itself
    long from_s, until_s;      // from now; both 0: an hour back and one ahead
    bool is_ca;
};

struct cert cert_make(const struct cert_plan *plan);
void cert_free(struct cert *cert);
void cert_write(const struct cert *cert, const char *path); // PEM; another file takes its place

// An authority and a server's certificate of it, for WORLD_HOST and 127.0.0.1.
#define WORLD_HOST "db.test"
struct world {
    struct cert ca, server;
    SSL_CTX *as_server, *as_client; // the client verifies nothing
    char folder[64], ca_path[96], rsa_path[96], socket_path[96];
};
void world_make(struct world *world);
void world_free(struct world *world);
// `version`: the only one, 0: any.
SSL_CTX *context_as_server(const struct cert *cert, int version);
SSL_CTX *context_as_client(int version);

// ---- the far end of a socket --------------------------------------------------------------------

struct end {
    int fd;
    SSL *ssl;     // NULL: plain
    size_t piece; // bytes in a segment; 0: as many as there are
};

void end_open_tls(struct end *end, SSL_CTX *context, bool accepts); // its handshake is not begun
// False: the handshake is not over. Without waiting, and with it.
bool end_step(struct end *end);
void end_handshake(struct end *end);
// Takes what the socket has and gives what OpenSSL has written; without waiting.
void end_pump(struct end *end);
void end_push(struct end *end); // waits until all that OpenSSL has written is sent
bool end_pull(struct end *end); // waits; false: the end, or a reset
void end_send(struct end *end, const void *bytes, size_t len);
size_t end_take(struct end *end, void *out, size_t size); // waits for some; 0: the end, or a reset
void end_read(struct end *end, void *out, size_t len);    // exactly so much
void end_expect(struct end *end, const void *bytes, size_t len);
void end_expect_end(struct end *end);
void end_drain(struct end *end); // whatever comes until the end, as it is on the wire
void end_close(struct end *end); // also one that is not open
void end_reset(struct end *end);

// ---- MySQL --------------------------------------------------------------------------------------

enum { PACKET_MAX = 2048, PACKET_SSL = 0x08, PACKET_SSL_AT = 1, SSL_REQUEST_BYTES = 32 };

struct packet {
    uint8_t sequence;
    size_t len; // of the payload
    uint8_t payload[PACKET_MAX];
};

void packet_send(struct end *end, uint8_t sequence, const void *payload, size_t len);
struct packet packet_take(struct end *end);
void packet_expect(struct end *end, uint8_t sequence, const void *payload, size_t len);
// An ERR packet with its SQLSTATE, and then the end.
void packet_expect_error(
    struct end *end, unsigned number, const char *state, uint8_t sequence, const char *words);
// A HandshakeResponse41, as a client sends it that has begun TLS or not; its length. Its first
// SSL_REQUEST_BYTES are the SSLRequest.
size_t make_answer(uint8_t out[PACKET_MAX], bool has_tls, const char *plugin);
