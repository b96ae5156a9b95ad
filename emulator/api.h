// SPDX-License-Identifier: Apache-2.0
//
// The control API over HTTPS. The loop's thread only.
#pragma once

#include "base/defs.h"

#include <openssl/ssl.h>

struct addr;
struct api;
struct err;
struct journal;
struct loop;
struct world;

// Listens on `addr` and writes the port that it got into it. Everything given stays the caller's.
struct api *api_new(struct loop *loop, struct addr *addr, SSL_CTX *tls, struct world *world,
    struct journal *journal, struct err *err) MUST_CHECK;
void api_free(struct api *api);
