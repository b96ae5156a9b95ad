// SPDX-License-Identifier: Apache-2.0
//
// Connections that are passed on to a backend, byte by byte, each direction ending on its own. The
// loop's thread only.
#pragma once

#include "base/defs.h"

#include <stdbool.h>

struct addr;
struct loop;
struct relay;

struct relays {
    struct loop *loop;
    bool is_frozen;
    LIST_HEAD(, relay) open;
};

void relays_init(struct relays *relays, struct loop *loop);
// Takes the descriptor. A backend that cannot be reached resets the connection.
void relays_add(struct relays *relays, int fd, const struct addr *backend);
void relays_cut(struct relays *relays); // resets all
// Nothing moves in either direction, and nobody is told.
void relays_freeze(struct relays *relays, bool is_frozen);
