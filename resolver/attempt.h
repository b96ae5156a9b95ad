// SPDX-License-Identifier: Apache-2.0
//
// One name asked of one DNS server: A and AAAA at once, put together into one answer. The loop's
// thread only.
#pragma once

#include "base/err.h"

#include <stdint.h>

struct addr_set;
struct attempt;
struct channel;
struct loop;

// Exactly one of addrs (a reference that goes to the callee) and failure is not NULL.
typedef void (*attempt_fn)(void *arg, struct addr_set *addrs, const struct err *failure);

// fn is called on a later turn, after timeout_ms at the latest. NULL out of memory.
struct attempt *attempt_start(struct loop *loop, struct channel *channel, const char *host,
    uint64_t timeout_ms, attempt_fn fn, void *arg) MUST_CHECK;
void attempt_cancel(struct attempt *attempt); // fn is not called afterwards; NULL is allowed
