// SPDX-License-Identifier: Apache-2.0
//
// One local address on which one target's clients are accepted. Main thread only.
#pragma once

#include "base/addr.h"
#include "base/defs.h"

#include <stdbool.h>
#include <stddef.h>

struct err;
struct listener;
struct loop;

// Called for every accepted socket, which then belongs to the callee.
typedef void (*listener_fn)(void *arg, size_t target, int client_fd, const char *client_name);

// Bound and listening, but accepting only from listener_start on.
struct listener *listener_open(struct loop *loop, const struct addr *addr, size_t target,
    int backlog, unsigned unix_mode, listener_fn fn, void *arg, struct err *err) MUST_CHECK;
void listener_start(struct listener *listener);
// Accepts everyone who is in the kernel's queue now: before the listener is closed.
void listener_accept_all(struct listener *listener);
// Stops accepting and removes a unix socket's file. NULL is allowed.
void listener_close(struct listener *listener);
size_t listener_target(const struct listener *listener);
const struct addr *listener_address(const struct listener *listener); // the real port
