// SPDX-License-Identifier: Apache-2.0
//
// The client's side of HTTP's CONNECT (RFC 9110, 9.3.6; RFC 9112): the request, and the head of the
// response. Pure.
#pragma once

#include "base/defs.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { HTTP_CONNECT_BYTES_MAX = 1536, HTTP_CONNECT_HEAD_MAX = 16 * 1024, HTTP_CONNECT_REASON = 64 };

// Writes the request and returns its length; 0: it does not fit. `user` may be NULL; Basic is UTF-8
// (RFC 7617).
size_t http_connect_request(const char *host, uint16_t port, const char *user, const char *password,
    char out[HTTP_CONNECT_BYTES_MAX]) MUST_CHECK;

// A response's head as it comes. Zeroed before its first byte.
struct http_connect {
    size_t head_bytes; // of this response so far
    size_t line_len;   // of the line that is being read
    bool has_status;
    int status;
    char line[128];                   // its beginning
    char reason[HTTP_CONNECT_REASON]; // printable ASCII
};

enum http_connect_end {
    HTTP_CONNECT_MORE, // all bytes were taken
    HTTP_CONNECT_DONE, // the final response's head ended: see status; what follows is the tunnel's
    HTTP_CONNECT_BAD,  // this is no HTTP, or too long
};
// Takes up to `len` bytes, no further than the head's end; *out_taken says how many. Interim
// responses (1xx) are passed over.
enum http_connect_end http_connect_take(
    struct http_connect *response, const uint8_t *bytes, size_t len, size_t *out_taken);
