// SPDX-License-Identifier: Apache-2.0
//
// Questions to the kernel's routing. A UDP connect(2) sends nothing; it looks the route up and
// fills in the source address (udp(7)).
#include "base/way.h"

#include "base/os.h"

#include <errno.h>
#include <unistd.h>

static int open_udp(const struct addr *remote)
{
    return os_socket(remote->any.sa_family, SOCK_DGRAM);
}

static bool name_of(int fd, int (*ask)(int, struct sockaddr *, socklen_t *), struct addr *out)
{
    *out = (struct addr){ .len = sizeof(out->un) };
    return ask(fd, &out->any, &out->len) == 0 &&
           (out->any.sa_family == AF_INET || out->any.sa_family == AF_INET6);
}

// Port 9, discard: none is needed, and 0 is not allowed everywhere.
static bool connect_udp(int fd, const struct addr *remote)
{
    struct addr to = addr_with_port(remote, 9);
    return connect(fd, &to.any, to.len) == 0;
}

static void close_keeping_errno(int fd)
{
    int sys = errno;
    close(fd);
    errno = sys;
}

bool way_source(const struct addr *addr, struct addr *out)
{
    int fd = open_udp(addr);
    if (fd < 0)
        return false;
    bool found = connect_udp(fd, addr) && name_of(fd, getsockname, out);
    if (found)
        *out = addr_with_port(out, 0);
    close_keeping_errno(fd);
    return found;
}

// Anything else (ports and memory that are used up, a filter that forbids the question) says
// nothing about the way. EINVAL: a route to a black hole (ip-route(8)), or an address that went
// just now.
static bool tells_of_no_way(int sys)
{
    return sys == EADDRNOTAVAIL || sys == ENETUNREACH || sys == EHOSTUNREACH || sys == EINVAL;
}

static bool is_possible(const struct addr *local, const struct addr *remote)
{
    struct addr from = addr_with_port(local, 0);
    int fd = open_udp(remote);
    if (fd < 0)
        return true; // a shortage of ours says nothing about the way
    bool possible =
        (bind(fd, &from.any, from.len) == 0 && connect_udp(fd, remote)) || !tells_of_no_way(errno);
    close(fd);
    return possible;
}

enum way way_look(const struct addr *local, const struct addr *remote, struct addr *out_source)
{
    struct addr own = addr_with_port(local, 0);
    if (addr_is_loopback(remote))
        return WAY_SAME;
    if (!is_possible(local, remote))
        return WAY_GONE;
    return !way_source(remote, out_source) || addr_equal(out_source, &own) ? WAY_SAME : WAY_OTHER;
}

bool way_ends(int fd, struct addr *out_local, struct addr *out_remote)
{
    return name_of(fd, getsockname, out_local) && name_of(fd, getpeername, out_remote);
}
