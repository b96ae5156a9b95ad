// SPDX-License-Identifier: Apache-2.0
//
// One DNS server, asked by c-ares on the loop. One channel per server, because c-ares 1.18 does not
// say which of several servers answered, and reports the SERVFAIL of the last one as "connection
// refused". The loop's thread only.
#pragma once

#include "base/net.h"
#include "resolver/cares.h"

#include <stddef.h>
#include <stdint.h>

struct channel;
struct loop;

// `retry_ms`: when the first retransmission goes out; the second comes twice as late.
struct channel *channel_new(
    struct loop *loop, const struct addr *server, uint64_t retry_ms, struct err *err) MUST_CHECK;
// Every query still out ends with ARES_EDESTRUCTION. Not from inside a channel_fn. NULL is allowed.
void channel_free(struct channel *channel);

const char *channel_server(const struct channel *channel); // "10.0.0.2", "[::1]:5353"

// Asks for `type` (1 = A, 28 = AAAA) of the absolute name `host`, with or without its trailing dot.
// on_answer is called exactly once, perhaps from inside this call, and cannot be cancelled: those
// are c-ares' rules, and attempt.c turns them into ours.
void channel_ask(
    struct channel *channel, const char *host, int type, ares_callback on_answer, void *arg);
