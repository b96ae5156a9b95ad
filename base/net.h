// SPDX-License-Identifier: Apache-2.0
//
// Sockets set up the way this program wants them: non-blocking and close-on-exec from birth. Any
// thread.
#pragma once

#include "base/addr.h"
#include "base/cidr.h"
#include "base/defs.h"

#include <stdbool.h>

struct err;

// A listening socket, or -1. Unix: the path never shows anything but a listening socket with `mode`
// (a tool that asks the kernel sees the temporary name "PATH.<6 letters>" under which it was made);
// a stale socket file is replaced only when nobody answers on it; one that a live process serves,
// and anything that is no socket, is left alone and ERR_LISTEN.
int net_listen(
    const struct addr *addr, int backlog, unsigned unix_mode, struct err *err) MUST_CHECK;
// Keepalive after idle_ms (60 s: PrivateLink drops flows that are idle for 350 s,
// docs.aws.amazon.com, "Network Load Balancers", idle timeout), then six times at a sixth of it, at
// least a second. No-op on unix sockets. Both options pass from a listening socket to those that it
// accepts.
void net_keepalive(int fd, uint64_t idle_ms);
enum { NET_KEEPALIVE_PROBES = 6 };
// Seconds of idleness before the system probes a connection that asks for keepalives and says no
// more; 0: not known.
uint64_t net_system_keepalive_s(void);
void net_nodelay(int fd);
// How long what was sent, or the SYN, may stay unanswered; 0: the system's time (tcp(7),
// TCP_USER_TIMEOUT). Nothing where the system cannot do that.
void net_user_timeout(int fd, unsigned timeout_ms);
int net_socket_error(int fd);    // SO_ERROR, taken once
void net_reset_on_close(int fd); // close(2) will send RST instead of FIN
bool net_has_input(int fd);      // something is there to be read, an end included; non-blocking fd
bool net_is_delivered(int fd);   // everything that was sent is acknowledged; true if unknown
// Connects from this address; the local port is chosen at connect(2), when the far end is known, so
// that each far end has all ports (ip(7), IP_BIND_ADDRESS_NO_PORT; elsewhere it
// is chosen here). false with errno.
bool net_bind_source(int fd, const struct addr *source) MUST_CHECK;

// What the kernel knows of a TCP connection (tcp(7), TCP_INFO), also after it broke.
struct net_tcp {
    uint32_t rtt_us;
    uint32_t unacked, unsent_bytes; // segments, bytes
    uint32_t retransmits;           // of the oldest unacknowledged segment, in a row
    uint32_t probes;                // unanswered, of a closed window or keepalive
    uint32_t since_sent_ms, since_ack_ms;
};
bool net_tcp_info(int fd, struct net_tcp *out); // false: no TCP socket, or not known here
uint32_t net_rtt_us(int fd);                    // 0: unknown

// From now on the system drops what is shorter than min_bytes before a UDP socket sees it. False
// with errno; where the system cannot do that, true and nothing.
bool net_refuse_short_datagrams(int fd, uint32_t min_bytes);

// errno of a read, write or accept that only means "not now".
bool net_is_transient(int sys);
// errno that says that this process or machine is out of descriptors or memory.
bool net_is_shortage(int sys);
