// SPDX-License-Identifier: Apache-2.0
//
// The control port: plain HTTP by which tests look at the emulated cloud and change it while it
// runs; README.md beside this file lists what it understands. The loop's thread only.
#pragma once

#include "base/defs.h"

struct addr;
struct control_port;
struct err;
struct journal;
struct loop;
struct world;

// Listens on `addr` and writes the port that it got into it. Everything given stays the caller's.
struct control_port *control_port_new(struct loop *loop, struct addr *addr, struct world *world,
    struct journal *journal, struct err *err) MUST_CHECK;
void control_port_free(struct control_port *port);
