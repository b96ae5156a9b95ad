// SPDX-License-Identifier: Apache-2.0
//
// What a worker counts of one target, and the sums over all workers. The worker writes (one
// writer), anybody reads; relaxed.
#pragma once

#include "proxy/histogram.h"

#include <stddef.h>

struct proxy_counters;
struct tls;
struct worker;

// What a connection waits for on its way to the server, each only if it had to.
enum tally_phase {
    TALLY_DNS = 0,  // addresses of the cluster's name
    TALLY_TCP,      // one address's connection; with a jump, the jump's connection to the cluster
    TALLY_GREETING, // the server's greeting
    TALLY_TLS,      // the handshake with the server
    TALLY_PHASES
};
const char *tally_phase_name(enum tally_phase phase);

struct target_tally {
    _Atomic uint64_t open; // connections
    _Atomic uint64_t spares_ready;
    // Monotonic milliseconds (clock_ms) of the last greeting, and of the last time that no address
    // of the target was any good; 0: never.
    _Atomic uint64_t reached_ms, failed_ms;
    // The same of TLS with a server, when it was the last thing to be done.
    _Atomic uint64_t tls_ms, tls_failed_ms;
    struct histogram took[TALLY_PHASES];
};

// The worker's thread: a connection to the target has waited since clock_us() `since_us`; 0: not.
void tally_waited(struct worker *worker, size_t target, enum tally_phase phase, uint64_t since_us);
// The worker's thread: TLS with a server of the target is up; was refused by us or by the server.
void tally_tls(struct worker *worker, size_t target, const struct tls *tls);
void tally_tls_failed(struct worker *worker, size_t target);

// Sums of one target over all workers. Any thread.
struct target_sum {
    uint64_t open, spares_ready;
    uint64_t reached_ms, failed_ms; // the last of all; who fails at TLS is not reached
    struct histogram_sum took[TALLY_PHASES];
};
void tally_target(
    struct worker *const *workers, size_t worker_count, size_t target, struct target_sum *out);
// Adds a worker's counters.
void tally_worker(const struct worker *worker, struct proxy_counters *out);
