// SPDX-License-Identifier: Apache-2.0
//
// The instance metadata service, version 2, of the world's instance; everything is 404 where there
// is none. The loop's thread only.
#pragma once

#include "base/defs.h"

struct addr;
struct err;
struct imds;
struct journal;
struct loop;
struct world;

// Listens on `addr` and writes the port that it got into it. Everything given stays the caller's.
struct imds *imds_new(struct loop *loop, struct addr *addr, struct world *world,
    struct journal *journal, struct err *err) MUST_CHECK;
void imds_free(struct imds *imds);
