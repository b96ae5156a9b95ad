// SPDX-License-Identifier: Apache-2.0
//
// The note that makes the creation of an interface endpoint repeatable: the client token is on disk
// before the first call and stays until AWS lists the endpoint, so that a crash, a lost answer or a
// listing that lags never makes a second one. One file in state-dir for each service and VPC, which
// is locked while it is open. Any thread.
// Source: docs.aws.amazon.com/ec2/latest/devguide/ec2-api-idempotency.html.
#pragma once

#include "base/defs.h"

#include <stdbool.h>
#include <stdint.h>

struct err;

enum { TOKEN_BYTES = 65, TOKEN_ID_BYTES = 64 };

struct token {
    char *path; // NULL: not open
    int lock_fd;
    char client_token[TOKEN_BYTES];   // "": none was needed yet
    char endpoint_id[TOKEN_ID_BYTES]; // what the creation answered; "": not known
    int64_t asked;                    // wall clock of the first creation call with this token
};

// Reads the note if there is one. ERR_FILE: the directory or the note is not usable, or another
// setup of the same service and VPC is at work; then nothing is open.
bool token_open(struct token *token, const char *state_dir, const char *service_name,
    const char *vpc_id, struct err *err) MUST_CHECK;
void token_close(struct token *token); // a zeroed one is allowed

// Makes sure that client_token is on disk.
bool token_need(struct token *token, struct err *err) MUST_CHECK;
// The creation has answered.
bool token_answered(struct token *token, const char *endpoint_id, struct err *err) MUST_CHECK;
// AWS lists the endpoint, or it is known to be gone: the next creation is another one.
bool token_forget(struct token *token, struct err *err) MUST_CHECK;
