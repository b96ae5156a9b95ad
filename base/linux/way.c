// SPDX-License-Identifier: Apache-2.0
//
// The question by Linux's keepalive: tcp(7). Any thread.
#include "base/way.h"

#include "base/net.h"

#include <netinet/tcp.h>

bool way_question(int fd, int every_s, int times)
{
    int now_s = 1; // the least; a connection that has been idle for longer is asked at once
    struct net_tcp tcp;
    if (!net_tcp_info(fd, &tcp))
        return false;
    // Those that an earlier question left unanswered count in the kernel (net/ipv4/tcp_timer.c,
    // tcp_keepalive_timer), not here.
    times += (int)tcp.probes;
    return setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &every_s, sizeof(every_s)) == 0 &&
           setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &times, sizeof(times)) == 0 &&
           setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &now_s, sizeof(now_s)) == 0;
}
