// SPDX-License-Identifier: Apache-2.0
//
// Ends of connections, and the plain kind of them; tls.c has the other. Called by relay.c, login.c,
// linger.c, closing.c and spare.c.
#include "proxy/io.h"

#include "base/net.h"
#include "base/os.h"
#include "proxy/jump_child.h"
#include "proxy/tls.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static ssize_t plain_read(struct io_pool *pool, struct io *io, void *out, size_t len)
{
    (void)pool;
    ssize_t got = recv(io->fd, out, len, 0);
    io->was_full = got == (ssize_t)len;
    return got;
}

static void plain_shutdown(struct io_pool *pool, struct io *io)
{
    (void)pool;
    shutdown(io->fd, SHUT_WR);
}

static void plain_close(struct io *io)
{
    if (io->fd >= 0)
        close(io->fd);
    io->fd = -1;
}

static const struct io_ops plain_io = { plain_read, io_send, plain_shutdown, plain_close };

static const struct io_ops *ops_of(const struct io *io)
{
    return io->tls ? &tls_io : &plain_io;
}

ssize_t io_read(struct io_pool *pool, struct io *io, void *out, size_t len)
{
    return ops_of(io)->read(pool, io, out, len);
}

bool io_write(struct io_pool *pool, struct io *io, const void *bytes, size_t len)
{
    return ops_of(io)->write(pool, io, bytes, len);
}

void io_shutdown(struct io_pool *pool, struct io *io)
{
    ops_of(io)->shutdown(pool, io);
}

bool io_send(struct io_pool *pool, struct io *io, const void *bytes, size_t len)
{
    size_t taken = 0;
    if (!io->owed) {
        ssize_t sent = send(io->fd, bytes, len, OS_SEND);
        if (sent == (ssize_t)len)
            return true;
        if (sent < 0 && !net_is_transient(errno))
            return false;
        taken = sent > 0 ? (size_t)sent : 0;
    }
    if (tail_append(&pool->tails, &io->owed, (const uint8_t *)bytes + taken, len - taken))
        return true;
    errno = ENOMEM;
    return false;
}

ssize_t io_flush(struct io_pool *pool, struct io *io)
{
    return tail_send(&pool->tails, &io->owed, io->fd);
}

void io_drop_owed(struct io_pool *pool, struct io *io)
{
    tail_drop(&pool->tails, &io->owed);
}

void io_close(struct io_pool *pool, struct io *io)
{
    io_drop_owed(pool, io);
    if (io->is_program)
        jump_child_release(pool->children, io->fd, true);
    io->is_program = false;
    ops_of(io)->close(io);
}

void io_pool_done(struct io_pool *pool)
{
    tail_pool_done(&pool->tails);
    free(pool->wire);
    *pool = (struct io_pool){ 0 };
}
