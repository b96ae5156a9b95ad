// SPDX-License-Identifier: Apache-2.0
//
// The lessons of a dial. Called by dial.c.
#include "proxy/dial_notes.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/net.h"
#include "proxy/home.h"
#include "proxy/paths.h"
#include "proxy/via.h"
#include "proxy/view.h"
#include "proxy/worker.h"

struct paths *dial_paths(const struct dial *dial)
{
    return &dial->worker->paths[dial->target];
}

static struct target_tally *tally_of(const struct dial *dial)
{
    return &dial->worker->tallies[dial->target];
}

// A jump's program has no address.
static void tell(const struct dial *dial, const struct addr *addr)
{
    const struct worker *worker = dial->worker;
    const struct path *path = paths_look_up(dial_paths(dial), addr);
    if (path && addr->any.sa_family != AF_UNSPEC)
        home_tell_path(worker->home, dial->target, worker->index, path);
}

static unsigned failures_of(const struct dial *dial, const struct addr *addr)
{
    const struct path *path = paths_look_up(dial_paths(dial), addr);
    return path ? path->failures : 0;
}

void dial_note_failure(const struct dial *dial, const struct addr *addr, int sys)
{
    uint64_t now_ms = loop_now_ms(dial->worker->loop);
    unsigned before = failures_of(dial, addr);
    worker_count(&dial->worker->counters.dial_failures, 1);
    bool is_news = paths_failed(dial_paths(dial), addr, now_ms);
    if (failures_of(dial, addr) != before)
        tell(dial, addr);
    if (!is_news)
        return;
    char text[ADDR_TEXT_BYTES];
    struct addr full = addr_with_port(addr, view_dial_port(dial->view));
    struct log_line line;
    log_start(&line, LOG_WARN, "an address does not answer: left alone for a while");
    log_str(&line, "cluster", dial->view->alias);
    log_str(&line, dial->view->via ? "jump" : "server", addr_format(&full, text));
    log_str(&line, "reason", err_errno_text(sys));
    log_uint(&line, "for_ms", paths_quarantine_ms(dial_paths(dial), addr, now_ms));
    log_write(&line);
}

void dial_note_connected(struct dial *dial, uint64_t began_us)
{
    dial->connected_us = clock_us();
    histogram_add(&tally_of(dial)->took[TALLY_TCP], dial->connected_us - began_us);
}

void dial_note_greeted(const struct dial *dial, const struct addr *addr, int fd)
{
    uint64_t now_ms = loop_now_ms(dial->worker->loop);
    bool measures = paths_wants_time(dial_paths(dial), addr, now_ms);
    uint32_t connect_us = measures ? net_rtt_us(fd) : 0;
    histogram_add(&tally_of(dial)->took[TALLY_GREETING], clock_us() - dial->connected_us);
    atomic_store_explicit(&tally_of(dial)->reached_ms, now_ms, memory_order_relaxed);
    bool is_news = paths_connected(dial_paths(dial), addr, connect_us, now_ms);
    if (is_news || connect_us)
        tell(dial, addr);
    if (!is_news)
        return;
    char text[ADDR_TEXT_BYTES];
    struct log_line line;
    log_start(&line, LOG_INFO, "an address answers again");
    log_str(&line, "cluster", dial->view->alias);
    log_str(&line, "server", addr_format(&dial->addr, text));
    log_write(&line);
}

void dial_note_broken(struct dial *dial, const struct err *why, uint64_t now_ms)
{
    atomic_store_explicit(&tally_of(dial)->failed_ms, now_ms, memory_order_relaxed);
    paths_broke(dial_paths(dial), dial->is_probe, why, now_ms - dial->began_ms, now_ms);
    dial->is_probe = false;
}
