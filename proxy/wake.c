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
    VERDICTS = 32,      // remembered of a look at all connections: most share their ends
};

// A thousand connections compare their ends with it: peers are small.
struct verdict_of_way {
    struct peer local, remote;
    bool is_on_purpose; // by the option `source`
    enum way way;
    struct addr source; // of WAY_OTHER
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
    };
    for (size_t i = 0; i < change->back_count && i < WAKE_BACK_MAX; i++)
        plan.back[plan.back_count++] = peer_from_addr(&change->back[i]);
    return plan;
}

bool wake_doubts(const struct wake_plan *plan, const struct addr *local)
{
    for (size_t i = 0; i < plan->back_count; i++)
        if (peer_has_ip(&plan->back[i], local))
            return true;
    return plan->slept;
}

// ---- the way ------------------------------------------------------------------------------------

enum way wake_way(const struct view *view, const struct addr *local, const struct addr *remote,
    struct addr *out_source)
{
    enum way way = way_look(local, remote, out_source);
    return way == WAY_OTHER && view->options.source_count ? WAY_SAME : way;
}

// Valid until the next one. `local` and `remote` are those of the connection.
static struct verdict_of_way judge(struct wake_look *look, const struct view *view,
    const struct addr *local, const struct addr *remote)
{
    bool is_on_purpose = view->options.source_count;
    for (size_t i = 0; i < look->count; i++) {
        const struct verdict_of_way *known = &look->known[i];
        if (known->is_on_purpose == is_on_purpose && peer_has_ip(&known->local, local) &&
            peer_has_ip(&known->remote, remote))
            return *known;
    }
    struct verdict_of_way fresh = {
        .local = peer_from_addr(local),
        .remote = peer_from_addr(remote),
        .is_on_purpose = is_on_purpose,
    };
    fresh.way = wake_way(view, local, remote, &fresh.source);
    if (look->count < VERDICTS)
        look->known[look->count++] = fresh;
    return fresh;
}

// ---- a running connection -----------------------------------------------------------------------

// What was sleep stays sleep: that is the more patient question.
static void ask(struct conn *conn, bool slept)
{
    struct net_tcp tcp;
    int fd = conn->server.io.fd;
    bool is_patient = slept || conn->questioned == CLOSE_SLEPT;
    if (!net_tcp_info(fd, &tcp) ||
        !way_question(fd, is_patient ? ASK_SLEPT_EVERY_S : ASK_CHANGED_EVERY_S,
            is_patient ? ASK_SLEPT_TIMES : ASK_CHANGED_TIMES))
        return;
    conn->questioned = is_patient ? CLOSE_SLEPT : CLOSE_NETWORK_CHANGED;
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
    conn_log(conn, LOG_DEBUG, "its server answered: it lives on");
}

// The way that the kernel would choose now may be another one for days: that is news once.
static bool is_news(struct conn *conn, const struct addr *source)
{
    struct peer peer = peer_from_addr(source);
    uint32_t other = 2166136261u; // FNV-1a (RFC draft-eastlake-fnv)
    for (size_t i = 0; i < sizeof(peer.ip); i++)
        other = (other ^ peer.ip[i]) * 16777619u;
    bool is_other = other != conn->other_way;
    conn->other_way = other;
    return is_other;
}

static void look_at_relay(const struct wake_plan *plan, struct conn *conn,
    const struct verdict_of_way *verdict, const struct addr *local)
{
    bool was_cut = conn->is_cut;
    conn->is_cut = false;
    if (verdict->way == WAY_SAME)
        conn->other_way = 0;
    bool is_other = verdict->way == WAY_OTHER && is_news(conn, &verdict->source);
    if (was_cut || is_other || wake_doubts(plan, local))
        ask(conn, plan->slept);
}

static void note_cut(struct conn *conn)
{
    if (!conn->is_cut)
        timer_start(&conn->worker->cut, WAKE_CUT_MS);
    conn->is_cut = true;
}

// Nothing of it must linger in the kernel, and nobody is there to be told but the client.
static void end(struct conn *conn)
{
    struct err err;
    if (conn->state == CONN_RELAY) {
        net_reset_on_close(conn->server.io.fd);
        conn_close(conn, CLOSE_NETWORK_CHANGED);
        return;
    }
    refusal_network_changed(conn->view, &err);
    conn_refuse(conn, &err);
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

static bool has_ends(const struct conn *conn, struct addr *out_local, struct addr *out_remote)
{
    return conn->state >= CONN_HANDSHAKE && conn->state <= CONN_RELAY &&
           way_ends(conn->server.io.fd, out_local, out_remote) && !addr_is_loopback(out_remote);
}

static void look_at(struct wake_look *look, struct conn *conn)
{
    struct addr local, remote;
    if (conn->state == CONN_DIAL && look->plan->forget)
        dial_anew(conn);
    else if (has_ends(conn, &local, &remote)) {
        struct verdict_of_way verdict = judge(look, conn->view, &local, &remote);
        if (verdict.way == WAY_GONE)
            note_cut(conn);
        else if (conn->state == CONN_RELAY)
            look_at_relay(look->plan, conn, &verdict, &local);
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
            spares_wake(&worker->spares[i], plan);
    }
    // The quiet ones last: whoever is asked leaves that list for the other one.
    LIST_FOREACH_SAFE(conn, &worker->busy, link, next)
        look_at(&look, conn);
    LIST_FOREACH_SAFE(conn, &worker->quiet, link, next)
        look_at(&look, conn);
}

// ---- those without a way ------------------------------------------------------------------------

static void look_at_cut(struct wake_look *look, struct conn *conn)
{
    struct addr local, remote;
    if (!conn->is_cut || !has_ends(conn, &local, &remote))
        return;
    struct verdict_of_way verdict = judge(look, conn->view, &local, &remote);
    if (verdict.way == WAY_GONE)
        end(conn);
    else
        look_at(look, conn);
}

void wake_on_cut_timer(struct timer *timer)
{
    struct worker *worker = CONTAINER_OF(timer, struct worker, cut);
    const struct wake_plan plan = { 0 };
    struct wake_look look = { .plan = &plan };
    struct conn *conn, *next;
    LIST_FOREACH_SAFE(conn, &worker->busy, link, next)
        look_at_cut(&look, conn);
    LIST_FOREACH_SAFE(conn, &worker->quiet, link, next)
        look_at_cut(&look, conn);
}
