// SPDX-License-Identifier: Apache-2.0
//
// Private endpoints that really carry connections: for each network interface whose service has a
// backend, a listener on the interface's loopback address. Where AWS would let nothing through,
// attempts to connect get no answer at all. The loop's thread only.
#pragma once

#include "base/defs.h"

struct loop;
struct wires;
struct world;

// Follows the world from now on. Everything given stays the caller's and outlives it. An address
// that cannot be had is a warning in the log and said in the interface's "wire".
struct wires *wires_new(struct loop *loop, struct world *world) MUST_CHECK;
void wires_free(struct wires *wires);
