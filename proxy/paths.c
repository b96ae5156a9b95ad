// SPDX-License-Identifier: Apache-2.0
//
// The address book of one cluster on one worker. Called by dial.c, conn.c and spare.c.
#include "proxy/paths.h"

#include "resolver/resolver.h"

#include <stdlib.h>

const struct path *paths_look_up(const struct paths *paths, const struct addr *addr)
{
    for (size_t i = 0; i < paths->count; i++)
        if (peer_has_ip(&paths->paths[i].peer, addr))
            return &paths->paths[i];
    return NULL;
}

static struct path *find(struct paths *paths, const struct addr *addr)
{
    const struct path *path = paths_look_up(paths, addr);
    return path ? &paths->paths[path - paths->paths] : NULL;
}

// Its entry, a new one if need be: in the place of the one that was measured longest ago when the
// book is full.
static struct path *enter(struct paths *paths, const struct addr *addr)
{
    struct path *path = find(paths, addr);
    if (path)
        return path;
    if (paths->count < PATHS_MAX) {
        path = &paths->paths[paths->count++];
    } else {
        path = &paths->paths[0];
        for (size_t i = 1; i < paths->count; i++)
            if (paths->paths[i].measured_ms < path->measured_ms)
                path = &paths->paths[i];
    }
    *path = (struct path){ .peer = peer_from_addr(addr) };
    return path;
}

// ---- which address ------------------------------------------------------------------------------

// An old measure counts for less and less, so that an address that was slow once is tried again.
static uint64_t distance_us(const struct path *path, uint64_t now_ms)
{
    if (!path || !path->connect_us)
        return 0;
    uint64_t age_s = now_ms > path->measured_ms ? (now_ms - path->measured_ms) / 1000 : 0;
    return (uint64_t)path->connect_us * PATHS_FORGET_S / (PATHS_FORGET_S + age_s);
}

static bool is_left_alone(const struct path *path, uint64_t now_ms)
{
    return path && path->until_ms && (path->on_trial || now_ms < path->until_ms);
}

// Whether a is to be dialled rather than b, which may be NULL like a: nothing known.
static bool is_better(const struct path *a, const struct path *b, uint64_t now_ms)
{
    bool a_alone = is_left_alone(a, now_ms), b_alone = is_left_alone(b, now_ms);
    if (a_alone != b_alone)
        return b_alone;
    if (a_alone)
        return a->until_ms < b->until_ms;
    return distance_us(a, now_ms) < distance_us(b, now_ms);
}

int paths_pick(struct paths *paths, const struct addr_set *set, uint32_t tried, uint64_t now_ms,
    bool *out_trial)
{
    int best = PATHS_NONE;
    struct path *best_path = NULL;
    for (size_t i = 0; i < set->count && i < PATHS_MAX; i++) {
        struct path *path = find(paths, &set->addrs[i]);
        if (tried & UINT32_C(1) << i)
            continue;
        if (best == PATHS_NONE || is_better(path, best_path, now_ms)) {
            best = (int)i;
            best_path = path;
        }
    }
    *out_trial = best_path && best_path->until_ms && !is_left_alone(best_path, now_ms);
    if (*out_trial)
        best_path->on_trial = true;
    return best;
}

uint64_t paths_quarantine_ms(const struct paths *paths, const struct addr *addr, uint64_t now_ms)
{
    const struct path *path = paths_look_up(paths, addr);
    return path && path->until_ms > now_ms ? path->until_ms - now_ms : 0;
}

// ---- what came of it ----------------------------------------------------------------------------

// An eighth of the news, as TCP smooths its round trip times (RFC 6298 section 2).
static void measure(struct path *path, bool anew, uint32_t connect_us, uint64_t now_ms)
{
    if (!path->connect_us || anew)
        path->connect_us = connect_us;
    else
        path->connect_us = (uint32_t)(((uint64_t)path->connect_us * 7 + connect_us + 7) / 8);
    path->measured_ms = now_ms;
}

bool paths_wants_time(const struct paths *paths, const struct addr *addr, uint64_t now_ms)
{
    const struct path *path = paths_look_up(paths, addr);
    return !path || !path->connect_us || path->until_ms ||
           now_ms - path->measured_ms >= PATHS_MEASURE_MS;
}

bool paths_connected(
    struct paths *paths, const struct addr *addr, uint32_t connect_us, uint64_t now_ms)
{
    struct path *path = enter(paths, addr);
    bool was_failing = path->until_ms != 0;
    if (connect_us)
        measure(path, was_failing, connect_us, now_ms);
    path->failures = 0;
    path->until_ms = 0;
    path->on_trial = false;
    paths->breaks = 0;
    paths->open_until_ms = 0;
    paths->probing = false;
    return was_failing;
}

static uint64_t doubled(uint64_t first_ms, unsigned times, uint64_t most_ms)
{
    uint64_t ms = first_ms;
    while (times-- > 0 && ms < most_ms)
        ms *= 2;
    return ms < most_ms ? ms : most_ms;
}

bool paths_failed(struct paths *paths, const struct addr *addr, uint64_t now_ms)
{
    struct path *path = enter(paths, addr);
    bool was_good = path->until_ms == 0;
    // Several connections that were under way when it broke are one failure.
    if (!was_good && !path->on_trial && now_ms < path->until_ms)
        return false;
    path->until_ms = now_ms + doubled(PATHS_QUARANTINE_MS, path->failures, PATHS_QUARANTINE_MAX_MS);
    path->failures++;
    path->on_trial = false;
    return was_good;
}

void paths_unpicked(struct paths *paths, const struct addr *addr)
{
    struct path *path = find(paths, addr);
    if (path)
        path->on_trial = false;
}

// ---- the breaker --------------------------------------------------------------------------------

bool paths_is_broken(struct paths *paths, uint64_t now_ms, bool *out_probe, struct err *err)
{
    *out_probe = false;
    if (!paths->open_until_ms)
        return false;
    if (now_ms >= paths->open_until_ms && !paths->probing) {
        paths->probing = *out_probe = true;
        return false;
    }
    *err = *paths->last;
    return true;
}

bool paths_is_open(const struct paths *paths)
{
    return paths->open_until_ms != 0;
}

void paths_broke(
    struct paths *paths, bool was_probe, const struct err *err, uint64_t took_ms, uint64_t now_ms)
{
    bool was_open = paths->open_until_ms != 0;
    if (was_probe)
        paths->probing = false;
    // Several that failed together are one break; and a quick refusal costs nobody anything.
    if (was_open && !was_probe)
        return;
    if (took_ms < PATHS_SLOW_MS) {
        paths->breaks = 0;
        paths->open_until_ms = 0;
        return;
    }
    if (!paths->last)
        paths->last = malloc(sizeof(*paths->last));
    if (!paths->last)
        return; // without its text nobody could be refused by it
    *paths->last = *err;
    paths->open_until_ms = now_ms + doubled(PATHS_BREAK_MS, paths->breaks, PATHS_BREAK_MAX_MS);
    paths->breaks++;
}

void paths_probed(struct paths *paths)
{
    paths->probing = false;
}

void paths_forget(struct paths *paths)
{
    paths_done(paths);
}

void paths_done(struct paths *paths)
{
    free(paths->last);
    *paths = (struct paths){ 0 };
}
