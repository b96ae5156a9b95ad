// SPDX-License-Identifier: Apache-2.0
//
// A control API of a few lines for loop tests: HTTPS on loopback with a certificate of its own,
// digest authentication that checks everything, and answers that the test chooses. Lives on the
// test's loop.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cloud;
struct loop;

struct cloud_reply {
    int status;       // 0: never answer
    const char *body; // NULL: empty
    size_t len;       // 0: strlen(body)
    bool cut;         // announce more than is sent
    const char *headers[4][2];
};
// path with its query; method and body from the functions below.
typedef struct cloud_reply (*cloud_fn)(void *arg, const char *path);

struct cloud *cloud_new(struct loop *loop, cloud_fn fn, void *arg);
void cloud_free(struct cloud *cloud);
const char *cloud_url(const struct cloud *cloud);     // "https://127.0.0.1:PORT"
const char *cloud_ca_path(const struct cloud *cloud); // PEM file that makes it trusted

// Of the request that fn is asked about. The body is cut to 1 KiB.
const char *cloud_method(const struct cloud *cloud);
const char *cloud_body(const struct cloud *cloud);

unsigned cloud_challenges(const struct cloud *cloud); // 401 sent for want of a good answer
unsigned cloud_served(const struct cloud *cloud);     // requests that reached fn
// Every nonce handed out so far is worth nothing; says so (stale=true) or not.
void cloud_forget_nonces(struct cloud *cloud, bool say_stale);

extern const char cloud_public_key[], cloud_private_key[];
