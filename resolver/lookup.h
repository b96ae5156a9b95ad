// SPDX-License-Identifier: Apache-2.0
//
// One look-up of a name: the DNS servers one after the other until one of them knows, within one
// deadline. The loop's thread only.
#pragma once

#include "resolver/attempt.h"

struct lookup;
struct servers;

// Exactly one of addrs (a reference that goes to the callee) and failure is not NULL. The failure
// is ERR_DNS_NXDOMAIN, _NODATA, _SERVFAIL or _TIMEOUT, or ERR_MEMORY.
typedef attempt_fn lookup_fn;

// fn is called on a later turn, after timeout_ms at the latest. NULL out of memory.
struct lookup *lookup_start(struct loop *loop, struct servers *servers, const char *host,
    uint64_t timeout_ms, lookup_fn fn, void *arg) MUST_CHECK;
void lookup_cancel(struct lookup *lookup); // fn is not called afterwards; NULL is allowed
