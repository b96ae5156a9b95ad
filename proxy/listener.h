// SPDX-License-Identifier: Apache-2.0
//
// One local address on which one target's clients are accepted. Main thread only.
#pragma once

#include "base/addr.h"
#include "base/defs.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;
struct inherited;
struct inherited_socket;
struct listener;
struct loop;
struct peer;
struct proxy_options;

// Called for every accepted socket, which then belongs to the callee.
typedef void (*listener_fn)(void *arg, size_t listener, int client_fd, const struct peer *client);

struct listener_plan {
    const struct addr *addr;
    struct inherited *inherited; // where its socket may be already; NULL: nowhere
    const char *name;            // its cluster's alias
    size_t index;                // what fn is told
    size_t target;
    uint64_t max; // see listener_max
    const struct proxy_options *options;
};

// Bound and listening, but accepting only from listener_start on; until then the file of a unix
// socket that is not new stays its former owner's.
struct listener *listener_open(struct loop *loop, const struct listener_plan *plan, listener_fn fn,
    void *arg, struct err *err) MUST_CHECK;
void listener_start(struct listener *listener);
// Accepts everyone who is in the kernel's queue now, if that ends with us: before the listener is
// closed.
void listener_accept_all(struct listener *listener);
// Stops accepting and removes a unix socket's file, unless another process has it from now on. NULL
// is allowed.
void listener_close(struct listener *listener, bool goes_on_elsewhere);
const struct inherited_socket *listener_socket(const struct listener *listener);
size_t listener_target(const struct listener *listener);
// For connections from now on.
void listener_adopt(struct listener *listener, uint64_t max, uint64_t keepalive_ms);
uint64_t listener_max(const struct listener *listener); // connections at a time; 0: no own limit
const struct addr *listener_address(const struct listener *listener); // the real port
