// SPDX-License-Identifier: Apache-2.0
//
// Chains of blocks for slow peers. Called by relay.c and, at the end, by worker.c.
#include "proxy/tail.h"

#include "base/os.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

static struct tail_block *take_block(struct tail_pool *pool)
{
    struct tail_block *block = pool->spare;
    if (block) {
        pool->spare = block->next;
        pool->count--;
    } else {
        block = malloc(sizeof(*block));
        if (!block)
            return NULL;
    }
    block->next = NULL;
    block->start = block->end = 0;
    return block;
}

static void give_block(struct tail_pool *pool, struct tail_block *block)
{
    if (pool->count >= TAIL_POOL_BLOCKS) {
        free(block);
        return;
    }
    block->next = pool->spare;
    pool->spare = block;
    pool->count++;
}

void tail_pool_done(struct tail_pool *pool)
{
    while (pool->spare) {
        struct tail_block *block = pool->spare;
        pool->spare = block->next;
        free(block);
    }
    pool->count = 0;
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

bool tail_append(struct tail_pool *pool, struct tail_block **tail, const uint8_t *bytes, size_t len)
{
    struct tail_block **end = tail;
    struct tail_block *added = NULL, **added_end = &added;
    while (*end)
        end = &(*end)->next;
    while (len) {
        struct tail_block *block = take_block(pool);
        if (!block) {
            tail_drop(pool, &added);
            return false;
        }
        size_t part = least(len, TAIL_BLOCK_BYTES);
        memcpy(block->bytes, bytes, part);
        block->end = (uint32_t)part;
        bytes += part;
        len -= part;
        *added_end = block;
        added_end = &block->next;
    }
    *end = added;
    return true;
}

ssize_t tail_send(struct tail_pool *pool, struct tail_block **tail, int fd)
{
    ssize_t total = 0;
    while (*tail) {
        struct tail_block *block = *tail;
        size_t len = block->end - block->start;
        ssize_t sent = send(fd, block->bytes + block->start, len, OS_SEND);
        if (sent < 0)
            return total ? total : -1;
        total += sent;
        block->start += (uint32_t)sent;
        if (block->start < block->end)
            return total;
        *tail = block->next;
        give_block(pool, block);
    }
    return total;
}

void tail_drop(struct tail_pool *pool, struct tail_block **tail)
{
    while (*tail) {
        struct tail_block *block = *tail;
        *tail = block->next;
        give_block(pool, block);
    }
}
