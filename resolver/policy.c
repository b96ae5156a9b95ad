// SPDX-License-Identifier: Apache-2.0
//
// Which addresses keep the traffic private, as two tables: blocks that are private everywhere, and
// blocks that no allowed-cidrs can make a database's address. Pure functions; the resolver asks
// about every answer before anybody sees it.
#include "resolver/policy.h"

#include "resolver/text.h"

// RFC 1918, RFC 6598 (shared address space, which VPCs use as well), RFC 4193 (ULA).
static const struct cidr private_blocks[] = {
    { AF_INET, { 10 }, 8 },
    { AF_INET, { 172, 16 }, 12 },
    { AF_INET, { 192, 168 }, 16 },
    { AF_INET, { 100, 64 }, 10 },
    { AF_INET6, { 0xfc }, 7 },
};

// Unspecified (a connect to it reaches this host), link-local (the EC2 metadata service lives
// there), multicast, reserved and broadcast.
static const struct cidr never_blocks[] = {
    { AF_INET, { 0 }, 8 },
    { AF_INET, { 169, 254 }, 16 },
    { AF_INET, { 224 }, 4 },
    { AF_INET, { 240 }, 4 },
    { AF_INET6, { 0 }, 128 },
    { AF_INET6, { 0xfe, 0x80 }, 10 },
    { AF_INET6, { 0xff }, 8 },
};

static bool any_contains(const struct cidr *blocks, size_t count, const struct addr *addr)
{
    for (size_t i = 0; i < count; i++) {
        if (cidr_contains(&blocks[i], addr))
            return true;
    }
    return false;
}

bool policy_is_private(const struct policy *policy, const struct addr *addr)
{
    // Before allowed-cidrs: a wide block there must not let the proxy dial itself.
    if (addr_is_loopback(addr))
        return policy->allow_loopback;
    if (any_contains(never_blocks, ARRAY_LEN(never_blocks), addr))
        return false;
    return any_contains(private_blocks, ARRAY_LEN(private_blocks), addr) ||
           any_contains(policy->allowed, policy->allowed_count, addr);
}

static bool refuse(const struct addr_set *set, const struct addr *addr, struct err *err)
{
    char ip[ADDR_TEXT_BYTES], host[TEXT_HOST_BYTES];
    addr_format_ip(addr, ip);
    text_host(set->host, host);
    if (addr_is_loopback(addr))
        return err_set(err, ERR_DNS_POLICY,
            "%s resolves to %s, an address of this host itself: the answer is refused. If that is "
            "meant (a forward, a test), set allow-loopback = on",
            host, ip);
    if (any_contains(never_blocks, ARRAY_LEN(never_blocks), addr))
        return err_set(err, ERR_DNS_POLICY,
            "%s resolves to %s, which cannot be a cluster's address: the whole answer is refused. "
            "Run `tidblink doctor`",
            host, ip);
    return err_set(err, ERR_DNS_POLICY,
        "%s resolves to %s, which is not private: the whole answer is refused, because traffic "
        "must not leave over the public internet. If your network uses this address privately, add "
        "it to allowed-cidrs; otherwise run `tidblink doctor`",
        host, ip);
}

bool policy_accepts(const struct policy *policy, const struct addr_set *set, struct err *err)
{
    for (size_t i = 0; i < set->count; i++) {
        if (!policy_is_private(policy, &set->addrs[i]))
            return refuse(set, &set->addrs[i], err);
    }
    return true;
}
