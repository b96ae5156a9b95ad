// SPDX-License-Identifier: Apache-2.0
//
// HTTP digest authentication, the server's side (RFC 7616): MD5 and SHA-256, qop=auth. The loop's
// thread only.
#pragma once

#include "base/defs.h"

#include <stdbool.h>
#include <stdint.h>

struct evhttp_request;
struct digest;
struct world;

enum digest_verdict {
    DIGEST_OK = 0,
    DIGEST_NONE,      // no digest credentials
    DIGEST_MALFORMED, // such that cannot be read, or for another URI
    DIGEST_WRONG_KEY,
    DIGEST_STALE,    // the right key, but the nonce is unknown or too old
    DIGEST_REPLAYED, // the right key, but this nc was seen
};

enum { DIGEST_USERNAME_BYTES = 128 };

struct digest_claim {
    char username[DIGEST_USERNAME_BYTES]; // "" if none was read
    uint32_t nc;                          // likewise 0
};

struct digest *digest_new(void);
void digest_free(struct digest *digest);

// Keys, offered algorithms and the age of nonces are those of the world.
enum digest_verdict digest_check(struct digest *digest, struct world *world,
    struct evhttp_request *request, struct digest_claim *out_claim);
// Adds WWW-Authenticate with a fresh nonce, once per algorithm offered.
void digest_challenge(
    struct digest *digest, struct world *world, struct evhttp_request *request, bool stale);
// "ok", "none", "malformed", "wrong key", "stale nonce", "replayed nc".
const char *digest_verdict_text(enum digest_verdict verdict);
