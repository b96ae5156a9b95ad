// SPDX-License-Identifier: Apache-2.0
//
// What the AWS CLI says on its standard error when it fails, sorted by whose business it is. Pure.
// Source: docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html ("Client error
// codes"), docs.aws.amazon.com/cli/latest/userguide/cli-usage-error-format.html ("legacy"), and
// botocore/exceptions.py for what the CLI says itself.
#pragma once

#include "base/err.h"

enum { EC2_CODE_BYTES = 80 };

// Who asked, for the next step.
struct ec2_caller {
    const char *profile;       // --profile, or AWS_PROFILE; NULL: the default one
    bool has_environment_keys; // AWS_ACCESS_KEY_ID is set and no --profile outweighs it
};

// `errors` as base/child.h gives it, control characters escaped, and the caller has hidden the
// secrets in it. `code` becomes EC2's own, "" if there is none. Always fills err, with one line of
// text; what was signed is in the lines behind EC2's first, which are left out.
void ec2_explain(const char *errors, const struct ec2_caller *caller, char code[EC2_CODE_BYTES],
    struct err *err);
// The same about a code, an operation ("CreateVpcEndpoint") and a message that are known; each may
// be NULL.
void ec2_explain_code(const char *code, const char *operation, const char *message,
    const struct ec2_caller *caller, struct err *err);
