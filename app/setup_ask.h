// SPDX-License-Identifier: Apache-2.0
//
// What setup asks a person at a terminal: which cluster, which VPC, which subnets. Main thread.
#pragma once

#include "app/setups.h"

enum { SETUP_ASK_BYTES = 64 };

// Lists the clusters of the key's project; the ID of the chosen one.
bool setup_ask_cluster(
    const struct settings *settings, char out[SETUP_ASK_BYTES], struct err *err) MUST_CHECK;
// Asks for the VPC and the subnets of one set-up as far as they are missing and AWS lists them.
bool setup_ask_network(struct setups *setups, size_t index, struct err *err) MUST_CHECK;
