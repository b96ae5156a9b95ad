// SPDX-License-Identifier: Apache-2.0
//
// Requests to the TiDB Cloud API: HTTPS with verification, HTTP digest authentication, one request
// at a time, bounded in time and size, failures put in words. The loop's thread only.
#pragma once

#include "base/defs.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct api;
struct err;
struct http;
struct keys;

struct api_options {
    const char *url;         // "https://dedicated.tidbapi.com", without the version path
    const char *ca;          // PEM file; NULL: the system's certificates
    const struct keys *keys; // copied by libcurl
    uint64_t timeout_ms;     // of one request
    size_t answer_limit;     // bytes; 0: 8 MiB
};

// What the answer says about the quota of the key; -1: nothing, or pauses of more than ten minutes.
struct api_quota {
    int64_t limit, remaining; // requests a minute
    int64_t reset_s;          // until the quota is full again
    int64_t retry_after_s;
};

struct api_answer {
    long status;      // HTTP status, also of an answer that is too large; 0: there was none
    const char *body; // NUL-terminated, valid during the call; never NULL
    size_t len;
    unsigned requests; // what it cost: 2 when a digest challenge came first
    bool may_pass;     // a failure that the same request may not meet a little later: silence, 5xx
    struct api_quota quota;
};

// err is NULL when the status was 200 and the answer JSON of a size that we take. The answer is
// valid in both cases.
typedef void (*api_fn)(void *arg, const struct api_answer *answer, const struct err *err);

// Fails (ERR_OPTION) on a URL that is neither https:// nor http:// to a loopback address, and on an
// unreadable CA file. Copies everything.
struct api *api_new(
    struct http *http, const struct api_options *options, struct err *err) MUST_CHECK;
// A running request is cancelled without a callback. NULL is allowed.
void api_free(struct api *api);

// GET /v1beta1<path>. No other request may be running. fn is never called from inside this call,
// and may start the next request.
void api_get(struct api *api, const char *path, api_fn fn, void *arg);
// The same with "POST" or "DELETE", and with a JSON body or NULL. A digest challenge is answered
// before the body is sent, so nothing is done twice; libcurl itself sends a request again when a
// kept connection turns out to have been closed, so a 409 or 404 may be our own doing.
void api_send(
    struct api *api, const char *method, const char *path, const char *body, api_fn fn, void *arg);
void api_cancel(struct api *api);
// A running request is cancelled, and none to come uses a connection or an address of before.
void api_renew(struct api *api);

// What the answers so far tell about the line.
struct api_line {
    struct api_quota quota; // of the last answer that told it
    int64_t server_clock;   // wall clock of the last Date header, a refusal's too; 0: none
    int64_t own_clock;      // ours at that moment
    unsigned requests;
};
struct api_line api_line(const struct api *api);
