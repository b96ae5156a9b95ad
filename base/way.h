// SPDX-License-Identifier: Apache-2.0
//
// Where packets to an address go now, as the kernel answers a UDP socket that is connected and
// sends nothing; and whether that is still the way of a TCP connection. Any thread.
#pragma once

#include "base/addr.h"

#include <stdbool.h>

enum way {
    WAY_SAME,
    WAY_OTHER, // the kernel would now choose another source address
    WAY_GONE,  // its source address is not this machine's now, or no route leads from it
};

// The source address that the kernel chooses towards `addr`, with port 0. False with errno: there
// is no way, or it cannot be looked at (net_is_shortage).
bool way_source(const struct addr *addr, struct addr *out) MUST_CHECK;
// Of a connection between these two. What stays on this machine has the same way always, and so has
// what cannot be looked at. *out_source: of WAY_OTHER, what way_source gives.
enum way way_look(const struct addr *local, const struct addr *remote, struct addr *out_source);
// The two ends of a connected socket; false: it is not IP, or not connected any more.
bool way_ends(int fd, struct addr *out_local, struct addr *out_remote) MUST_CHECK;

// Asks the other end of an idle connection now, and again every `every_s`; after `times` without an
// answer the kernel ends it with ETIMEDOUT (tcp(7), TCP_KEEPIDLE). May be called again meanwhile,
// and counts from there. net_keepalive takes it back. False: the system cannot do that.
bool way_question(int fd, int every_s, int times) MUST_CHECK;
