// SPDX-License-Identifier: Apache-2.0
//
// The DNS of the VPC, or that of the public, over UDP. The loop's thread only.
#pragma once

#include "base/defs.h"

#include <stdbool.h>

struct addr;
struct dns;
struct err;
struct journal;
struct loop;
struct world;

// Listens on `addr` and writes the port that it got into it. Everything given stays the caller's.
struct dns *dns_new(struct loop *loop, struct addr *addr, struct world *world,
    struct journal *journal, bool is_public, struct err *err) MUST_CHECK;
void dns_free(struct dns *dns);
