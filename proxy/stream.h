// SPDX-License-Identifier: Apache-2.0
//
// A direction that streams: its bytes move from socket to socket through a pipe by splice(2) and
// never enter this process, which halves the cost of a large result. Pipes come from the worker's
// pool and go back as soon as the stream pauses. Plain sockets only. The worker's thread only.
// Source: splice(2), pipe(7) "Pipe capacity". Only Linux can do this (base/os.h).
#pragma once

#include "base/defs.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum {
    STREAM_PIPE_BYTES = 1024 * 1024, // 64 KiB is a tenth slower; unprivileged pipes end at 1 MiB
    STREAM_PIPES = 16,               // per worker: a user may have 64 MiB of pipes
    STREAM_POOL_PIPES = 4,           // of them kept open without a stream
};

struct stream_pipe {
    struct stream_pipe *next;
    int in, out;  // what splice writes to and reads from
    size_t bytes; // in the pipe now
};

struct stream_pool {
    struct stream_pipe *spare;
    size_t spare_count, open;
};

void stream_pool_done(struct stream_pool *pool);

// NULL when all are in use, or none can be made: copying goes on.
struct stream_pipe *stream_take(struct stream_pool *pool);
// With bytes still in it the pipe is closed.
void stream_give(struct stream_pool *pool, struct stream_pipe *pipe);

// Bytes taken from the socket; 0 at its end; -1 with errno, EAGAIN when it is empty or the pipe
// full.
ssize_t stream_fill(struct stream_pipe *pipe, int from_fd);
// Bytes the socket took; -1 with errno.
ssize_t stream_drain(struct stream_pipe *pipe, int to_fd);
