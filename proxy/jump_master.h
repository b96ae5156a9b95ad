// SPDX-License-Identifier: Apache-2.0
//
// The place of ssh's shared connection to a jump: a folder of our own (0700), in which the first
// ssh leaves the socket of its master and the others find it (ControlMaster in ssh_config(5)), so
// that connections after the first need no handshake. The main thread only.
#pragma once

#include "base/defs.h"

struct jump_master;
struct via;

// NULL, and a warning: every connection has a handshake of its own.
struct jump_master *jump_master_new(const struct via *via);
const char *jump_master_path(const struct jump_master *master); // NULL of NULL
// Tells the master to exit, waits a moment for that, and removes the folder. NULL is allowed.
void jump_master_free(struct jump_master *master);
