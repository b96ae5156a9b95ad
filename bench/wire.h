// SPDX-License-Identifier: Apache-2.0
//
// Sockets with or without TLS, alike for the bench's client and server. OpenSSL reads and writes
// the socket itself, as it does in most servers and drivers.
#pragma once

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

// `tickets`: how many a server sends behind each handshake, 0: no session can be resumed.
SSL_CTX *wire_server(const char *cert, const char *key, unsigned tickets);
// The server's certificate must come from `ca` and be good for the address 127.0.0.1. `resumes`:
// each handshake resumes a session that an earlier one was given, if there is any left.
SSL_CTX *wire_client(const char *ca, bool resumes);

SSL *wire_begin(SSL_CTX *context, int fd, bool is_server);
void wire_end(SSL *ssl); // without close_notify, as many drivers do; NULL: nothing
enum wire_step { WIRE_WAIT, WIRE_DONE, WIRE_FAILED };
enum wire_step wire_handshake(SSL *ssl);
const char *wire_error(void); // of the last failure

// As recv(2) and send(2) on a socket that does not block; `ssl` NULL: a plain one. A read takes
// what is there and does not ask the socket again.
ssize_t wire_recv(SSL *ssl, int fd, void *out, size_t len);
ssize_t wire_send(SSL *ssl, int fd, const void *bytes, size_t len);
// What was read from the socket already, and no event tells of.
bool wire_has_more(SSL *ssl);
