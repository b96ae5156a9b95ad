// SPDX-License-Identifier: Apache-2.0
//
// The questions that probes and `tidblink wait` ask, answered from what is known already: nothing
// is dialled and the API is not asked. Pure.
#pragma once

#include "proxy/proxy.h"

enum health {
    // Once: it listens, and, by startup-check, each cluster's state is known and the name of those
    // that allow resolves, and a server of those has greeted.
    HEALTH_STARTED = 0,
    HEALTH_LIVE,   // every loop that accepts or relays turns; no cloud and no database is in it
    HEALTH_READY,  // a connection to each cluster would be served now, as far as known
    HEALTH_ACTIVE, // ready, and the control plane itself says that each endpoint is ACTIVE
    HEALTHS
};

// In the order of the option startup-check.
enum health_startup { HEALTH_STARTUP_OFF = 0, HEALTH_STARTUP_DNS, HEALTH_STARTUP_GREETING };

enum {
    HEALTH_REASON_BYTES = 512,
    HEALTH_REASONS_MAX = 16, // more are left out
    // A loop that takes no event for so long is stuck: its slowest work, a TLS handshake, is
    // thousands of times faster.
    HEALTH_LAG_MS = 10 * 1000,
    // So long after the last connection that failed its cluster counts as out of reach, unless
    // another one reached it: a cluster that nobody connects to must become ready again, or a load
    // balancer would never send the client that finds out.
    HEALTH_FAILED_MS = 30 * 1000,
};

struct health_facts {
    const struct proxy_target_state *targets;
    size_t count;
    uint64_t now_ms;         // clock_ms
    const uint64_t *lags_ms; // how long each worker's loop has taken no event; NULL: none
    size_t lag_count;
    enum health_startup startup;
    bool was_started; // HEALTH_STARTED was true before
    bool draining;
    bool full;              // max-connections are open
    bool has_lost_programs; // jumps that are programs can no longer be started
};

struct health_reason {
    const char *cluster; // its alias; NULL: it is about the whole program
    char text[HEALTH_REASON_BYTES];
};

struct health_reasons {
    size_t count;
    struct health_reason reasons[HEALTH_REASONS_MAX];
};

const char *health_name(enum health health); // "started", "live", "ready", "active"
bool health_find(const char *name, enum health *out) MUST_CHECK;
// Whether it is true; if not, `reasons` says for whom and why, each cluster once.
bool health_ask(
    enum health health, const struct health_facts *facts, struct health_reasons *reasons);
// The first reason on one line, for a terminal: "cluster orders: …"; "" when there is none. Returns
// out.
enum { HEALTH_LINE_BYTES = HEALTH_REASON_BYTES + 128 };
const char *health_line(const struct health_reasons *reasons, char out[HEALTH_LINE_BYTES]);
