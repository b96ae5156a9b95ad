// SPDX-License-Identifier: Apache-2.0
//
// Faults on demand: which one strikes now. What each of them does is done by call.c and dns.c. The
// loop's thread only.
#pragma once

#include <stdint.h>

struct world;

// In the order of the choices of "does" in kinds.c.
enum fault_deed {
    FAULT_STATUS = 0,
    FAULT_DELAY,
    FAULT_HANG,
    FAULT_CUT,
    FAULT_MALFORMED,
    FAULT_HUGE,
    FAULT_CONTENT_TYPE,
    FAULT_DROP_TLS,
    FAULT_DNS_SILENCE,
    FAULT_DNS_SERVFAIL,
    FAULT_DNS_DELAY,
    FAULT_LOSE,
    FAULT_AWS_ERROR,
    FAULT_NONE,
};

enum fault_stage {
    FAULT_AT_REQUEST = 0, // before authentication
    FAULT_AT_ANSWER,      // instead of a good answer
    FAULT_AT_HANDSHAKE,
    FAULT_AT_QUERY, // of DNS
};

struct fault {
    enum fault_deed deed; // FAULT_NONE: all is well, and the rest is zero
    uint64_t delay_ms;
    unsigned status;
    unsigned megabytes;
    int64_t retry_after_s; // negative: not said
    char *body;            // NULL: the documented one
    char *code;            // of AWS; NULL: goes with the status
    char *message;         // likewise
};

// The oldest fault of this stage that matches, counted down. A request to TiDB Cloud is matched as
// "GET /v1beta1/clusters" or by its path alone; one to AWS, as "aws CreateVpcEndpoint" or
// "imds /latest/meta-data/mac", by faults that name it so; a query by its name; a handshake by
// nothing.
struct fault faults_strike(struct world *world, enum fault_stage stage, const char *subject);
void faults_done(struct fault *fault);
const char *faults_name(const struct fault *fault);
