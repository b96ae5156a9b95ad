// SPDX-License-Identifier: Apache-2.0
//
// What EC2 checks before an interface endpoint is created or changed, and then does. The loop's
// thread only.
#pragma once

#include "base/defs.h"

#include <stdbool.h>

struct ec2_ask;
struct object;

enum { EC2_PRINT_BYTES = 32 };

// What the request asks for, whatever the order of its lists: for requests with a client token.
void ec2_fingerprint(const struct ec2_ask *ask, char out[EC2_PRINT_BYTES]);
// The new endpoint, or NULL after refusing.
struct object *ec2_plan_create(struct ec2_ask *ask, const char *print);
// Applies ModifyVpcEndpoint; false after refusing, and then nothing has changed.
bool ec2_plan_modify(struct ec2_ask *ask, struct object *endpoint);

struct object *ec2_service_named(const struct ec2_ask *ask, const char *name); // or NULL
bool ec2_unknown_service(struct ec2_ask *ask, const char *name);               // refuses
