// SPDX-License-Identifier: Apache-2.0
//
// One end of a connection for those who move bytes: plain and TLS look the same from here. Reads
// and writes never block; what the socket does not take at once is kept and owed. The worker's
// thread only.
#pragma once

#include "proxy/tail.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct jump_children;
struct tls;

struct io {
    struct tls *tls;         // NULL: plain
    struct tail_block *owed; // what the socket did not take yet, as it goes onto the wire
    int fd;                  // -1: not open
    bool is_program;         // of a jump is at the other end: it is released with the descriptor
    bool was_full;           // the last read stopped for want of room: the socket may have more
};

// What all connections of a worker share.
struct io_pool {
    struct tail_pool tails;
    uint8_t *wire; // IO_WIRE_BYTES of TLS records between their making and their sending, or NULL
    size_t wire_len;
    struct jump_children *children; // programs of jumps; NULL: no end is one
};

enum {
    IO_BYTES_MAX = 256 * 1024, // of one read or write
    IO_WIRE_BYTES = IO_BYTES_MAX + 16 * 1024,
};

void io_pool_done(struct io_pool *pool);

// Bytes; 0 at the end; -1 with errno: EAGAIN, EPROTO (TLS broke) or the socket's. Everything that
// has arrived is taken out of the TLS session each time, so that the socket alone tells whether
// there is more. `len` is at least IO_READ_MIN.
enum { IO_READ_MIN = 32 * 1024 };
ssize_t io_read(struct io_pool *pool, struct io *io, void *out, size_t len);
// Sends or keeps all of it. False with errno: the socket takes no more, or ENOMEM.
bool io_write(struct io_pool *pool, struct io *io, const void *bytes, size_t len);
// Sends what is owed. Bytes sent, or -1 with errno when it took none.
ssize_t io_flush(struct io_pool *pool, struct io *io);
// It will be sent no more; only while nothing is owed.
void io_shutdown(struct io_pool *pool, struct io *io);

void io_drop_owed(struct io_pool *pool, struct io *io);
void io_close(struct io_pool *pool, struct io *io); // also of one that is not open

// For tls.c: io_write of bytes as they go onto the wire.
bool io_send(struct io_pool *pool, struct io *io, const void *bytes, size_t len);

struct io_ops {
    ssize_t (*read)(struct io_pool *pool, struct io *io, void *out, size_t len);
    bool (*write)(struct io_pool *pool, struct io *io, const void *bytes, size_t len);
    void (*shutdown)(struct io_pool *pool, struct io *io);
    void (*close)(struct io *io);
};
