// SPDX-License-Identifier: Apache-2.0
//
// libcurl's multi interface on one of our loops: start a transfer, be called when it has ended. The
// loop's thread only.
#pragma once

#include "base/defs.h"

#include <curl/curl.h>
#include <stdbool.h>
#include <stddef.h>

struct err;
struct http;
struct loop;

struct http_request;
typedef void (*http_fn)(struct http_request *request, CURLcode result);

// Embedded in its owner, who sets `easy`, `fn` and `body_limit`; the rest is the answer.
struct http_request {
    CURL *easy;        // the owner's, with URL and options set
    http_fn fn;        // never called from inside http_start
    size_t body_limit; // bytes; more ends the transfer with body_too_large
    char *body;        // NUL-terminated, freed by http_request_done; NULL: empty
    size_t body_len;
    size_t body_size; // allocated
    unsigned answers; // status lines seen: 2 when a digest challenge came first
    bool body_too_large;
    bool running;
    char error[CURL_ERROR_SIZE]; // curl's words, "" if it has none
};

struct http *http_new(struct loop *loop, struct err *err) MUST_CHECK;
// No request may be running. NULL is allowed.
void http_free(struct http *http);

// The next request opens a connection of its own and looks its server's name up: this machine may
// be in another network by now. No request may be running. Out of memory: all stays.
void http_renew(struct http *http);

void http_start(struct http *http, struct http_request *request);
void http_cancel(struct http *http, struct http_request *request); // fn is not called afterwards
// Frees the body; not while running. `easy` stays the owner's.
void http_request_done(struct http_request *request);
