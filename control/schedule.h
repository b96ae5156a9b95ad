// SPDX-License-Identifier: Apache-2.0
//
// When to poll next. The quota of 100 requests a minute belongs to everyone who has the key, so a
// poller keeps to half of it, goes slower as the rest shrinks, and backs off when it is refused.
// Pure.
#pragma once

#include "control/api.h"

struct schedule_facts {
    uint64_t steady_ms, changing_ms;
    bool changing;          // something is in transition
    unsigned failures;      // polls in a row that nothing came of
    bool key_refused;       // the last one ended with 401 or 403: asking more often helps nobody
    bool rate_limited;      // the last one ended with 429
    unsigned requests;      // that the last poll made
    struct api_quota quota; // of the last answer that told it
};

// jitter: 0 to 1, at random, so that many who started together do not ask together.
uint64_t schedule_delay_ms(const struct schedule_facts *facts, double jitter);
