// SPDX-License-Identifier: Apache-2.0
//
// Telling a client why, so that it arrives. Called by conn.c.
#include "proxy/linger.h"

#include "base/net.h"
#include "proxy/conn.h"
#include "proxy/mysql.h"
#include "proxy/tls.h"
#include "proxy/worker.h"

#include <errno.h>
#include <sys/socket.h>

enum { LINGER_MS = 1000 };

void linger_on_timeout(struct conn *conn)
{
    const struct err *why = conn->setup->why;
    if (!why)
        conn_close(conn, CLOSE_LOGIN_REFUSED);
    else
        conn_close(conn, why->code == ERR_LIMIT ? CLOSE_LIMIT : CLOSE_REFUSED);
}

static void on_readable(struct watch *watch, unsigned what)
{
    struct conn *conn = CONTAINER_OF(watch, struct conn, client.watch);
    (void)what;
    ssize_t got = recv(conn->client.io.fd, conn->worker->scratch, IO_BYTES_MAX, 0);
    if (got > 0 || (got < 0 && net_is_transient(errno)))
        return;
    linger_on_timeout(conn);
}

// Closing a socket with unread bytes in it sends a reset, which can destroy the ERR packet on its
// way: so the write side is closed and the client's bytes are read until it hangs up.
void linger_start(struct conn *conn)
{
    uint8_t packet[MYSQL_ERR_BYTES];
    const struct conn_setup *setup = conn->setup;
    struct io_pool *pool = &conn->worker->io;
    // A client that is gone is noticed by the read.
    if (setup->why && !tls_is_beginning(conn->client.io.tls)) {
        size_t len = mysql_err_packet(setup->why, setup->sequence, packet);
        (void)io_write(pool, &conn->client.io, packet, len);
    }
    (void)io_flush(pool, &conn->client.io); // a socket that is still full never hears the rest
    io_shutdown(pool, &conn->client.io);
    watch_call(&conn->client.watch, on_readable);
    watch_want(&conn->client.watch, WATCH_READ);
    timer_start(&conn->setup->timer, LINGER_MS);
}

void linger_cancel(struct conn *conn)
{
    watch_stop(&conn->client.watch);
}
