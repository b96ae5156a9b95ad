// SPDX-License-Identifier: Apache-2.0
//
// The relay. In its steady state a round trip costs two waits, two reads and two writes, and
// nothing else: no allocation, no timer, no lock, no change of what is watched. Called by conn.c;
// the connection's worker only.
#include "proxy/relay.h"

#include "base/net.h"
#include "proxy/conn.h"
#include "proxy/worker.h"

#include <errno.h>
#include <sys/socket.h>

enum {
    // What one side may move per wake-up, so that one stream starves nobody.
    RELAY_BUDGET_BYTES = 4 * RELAY_SCRATCH_BYTES,
    // How long one side may stay open and silent after the other has closed.
    RELAY_HALF_OPEN_MS = 30 * 1000,
};

static bool is_client(const struct side *side)
{
    return side == &side->conn->client;
}

static void side_lost(struct side *side)
{
    conn_on_relayed(side->conn, is_client(side) ? CLOSE_CLIENT_GONE : CLOSE_SERVER_GONE);
}

// Sends at once what the socket takes; the rest becomes the side's tail. False when the connection
// ended over it.
static bool forward(struct side *side, const uint8_t *bytes, size_t len)
{
    ssize_t sent = send(side->fd, bytes, len, MSG_NOSIGNAL);
    if (sent < 0 && !net_is_transient(errno)) {
        side_lost(side);
        return false;
    }
    size_t taken = sent > 0 ? (size_t)sent : 0;
    if (taken == len || buf_append(&side->tail, bytes + taken, len - taken))
        return true;
    conn_on_relayed(side->conn, CLOSE_INTERNAL);
    return false;
}

// False when the connection ended over it.
static bool flush_tail(struct side *side)
{
    if (buf_is_empty(&side->tail))
        return true;
    ssize_t sent = send(side->fd, buf_head(&side->tail), buf_len(&side->tail), MSG_NOSIGNAL);
    if (sent > 0)
        buf_consume(&side->tail, (size_t)sent);
    if (sent >= 0 || net_is_transient(errno))
        return true;
    side_lost(side);
    return false;
}

static void note_eof(struct side *side)
{
    struct conn *conn = side->conn;
    side->eof = true;
    if (side->peer->eof)
        return;
    conn->client_closed_first = is_client(side);
    timer_start(&conn->timer, RELAY_HALF_OPEN_MS);
}

static void note_received(struct side *side, size_t bytes)
{
    struct conn *conn = side->conn;
    struct worker_counters *counters = &conn->worker->counters;
    bool from_client = is_client(side);
    side->received += bytes;
    conn->active_ms = loop_now_ms(conn->worker->loop);
    conn->server_spoke_last = !from_client;
    worker_count(from_client ? &counters->client_bytes : &counters->server_bytes, (int64_t)bytes);
}

// Reads while the other side takes everything and the budget lasts. A short read means that the
// socket is empty: asking again would cost a system call to hear EAGAIN. False when the connection
// ended.
static bool pump(struct side *from)
{
    struct conn *conn = from->conn;
    uint8_t *scratch = conn->worker->scratch;
    size_t budget = RELAY_BUDGET_BYTES;
    while (!from->eof && budget && buf_is_empty(&from->peer->tail)) {
        ssize_t got = recv(from->fd, scratch, RELAY_SCRATCH_BYTES, 0);
        if (got < 0) {
            if (net_is_transient(errno))
                return true;
            side_lost(from);
            return false;
        }
        if (got == 0) {
            note_eof(from);
            return true;
        }
        note_received(from, (size_t)got);
        if (!forward(from->peer, scratch, (size_t)got))
            return false;
        if (got < RELAY_SCRATCH_BYTES)
            return true;
        budget -= (size_t)got;
    }
    return true;
}

// What is wanted follows from the facts alone, every time: read while the other side keeps up,
// write while something is left over, pass the end on when everything before it was delivered.
static void side_settle(struct side *side)
{
    if (side->peer->eof && buf_is_empty(&side->tail) && !side->shut) {
        side->shut = true;
        shutdown(side->fd, SHUT_WR);
    }
    unsigned wanted = 0;
    if (!side->eof && buf_is_empty(&side->peer->tail))
        wanted |= WATCH_READ;
    if (!buf_is_empty(&side->tail))
        wanted |= WATCH_WRITE;
    watch_want(&side->watch, wanted);
}

static void settle(struct conn *conn)
{
    side_settle(&conn->client);
    side_settle(&conn->server);
    if (conn->client.shut && conn->server.shut)
        conn_on_relayed(conn, conn->client_closed_first ? CLOSE_CLIENT_QUIT : CLOSE_SERVER_QUIT);
}

static void on_side_ready(struct watch *watch, unsigned what)
{
    struct side *side = CONTAINER_OF(watch, struct side, watch);
    struct conn *conn = side->conn;
    if (what & WATCH_WRITE) {
        if (!flush_tail(side))
            return;
        if (buf_is_empty(&side->tail))
            conn->active_ms = loop_now_ms(conn->worker->loop);
    }
    if ((what & WATCH_READ) && !pump(side))
        return;
    settle(conn);
}

void relay_start(struct conn *conn)
{
    conn->active_ms = loop_now_ms(conn->worker->loop);
    watch_init(&conn->client.watch, conn->worker->loop, conn->client.fd, on_side_ready);
    watch_init(&conn->server.watch, conn->worker->loop, conn->server.fd, on_side_ready);
    settle(conn);
}

void relay_received(struct side *from, const uint8_t *bytes, size_t len)
{
    note_received(from, len);
    if (forward(from->peer, bytes, len))
        settle(from->conn);
}

void relay_cancel(struct conn *conn)
{
    watch_stop(&conn->client.watch);
    watch_stop(&conn->server.watch);
}

void relay_on_timeout(struct conn *conn)
{
    uint64_t quiet_ms = loop_now_ms(conn->worker->loop) - conn->active_ms;
    if (quiet_ms >= RELAY_HALF_OPEN_MS)
        conn_on_relayed(conn, CLOSE_HALF_OPEN);
    else
        timer_start(&conn->timer, RELAY_HALF_OPEN_MS - quiet_ms);
}
