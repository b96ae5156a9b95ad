// SPDX-License-Identifier: Apache-2.0
//
// Socket addresses as values; sockets themselves are net.c's. Any thread.
#include "base/addr.h"

#include "base/cursor.h"
#include "base/err.h"

#include <arpa/inet.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

static const char unix_prefix[] = "unix:";

bool addr_from_ip(const char *text, uint16_t port, struct addr *out)
{
    struct addr addr = { .len = sizeof(addr.in4) };
    if (inet_pton(AF_INET, text, &addr.in4.sin_addr) == 1) {
        addr.in4.sin_family = AF_INET;
        addr.in4.sin_port = htons(port);
        *out = addr;
        return true;
    }
    addr = (struct addr){ .len = sizeof(addr.in6) };
    if (inet_pton(AF_INET6, text, &addr.in6.sin6_addr) == 1) {
        addr.in6.sin6_family = AF_INET6;
        addr.in6.sin6_port = htons(port);
        *out = addr;
        return true;
    }
    return false;
}

static bool parse_unix(const char *path, struct addr *out, struct err *err)
{
    struct addr addr = { .un.sun_family = AF_UNIX };
    size_t len = strlen(path);
    if (path[0] != '/')
        return err_set(err, ERR_OPTION, "\"%s%s\" is not valid: expected unix:/PATH from the root",
            unix_prefix, path);
    if (len >= sizeof(addr.un.sun_path))
        return err_set(err, ERR_LISTEN,
            "the socket path %s is %zu bytes long: expected at most %zu", path, len,
            sizeof(addr.un.sun_path) - 1);
    memcpy(addr.un.sun_path, path, len);
    addr.len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len + 1);
    *out = addr;
    return true;
}

// Splits "HOST:PORT" or "[HOST]:PORT"; an IPv6 address without brackets is no host.
static bool split_host(const char *text, char host[INET6_ADDRSTRLEN], uint64_t *port)
{
    const char *colon = strrchr(text, ':');
    if (!colon || !parse_uint(colon + 1, 0, UINT16_MAX, port))
        return false;
    const char *start = text;
    const char *end = colon;
    bool brackets = *text == '[';
    if (brackets) {
        start++;
        end--;
        if (end <= start || *end != ']')
            return false;
    }
    size_t len = (size_t)(end - start);
    if (len >= INET6_ADDRSTRLEN || brackets != (memchr(start, ':', len) != NULL))
        return false;
    memcpy(host, start, len);
    host[len] = '\0';
    return true;
}

bool addr_parse(const char *text, struct addr *out, struct err *err)
{
    char host[INET6_ADDRSTRLEN];
    uint64_t port = 0;
    if (strncmp(text, unix_prefix, strlen(unix_prefix)) == 0)
        return parse_unix(text + strlen(unix_prefix), out, err);
    if (split_host(text, host, &port) && addr_from_ip(host, (uint16_t)port, out))
        return true;
    return err_set(err, ERR_OPTION,
        "\"%.100s\" is not valid: expected an IP address and a port such as 127.0.0.1:4000 or "
        "[::1]:4000, or unix:/PATH",
        text);
}

const char *addr_format_ip(const struct addr *addr, char out[ADDR_TEXT_BYTES])
{
    size_t path_len = 0;
    out[0] = '\0';
    if (addr->len == 0)
        return out;
    switch (addr->any.sa_family) {
    case AF_INET:
        inet_ntop(AF_INET, &addr->in4.sin_addr, out, ADDR_TEXT_BYTES);
        break;
    case AF_INET6:
        inet_ntop(AF_INET6, &addr->in6.sin6_addr, out, ADDR_TEXT_BYTES);
        break;
    default:
        // The kernel may leave out the NUL, and the whole path of a client that is not bound.
        if (addr->len > offsetof(struct sockaddr_un, sun_path))
            path_len =
                strnlen(addr->un.sun_path, addr->len - offsetof(struct sockaddr_un, sun_path));
        snprintf(out, ADDR_TEXT_BYTES, "%s%.*s", unix_prefix, (int)path_len, addr->un.sun_path);
        break;
    }
    return out;
}

const char *addr_format(const struct addr *addr, char out[ADDR_TEXT_BYTES])
{
    char ip[ADDR_TEXT_BYTES];
    addr_format_ip(addr, ip);
    if (addr->len != 0 && addr->any.sa_family == AF_INET)
        snprintf(out, ADDR_TEXT_BYTES, "%s:%u", ip, addr_port(addr));
    else if (addr->len != 0 && addr->any.sa_family == AF_INET6)
        snprintf(out, ADDR_TEXT_BYTES, "[%s]:%u", ip, addr_port(addr));
    else
        snprintf(out, ADDR_TEXT_BYTES, "%s", ip);
    return out;
}

bool addr_equal(const struct addr *a, const struct addr *b)
{
    char text_a[ADDR_TEXT_BYTES];
    char text_b[ADDR_TEXT_BYTES];
    // The texts hold everything that counts, and none of the padding.
    return strcmp(addr_format(a, text_a), addr_format(b, text_b)) == 0;
}

bool addr_is_loopback(const struct addr *addr)
{
    if (addr->len == 0)
        return false;
    switch (addr->any.sa_family) {
    case AF_INET:
        return ntohl(addr->in4.sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
    case AF_INET6:
        if (IN6_IS_ADDR_V4MAPPED(&addr->in6.sin6_addr))
            return addr->in6.sin6_addr.s6_addr[12] == IN_LOOPBACKNET;
        return IN6_IS_ADDR_LOOPBACK(&addr->in6.sin6_addr);
    default:
        return true;
    }
}

uint16_t addr_port(const struct addr *addr)
{
    if (addr->len == 0)
        return 0;
    switch (addr->any.sa_family) {
    case AF_INET:
        return ntohs(addr->in4.sin_port);
    case AF_INET6:
        return ntohs(addr->in6.sin6_port);
    default:
        return 0;
    }
}

struct addr addr_with_port(const struct addr *addr, uint16_t port)
{
    struct addr out = *addr;
    if (out.any.sa_family == AF_INET6)
        out.in6.sin6_port = htons(port);
    else
        out.in4.sin_port = htons(port);
    return out;
}
