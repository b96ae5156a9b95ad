// SPDX-License-Identifier: Apache-2.0
//
// An HTTP server on a loop, with or without TLS, and answers in JSON: what the API and the control
// port have in common. The loop's thread only.
#pragma once

#include "base/defs.h"

#include <cjson/cJSON.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>

struct addr;
struct err;
struct loop;
struct http;

// Listens on `addr` and writes the port that it got into it. `tls` may be NULL; it stays the
// caller's. fn is called for every request and answers it now or later.
struct http *http_new(struct loop *loop, struct addr *addr, SSL_CTX *tls,
    void (*fn)(struct evhttp_request *request, void *arg), void *arg, struct err *err) MUST_CHECK;
// Cuts every connection; requests that were not answered yet are freed with them.
void http_free(struct http *http);

const char *http_method(struct evhttp_request *request); // "GET"; "?" for unusual ones

enum { HTTP_SEGMENTS_MAX = 8 };
// A request's path in decoded segments and its query.
struct http_target {
    char *segments[HTTP_SEGMENTS_MAX];
    size_t count;
    struct evkeyvalq query;
};
// False if it is no path, has too many segments or a NUL in one. http_target_done in any case.
bool http_target_read(struct http_target *target, struct evhttp_request *request) MUST_CHECK;
void http_target_done(struct http_target *target);

// The body as JSON; NULL if it is none. The caller deletes.
cJSON *http_body(struct evhttp_request *request);
// Answers, and deletes `answer`.
void http_reply(struct evhttp_request *request, int status, cJSON *answer);
// The same with what is in `body`.
void http_reply_bytes(struct evhttp_request *request, int status, struct evbuffer *body);
void http_header(struct evhttp_request *request, const char *name, const char *format, ...)
    PRINTF_LIKE(3, 4);
