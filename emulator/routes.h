// SPDX-License-Identifier: Apache-2.0
//
// The paths of the TiDB Cloud Dedicated API v1beta1 that are served, one table row each. The loop's
// thread only.
#pragma once

#include <cjson/cJSON.h>

struct http_target;
struct world;

// What was asked, by whom it does not matter any more, and how the answer is going.
struct ask {
    struct world *world;
    const char *method;
    const struct http_target *target;
    const cJSON *body; // NULL: none, or not JSON
    int status;        // of the answer
};

// The answer's body, never NULL; ask->status is set. The caller deletes.
cJSON *routes_answer(struct ask *ask);
// A documented error body, google.rpc.Status: message, and the code that goes with the HTTP status.
cJSON *routes_error(int status, const char *message);
