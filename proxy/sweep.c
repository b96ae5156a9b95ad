// SPDX-License-Identifier: Apache-2.0
//
// Dead peers, half-closed connections, drains. Called by worker.c.
#include "proxy/sweep.h"

#include "base/net.h"
#include "proxy/conn.h"
#include "proxy/relay.h"
#include "proxy/view.h"
#include "proxy/wake.h"
#include "proxy/worker.h"

// ---- dead peers ---------------------------------------------------------------------------------

// A paused reader is not silent: it answers the probes of its closed window.
static bool is_silent(const struct net_tcp *tcp)
{
    bool unanswered = (tcp->unacked && tcp->retransmits) || tcp->probes >= SWEEP_DEAD_PROBES;
    return unanswered && tcp->since_ack_ms >= SWEEP_MS;
}

// Only a side that was sent something and has not spoken since can be dead without our knowing. How
// long the last acknowledgement is ago says nothing by itself: the side may have been idle, and
// what it does not acknowledge may just have been sent. So the looks are counted.
static bool side_is_dead(struct side *side)
{
    struct net_tcp tcp;
    bool was_heard = side->heard;
    side->heard = false;
    if (!side->asked || was_heard) {
        side->silent_sweeps = 0;
        return false;
    }
    if (!net_tcp_info(side->io.fd, &tcp)) {
        // A unix socket: the kernel tells of its end at once. Where the system does not tell more
        // of a TCP socket, its own time for unanswered packets has to do.
        side->asked = false;
        return false;
    }
    if (!tcp.unacked && !tcp.unsent_bytes)
        side->asked = false;
    side->silent_sweeps = is_silent(&tcp) ? side->silent_sweeps + 1 : 0;
    return side->silent_sweeps >= SWEEP_DEAD_LOOKS || wake_is_dead(side, tcp.retransmits);
}

static bool end_if_dead(struct conn *conn)
{
    bool client_dead = side_is_dead(&conn->client);
    bool server_dead = side_is_dead(&conn->server);
    if (!client_dead && !server_dead)
        return false;
    // Nobody is there to be told, and nothing of it must linger in the kernel.
    net_reset_on_close(client_dead ? conn->client.io.fd : conn->server.io.fd);
    enum close_reason reason = client_dead        ? CLOSE_CLIENT_DEAD
                               : conn->questioned ? (enum close_reason)conn->questioned
                                                  : CLOSE_SERVER_DEAD;
    conn_close(conn, reason);
    return true;
}

// ---- drains -------------------------------------------------------------------------------------

// Its address is no longer the cluster's.
static bool is_stray(const struct conn *conn)
{
    const struct view *view = conn->worker->views[conn->target];
    return view->addrs && !peer_is_among(&conn->server_peer, view->addrs);
}

static const struct drain *drain_of(const struct conn *conn)
{
    const struct worker *worker = conn->worker;
    const struct drain *all = &worker->drains[conn->target];
    const struct drain *strays = &worker->stray_drains[conn->target];
    if (all->until_ms)
        return all;
    return strays->until_ms && is_stray(conn) ? strays : NULL;
}

// What has arrived and was not read yet is the beginning of something.
static bool may_end_now(struct conn *conn, const struct drain *drain, uint64_t now_ms)
{
    if (!relay_is_idle(conn))
        return false;
    uint64_t idle_ms = now_ms - conn->active_ms;
    bool at_once = now_ms >= drain->at_once_ms && idle_ms >= SWEEP_PAUSE_MS;
    switch (boundary_place(&conn->boundary)) {
    case BOUNDARY_INSIDE:
        return false;
    case BOUNDARY_FREE:
        if (!at_once && idle_ms < drain->quiet_ms)
            return false;
        break;
    case BOUNDARY_UNKNOWN:
        if (idle_ms < drain->quiet_ms)
            return false;
        break;
    }
    return !net_has_input(conn->client.io.fd) && !net_has_input(conn->server.io.fd);
}

static bool end_if_draining(struct conn *conn, uint64_t now_ms)
{
    const struct drain *drain = conn->state == CONN_RELAY ? drain_of(conn) : NULL;
    if (!drain)
        return false;
    bool may_end = may_end_now(conn, drain, now_ms);
    if (now_ms < drain->until_ms && !may_end)
        return false;
    conn_close(conn, may_end ? CLOSE_DRAINED : CLOSE_DRAIN_TIMEOUT);
    return true;
}

// Who was a stray is gone.
static void end_stray_drains(struct worker *worker, uint64_t now_ms)
{
    for (size_t i = 0; i < worker->target_count; i++)
        if (now_ms >= worker->stray_drains[i].until_ms)
            worker->stray_drains[i] = (struct drain){ 0 };
}

static bool drains_any(const struct worker *worker)
{
    for (size_t i = 0; i < worker->target_count; i++) {
        bool is_open = atomic_load_explicit(&worker->tallies[i].open, memory_order_relaxed) > 0;
        if (is_open && (worker->drains[i].until_ms || worker->stray_drains[i].until_ms))
            return true;
    }
    return false;
}

// ---- the sweep ----------------------------------------------------------------------------------

static bool needs_no_look(const struct conn *conn, uint64_t now_ms)
{
    return !conn->questioned && !conn->client.asked && !conn->server.asked &&
           !relay_is_owed(&conn->client) && !relay_is_owed(&conn->server) && !conn->client.eof &&
           !conn->server.eof && !conn->is_lost && now_ms - conn->active_ms >= SWEEP_MS;
}

// Once a second, also while a drain looks more often.
static bool is_due(struct worker *worker, uint64_t now_ms)
{
    if (now_ms - worker->swept_ms < SWEEP_MS)
        return false;
    worker->swept_ms = now_ms;
    return true;
}

static void look_at(struct conn *conn, uint64_t now_ms)
{
    enum close_reason reason;
    wake_look_at(conn, now_ms);
    relay_end_wait_for_quit(conn, now_ms);
    if (conn->state != CONN_RELAY)
        return;
    if (relay_is_half_open(conn, now_ms, &reason))
        conn_close(conn, reason);
    else if (!end_if_dead(conn) && needs_no_look(conn, now_ms)) {
        relay_rest(conn);
        worker_quiet(conn->worker, conn);
    }
}

void sweep_on_tick(struct ticker *ticker)
{
    struct worker *worker = CONTAINER_OF(ticker, struct worker, sweep);
    uint64_t now_ms = loop_now_ms(worker->loop);
    bool drains = drains_any(worker), due = is_due(worker, now_ms);
    struct conn *conn, *next;
    LIST_FOREACH_SAFE(conn, &worker->busy, link, next)
        if ((!drains || !end_if_draining(conn, now_ms)) && due)
            look_at(conn, now_ms);
    if (drains)
        LIST_FOREACH_SAFE(conn, &worker->quiet, link, next)
            end_if_draining(conn, now_ms);
    end_stray_drains(worker, now_ms);
    sweep_if_needed(worker);
}

void sweep_if_needed(struct worker *worker)
{
    bool drains = drains_any(worker);
    if (worker->sweep.is_running && (!drains || worker->sweeps_fast))
        return;
    worker->sweeps_fast = drains;
    if (drains)
        ticker_start(&worker->sweep, SWEEP_DRAIN_MS);
    else if (!LIST_EMPTY(&worker->busy))
        ticker_start(&worker->sweep, SWEEP_MS);
}
