// SPDX-License-Identifier: Apache-2.0
//
// From the system's hints (os_changes.h) to what really is different now: clocks are judged, the
// addresses and the file compared with those of last time. A DHCP renewal that gives the same again
// is nothing; an address that went and came back is something.
#include "base/changes.h"

#include "base/addr.h"
#include "base/err.h"
#include "base/file.h"
#include "base/loop.h"
#include "base/os_changes.h"
#include "base/wake.h"

#include <ifaddrs.h>
#include <stdlib.h>
#include <string.h>

enum {
    QUIET_MS = 250, // without another hint: the burst is over
    MOST_MS = 1000, // or it has lasted so long
    CUT_MAX = 64,   // more in one burst are those of services and containers, not of connections
    FILE_BYTES = 64 * 1024,
};

// In a form that can be compared.
struct addresses {
    char (*texts)[ADDR_TEXT_BYTES]; // sorted, padded with zeros
    size_t count;
    bool is_known;
};

struct changes {
    struct loop *loop;
    char *file;
    changes_fn fn;
    void *arg;
    struct os_changes *os;
    struct ticker tick;
    struct wake_clocks clocks; // when the tick was started
    struct timer burst;
    bool in_burst;
    uint64_t burst_ms; // when it began
    unsigned hints;
    struct addr cut[CUT_MAX];
    size_t cut_count;
    struct addresses addresses;
    char *names; // what the file says; NULL: nothing that can be read
};

// ---- addresses ----------------------------------------------------------------------------------

// Those of one link alone (RFC 4291, 2.5.6) and of this machine alone lead nowhere.
static bool leads_somewhere(const struct addr *addr)
{
    bool is_inet6 = addr->any.sa_family == AF_INET6;
    return !addr_is_loopback(addr) && !(is_inet6 && IN6_IS_ADDR_LINKLOCAL(&addr->in6.sin6_addr));
}

static bool is_of_interest(const struct ifaddrs *entry, struct addr *out)
{
    *out = (struct addr){ 0 };
    if (!entry->ifa_addr)
        return false;
    if (entry->ifa_addr->sa_family == AF_INET)
        out->len = sizeof(out->in4);
    else if (entry->ifa_addr->sa_family == AF_INET6)
        out->len = sizeof(out->in6);
    else
        return false;
    memcpy(&out->un, entry->ifa_addr, out->len);
    return leads_somewhere(out);
}

static int compare_texts(const void *a, const void *b)
{
    return strcmp(a, b);
}

static struct addresses read_addresses(void)
{
    struct addresses found = { 0 };
    struct ifaddrs *all;
    struct addr addr;
    size_t most = 0;
    if (getifaddrs(&all) < 0)
        return found;
    for (const struct ifaddrs *entry = all; entry; entry = entry->ifa_next)
        most++;
    found.texts = calloc(most + 1, sizeof(*found.texts));
    for (const struct ifaddrs *entry = all; found.texts && entry; entry = entry->ifa_next)
        if (is_of_interest(entry, &addr))
            addr_format_ip(&addr, found.texts[found.count++]);
    freeifaddrs(all);
    if (found.texts)
        qsort(found.texts, found.count, sizeof(*found.texts), compare_texts);
    found.is_known = found.texts != NULL;
    return found;
}

// Both count as different when they cannot be had: what the system hinted at is believed then.
static bool addresses_are_others(struct changes *changes)
{
    struct addresses *before = &changes->addresses;
    struct addresses now = read_addresses();
    bool same = before->is_known && now.is_known && before->count == now.count &&
                memcmp(before->texts, now.texts, now.count * sizeof(*now.texts)) == 0;
    free(before->texts);
    *before = now;
    return !same;
}

// ---- the file -----------------------------------------------------------------------------------

static char *read_names(const struct changes *changes)
{
    return file_read(changes->file, FILE_BYTES, NULL, NULL);
}

static bool names_are_others(struct changes *changes)
{
    char *before = changes->names;
    changes->names = read_names(changes);
    bool same =
        before && changes->names ? strcmp(before, changes->names) == 0 : before == changes->names;
    free(before);
    return !same;
}

// ---- clocks -------------------------------------------------------------------------------------

static void start_tick(struct changes *changes, const struct wake_clocks *now)
{
    changes->clocks = *now;
    ticker_start(&changes->tick, os_changes_tick_ms());
}

// At once: sleep is one event, whatever else follows it.
static void look_at_clocks(struct changes *changes)
{
    struct wake wake;
    struct wake_clocks now;
    os_changes_read_clocks(&now);
    bool woke = wake_judge(&changes->clocks, &now, os_changes_tick_ms(), &wake);
    start_tick(changes, &now); // another reading could miss what happened between the two
    if (!woke)
        return;
    const struct change change = { .slept_ms = wake.slept_ms, .stopped_ms = wake.stopped_ms };
    changes->fn(changes->arg, &change);
}

// ---- bursts -------------------------------------------------------------------------------------

static bool is_there(const struct addresses *addresses, const struct addr *addr)
{
    char text[ADDR_TEXT_BYTES] = "";
    addr_format_ip(addr, text);
    for (size_t i = 0; i < addresses->count; i++)
        if (strcmp(addresses->texts[i], text) == 0)
            return true;
    return false;
}

// Of those that were cut the ones that are there now come first.
static size_t count_back(struct changes *changes)
{
    size_t count = 0;
    for (size_t i = 0; i < changes->cut_count; i++)
        if (is_there(&changes->addresses, &changes->cut[i]))
            changes->cut[count++] = changes->cut[i];
    return count;
}

static void on_burst_over(struct timer *timer)
{
    struct changes *changes = CONTAINER_OF(timer, struct changes, burst);
    unsigned hints = changes->hints;
    bool about_addresses = hints & (OS_CHANGE_ADDRESSES | OS_CHANGE_UNKNOWN) || changes->cut_count;
    struct change change = {
        .addresses = about_addresses && addresses_are_others(changes),
        .routes = hints & (OS_CHANGE_ROUTES | OS_CHANGE_UNKNOWN),
        .names = hints & OS_CHANGE_FILE && names_are_others(changes),
        .back = changes->cut,
    };
    change.back_count = count_back(changes);
    changes->in_burst = false;
    changes->hints = 0;
    changes->cut_count = 0;
    if (change.addresses || change.back_count || change.routes || change.names)
        changes->fn(changes->arg, &change);
}

// A link that comes and goes tells of the same ones again and again.
static void note_cut(struct changes *changes, const struct addr *cut)
{
    for (size_t i = 0; i < changes->cut_count; i++)
        if (addr_equal(&changes->cut[i], cut))
            return;
    if (changes->cut_count < CUT_MAX)
        changes->cut[changes->cut_count++] = *cut;
}

static void note_hints(struct changes *changes, unsigned hints, const struct addr *cut)
{
    uint64_t now_ms = loop_now_ms(changes->loop);
    bool is_cut = cut && leads_somewhere(cut);
    if (!hints && !is_cut)
        return;
    if (!changes->in_burst)
        changes->burst_ms = now_ms;
    changes->in_burst = true;
    changes->hints |= hints;
    if (is_cut)
        note_cut(changes, cut);
    uint64_t most_ms = changes->burst_ms + MOST_MS;
    uint64_t left_ms = most_ms > now_ms ? most_ms - now_ms : 0;
    timer_start(&changes->burst, left_ms < QUIET_MS ? left_ms : QUIET_MS);
}

// The clocks last: their report may be the end of us.
static void on_hints(void *arg, unsigned hints, const struct addr *cut)
{
    struct changes *changes = arg;
    note_hints(changes, hints & ~(unsigned)OS_CHANGE_CLOCKS, cut);
    if (hints & OS_CHANGE_CLOCKS)
        look_at_clocks(changes);
}

static void on_tick(struct ticker *ticker)
{
    struct changes *changes = CONTAINER_OF(ticker, struct changes, tick);
    on_hints(changes, os_changes_untold(changes->os), NULL);
}

// ---- life ---------------------------------------------------------------------------------------

struct changes *changes_new(
    struct loop *loop, const char *resolv_conf, changes_fn fn, void *arg, struct err *err)
{
    struct changes *changes = calloc(1, sizeof(*changes));
    if (changes)
        changes->file = strdup(resolv_conf ? resolv_conf : "/etc/resolv.conf");
    if (!changes || !changes->file) {
        free(changes);
        err_set(err, ERR_MEMORY, "out of memory");
        return NULL;
    }
    changes->loop = loop;
    changes->fn = fn;
    changes->arg = arg;
    timer_init(&changes->burst, loop, on_burst_over);
    changes->os = os_changes_new(loop, changes->file, on_hints, changes, err);
    if (changes->os && !ticker_init(&changes->tick, loop, on_tick)) {
        err_set(err, ERR_INTERNAL, "no timer can be had");
        os_changes_free(changes->os);
        changes->os = NULL;
    }
    if (!changes->os) {
        free(changes->file);
        free(changes);
        return NULL;
    }
    changes->addresses = read_addresses();
    changes->names = read_names(changes);
    struct wake_clocks now;
    os_changes_read_clocks(&now);
    start_tick(changes, &now);
    return changes;
}

void changes_free(struct changes *changes)
{
    if (!changes)
        return;
    timer_stop(&changes->burst);
    ticker_done(&changes->tick);
    os_changes_free(changes->os);
    free(changes->addresses.texts);
    free(changes->names);
    free(changes->file);
    free(changes);
}
