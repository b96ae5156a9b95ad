// SPDX-License-Identifier: Apache-2.0
//
// The questions that probes and `tidblink wait` ask, answered from what is known already: nothing
// is dialled and the API is not asked. Pure.
#pragma once

#include "proxy/proxy.h"

enum health {
    HEALTH_STARTED = 0, // every cluster's state is known, and the names of those that allow resolve
    HEALTH_LIVE,        // the program's loop turns: asking and being answered is the proof
    HEALTH_READY,       // a connection to each cluster would be served now, as far as known
    HEALTH_ACTIVE,      // ready, and the control plane itself says that each endpoint is ACTIVE
    HEALTHS
};

struct health_facts {
    const struct proxy_target_state *targets;
    size_t count;
    bool was_started; // HEALTH_STARTED was true before
    bool draining;
    bool full; // max-connections are open
};

enum { HEALTH_REASON_BYTES = 512 };

const char *health_name(enum health health); // "started", "live", "ready", "active"
bool health_find(const char *name, enum health *out) MUST_CHECK;
// Whether it is true; if not, `reason` says for whom and why.
bool health_ask(
    enum health health, const struct health_facts *facts, char reason[HEALTH_REASON_BYTES]);
