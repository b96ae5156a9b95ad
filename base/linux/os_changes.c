// SPDX-License-Identifier: Apache-2.0
//
// Linux tells of everything by itself:
// - a timer of the wall clock that is cancelled when that is set (timerfd_create(2),
//   TFD_TIMER_CANCEL_ON_SET), which includes every resume: timekeeping_resume() in
//   kernel/time/timekeeping.c ends with timerfd_resume(); how long it slept is the difference of
//   CLOCK_BOOTTIME and CLOCK_MONOTONIC (clock_gettime(2));
// - addresses, routes, rules and links by netlink (rtnetlink(7));
// - the file by inotify(7): the file itself, which may be written in place or be a mount of its
// own,
//   and its folder and that of what it links to, where another one is put in its place.
#include "base/os_changes.h"
#include "base/addr.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/wake.h"

#include <errno.h>
#include <ifaddrs.h>
#include <limits.h>
#include <linux/if_addr.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

enum { TICK_MS = 30 * 1000, READS = 64, BYTES = 16 * 1024, DOWN_LINKS = 32 };
enum { READING_MS = 5, READING_TRIES = 5 };
enum { IPV6_RULES = 1 << (RTNLGRP_IPV6_RULE - 1) }; // which has no RTMGRP_ name

struct source {
    struct watch watch;
    int fd; // -1: none
};

struct os_changes {
    struct loop *loop;
    const char *file;
    os_changes_fn fn;
    void *arg;
    struct source clock, netlink, inotify;
    int down[DOWN_LINKS]; // links without a carrier, as far as was told
    size_t down_count;
    uint8_t bytes[BYTES] __attribute__((aligned(8)));
};

static void source_open(struct os_changes *changes, struct source *source, int fd, watch_fn fn)
{
    source->fd = fd;
    if (fd < 0)
        return;
    watch_init(&source->watch, changes->loop, fd, fn);
    watch_want(&source->watch, WATCH_READ);
}

static void source_close(struct source *source)
{
    if (source->fd < 0)
        return;
    watch_stop(&source->watch);
    close(source->fd);
    source->fd = -1;
}

static void leave_out(const char *what, int sys)
{
    log_debug("%s will not be noticed at once: %s", what, err_errno_text(sys));
}

// ---- the clock ----------------------------------------------------------------------------------

// Only its cancellation is of interest. It must not be due in 2038, when it would be so for ever.
static bool arm_clock(int fd)
{
    const time_t latest = sizeof(time_t) > sizeof(int32_t) ? (time_t)INT64_MAX : INT32_MAX;
    const struct itimerspec never = { .it_value.tv_sec = latest };
    return timerfd_settime(fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &never, NULL) == 0;
}

static void on_clock(struct watch *watch, unsigned what)
{
    struct os_changes *changes = CONTAINER_OF(watch, struct os_changes, clock.watch);
    uint64_t times;
    (void)what;
    if (read(changes->clock.fd, &times, sizeof(times)) < 0 && errno != ECANCELED)
        return;
    arm_clock(changes->clock.fd);
    changes->fn(changes->arg, OS_CHANGE_CLOCKS, NULL);
}

static void open_clock(struct os_changes *changes)
{
    int fd = timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK | TFD_CLOEXEC);
    if (fd < 0 || !arm_clock(fd)) {
        leave_out("sleep", errno);
        if (fd >= 0)
            close(fd);
        fd = -1;
    }
    source_open(changes, &changes->clock, fd, on_clock);
}

// ---- routes and addresses -----------------------------------------------------------------------

// Routes of the kernel's own for local and multicast addresses, and its cache of IPv6, tell nothing
// that addresses do not.
static unsigned read_route(const struct nlmsghdr *head)
{
    const struct rtmsg *route = NLMSG_DATA(head);
    bool counts = route->rtm_type != RTN_LOCAL && route->rtm_type != RTN_BROADCAST &&
                  route->rtm_type != RTN_ANYCAST && route->rtm_type != RTN_MULTICAST &&
                  !(route->rtm_flags & RTM_F_CLONED);
    return counts ? OS_CHANGE_ROUTES : 0;
}

// The address in the message: IFA_LOCAL where it differs from the far end's, IFA_ADDRESS else.
static bool address_in(const struct nlmsghdr *head, struct addr *out)
{
    const struct ifaddrmsg *address = NLMSG_DATA(head);
    const struct rtattr *attribute = IFA_RTA(address);
    unsigned left = (unsigned)IFA_PAYLOAD(head);
    bool is_inet = address->ifa_family == AF_INET, found = false;
    *out = (struct addr){ .any.sa_family = address->ifa_family,
        .len = is_inet ? sizeof(out->in4) : sizeof(out->in6) };
    void *ip = is_inet ? (void *)&out->in4.sin_addr : (void *)&out->in6.sin6_addr;
    size_t size = is_inet ? sizeof(out->in4.sin_addr) : sizeof(out->in6.sin6_addr);
    for (; RTA_OK(attribute, left); attribute = RTA_NEXT(attribute, left)) {
        bool is_local = attribute->rta_type == IFA_LOCAL;
        if ((!is_local && (found || attribute->rta_type != IFA_ADDRESS)) ||
            RTA_PAYLOAD(attribute) < size)
            continue;
        memcpy(ip, RTA_DATA(attribute), size);
        found = true;
    }
    return found;
}

// Those of one link alone come and go with it and lead nowhere (RFC 4291, 2.5.6).
static unsigned read_address(struct os_changes *changes, const struct nlmsghdr *head)
{
    const struct ifaddrmsg *address = NLMSG_DATA(head);
    struct addr gone;
    bool is_ip = address->ifa_family == AF_INET || address->ifa_family == AF_INET6;
    if (!is_ip || address->ifa_scope >= RT_SCOPE_LINK)
        return 0;
    if (head->nlmsg_type == RTM_DELADDR && address_in(head, &gone))
        changes->fn(changes->arg, OS_CHANGE_ADDRESSES, &gone);
    return OS_CHANGE_ADDRESSES;
}

// ---- links --------------------------------------------------------------------------------------

static void tell_addresses_of(const struct os_changes *changes, const char *name)
{
    struct ifaddrs *all;
    if (getifaddrs(&all) < 0)
        return;
    for (const struct ifaddrs *entry = all; entry; entry = entry->ifa_next) {
        struct addr addr = { 0 };
        int family = entry->ifa_addr ? entry->ifa_addr->sa_family : AF_UNSPEC;
        if (strcmp(entry->ifa_name, name) != 0 || (family != AF_INET && family != AF_INET6))
            continue;
        addr.len = family == AF_INET ? sizeof(addr.in4) : sizeof(addr.in6);
        memcpy(&addr.un, entry->ifa_addr, addr.len);
        changes->fn(changes->arg, 0, &addr);
    }
    freeifaddrs(all);
}

static void note_down(struct os_changes *changes, int link)
{
    for (size_t i = 0; i < changes->down_count; i++)
        if (changes->down[i] == link)
            return;
    if (changes->down_count < DOWN_LINKS)
        changes->down[changes->down_count++] = link;
}

// Whether it was down.
static bool note_up(struct os_changes *changes, int link)
{
    for (size_t i = 0; i < changes->down_count; i++) {
        if (changes->down[i] != link)
            continue;
        changes->down[i] = changes->down[--changes->down_count];
        return true;
    }
    return false;
}

// A Wi-Fi that is joined again, a cable that is plugged in: addresses and routes may have stayed.
static void read_link(struct os_changes *changes, const struct nlmsghdr *head)
{
    const struct ifinfomsg *link = NLMSG_DATA(head);
    char name[IF_NAMESIZE];
    if (link->ifi_family != AF_UNSPEC)
        return; // a bridge's word about one of its ports, which has its own
    if (head->nlmsg_type == RTM_DELLINK)
        note_up(changes, link->ifi_index);
    else if (!(link->ifi_flags & IFF_RUNNING))
        note_down(changes, link->ifi_index);
    else if (note_up(changes, link->ifi_index) && if_indextoname((unsigned)link->ifi_index, name))
        tell_addresses_of(changes, name);
}

static void note_links(struct os_changes *changes)
{
    struct ifaddrs *all;
    changes->down_count = 0;
    if (getifaddrs(&all) < 0)
        return;
    for (const struct ifaddrs *entry = all; entry; entry = entry->ifa_next)
        if (!(entry->ifa_flags & IFF_RUNNING))
            note_down(changes, (int)if_nametoindex(entry->ifa_name));
    freeifaddrs(all);
}

// ---- messages -----------------------------------------------------------------------------------

static bool has_body(const struct nlmsghdr *head, size_t size)
{
    return head->nlmsg_len >= NLMSG_LENGTH(size);
}

static unsigned read_message(struct os_changes *changes, const struct nlmsghdr *head)
{
    switch (head->nlmsg_type) {
    case RTM_NEWROUTE:
    case RTM_DELROUTE:
        return has_body(head, sizeof(struct rtmsg)) ? read_route(head) : 0;
    case RTM_NEWRULE: // which table a way is looked up in: VPNs add theirs behind its routes
    case RTM_DELRULE:
        return OS_CHANGE_ROUTES;
    case RTM_NEWADDR:
    case RTM_DELADDR:
        return has_body(head, sizeof(struct ifaddrmsg)) ? read_address(changes, head) : 0;
    case RTM_NEWLINK:
    case RTM_DELLINK:
        if (has_body(head, sizeof(struct ifinfomsg)))
            read_link(changes, head);
        return 0;
    default:
        return 0;
    }
}

static unsigned read_messages(struct os_changes *changes, size_t len)
{
    unsigned what = 0;
    const struct nlmsghdr *head = (const void *)changes->bytes;
    for (unsigned left = (unsigned)len; NLMSG_OK(head, left); head = NLMSG_NEXT(head, left))
        what |= read_message(changes, head);
    return what;
}

static void on_netlink(struct watch *watch, unsigned ready)
{
    struct os_changes *changes = CONTAINER_OF(watch, struct os_changes, netlink.watch);
    unsigned what = 0;
    (void)ready;
    for (unsigned reads = 0; reads < READS; reads++) {
        ssize_t got = recv(changes->netlink.fd, changes->bytes, sizeof(changes->bytes), 0);
        if (got < 0 && errno == ENOBUFS) // netlink(7): some were lost
            what |= OS_CHANGE_UNKNOWN;
        else if (got <= 0)
            break;
        else
            what |= read_messages(changes, (size_t)got);
    }
    if (what & OS_CHANGE_UNKNOWN)
        note_links(changes); // which have gone, among others
    if (what)
        changes->fn(changes->arg, what, NULL);
}

static void open_netlink(struct os_changes *changes)
{
    const struct sockaddr_nl groups = {
        .nl_family = AF_NETLINK,
        .nl_groups = RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR | RTMGRP_IPV4_ROUTE |
                     RTMGRP_IPV6_ROUTE | RTMGRP_IPV4_RULE | IPV6_RULES,
    };
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, NETLINK_ROUTE);
    if (fd < 0 || bind(fd, (const void *)&groups, sizeof(groups)) < 0) {
        leave_out("another network", errno);
        if (fd >= 0)
            close(fd);
        fd = -1;
    }
    source_open(changes, &changes->netlink, fd, on_netlink);
    if (fd >= 0)
        note_links(changes);
}

// ---- the file -----------------------------------------------------------------------------------

static const char *name_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static void watch_folder(int fd, const char *path)
{
    char folder[PATH_MAX];
    int len = (int)(name_of(path) - path);
    snprintf(folder, sizeof(folder), "%.*s", len, path);
    (void)inotify_add_watch(fd, len ? folder : ".", IN_CREATE | IN_MOVED_TO | IN_ONLYDIR);
}

// Again after each event: it may be another file by now, and a watch that is there stays.
static void watch_file(const struct os_changes *changes)
{
    char target[PATH_MAX];
    int fd = changes->inotify.fd;
    (void)inotify_add_watch(fd, changes->file, IN_CLOSE_WRITE | IN_MOVE_SELF | IN_DELETE_SELF);
    watch_folder(fd, changes->file);
    if (realpath(changes->file, target) && strcmp(target, changes->file) != 0)
        watch_folder(fd, target);
}

// Of a folder only what has the name counts; an event of the file itself has none.
static bool is_about(const struct os_changes *changes, const struct inotify_event *event)
{
    char target[PATH_MAX];
    if (event->mask & IN_IGNORED)
        return false;
    return event->len == 0 || strcmp(event->name, name_of(changes->file)) == 0 ||
           (realpath(changes->file, target) && strcmp(event->name, name_of(target)) == 0);
}

static void on_inotify(struct watch *watch, unsigned what)
{
    struct os_changes *changes = CONTAINER_OF(watch, struct os_changes, inotify.watch);
    bool counts = false;
    (void)what;
    ssize_t got = read(changes->inotify.fd, changes->bytes, sizeof(changes->bytes));
    for (ssize_t at = 0; at < got;) {
        const struct inotify_event *event = (const void *)(changes->bytes + at);
        counts = counts || is_about(changes, event);
        at += (ssize_t)(sizeof(*event) + event->len);
    }
    if (!counts)
        return;
    watch_file(changes);
    changes->fn(changes->arg, OS_CHANGE_FILE, NULL);
}

static void open_inotify(struct os_changes *changes)
{
    int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (fd < 0)
        leave_out("a new resolv.conf", errno);
    source_open(changes, &changes->inotify, fd, on_inotify);
    if (fd >= 0)
        watch_file(changes);
}

// ---- life ---------------------------------------------------------------------------------------

struct os_changes *os_changes_new(
    struct loop *loop, const char *file, os_changes_fn fn, void *arg, struct err *err)
{
    struct os_changes *changes = calloc(1, sizeof(*changes));
    if (!changes) {
        err_set(err, ERR_MEMORY, "out of memory");
        return NULL;
    }
    changes->loop = loop;
    changes->file = file;
    changes->fn = fn;
    changes->arg = arg;
    open_clock(changes);
    open_netlink(changes);
    open_inotify(changes);
    return changes;
}

void os_changes_free(struct os_changes *changes)
{
    if (!changes)
        return;
    source_close(&changes->clock);
    source_close(&changes->netlink);
    source_close(&changes->inotify);
    free(changes);
}

static uint64_t read_clock(clockid_t clock)
{
    struct timespec now;
    if (clock_gettime(clock, &now) < 0)
        return 0;
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

// On a busy machine another process may run between two of the readings; that would look like
// sleep.
void os_changes_read_clocks(struct wake_clocks *out)
{
    for (int tries = 0; tries < READING_TRIES; tries++) {
        *out = (struct wake_clocks){
            .mono_ms = clock_ms(),
            .boot_ms = read_clock(CLOCK_BOOTTIME),
            .wall_ms = read_clock(CLOCK_REALTIME),
        };
        if (clock_ms() <= out->mono_ms + READING_MS)
            return;
    }
}

uint64_t os_changes_tick_ms(void)
{
    return TICK_MS;
}

// A timer that was cancelled in the moment of its arming would stay silent; the tick looks as well.
unsigned os_changes_untold(const struct os_changes *changes)
{
    unsigned what = OS_CHANGE_CLOCKS;
    // getifaddrs(3) needs the same socket; the ways to the clusters can be looked at without.
    if (changes->netlink.fd < 0)
        what |= OS_CHANGE_ADDRESSES | OS_CHANGE_ROUTES;
    if (changes->inotify.fd < 0)
        what |= OS_CHANGE_FILE;
    return what;
}
