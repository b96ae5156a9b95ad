// SPDX-License-Identifier: Apache-2.0
//
// Running connections in the light of what happened to the machine. Called by worker.c and sweep.c.
#include "proxy/wake.h"

#include "base/changes.h"
#include "base/log.h"
#include "base/net.h"
#include "base/way.h"
#include "proxy/conn.h"
#include "proxy/refusal.h"
#include "proxy/sweep.h"
#include "proxy/view.h"
#include "proxy/worker.h"

enum {
    // A laptop's Wi-Fi may need seconds after it woke up.
    ASK_SLEPT_EVERY_S = 2,
    ASK_SLEPT_TIMES = 5,
    ASK_CHANGED_EVERY_S = 1,
    ASK_CHANGED_TIMES = 3,
    ASK_MARGIN_MS = 50, // clocks of the kernel's tick
    VERDICTS = 8,       // remembered of a look at all connections: most share their ends
};

struct verdict_of_way {
    struct addr local, remote; // without ports
    enum way way;
};

// Of one look.
struct wake_look {
    const struct wake_plan *plan;
    struct verdict_of_way known[VERDICTS];
    size_t count;
};

struct wake_plan wake_plan_of(const struct change *change)
{
    struct wake_plan plan = {
        .slept = change->slept_ms || change->stopped_ms,
        .ask_all = change->unknown || change->back_count > WAKE_BACK_MAX,
    };
    plan.forget = plan.slept || plan.ask_all;
    for (size_t i = 0; i < change->back_count && i < WAKE_BACK_MAX; i++)
        plan.back[plan.back_count++] = addr_with_port(&change->back[i], 0);
    return plan;
}

bool wake_doubts(const struct wake_plan *plan, const struct addr *local)
{
    struct addr own = addr_with_port(local, 0);
    for (size_t i = 0; i < plan->back_count; i++)
        if (addr_equal(&plan->back[i], &own))
            return true;
    return plan->slept || plan->ask_all;
}

// ---- the way ------------------------------------------------------------------------------------

static enum way way_between(
    struct wake_look *look, const struct addr *local, const struct addr *remote)
{
    struct verdict_of_way fresh = { addr_with_port(local, 0), addr_with_port(remote, 0), WAY_SAME };
    for (size_t i = 0; i < look->count; i++)
        if (addr_equal(&look->known[i].local, &fresh.local) &&
            addr_equal(&look->known[i].remote, &fresh.remote))
            return look->known[i].way;
    fresh.way = way_look(&fresh.local, &fresh.remote);
    if (look->count < VERDICTS)
        look->known[look->count++] = fresh;
    return fresh.way;
}

// ---- a running connection -----------------------------------------------------------------------

// What was sleep stays sleep: that is the more patient question.
static void ask(struct conn *conn, bool slept)
{
    struct net_tcp tcp;
    int fd = conn->server.io.fd;
    if (!net_tcp_info(fd, &tcp) ||
        !way_question(fd, slept ? ASK_SLEPT_EVERY_S : ASK_CHANGED_EVERY_S,
            slept ? ASK_SLEPT_TIMES : ASK_CHANGED_TIMES))
        return;
    if (conn->questioned != CLOSE_SLEPT)
        conn->questioned = slept ? CLOSE_SLEPT : CLOSE_NETWORK_CHANGED;
    conn->asked_retransmits = tcp.retransmits < UINT8_MAX ? (uint8_t)tcp.retransmits : UINT8_MAX;
    conn->asked_anew = false;
    conn->server.silent_sweeps = 0;
    conn->worker->asked_ms = loop_now_ms(conn->worker->loop);
    worker_busy(conn->worker, conn);
}

// What is under way is its own question, and TCP asks it again when it thinks fit: the looks count
// from then on.
bool wake_is_dead(struct side *side, uint32_t retransmits)
{
    struct conn *conn = side_conn(side);
    if (side->is_client || !conn->questioned)
        return false;
    if (!conn->asked_anew && retransmits > conn->asked_retransmits) {
        conn->asked_anew = true;
        side->silent_sweeps = 1;
    }
    unsigned looks = conn->questioned == CLOSE_SLEPT ? ASK_SLEPT_EVERY_S * ASK_SLEPT_TIMES
                                                     : ASK_CHANGED_EVERY_S * ASK_CHANGED_TIMES;
    return conn->asked_anew && side->silent_sweeps >= looks;
}

void wake_look_at(struct conn *conn, uint64_t now_ms)
{
    struct net_tcp tcp;
    uint64_t asked_ms = now_ms - conn->worker->asked_ms;
    if (!conn->questioned || !net_tcp_info(conn->server.io.fd, &tcp) ||
        tcp.since_ack_ms + ASK_MARGIN_MS >= asked_ms)
        return;
    conn->questioned = 0;
    net_keepalive(conn->server.io.fd, conn->view->options.keepalive_ms);
    log_debug("conn %llu: its server answered: it lives on", (unsigned long long)conn->id);
}

// Nothing of it must linger in the kernel, and nobody is there to be told but the client.
static void end(struct conn *conn)
{
    net_reset_on_close(conn->server.io.fd);
    conn_close(conn, CLOSE_NETWORK_CHANGED);
}

static void look_at_relay(
    const struct wake_plan *plan, struct conn *conn, enum way way, const struct addr *local)
{
    if (way == WAY_GONE)
        end(conn);
    else if (way == WAY_OTHER || wake_doubts(plan, local))
        ask(conn, plan->slept);
}

// ---- any connection -----------------------------------------------------------------------------

// The attempts that are under way have the source addresses of before, or wait for an ssh master
// that has been left. Addresses that are just being looked up anew are none yet.
static void dial_anew(struct conn *conn)
{
    struct view *newest = conn->worker->views[conn->target];
    struct view *view = view_ref(newest->addrs && newest->port ? newest : conn->view);
    dial_cancel(&conn->setup->dial);
    conn->setup->dial = (struct dial){ 0 };
    conn_see(conn, view);
    view_unref(view);
}

static void look_at(struct wake_look *look, struct conn *conn)
{
    struct addr local, remote;
    struct err err;
    if (conn->state == CONN_DIAL) {
        if (look->plan->forget)
            dial_anew(conn);
        return;
    }
    if (conn->state < CONN_HANDSHAKE || conn->state > CONN_RELAY ||
        !way_ends(conn->server.io.fd, &local, &remote) || addr_is_loopback(&remote))
        return;
    enum way way = way_between(look, &local, &remote);
    if (conn->state == CONN_RELAY) {
        look_at_relay(look->plan, conn, way, &local);
    } else if (way == WAY_GONE) {
        refusal_network_changed(conn->view, &err);
        conn_refuse(conn, &err);
    }
}

void wake_connections(struct worker *worker, const struct wake_plan *plan)
{
    struct wake_look look = { .plan = plan };
    struct conn *conn, *next;
    for (size_t i = 0; i < worker->target_count; i++) {
        if (plan->forget)
            paths_forget(&worker->paths[i]);
        if (!worker->draining)
            spares_wake(&worker->spares[i], plan->slept);
    }
    // The quiet ones last: whoever is asked leaves that list for the other one.
    LIST_FOREACH_SAFE(conn, &worker->busy, link, next)
        look_at(&look, conn);
    LIST_FOREACH_SAFE(conn, &worker->quiet, link, next)
        look_at(&look, conn);
}
