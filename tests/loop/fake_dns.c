// SPDX-License-Identifier: Apache-2.0
//
// See fake_dns.h. Messages as RFC 1035 section 4 has them.
#include "fake_dns.h"
#include "base/os.h"

#include <arpa/inet.h>
#include <arpa/nameser.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { MESSAGE_BYTES = 65535 };

struct message {
    uint8_t bytes[MESSAGE_BYTES];
    size_t len;
};

static void put(struct message *out, const void *bytes, size_t len)
{
    assert_true(out->len + len <= sizeof(out->bytes));
    memcpy(out->bytes + out->len, bytes, len);
    out->len += len;
}

static void put_u16(struct message *out, unsigned value)
{
    put(out, (uint8_t[]){ (uint8_t)(value >> 8), (uint8_t)value }, 2);
}

static void put_record(struct message *out, const char *ip, uint32_t ttl_s)
{
    uint8_t bytes[16];
    bool is_v6 = strchr(ip, ':');
    assert_int_equal(inet_pton(is_v6 ? AF_INET6 : AF_INET, ip, bytes), 1);
    put_u16(out, 0xc00c); // the name of the question
    put_u16(out, is_v6 ? ns_t_aaaa : ns_t_a);
    put_u16(out, ns_c_in);
    put_u16(out, ttl_s >> 16);
    put_u16(out, ttl_s & 0xffff);
    put_u16(out, is_v6 ? 16 : 4);
    put(out, bytes, is_v6 ? 16 : 4);
    out->bytes[7]++; // ANCOUNT, low byte
}

static void put_addresses(struct message *out, const struct fake_reply *reply)
{
    for (size_t i = 0; i < ARRAY_LEN(reply->ips) && reply->ips[i]; i++)
        put_record(out, reply->ips[i], reply->ttl_s);
    for (unsigned i = 1; i <= reply->many; i++) {
        char ip[32];
        snprintf(ip, sizeof(ip), "10.9.0.%u", i);
        put_record(out, ip, reply->ttl_s);
    }
}

static unsigned rcode_of(enum fake_mode mode)
{
    switch ((int)mode) {
    case FAKE_NXDOMAIN:
        return ns_r_nxdomain;
    case FAKE_SERVFAIL:
        return ns_r_servfail;
    case FAKE_REFUSED:
        return ns_r_refused;
    case FAKE_FORMERR:
    case FAKE_NO_EDNS:
        return ns_r_formerr;
    default:
        return ns_r_noerror;
    }
}

// Reads the question's name into `out`; returns the offset behind the question.
static size_t read_question(const uint8_t *query, size_t len, char *out)
{
    size_t at = 12;
    while (at < len && query[at]) {
        size_t label = query[at++];
        memcpy(out, query + at, label);
        out += label;
        at += label;
        if (query[at])
            *out++ = '.';
    }
    *out = '\0';
    return at + 1 + 4;
}

// False: say nothing.
static bool answer(
    struct fake_dns *dns, const uint8_t *query, size_t len, bool is_tcp, struct message *out)
{
    size_t question_end = read_question(query, len, dns->name);
    bool is_aaaa = query[question_end - 3] == ns_t_aaaa;
    bool has_edns = query[11] > 0; // ARCOUNT
    const struct fake_reply *reply = is_aaaa ? &dns->aaaa : &dns->a;
    enum fake_mode mode = reply->mode;
    (*(is_aaaa ? &dns->aaaa_queries : &dns->a_queries))++;
    dns->tcp_queries += is_tcp;
    if (mode == FAKE_SILENT)
        return false;
    if ((mode == FAKE_NO_EDNS && !has_edns) || (mode == FAKE_TRUNCATED && is_tcp))
        mode = FAKE_ANSWER;
    out->len = 0;
    if (mode == FAKE_NOISE) {
        put(out, query, 2);
        put(out, "\xff\xff\xff garbage that parses as nothing", 30);
        return true;
    }
    put(out, query, question_end);
    out->bytes[2] = mode == FAKE_TRUNCATED ? 0x83 : 0x81; // QR, RD, TC
    out->bytes[3] = (uint8_t)(0x80 | rcode_of(mode));     // RA
    memset(out->bytes + 6, 0, 6);                         // no records yet
    if (mode == FAKE_ANSWER || mode == FAKE_OTHER_ID)
        put_addresses(out, reply);
    if (mode == FAKE_OTHER_ID)
        out->bytes[0] ^= 0xff;
    if (mode == FAKE_BROKEN) {
        put_record(out, is_aaaa ? "fd00::1" : "10.0.0.1", reply->ttl_s);
        out->len -= 3;
    }
    return true;
}

static void on_datagram(struct watch *watch, unsigned what)
{
    struct fake_dns *dns = CONTAINER_OF(watch, struct fake_dns, udp);
    static struct message out;
    uint8_t query[512];
    struct sockaddr_storage from;
    socklen_t from_len = sizeof(from);
    ssize_t len = recvfrom(dns->udp_fd, query, sizeof(query), 0, (void *)&from, &from_len);
    (void)what;
    if (len < 17)
        return;
    if (answer(dns, query, (size_t)len, false, &out))
        (void)!sendto(dns->udp_fd, out.bytes, out.len, 0, (void *)&from, from_len);
    if (dns->on_query)
        dns->on_query(dns->arg);
}

static void drop(struct fake_conn *conn)
{
    if (conn->fd < 0)
        return;
    watch_stop(&conn->watch);
    close(conn->fd);
    conn->fd = -1;
}

// RFC 1035 section 4.2.2: two bytes of length in front of each message.
static void on_stream(struct watch *watch, unsigned what)
{
    struct fake_conn *conn = CONTAINER_OF(watch, struct fake_conn, watch);
    static struct message out;
    (void)what;
    ssize_t got = recv(conn->fd, conn->bytes + conn->len, sizeof(conn->bytes) - conn->len, 0);
    if (got <= 0) {
        drop(conn);
        return;
    }
    conn->len += (size_t)got;
    size_t len;
    while (conn->len >= 2 && conn->len >= (len = conn->bytes[0] * 256u + conn->bytes[1] + 2)) {
        if (answer(conn->dns, conn->bytes + 2, len - 2, true, &out)) {
            uint8_t prefix[2] = { (uint8_t)(out.len >> 8), (uint8_t)out.len };
            assert_int_equal(send(conn->fd, prefix, 2, OS_SEND), 2);
            assert_int_equal(send(conn->fd, out.bytes, out.len, OS_SEND), out.len);
        }
        conn->len -= len;
        memmove(conn->bytes, conn->bytes + len, conn->len);
    }
}

static void on_connection(struct watch *watch, unsigned what)
{
    struct fake_dns *dns = CONTAINER_OF(watch, struct fake_dns, tcp);
    (void)what;
    for (size_t i = 0; i < ARRAY_LEN(dns->conns); i++) {
        struct fake_conn *conn = &dns->conns[i];
        if (conn->fd >= 0)
            continue;
        conn->fd = os_accept(dns->tcp_fd, NULL, NULL);
        conn->len = 0;
        watch_init(&conn->watch, dns->loop, conn->fd, on_stream);
        watch_want(&conn->watch, WATCH_READ);
        return;
    }
    fail_msg("too many connections to the fake DNS server");
}

static int bind_on(int type, struct addr *addr)
{
    int fd = os_socket(AF_INET, type);
    if (fd >= 0 && bind(fd, &addr->any, addr->len) == 0 &&
        (type == SOCK_DGRAM || listen(fd, 8) == 0) && getsockname(fd, &addr->any, &addr->len) == 0)
        return fd;
    if (fd >= 0)
        close(fd);
    return -1;
}

bool fake_dns_open(struct fake_dns *dns, struct loop *loop, const char *ip, uint16_t port)
{
    struct addr addr;
    *dns = (struct fake_dns){ .loop = loop, .udp_fd = -1, .tcp_fd = -1 };
    for (size_t i = 0; i < ARRAY_LEN(dns->conns); i++)
        dns->conns[i] = (struct fake_conn){ .dns = dns, .fd = -1 };
    assert_true(addr_from_ip(ip, port, &addr));
    // Both protocols on one port: the TCP port of the kernel's choice may be taken for UDP.
    for (int tries = 0; tries < 20 && dns->udp_fd < 0; tries++) {
        struct addr both = addr;
        dns->tcp_fd = bind_on(SOCK_STREAM, &both);
        if (dns->tcp_fd < 0)
            return false;
        dns->udp_fd = bind_on(SOCK_DGRAM, &both);
        if (dns->udp_fd < 0)
            close(dns->tcp_fd);
        addr_format(&both, dns->address);
    }
    if (dns->udp_fd < 0)
        return false;
    watch_init(&dns->udp, loop, dns->udp_fd, on_datagram);
    watch_want(&dns->udp, WATCH_READ);
    watch_init(&dns->tcp, loop, dns->tcp_fd, on_connection);
    watch_want(&dns->tcp, WATCH_READ);
    return true;
}

void fake_dns_close(struct fake_dns *dns)
{
    if (dns->udp_fd < 0)
        return;
    for (size_t i = 0; i < ARRAY_LEN(dns->conns); i++)
        drop(&dns->conns[i]);
    watch_stop(&dns->udp);
    watch_stop(&dns->tcp);
    close(dns->udp_fd);
    close(dns->tcp_fd);
    dns->udp_fd = dns->tcp_fd = -1;
}
