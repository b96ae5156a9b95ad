// SPDX-License-Identifier: Apache-2.0
//
// The relay. In its steady state a round trip costs two waits, two reads and two writes, and
// nothing else: no allocation, no timer, no lock, no change of what is watched. Called by conn.c;
// the connection's worker only.
#include "proxy/relay.h"

#include "base/net.h"
#include "proxy/conn.h"
#include "proxy/stream.h"
#include "proxy/view.h"
#include "proxy/worker.h"

#include <errno.h>
#include <string.h>

enum {
    // What one side may move per wake-up, so that one stream starves nobody.
    RELAY_BUDGET_BYTES = 1024 * 1024,
    // So many reads in a row of at least so much: it streams.
    RELAY_STREAM_READS = 2,
    RELAY_STREAM_BYTES = 64 * 1024,
    // How long nothing may move once one side has closed: a client may still wait for a long
    // query's result, but nobody waits for a server that is gone.
    RELAY_CLIENT_CLOSED_MS = 30 * 1000,
    RELAY_QUIT_MS = 1000, // from a client's COM_QUIT to the server's end
    RELAY_SERVER_CLOSED_MS = 1000,
};

// What came of an event: the connection's ends and what is watched are as they were, or may have to
// change, or the connection is over.
enum pumped { PUMPED_CALM, PUMPED_CHANGED, PUMPED_OVER };

static void touch(struct conn *conn)
{
    conn->active_ms = loop_now_ms(conn->worker->loop);
    if (!conn->is_busy)
        worker_busy(conn->worker, conn);
}

bool relay_is_owed(const struct side *side)
{
    return side->io.owed || (side->pipe && side->pipe->bytes);
}

// ---- ends ---------------------------------------------------------------------------------------

static void note_end(struct conn *conn)
{
    conn->ended_after_ms = (uint32_t)(loop_now_ms(conn->worker->loop) - conn->began_ms);
    if (!conn->is_busy)
        worker_busy(conn->worker, conn);
}

// It will say no more.
static void note_eof(struct side *side)
{
    struct conn *conn = side_conn(side);
    // After COM_QUIT the server's end may be seen before the client's.
    if (!side->eof && !side_peer(side)->eof)
        conn->client_closed_first = side->is_client || conn->client.said_quit;
    side->eof = true;
    note_end(conn);
}

void relay_drop_owed(struct side *side)
{
    struct worker *worker = side_conn(side)->worker;
    io_drop_owed(&worker->io, &side->io);
    if (side->pipe)
        stream_give(&worker->pipes, side->pipe);
    side->pipe = NULL;
}

// It takes no more: the other end has reset the connection. What it said before that may still be
// in our socket (a server's last ERR packet, a client's last COMMIT) and is read and delivered
// first.
static void note_lost(struct side *side, int sys)
{
    struct conn *conn = side_conn(side);
    side->shut = true;
    relay_drop_owed(side);
    if (conn->is_lost || side->eof || side->said_quit)
        return; // it had said goodbye: what comes too late for it is no news
    conn->is_lost = true;
    conn->client_lost = side->is_client;
    conn->lost_reason = (uint8_t)closing_reason_of(side, sys);
    note_end(conn);
}

static enum close_reason end_reason(const struct conn *conn)
{
    if (conn->is_lost)
        return (enum close_reason)conn->lost_reason;
    return conn->client_closed_first ? CLOSE_CLIENT_QUIT : CLOSE_SERVER_QUIT;
}

// ---- bytes --------------------------------------------------------------------------------------

static void note_received(struct side *side, size_t bytes)
{
    struct conn *conn = side_conn(side);
    struct worker_counters *counters = &conn->worker->counters;
    side->received += bytes;
    side->heard = true;
    worker_count(
        side->is_client ? &counters->client_bytes : &counters->server_bytes, (int64_t)bytes);
    if (!side_peer(side)->shut)
        touch(conn); // what nobody reads is no activity
}

// Who speaks last: what a client says that asks for no answer is not waited for.
static void note_said(struct side *from, const uint8_t *bytes, size_t len)
{
    struct conn *conn = side_conn(from);
    if (!from->is_client) {
        boundary_server_said(&conn->boundary, bytes, len, !conn->server_spoke_last);
        conn->server_spoke_last = true;
    } else if (boundary_client_said(&conn->boundary, bytes, len, conn->server_spoke_last)) {
        conn->server_spoke_last = false;
    }
}

static void note_streamed(struct side *from, size_t len)
{
    struct conn *conn = side_conn(from);
    if (from->is_client)
        boundary_client_missed(&conn->boundary, len);
    else
        boundary_server_missed(&conn->boundary);
    conn->server_spoke_last = !from->is_client;
}

// Sends at once what the socket takes; the rest is owed.
static enum pumped forward(struct side *side, const uint8_t *bytes, size_t len)
{
    struct conn *conn = side_conn(side);
    if (side->shut)
        return PUMPED_CALM; // nobody is there to read it
    side->asked = true;
    if (io_write(&conn->worker->io, &side->io, bytes, len)) {
        if (!side->io.owed)
            return PUMPED_CALM;
        side_peer(side)->careful = true;
        return PUMPED_CHANGED;
    }
    if (errno != ENOMEM) {
        note_lost(side, errno);
        return PUMPED_CHANGED;
    }
    conn_close(conn, CLOSE_INTERNAL);
    return PUMPED_OVER;
}

// Why a read of `from` did not give bytes.
static enum pumped end_of_input(struct side *from, ssize_t got, int sys)
{
    if (got < 0 && net_is_transient(sys))
        return PUMPED_CALM;
    if (got < 0)
        note_lost(from, sys);
    note_eof(from);
    return PUMPED_CHANGED;
}

// COM_QUIT is a client's last packet, which a server answers by closing (dev.mysql.com,
// "COM_QUIT"). Compressed or encrypted it is not recognised, and nothing is lost by that.
static void note_quit(struct side *from, const uint8_t *bytes, size_t len)
{
    static const uint8_t com_quit[] = { 1, 0, 0, 0, 1 };
    from->said_quit = from->is_client && len == sizeof(com_quit) &&
                      memcmp(bytes, com_quit, sizeof(com_quit)) == 0;
}

// ---- a stream -----------------------------------------------------------------------------------

static bool starts_to_stream(struct side *from, size_t got)
{
    const struct conn *conn = side_conn(from);
    if (got < RELAY_STREAM_BYTES) {
        from->large_reads = 0;
        return false;
    }
    if (from->large_reads < RELAY_STREAM_READS)
        from->large_reads++;
    return from->large_reads == RELAY_STREAM_READS && conn->view->options.splice &&
           !conn->client.io.tls && !conn->server.io.tls;
}

static void stop_streaming(struct side *from)
{
    struct side *to = side_peer(from);
    stream_give(&side_conn(from)->worker->pipes, to->pipe);
    to->pipe = NULL;
    from->large_reads = 0;
}

// What is in the pipe goes to its side.
static void flush_pipe(struct side *to)
{
    ssize_t sent = stream_drain(to->pipe, to->io.fd);
    to->asked = true;
    if (sent > 0)
        touch(side_conn(to));
    else if (sent < 0 && !net_is_transient(errno))
        note_lost(to, errno);
}

// From socket to socket through the peer's pipe, until one of them has enough for now. An empty
// socket ends the stream: what comes next may be a small packet again.
static enum pumped pump_stream(struct side *from)
{
    struct side *to = side_peer(from);
    size_t budget = RELAY_BUDGET_BYTES;
    while (budget) {
        ssize_t got = stream_fill(to->pipe, from->io.fd);
        if (got <= 0) {
            int sys = errno;
            stop_streaming(from);
            end_of_input(from, got, sys);
            return PUMPED_CHANGED;
        }
        note_received(from, (size_t)got);
        note_streamed(from, (size_t)got);
        flush_pipe(to);
        if (!to->pipe || to->pipe->bytes)
            return PUMPED_CHANGED; // lost, or it has enough
        budget -= (size_t)got < budget ? (size_t)got : budget;
    }
    return PUMPED_CALM;
}

// ---- the pump -----------------------------------------------------------------------------------

static size_t read_limit(const struct side *from)
{
    return from->careful ? TAIL_BLOCK_BYTES : IO_BYTES_MAX;
}

// Reads while the other side takes everything and the budget lasts. A read that was not full means
// that the socket is empty: asking again would cost a system call to hear EAGAIN.
static enum pumped pump(struct side *from)
{
    struct side *to = side_peer(from);
    struct worker *worker = side_conn(from)->worker;
    size_t budget = RELAY_BUDGET_BYTES;
    while (budget) {
        ssize_t got = io_read(&worker->io, &from->io, worker->scratch, read_limit(from));
        if (got <= 0)
            return end_of_input(from, got, errno);
        note_received(from, (size_t)got);
        note_said(from, worker->scratch, (size_t)got);
        note_quit(from, worker->scratch, (size_t)got);
        enum pumped pumped = forward(to, worker->scratch, (size_t)got);
        if (pumped != PUMPED_CALM)
            return pumped;
        if (starts_to_stream(from, (size_t)got) && !to->shut) {
            to->pipe = stream_take(&worker->pipes);
            if (to->pipe)
                return pump_stream(from);
        }
        if (!from->io.was_full)
            return PUMPED_CALM;
        from->careful = false; // it took a full read at once
        budget -= (size_t)got < budget ? (size_t)got : budget;
    }
    return PUMPED_CALM;
}

static enum pumped on_readable(struct side *from)
{
    if (from->eof || relay_is_owed(side_peer(from)))
        return PUMPED_CHANGED;
    return side_peer(from)->pipe ? pump_stream(from) : pump(from);
}

static void flush_owed(struct side *to)
{
    ssize_t sent = io_flush(&side_conn(to)->worker->io, &to->io);
    to->asked = true;
    if (sent > 0)
        touch(side_conn(to));
    else if (sent < 0 && !net_is_transient(errno))
        note_lost(to, errno);
}

// A stream goes on at once, and so does what TLS has taken out of the socket already: its end. For
// anything else the next wait tells whether there is more.
static enum pumped on_writable(struct side *to)
{
    struct side *from = side_peer(to);
    if (to->pipe && to->pipe->bytes)
        flush_pipe(to);
    else if (to->io.owed)
        flush_owed(to);
    if (from->eof || relay_is_owed(to))
        return PUMPED_CHANGED;
    if (to->pipe)
        pump_stream(from);
    else if (from->io.tls && from->io.was_full && pump(from) == PUMPED_OVER)
        return PUMPED_OVER;
    return PUMPED_CHANGED;
}

// ---- what is watched ----------------------------------------------------------------------------

// What is wanted follows from the facts alone, every time: read while the other side keeps up,
// write while something is left over, pass the end on when everything before it was delivered.
static void side_settle(struct side *side)
{
    struct side *peer = side_peer(side);
    // After COM_QUIT the server closes, and who closes first keeps the port for a minute
    // (TIME_WAIT): on our machine ports towards one server are scarce.
    bool waits = peer->said_quit && !side->eof;
    if (peer->eof && !relay_is_owed(side) && !side->shut && !waits) {
        side->shut = true;
        if (!side->eof)
            io_shutdown(&side_conn(side)->worker->io, &side->io);
    }
    unsigned wanted = 0;
    if (!side->eof && !relay_is_owed(peer))
        wanted |= WATCH_READ;
    if (relay_is_owed(side))
        wanted |= WATCH_WRITE;
    watch_want(&side->watch, wanted);
}

// A side that takes no more and whose last words were delivered. Its reset is passed on by the
// close, so no FIN may come before it.
static bool has_left(struct side *side)
{
    return side->shut && side->eof && !relay_is_owed(side_peer(side));
}

static void settle(struct conn *conn)
{
    bool is_over = conn->is_lost && (has_left(&conn->client) || has_left(&conn->server));
    if (!is_over) {
        side_settle(&conn->client);
        side_settle(&conn->server);
        is_over = conn->client.eof && conn->server.eof && conn->client.shut && conn->server.shut;
    }
    if (is_over)
        conn_close(conn, end_reason(conn));
}

static void on_side_ready(struct watch *watch, unsigned what)
{
    struct side *side = CONTAINER_OF(watch, struct side, watch);
    enum pumped pumped = PUMPED_CALM;
    if (what & WATCH_WRITE)
        pumped = on_writable(side);
    if (what & WATCH_READ) {
        enum pumped read = on_readable(side);
        pumped = read > pumped ? read : pumped;
    }
    if (pumped == PUMPED_CHANGED)
        settle(side_conn(side));
}

void relay_start(struct conn *conn)
{
    touch(conn);
    watch_call(&conn->client.watch, on_side_ready);
    watch_call(&conn->server.watch, on_side_ready);
    settle(conn);
}

void relay_received(struct side *from, const uint8_t *bytes, size_t len)
{
    note_received(from, len);
    note_said(from, bytes, len);
    if (forward(side_peer(from), bytes, len) == PUMPED_CHANGED)
        settle(side_conn(from));
}

void relay_cancel(struct conn *conn)
{
    watch_stop(&conn->client.watch);
    watch_stop(&conn->server.watch);
}

// ---- for the sweep ------------------------------------------------------------------------------

bool relay_is_idle(const struct conn *conn)
{
    return conn->state == CONN_RELAY && conn->server_spoke_last && !conn->client.eof &&
           !conn->server.eof && !relay_is_owed(&conn->client) && !relay_is_owed(&conn->server);
}

// A stream whose last byte came with its last turn still has its pipe.
void relay_rest(struct conn *conn)
{
    if (conn->client.pipe && !conn->client.pipe->bytes)
        stop_streaming(&conn->server);
    if (conn->server.pipe && !conn->server.pipe->bytes)
        stop_streaming(&conn->client);
}

void relay_end_wait_for_quit(struct conn *conn, uint64_t now_ms)
{
    uint64_t ended_ms = conn->began_ms + conn->ended_after_ms;
    if (!conn->client.said_quit || !conn->client.eof || now_ms - ended_ms < RELAY_QUIT_MS)
        return;
    conn->client.said_quit = false;
    settle(conn);
}

bool relay_is_half_open(const struct conn *conn, uint64_t now_ms, enum close_reason *out_reason)
{
    bool has_ended = conn->client.eof || conn->server.eof || conn->is_lost;
    if (!has_ended || relay_is_owed(&conn->client) || relay_is_owed(&conn->server))
        return false;
    bool client_may_wait = conn->client_closed_first && !conn->server.eof && !conn->is_lost;
    uint64_t limit_ms = client_may_wait ? RELAY_CLIENT_CLOSED_MS : RELAY_SERVER_CLOSED_MS;
    uint64_t ended_ms = conn->began_ms + conn->ended_after_ms;
    uint64_t moved_ms = conn->active_ms > ended_ms ? conn->active_ms : ended_ms;
    *out_reason = client_may_wait ? CLOSE_HALF_OPEN : end_reason(conn);
    return now_ms - moved_ms >= limit_ms;
}
