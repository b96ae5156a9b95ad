// SPDX-License-Identifier: Apache-2.0
//
// What a worker does about its connections when this machine slept, or is in another network:
// - a connection whose source address is gone, or that no route leads from, ends when that is still
//   so after seconds: a network service that is restarted, or a lease that is had anew, ends
//   nobody;
// - one that the kernel would now open from another address, or whose own went and is back, and
// every
//   one after sleep may live: its server is asked, once a second or two, and it ends when no answer
//   comes within seconds;
// - who is being connected is connected anew; spares go, and what was learned of addresses.
// Connections to this machine itself are left alone. The worker's thread only.
#pragma once

#include "base/way.h"
#include "proxy/peer.h"

struct change;
struct conn;
struct side;
struct timer;
struct view;
struct worker;

enum {
    WAKE_BACK_MAX = 64,
    WAKE_CUT_MS = 5000, // without a way for so long: over
};

struct wake_plan {
    bool slept;  // or stopped: everything is doubtful
    bool forget; // what was learned of addresses: the way to a cluster is another one or in doubt
    size_t back_count;
    struct peer back[WAKE_BACK_MAX]; // of this machine, that went and are back; no ports
};

struct wake_plan wake_plan_of(const struct change *change);
// Whether a connection from this address is doubtful.
bool wake_doubts(const struct wake_plan *plan, const struct addr *local);
// way_look; with the option `source` it is on purpose that the kernel would choose another address.
enum way wake_way(const struct view *view, const struct addr *local, const struct addr *remote,
    struct addr *out_source);
void wake_connections(struct worker *worker, const struct wake_plan *plan);
void wake_on_cut_timer(struct timer *timer); // of worker.h

// For the sweep:
// An answer came: the connection lives on, asked as seldom as before.
void wake_look_at(struct conn *conn, uint64_t now_ms);
// After a look that found something unacknowledged, sent again so many times in a row: whether it
// is dead sooner than others would be.
bool wake_is_dead(struct side *side, uint32_t retransmits);
