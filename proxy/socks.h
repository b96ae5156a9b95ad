// SPDX-License-Identifier: Apache-2.0
//
// The messages of a SOCKS 5 client (RFC 1928; user and password: RFC 1929), made and read. The name
// of the far end always goes as a name (address type 3), so that the proxy resolves it. Pure.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    SOCKS_BYTES_MAX = 515, // of a message: user and password of 255 bytes each
    SOCKS_CHOICE_BYTES = 2,
    SOCKS_AUTH_BYTES = 2,
    SOCKS_CODE_BYTES = 2,      // as much of a reply as tells whether it refuses
    SOCKS_REPLY_MIN_BYTES = 5, // as much of a reply as tells its length
};

enum socks_method { SOCKS_NO_AUTH = 0, SOCKS_PASSWORD = 2, SOCKS_NONE_FITS = 0xff };

// Each writes a message and returns its length. Lengths of texts: 1 to 255, the caller's duty.
size_t socks_offer(bool with_password, uint8_t out[SOCKS_BYTES_MAX]);
size_t socks_login(const char *user, const char *password, uint8_t out[SOCKS_BYTES_MAX]);
size_t socks_request(const char *host, uint16_t port, uint8_t out[SOCKS_BYTES_MAX]);

// The method that the server chose; -1: this is no SOCKS 5 server.
int socks_read_choice(const uint8_t bytes[SOCKS_CHOICE_BYTES]);
// 0: the password is right; -1: no answer of a SOCKS 5 server.
int socks_read_auth(const uint8_t bytes[SOCKS_AUTH_BYTES]);
// The reply code, 0 for success; -1: no answer of a SOCKS 5 server.
int socks_read_code(const uint8_t bytes[SOCKS_CODE_BYTES]);
// The length of a whole reply; `bytes` has SOCKS_REPLY_MIN_BYTES. 0: it is none.
size_t socks_reply_length(const uint8_t *bytes);
// What a reply code means ("connection refused"); "unassigned" for one that RFC 1928 does not have.
const char *socks_reply_words(uint8_t code);
