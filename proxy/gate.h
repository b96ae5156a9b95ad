// SPDX-License-Identifier: Apache-2.0
//
// The gate: may one more connection come in at all? Decided before anything is spent on it, by what
// is open now. Main thread only.
#pragma once

#include "base/defs.h"

#include <stdbool.h>
#include <stdint.h>

struct err;

struct gate {
    uint64_t max_connections;
    bool draining;
};

// `open` connections exist already. False with the refusal that the client is to be told.
bool gate_admit(const struct gate *gate, uint64_t open, struct err *err) MUST_CHECK;
// Beyond the limit, refusals take a descriptor each for a second; so many that even they are too
// many are closed without a word.
bool gate_may_explain(const struct gate *gate, uint64_t open);
