// SPDX-License-Identifier: Apache-2.0
//
// What one worker has learned about the ways to one cluster: how long each address took to connect,
// which ones fail and are left alone for a while, and whether the whole cluster is out of reach for
// now. It learns from real connections only; nothing here opens a socket. Pure but for the clock,
// which the caller passes as monotonic milliseconds. The worker's thread only.
#pragma once

#include "base/err.h"
#include "proxy/peer.h"

struct addr_set;

enum {
    PATHS_NONE = -1,
    PATHS_MAX = 32,             // addresses of one name that are tried; a VPC has one per zone
    PATHS_QUARANTINE_MS = 1000, // after the first failure, doubled by each further one
    PATHS_QUARANTINE_MAX_MS = 60 * 1000,
    PATHS_BREAK_MS = 1000, // the negative answer, doubled while the cluster stays out of reach
    PATHS_BREAK_MAX_MS = 8000,
    PATHS_SLOW_MS = 250, // failures that cost the client less are not worth a negative answer
    PATHS_MEASURE_MS = 1000,
    PATHS_FORGET_S = 600, // a connect time that is so old counts half
};

struct path {
    struct peer peer;    // its IP address
    uint32_t connect_us; // smoothed; 0: not known
    uint64_t measured_ms;
    unsigned failures; // since the last success
    uint64_t until_ms; // quarantined until then; 0: not
    bool on_trial;     // its quarantine is over and one connection tries it
};

struct paths {
    struct path paths[PATHS_MAX];
    size_t count;
    unsigned breaks;        // in a row
    uint64_t open_until_ms; // refuse at once until then; 0: reachable as far as is known
    bool probing;           // that time is over and one connection tries
    struct err *last;       // why it was out of reach
};

// The address to dial next, an index in `set` whose bit in `tried` is not set: the nearest that
// works; if all fail, the one whose quarantine ends first. An address never dialled counts as near,
// so each is measured once. PATHS_NONE: all were tried. *out_trial: its quarantine is
// over and nobody else tries it, until paths_connected, paths_failed or paths_unpicked.
int paths_pick(struct paths *paths, const struct addr_set *set, uint32_t tried, uint64_t now_ms,
    bool *out_trial);
// What is known of an address; NULL: nothing.
const struct path *paths_look_up(const struct paths *paths, const struct addr *addr);
// Whether its connect time is worth measuring again: it has not been for a second.
bool paths_wants_time(const struct paths *paths, const struct addr *addr, uint64_t now_ms);
// What came of dialling it; connect_us 0: not measured. True when that is news: it was good before,
// or was not.
bool paths_connected(
    struct paths *paths, const struct addr *addr, uint32_t connect_us, uint64_t now_ms);
bool paths_failed(struct paths *paths, const struct addr *addr, uint64_t now_ms);
// The dial was called off before anything came of it: another one may try.
void paths_unpicked(struct paths *paths, const struct addr *addr);
uint64_t paths_quarantine_ms(const struct paths *paths, const struct addr *addr, uint64_t now_ms);

// The breaker. True: no address answered a moment ago, and `err` says why; the client is told at
// once instead of waiting for it again. False: go on; with *out_probe this dial is the one that
// finds out, and paths_probed or a success must follow.
bool paths_is_broken(struct paths *paths, uint64_t now_ms, bool *out_probe, struct err *err);
bool paths_is_open(const struct paths *paths); // without asking to be the one
// All addresses failed, which took so long; `was_probe`: this was the one that tried.
void paths_broke(
    struct paths *paths, bool was_probe, const struct err *err, uint64_t took_ms, uint64_t now_ms);
void paths_probed(struct paths *paths); // the one that tried was called off
// This machine may be in another network: nothing learned counts any more.
void paths_forget(struct paths *paths);
void paths_done(struct paths *paths); // frees
