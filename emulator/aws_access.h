// SPDX-License-Identifier: Apache-2.0
//
// Who calls AWS, from where and when, and whether that is allowed. The loop's thread only.
#pragma once

#include "base/defs.h"

#include <stdbool.h>

struct evhttp_request;
struct world;

enum { AWS_TEXT_BYTES = 512 };

enum aws_refusal {
    AWS_ALLOWED = 0,
    AWS_NO_KEY,  // no credentials at all
    AWS_BAD_KEY, // unknown, or signed by a clock that is over five minutes off
    AWS_EXPIRED,
    AWS_DENIED,
};

struct aws_caller {
    char key[128];   // "" without credentials
    char region[64]; // of the signature; likewise
};

void aws_caller_read(struct aws_caller *caller, struct evhttp_request *request);
// `action` is "ec2:CreateVpcEndpoint".
enum aws_refusal aws_check(struct world *world, const struct aws_caller *caller,
    struct evhttp_request *request, const char *action) MUST_CHECK;
// Why a caller is denied, in IAM's words; resource may be NULL.
void aws_denial(const char *action, const char *resource, char out[AWS_TEXT_BYTES]);
