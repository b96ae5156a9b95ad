// SPDX-License-Identifier: Apache-2.0
//
// Socket addresses as values: read, printed, compared. Any thread.
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
// What addr_parse reads; "" when there is no address; returns out.
const char *addr_format(const struct addr *addr, char out[ADDR_TEXT_BYTES]);
// The address without its port; returns out.
const char *addr_format_ip(const struct addr *addr, char out[ADDR_TEXT_BYTES]);
bool addr_equal(const struct addr *a, const struct addr *b);
// Only this machine can reach it: 127.0.0.0/8, ::1, also IPv4-mapped, and unix sockets.
bool addr_is_loopback(const struct addr *addr);
uint16_t addr_port(const struct addr *addr);                        // 0 for unix
struct addr addr_with_port(const struct addr *addr, uint16_t port); // of IPv4 or IPv6
