// SPDX-License-Identifier: Apache-2.0
//
// The jump's own host name, which is looked up as any other program on this machine would: by the
// system's resolver with its hosts file, search list and modules (getaddrinfo(3)), and without the
// rule of private addresses: a jump is on the way in, not the cluster. The call blocks, so each one
// is a thread. The main thread only.
#pragma once

#include "base/defs.h"

struct addr_set;
struct err;
struct jump_name;
struct loop;

// `addrs` is the caller's, or NULL; then `err` says why, ERR_DNS_*.
typedef void (*jump_name_fn)(void *arg, struct addr_set *addrs, const struct err *err);

// Looks it up now, and again when asked. Out of memory aborts.
struct jump_name *jump_name_new(struct loop *loop, const char *host, jump_name_fn fn, void *arg);
// Again, at most once a second, and never two at a time.
void jump_name_refresh(struct jump_name *name);
// Again, now: the answer of a look-up that runs is none any more, as after sleep.
void jump_name_renew(struct jump_name *name);
void jump_name_free(struct jump_name *name); // fn is not called afterwards; NULL is allowed
