// SPDX-License-Identifier: Apache-2.0
//
// Who is at the other end of a socket, in the 20 bytes that every open connection keeps for its log
// line: asking the kernel when it ends would be too late after a reset. Pure.
#pragma once

#include "base/addr.h"

struct addr_set;

struct peer {
    uint16_t family; // AF_UNSPEC: nobody yet
    uint16_t port;   // host order
    union {
        uint8_t ip[16]; // 4 of them for AF_INET
        struct {
            uint32_t pid, uid; // AF_UNIX
        };
    };
};

enum { PEER_TEXT_BYTES = ADDR_TEXT_BYTES };
#define PEER_UID_UNKNOWN UINT32_MAX // the system does not tell

struct peer peer_from_addr(const struct addr *addr);          // AF_INET or AF_INET6
void peer_to_addr(const struct peer *peer, struct addr *out); // the same
// The peer of an accepted socket: `addr` as accept(2) gave it, for unix sockets os_peer.
struct peer peer_of_socket(int fd, const struct addr *addr);
// "10.0.0.7:51234", "[fd00::7]:51234", "pid:4711,uid:1000", "" for nobody; returns out.
const char *peer_format(const struct peer *peer, char out[PEER_TEXT_BYTES]);
bool peer_has_ip(const struct peer *peer, const struct addr *addr);
bool peer_is_among(const struct peer *peer, const struct addr_set *addrs); // by its IP address
