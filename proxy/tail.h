// SPDX-License-Identifier: Apache-2.0
//
// What a socket did not take yet: a short chain of fixed blocks from the worker's pool, so that a
// connection holds memory only while its peer is slow, and the memory of many slow peers is reused
// instead of fragmenting the heap. The worker's thread only.
#pragma once

#include "base/defs.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum {
    TAIL_BLOCK_BYTES = 64 * 1024,
    TAIL_POOL_BLOCKS = 32, // kept for the next slow peers; the rest goes back to the heap
};

struct tail_block {
    struct tail_block *next;
    uint32_t start, end; // unread bytes
    uint8_t bytes[TAIL_BLOCK_BYTES];
};

struct tail_pool {
    struct tail_block *spare;
    size_t count;
};

void tail_pool_done(struct tail_pool *pool);

// A tail is its first block, NULL while nothing is left over. False out of memory: nothing is kept
// of `bytes`.
bool tail_append(
    struct tail_pool *pool, struct tail_block **tail, const uint8_t *bytes, size_t len) MUST_CHECK;
// Sends what the socket takes. Bytes sent, or -1 with errno when it took none.
ssize_t tail_send(struct tail_pool *pool, struct tail_block **tail, int fd);
void tail_drop(struct tail_pool *pool, struct tail_block **tail);
