// SPDX-License-Identifier: Apache-2.0
//
// The DNS servers to ask, in order: the ones configured, or those of resolv.conf. The loop's
// thread.
#pragma once

#include "base/options.h"

#include <stdint.h>

struct channel;
struct err;
struct loop;
struct servers;

// `configured` empty: the servers of the file `resolv_conf`. `timeout_ms` is what one look-up has.
// `configured` and `resolv_conf` must live as long as the result.
struct servers *servers_new(struct loop *loop, const struct option_list *configured,
    const char *resolv_conf, uint64_t timeout_ms, struct err *err) MUST_CHECK;
// Queries still out end with ARES_EDESTRUCTION. NULL is allowed.
void servers_free(struct servers *servers);

// Reads resolv.conf again when it is not the file that it was: c-ares 1.18 cannot do that by
// itself. Queries still out then end with ARES_EDESTRUCTION. Not from inside a callback of c-ares.
void servers_renew(struct servers *servers);
// The same whatever the file says: a channel's sockets keep the source address that they were
// connected from. False: they stay as they were; err->sys EACCES: it may not be read.
bool servers_rebuild(struct servers *servers, struct err *err) MUST_CHECK;
unsigned servers_generation(const struct servers *servers); // changes with every renewal

size_t servers_count(const struct servers *servers); // at least 1
// The server for the n-th try of a look-up, 0 first; it starts at the one that answered last.
struct channel *servers_pick(const struct servers *servers, size_t n);
void servers_prefer(struct servers *servers, size_t n); // the n-th try was answered
