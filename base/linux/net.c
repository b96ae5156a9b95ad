// SPDX-License-Identifier: Apache-2.0
//
// What Linux tells of sockets and sets on them beyond POSIX: tcp(7), ip(7). Any thread.
#include "base/net.h"

#include "base/cursor.h"
#include "base/os.h"

#include <linux/filter.h>
#include <linux/sockios.h>
#include <linux/tcp.h> // all of struct tcp_info; <netinet/tcp.h> stops in the middle
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

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
    set_int(fd, IPPROTO_TCP, TCP_KEEPIDLE, idle_s > 0 ? idle_s : 1);
    set_int(fd, IPPROTO_TCP, TCP_KEEPINTVL, every_s > 0 ? every_s : 1);
    set_int(fd, IPPROTO_TCP, TCP_KEEPCNT, NET_KEEPALIVE_PROBES);
    set_int(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
}

uint64_t net_system_keepalive_s(void)
{
    char text[32] = "";
    uint64_t seconds = 0;
    FILE *file = os_fopen("/proc/sys/net/ipv4/tcp_keepalive_time", "r");
    if (!file)
        return 0;
    if (fgets(text, sizeof(text), file))
        text[strcspn(text, "\n")] = '\0';
    fclose(file);
    return parse_uint(text, 0, UINT32_MAX, &seconds) ? seconds : 0;
}

void net_user_timeout(int fd, unsigned timeout_ms)
{
    set_int(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, (int)timeout_ms);
}

bool net_is_delivered(int fd)
{
    int left = 0;
    return ioctl(fd, SIOCOUTQ, &left) < 0 || left == 0;
}

bool net_bind_source(int fd, const struct addr *source)
{
    set_int(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1);
    return bind(fd, &source->any, source->len) == 0;
}

bool net_tcp_info(int fd, struct net_tcp *out)
{
    struct tcp_info info = { 0 };
    socklen_t len = sizeof(info);
    if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) < 0)
        return false;
    *out = (struct net_tcp){
        .rtt_us = info.tcpi_rtt,
        .unacked = info.tcpi_unacked,
        .unsent_bytes = info.tcpi_notsent_bytes,
        .retransmits = info.tcpi_retransmits,
        .probes = info.tcpi_probes,
        .since_sent_ms = info.tcpi_last_data_sent,
        .since_ack_ms = info.tcpi_last_ack_recv,
    };
    return true;
}

uint32_t net_rtt_us(int fd)
{
    struct net_tcp tcp;
    return net_tcp_info(fd, &tcp) ? tcp.rtt_us : 0;
}

bool net_refuse_short_datagrams(int fd, uint32_t min_bytes)
{
    const uint32_t udp_header_bytes = 8; // which a UDP socket's filter sees as well
    struct sock_filter steps[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_LEN, 0),
        BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, udp_header_bytes + min_bytes, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
        BPF_STMT(BPF_RET | BPF_K, 0),
    };
    struct sock_fprog program = { .len = ARRAY_LEN(steps), .filter = steps };
    return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) == 0;
}
