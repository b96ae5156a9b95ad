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
    // How long nothing may move once one side has closed: a client may still wait for a long
    // query's
    // result, but nobody waits for a server that is gone.
    RELAY_CLIENT_CLOSED_MS = 30 * 1000,
    RELAY_SERVER_CLOSED_MS = 1000,
};

static bool is_client(const struct side *side)
{
    return side == &side->conn->client;
}

static void touch(struct conn *conn)
{
    conn->active_ms = loop_now_ms(conn->worker->loop);
}

// ---- ends ---------------------------------------------------------------------------------------

static uint64_t quiet_limit_ms(const struct conn *conn)
{
    return conn->client_closed_first && !conn->is_lost ? RELAY_CLIENT_CLOSED_MS
                                                       : RELAY_SERVER_CLOSED_MS;
}

// It will say no more.
static void note_eof(struct side *side)
{
    struct conn *conn = side->conn;
    if (!side->eof && !side->peer->eof)
        conn->client_closed_first = is_client(side);
    side->eof = true;
    touch(conn);
    timer_start(&conn->timer, quiet_limit_ms(conn));
}

// It takes no more: the other end has reset the connection. What it said before that may still be
// in our socket (a server's last ERR packet, a client's last COMMIT) and is read and delivered
// first.
static void note_lost(struct side *side)
{
    struct conn *conn = side->conn;
    side->shut = true;
    buf_done(&side->tail);
    if (conn->is_lost)
        return;
    conn->is_lost = true;
    conn->lost_reason = is_client(side) ? CLOSE_CLIENT_GONE : CLOSE_SERVER_GONE;
    touch(conn);
    timer_start(&conn->timer, quiet_limit_ms(conn));
}

static enum close_reason end_reason(const struct conn *conn)
{
    if (conn->is_lost)
        return conn->lost_reason;
    return conn->client_closed_first ? CLOSE_CLIENT_QUIT : CLOSE_SERVER_QUIT;
}

// ---- bytes --------------------------------------------------------------------------------------

// Sends at once what the socket takes; the rest becomes the side's tail. False when the connection
// ended over it.
static bool forward(struct side *side, const uint8_t *bytes, size_t len)
{
    if (side->shut)
        return true; // nobody is there to read it
    ssize_t sent = send(side->fd, bytes, len, MSG_NOSIGNAL);
    if (sent < 0 && !net_is_transient(errno)) {
        note_lost(side);
        return true;
    }
    size_t taken = sent > 0 ? (size_t)sent : 0;
    if (taken == len || buf_append(&side->tail, bytes + taken, len - taken))
        return true;
    conn_on_relayed(side->conn, CLOSE_INTERNAL);
    return false;
}

static void flush_tail(struct side *side)
{
    if (buf_is_empty(&side->tail))
        return;
    ssize_t sent = send(side->fd, buf_head(&side->tail), buf_len(&side->tail), MSG_NOSIGNAL);
    if (sent > 0) {
        touch(side->conn);
        buf_consume(&side->tail, (size_t)sent);
    } else if (sent < 0 && !net_is_transient(errno)) {
        note_lost(side);
    }
}

static void note_received(struct side *side, size_t bytes)
{
    struct conn *conn = side->conn;
    struct worker_counters *counters = &conn->worker->counters;
    bool from_client = is_client(side);
    side->received += bytes;
    if (!side->peer->shut)
        touch(conn); // what nobody reads is no activity
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
            note_lost(from);
            note_eof(from);
            return true;
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
    if (conn->client.eof && conn->server.eof && conn->client.shut && conn->server.shut)
        conn_on_relayed(conn, end_reason(conn));
}

static void on_side_ready(struct watch *watch, unsigned what)
{
    struct side *side = CONTAINER_OF(watch, struct side, watch);
    if (what & WATCH_WRITE)
        flush_tail(side);
    if ((what & WATCH_READ) && !pump(side))
        return;
    settle(side->conn);
}

void relay_start(struct conn *conn)
{
    touch(conn);
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
    uint64_t limit_ms = quiet_limit_ms(conn);
    // Who is slow to take its bytes gets the time it needs; keepalive ends it when it is gone.
    bool owed = !buf_is_empty(&conn->client.tail) || !buf_is_empty(&conn->server.tail);
    if (owed || quiet_ms < limit_ms)
        timer_start(&conn->timer, owed ? limit_ms : limit_ms - quiet_ms);
    else if (conn->is_lost || !conn->client_closed_first)
        conn_on_relayed(conn, end_reason(conn));
    else
        conn_on_relayed(conn, CLOSE_HALF_OPEN);
}
