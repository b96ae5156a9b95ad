// SPDX-License-Identifier: Apache-2.0
//
// A TLS session on one end of a connection: towards the cluster as the client, towards the
// application as the server. Behind its handshake it is moved by io_read and io_write like any end.
// Records are made for a whole write and sent by one system call; a read takes what has arrived by
// one, too. The worker's thread only. Source: OpenSSL 3.0, SSL_read(3), SSL_write(3),
// BIO_meth_new(3).
#pragma once

#include "proxy/io.h"

#include <openssl/ssl.h>

struct tickets;
struct tls_identity;
struct tls_trust;

enum { TLS_NAMES_BYTES = 256, TLS_NAME_BYTES = 96 };

// What was seen of a certificate that was not accepted.
struct tls_doubt {
    int error;                   // X509_V_ERR_…
    bool is_of_name;             // everything but the name was fine
    bool is_of_server;           // it is about the server's own certificate, not about one above it
    char names[TLS_NAMES_BYTES]; // for which it is good, as subjectAltName has them; cut
    char suggestion[TLS_NAMES_BYTES]; // a tls-server-name with which it would be; "": there is none
    char issuer[TLS_NAME_BYTES];
    char expires[TLS_NAME_BYTES];
};

struct tls {
    SSL *ssl;
    // Of the call under way:
    struct io_pool *pool;
    const struct io *io;
    size_t allowance; // bytes that may still be taken from the socket
    // Bytes that were read before the session began; the caller's, used up by its first step.
    const uint8_t *early;
    size_t early_len;
    bool has_ended; // the peer said close_notify, or its socket ended
    bool is_broken;
    int sys;                 // why: errno, EPROTO: `error`
    unsigned long error;     // OpenSSL's, ERR_get_error(3)
    struct tls_doubt *doubt; // NULL: the certificate was not the reason
    uint64_t began_us;       // clock_us()
    struct tickets *tickets; // where sessions to resume go; NULL: nowhere
    uint64_t tickets_generation;
};

extern const struct io_ops tls_io;

// The socket's end becomes a session, which io_close frees; its handshake is not begun. NULL: out
// of memory. `tickets` NULL: none is resumed, and none will be.
struct tls *tls_to_server(struct io *io, const struct tls_trust *trust, const char *host,
    struct tickets *tickets) MUST_CHECK;
// `early`: what was read behind the SSLRequest.
struct tls *tls_to_client(struct io *io, const struct tls_identity *identity, const uint8_t *early,
    size_t early_len) MUST_CHECK;

enum tls_step {
    TLS_DONE, // bytes may have arrived already: read before waiting
    TLS_WAIT, // for the socket
    TLS_FAILED,
};
// Goes on with the handshake as far as possible.
enum tls_step tls_handshake(struct io_pool *pool, struct io *io);
// The handshake is not over: nothing can be said yet. NULL: false.
bool tls_is_beginning(const struct tls *tls);
bool tls_is_resumed(const struct tls *tls);
