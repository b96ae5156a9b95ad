// SPDX-License-Identifier: Apache-2.0
//
// Blocks of addresses, for the policy of which addresses may be dialled. Any thread.
#include "base/cidr.h"

#include "base/addr.h"
#include "base/cursor.h"
#include "base/err.h"

#include <arpa/inet.h>
#include <string.h>

enum { MAPPED_BYTES = 12, MAPPED_BITS = 96 }; // of ::ffff:0:0/96, RFC 4291 section 2.5.5.2

// The address bytes, IPv4-mapped ones as IPv4; the family, or AF_UNSPEC if there are none.
static int bytes_of(const struct addr *addr, uint8_t out[16])
{
    if (addr->len != 0 && addr->any.sa_family == AF_INET) {
        memcpy(out, &addr->in4.sin_addr, sizeof(addr->in4.sin_addr));
        return AF_INET;
    }
    if (addr->len == 0 || addr->any.sa_family != AF_INET6)
        return AF_UNSPEC;
    const struct in6_addr *in6 = &addr->in6.sin6_addr;
    if (IN6_IS_ADDR_V4MAPPED(in6)) {
        memcpy(out, in6->s6_addr + MAPPED_BYTES, sizeof(struct in_addr));
        return AF_INET;
    }
    memcpy(out, in6->s6_addr, sizeof(in6->s6_addr));
    return AF_INET6;
}

// Clears the bits behind the prefix.
static void mask(uint8_t bytes[16], unsigned prefix)
{
    for (unsigned i = 0; i < 16; i++) {
        unsigned kept = prefix > i * 8 ? prefix - i * 8 : 0;
        if (kept < 8)
            bytes[i] &= (uint8_t)(0xff00U >> kept);
    }
}

bool cidr_parse(const char *text, struct cidr *out, struct err *err)
{
    static const char expected[] = "expected a block such as 10.0.0.0/8 or fd00::/8";
    char ip[INET6_ADDRSTRLEN];
    struct addr addr;
    struct cidr cidr = { 0 };
    uint64_t prefix = 0;
    const char *slash = strchr(text, '/');
    size_t len = slash ? (size_t)(slash - text) : strlen(text);
    if (len >= sizeof(ip))
        return err_set(err, ERR_OPTION, "\"%.100s\" is not valid: %s", text, expected);
    memcpy(ip, text, len);
    ip[len] = '\0';
    if (!addr_from_ip(ip, 0, &addr))
        return err_set(err, ERR_OPTION, "\"%.100s\" is not valid: %s", text, expected);
    unsigned bits = addr.any.sa_family == AF_INET ? 32 : 128;
    if (!slash)
        return err_set(err, ERR_OPTION, "\"%s\" has no prefix: write %s/%u for this one address",
            text, text, bits);
    if (!parse_uint(slash + 1, 0, bits, &prefix))
        return err_set(
            err, ERR_OPTION, "\"%.100s\" is not valid: expected a prefix from 0 to %u", text, bits);
    cidr.family = bytes_of(&addr, cidr.bytes);
    if (cidr.family == AF_INET && bits == 128) {
        if (prefix < MAPPED_BITS)
            return err_set(err, ERR_OPTION, "\"%.100s\" is not valid: %s", text, expected);
        prefix -= MAPPED_BITS;
    }
    cidr.prefix = (unsigned)prefix;
    uint8_t masked[16];
    memcpy(masked, cidr.bytes, sizeof(masked));
    mask(masked, cidr.prefix);
    if (memcmp(masked, cidr.bytes, sizeof(masked)) != 0)
        return err_set(err, ERR_OPTION, "\"%.100s\" has bits set behind its prefix: write %s/%u",
            text, inet_ntop(cidr.family, masked, ip, sizeof(ip)), cidr.prefix);
    *out = cidr;
    return true;
}

bool cidr_contains(const struct cidr *cidr, const struct addr *addr)
{
    uint8_t bytes[16] = { 0 };
    if (bytes_of(addr, bytes) != cidr->family)
        return false;
    mask(bytes, cidr->prefix);
    return memcmp(bytes, cidr->bytes, sizeof(bytes)) == 0;
}
