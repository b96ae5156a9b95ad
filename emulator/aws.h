// SPDX-License-Identifier: Apache-2.0
//
// AWS over plain HTTP: the EC2 Query API and Route 53 on one port, as `aws --endpoint-url` calls
// them. Signatures are not checked; whose key it is, what that may do and how far its clock is off,
// is. The loop's thread only.
#pragma once

#include "base/defs.h"

struct addr;
struct aws;
struct err;
struct journal;
struct loop;
struct world;

// Listens on `addr` and writes the port that it got into it. Everything given stays the caller's.
struct aws *aws_new(struct loop *loop, struct addr *addr, struct world *world,
    struct journal *journal, struct err *err) MUST_CHECK;
void aws_free(struct aws *aws);
