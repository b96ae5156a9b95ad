// SPDX-License-Identifier: Apache-2.0
//
// Options of sockets by the names that POSIX, macOS and FreeBSD have for them: tcp(4) and
// getsockopt(2) of both, <netinet/tcp.h> of macOS 14, filio.h of FreeBSD 14. What is unknown is
// said to be unknown. Any thread.
#include "base/net.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#if defined(__APPLE__) || defined(__FreeBSD__)
#include <sys/sysctl.h>
#endif
#if defined(__FreeBSD__)
#include <sys/filio.h>
#include <sys/ioctl.h>
#endif

static void set_int(int fd, int level, int name, int value)
{
    // What is set here improves a socket that works without; on the wrong kind of socket it fails
    // and changes nothing.
    (void)setsockopt(fd, level, name, &value, sizeof(value));
}

void net_keepalive(int fd, uint64_t idle_ms)
{
    int idle_s = (int)(idle_ms / 1000);
    int every_s = idle_s / NET_KEEPALIVE_PROBES;
#if defined(__APPLE__)
    set_int(fd, IPPROTO_TCP, TCP_KEEPALIVE, idle_s > 0 ? idle_s : 1);
#else
    set_int(fd, IPPROTO_TCP, TCP_KEEPIDLE, idle_s > 0 ? idle_s : 1); // POSIX.1-2024
#endif
    set_int(fd, IPPROTO_TCP, TCP_KEEPINTVL, every_s > 0 ? every_s : 1);
    set_int(fd, IPPROTO_TCP, TCP_KEEPCNT, NET_KEEPALIVE_PROBES);
    set_int(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
}

uint64_t net_system_keepalive_s(void)
{
#if defined(__APPLE__) || defined(__FreeBSD__)
    int idle_ms = 0;
    size_t len = sizeof(idle_ms);
    if (sysctlbyname("net.inet.tcp.keepidle", &idle_ms, &len, NULL, 0) == 0 && idle_ms > 0)
        return (uint64_t)idle_ms / 1000;
#endif
    return 0;
}

void net_user_timeout(int fd, unsigned timeout_ms)
{
#if defined(__APPLE__)
    int timeout_s = (int)((timeout_ms + 999) / 1000);
    set_int(fd, IPPROTO_TCP, TCP_CONNECTIONTIMEOUT, timeout_s); // of the SYN
    set_int(fd, IPPROTO_TCP, TCP_RXT_CONNDROPTIME, timeout_s);  // of what is sent again
#else
    (void)fd;
    (void)timeout_ms;
#endif
}

bool net_is_delivered(int fd)
{
#if defined(__APPLE__)
    int left = 0;
    socklen_t len = sizeof(left);
    return getsockopt(fd, SOL_SOCKET, SO_NWRITE, &left, &len) < 0 || left == 0;
#elif defined(__FreeBSD__)
    int left = 0;
    return ioctl(fd, FIONWRITE, &left) < 0 || left == 0;
#else
    (void)fd;
    return true;
#endif
}

bool net_bind_source(int fd, const struct addr *source)
{
    return bind(fd, &source->any, source->len) == 0;
}

bool net_tcp_info(int fd, struct net_tcp *out)
{
    (void)fd;
    *out = (struct net_tcp){ 0 };
    return false;
}

uint32_t net_rtt_us(int fd)
{
#if defined(__APPLE__)
    struct tcp_connection_info seen = { 0 };
    socklen_t len = sizeof(seen);
    if (getsockopt(fd, IPPROTO_TCP, TCP_CONNECTION_INFO, &seen, &len) == 0)
        return seen.tcpi_srtt * 1000; // milliseconds
#elif defined(__FreeBSD__)
    struct tcp_info seen = { 0 };
    socklen_t len = sizeof(seen);
    if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &seen, &len) == 0)
        return seen.tcpi_rtt;
#else
    (void)fd;
#endif
    return 0;
}

bool net_refuse_short_datagrams(int fd, uint32_t min_bytes)
{
    (void)fd;
    (void)min_bytes;
    return true;
}
