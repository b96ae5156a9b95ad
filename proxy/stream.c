// SPDX-License-Identifier: Apache-2.0
//
// Pipes and splice(2). Called by relay.c and, at the end, by worker.c.
#include "proxy/stream.h"

#include <fcntl.h>
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
    if (!pipe || pipe2(fds, O_NONBLOCK | O_CLOEXEC) < 0) {
        free(pipe);
        return NULL;
    }
    // Refused when the user has many pipes already: then it has the system's size.
    (void)fcntl(fds[1], F_SETPIPE_SZ, STREAM_PIPE_BYTES);
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
    ssize_t got =
        splice(from_fd, NULL, pipe->in, NULL, STREAM_PIPE_BYTES, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
    if (got > 0)
        pipe->bytes += (size_t)got;
    return got;
}

ssize_t stream_drain(struct stream_pipe *pipe, int to_fd)
{
    ssize_t sent =
        splice(pipe->out, NULL, to_fd, NULL, pipe->bytes, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
    if (sent > 0)
        pipe->bytes -= (size_t)sent;
    return sent;
}
