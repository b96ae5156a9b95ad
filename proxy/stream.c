// SPDX-License-Identifier: Apache-2.0
//
// Pipes and splice(2). Called by relay.c and, at the end, by worker.c.
#include "proxy/stream.h"

#include "base/os.h"

#include <stdlib.h>
#include <unistd.h>

static void close_pipe(struct stream_pool *pool, struct stream_pipe *pipe)
{
    close(pipe->in);
    close(pipe->out);
    free(pipe);
    pool->open--;
}

static struct stream_pipe *open_pipe(struct stream_pool *pool)
{
    int fds[2];
    struct stream_pipe *pipe = malloc(sizeof(*pipe));
    if (!pipe || !os_splice_pipe(fds, STREAM_PIPE_BYTES)) {
        free(pipe);
        return NULL;
    }
    *pipe = (struct stream_pipe){ .in = fds[1], .out = fds[0] };
    pool->open++;
    return pipe;
}

struct stream_pipe *stream_take(struct stream_pool *pool)
{
    struct stream_pipe *pipe = pool->spare;
    if (!pipe)
        return pool->open < STREAM_PIPES ? open_pipe(pool) : NULL;
    pool->spare = pipe->next;
    pool->spare_count--;
    pipe->next = NULL;
    return pipe;
}

void stream_give(struct stream_pool *pool, struct stream_pipe *pipe)
{
    if (pipe->bytes || pool->spare_count >= STREAM_POOL_PIPES) {
        close_pipe(pool, pipe);
        return;
    }
    pipe->next = pool->spare;
    pool->spare = pipe;
    pool->spare_count++;
}

void stream_pool_done(struct stream_pool *pool)
{
    while (pool->spare) {
        struct stream_pipe *pipe = pool->spare;
        pool->spare = pipe->next;
        close_pipe(pool, pipe);
    }
    pool->spare_count = 0;
}

ssize_t stream_fill(struct stream_pipe *pipe, int from_fd)
{
    ssize_t got = os_splice(from_fd, pipe->in, STREAM_PIPE_BYTES);
    if (got > 0)
        pipe->bytes += (size_t)got;
    return got;
}

ssize_t stream_drain(struct stream_pipe *pipe, int to_fd)
{
    ssize_t sent = os_splice(pipe->out, to_fd, pipe->bytes);
    if (sent > 0)
        pipe->bytes -= (size_t)sent;
    return sent;
}
