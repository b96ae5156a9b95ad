// SPDX-License-Identifier: Apache-2.0
//
// Which VPC this machine is in, from the EC2 instance metadata service, version 2
// (docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-retrieval.html). The loop's
// thread.
#pragma once

#include "base/defs.h"
#include "base/options.h"

#include <stdbool.h>
#include <stdint.h>

struct err;
struct http;
struct imds;

// vpc_id is NULL and err tells why, or the ID, valid during the call.
typedef void (*imds_fn)(void *arg, const char *vpc_id, const struct err *err);

// `url` NULL: http://169.254.169.254. fn is called once, never from inside this call.
struct imds *imds_start(struct http *http, const char *url, imds_fn fn, void *arg);
// Cancels without a callback; not from inside fn. NULL is allowed.
void imds_free(struct imds *imds);

// ---- for commands: everything at once, blocking -------------------------------------------------

struct imds_facts {
    char *instance_id, *region, *vpc_id, *subnet_id, *address;
    struct option_list security_group_ids;
};
// False (ERR_AWS) where there is no metadata service: this is no EC2 instance, or its hop limit
// hides it from containers. At most about `timeout_ms`.
bool imds_look(
    const char *url, uint64_t timeout_ms, struct imds_facts *out, struct err *err) MUST_CHECK;
void imds_facts_done(struct imds_facts *facts);
