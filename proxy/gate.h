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

struct gate_load {
    uint64_t open;      // every client's socket that is open now
    uint64_t lingering; // those of them that were refused and only wait for the client to hang up
    uint64_t listener_open, listener_max; // of the listener; max 0: no limit of its own
};

// Refused clients each keep a descriptor for up to a second, beside max-connections.
enum { GATE_REFUSALS = 32 };

bool gate_is_full(const struct gate *gate, const struct gate_load *load); // max_connections
// False with the refusal that the client is to be told.
bool gate_admit(const struct gate *gate, const struct gate_load *load, struct err *err) MUST_CHECK;
// Whether there is still room to tell it; if not, it is closed without a word.
bool gate_may_explain(const struct gate *gate, const struct gate_load *load);
