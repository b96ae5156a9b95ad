// SPDX-License-Identifier: Apache-2.0
//
// Socket addresses, address blocks, and sockets set up the way this program wants them:
// non-blocking and close-on-exec from birth. Any thread.
#pragma once

#include "base/defs.h"

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>

struct err;

struct addr {
    union {
        struct sockaddr any;
        struct sockaddr_in in4;
        struct sockaddr_in6 in6;
        struct sockaddr_un un;
    };
    socklen_t len; // 0: no address
};

enum { ADDR_TEXT_BYTES = 128 };

// "127.0.0.1:4000", "[::1]:4000", "unix:/path"; a host name is refused, port 0 is allowed.
bool addr_parse(const char *text, struct addr *out, struct err *err) MUST_CHECK;
// A literal IPv4 or IPv6 address without port; false if `text` is none.
bool addr_from_ip(const char *text, uint16_t port, struct addr *out) MUST_CHECK;
// What addr_parse reads; returns out.
const char *addr_format(const struct addr *addr, char out[ADDR_TEXT_BYTES]);
// The address without its port; returns out.
const char *addr_format_ip(const struct addr *addr, char out[ADDR_TEXT_BYTES]);
bool addr_equal(const struct addr *a, const struct addr *b);
bool addr_is_loopback(const struct addr *addr);
uint16_t addr_port(const struct addr *addr); // 0 for unix

// A block of addresses, "10.0.0.0/8" or "fd00::/8". IPv4-mapped IPv6 addresses count as IPv4.
struct cidr {
    int family;
    uint8_t bytes[16];
    unsigned prefix;
};
bool cidr_parse(const char *text, struct cidr *out, struct err *err) MUST_CHECK;
bool cidr_contains(const struct cidr *cidr, const struct addr *addr);

// A listening socket, or -1. Unix: bound with `mode` from the first moment; a stale socket file is
// replaced only when nobody answers on it; one that a live process serves is ERR_LISTEN.
int net_listen(
    const struct addr *addr, int backlog, unsigned unix_mode, struct err *err) MUST_CHECK;
// Keepalive after 60 s idle, every 10 s, 6 times: PrivateLink drops flows that are idle for 350 s
// (docs.aws.amazon.com, "Network Load Balancers", idle timeout). No-op on unix sockets.
void net_keepalive(int fd);
void net_nodelay(int fd);
void net_user_timeout(int fd, unsigned timeout_ms); // TCP_USER_TIMEOUT, 0 = the system's
int net_socket_error(int fd);                       // SO_ERROR, taken once

// errno of a read, write or accept that only means "not now".
bool net_is_transient(int sys);
