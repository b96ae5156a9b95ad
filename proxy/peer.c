// SPDX-License-Identifier: Apache-2.0
//
// Peers as small values. Any thread.
#include "proxy/peer.h"

#include "base/os.h"
#include "resolver/resolver.h"

#include <stdio.h>
#include <string.h>

struct peer peer_from_addr(const struct addr *addr)
{
    struct peer peer = { .family = addr->any.sa_family, .port = addr_port(addr) };
    if (peer.family == AF_INET6)
        memcpy(peer.ip, &addr->in6.sin6_addr, sizeof(addr->in6.sin6_addr));
    else
        memcpy(peer.ip, &addr->in4.sin_addr, sizeof(addr->in4.sin_addr));
    return peer;
}

struct peer peer_of_socket(int fd, const struct addr *addr)
{
    if (addr->any.sa_family == AF_INET || addr->any.sa_family == AF_INET6)
        return peer_from_addr(addr);
    struct peer peer = { .family = AF_UNIX };
    if (!os_peer(fd, &peer.pid, &peer.uid))
        peer.uid = PEER_UID_UNKNOWN;
    return peer;
}

void peer_to_addr(const struct peer *peer, struct addr *out)
{
    *out = (struct addr){ .len = sizeof(out->in4) };
    out->any.sa_family = peer->family;
    if (peer->family == AF_INET6) {
        out->len = sizeof(out->in6);
        out->in6.sin6_port = htons(peer->port);
        memcpy(&out->in6.sin6_addr, peer->ip, sizeof(out->in6.sin6_addr));
    } else {
        out->in4.sin_port = htons(peer->port);
        memcpy(&out->in4.sin_addr, peer->ip, sizeof(out->in4.sin_addr));
    }
}

const char *peer_format(const struct peer *peer, char out[PEER_TEXT_BYTES])
{
    struct addr addr;
    out[0] = '\0';
    if (peer->family == AF_UNIX && peer->uid == PEER_UID_UNKNOWN)
        snprintf(out, PEER_TEXT_BYTES, "unix");
    else if (peer->family == AF_UNIX)
        snprintf(out, PEER_TEXT_BYTES, "pid:%u,uid:%u", peer->pid, peer->uid);
    if (peer->family != AF_INET && peer->family != AF_INET6)
        return out;
    peer_to_addr(peer, &addr);
    return addr_format(&addr, out);
}

bool peer_has_ip(const struct peer *peer, const struct addr *addr)
{
    struct peer other = peer_from_addr(addr);
    return peer->family == other.family && memcmp(peer->ip, other.ip, sizeof(peer->ip)) == 0;
}

bool peer_is_among(const struct peer *peer, const struct addr_set *addrs)
{
    for (size_t i = 0; i < addrs->count; i++)
        if (peer_has_ip(peer, &addrs->addrs[i]))
            return true;
    return false;
}
