// SPDX-License-Identifier: Apache-2.0
//
// TiDB Cloud's APIs over HTTPS: that of Dedicated, and that of Starter and Essential. The loop's
// thread only.
#pragma once

#include "base/defs.h"

#include <openssl/ssl.h>

struct addr;
struct api;
struct err;
struct journal;
struct loop;
struct world;

enum api_kind { API_DEDICATED = 0, API_SERVERLESS };

// Listens on `addr` and writes the port that it got into it. Everything given stays the caller's.
struct api *api_new(struct loop *loop, struct addr *addr, SSL_CTX *tls, struct world *world,
    struct journal *journal, enum api_kind kind, struct err *err) MUST_CHECK;
void api_free(struct api *api);
