// SPDX-License-Identifier: Apache-2.0
//
// The place of ssh's shared connection to a jump: a folder of our own (0700), in which the first
// ssh leaves the socket of its master and the others find it (ControlMaster in ssh_config(5)), so
// that connections after the first need no handshake. The main thread only.
#pragma once

#include "base/defs.h"

#include <stdbool.h>
#include <stddef.h>

struct jump_master;
struct loop;
struct via;

struct jump_master_plan {
    struct loop *loop;
    const struct via *via; // outlives the master
    // The path is another one now: what waits for the old one's master may wait for ever.
    void (*on_moved)(void *arg, size_t target);
    void *arg;
    size_t target;
};

// NULL, and a warning: every connection has a handshake of its own.
struct jump_master *jump_master_new(const struct jump_master_plan *plan);
// NULL of NULL. The text stays until jump_master_free, also that of earlier paths.
const char *jump_master_path(const struct jump_master *master);
// The machine slept, the network is another one, or a connection failed: the master may not know
// yet that its connection is dead, and would let everybody wait. It is asked. When it has not
// answered within a second, new connections get another path, where the first one logs in anew.
// When it has not after ten, it is told to exit, with the connections that it has, if it `may_end`;
// otherwise it ends with the last of them, or when ssh itself finds out (ServerAliveInterval): an
// sshd that waits for its DNS answers nobody meanwhile. NULL is allowed.
void jump_master_doubt(struct jump_master *master, bool may_end);
// Tells the masters to exit, waits a moment for that, and removes the folder. NULL is allowed.
void jump_master_free(struct jump_master *master);
