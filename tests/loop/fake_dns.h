// SPDX-License-Identifier: Apache-2.0
//
// A DNS server on a loopback address and the test's own loop that answers, or misbehaves, as it is
// told.
#pragma once

#include "base/addr.h"
#include "base/loop.h"

enum fake_mode {
    FAKE_ANSWER = 0, // the addresses; none: NODATA
    FAKE_NXDOMAIN,
    FAKE_SERVFAIL,
    FAKE_REFUSED,
    FAKE_FORMERR,
    FAKE_SILENT,
    FAKE_NOISE,     // bytes that are no DNS message
    FAKE_BROKEN,    // the right question, then a record that ends too early
    FAKE_OTHER_ID,  // a good answer to somebody else
    FAKE_NO_EDNS,   // FORMERR for a query with EDNS (RFC 6891 section 7), the addresses otherwise
    FAKE_TRUNCATED, // the addresses over TCP only
};

struct fake_reply {
    enum fake_mode mode;
    uint32_t ttl_s;
    const char *ips[4]; // NULL-terminated
    unsigned many;      // further addresses: 10.9.0.1 …
};

struct fake_dns;
struct fake_conn {
    struct fake_dns *dns;
    int fd; // -1: free
    struct watch watch;
    uint8_t bytes[1024];
    size_t len;
};

struct fake_dns {
    struct loop *loop;
    int udp_fd, tcp_fd;
    struct watch udp, tcp;
    struct fake_conn conns[4];
    char address[ADDR_TEXT_BYTES]; // "127.0.0.1:PORT"
    struct fake_reply a, aaaa;
    unsigned a_queries, aaaa_queries, tcp_queries;
    char name[256]; // of the last question, without the final dot
    void (*on_query)(void *arg);
    void *arg;
};

// False when it cannot listen there; port 0: any.
bool fake_dns_open(
    struct fake_dns *dns, struct loop *loop, const char *ip, uint16_t port) MUST_CHECK;
void fake_dns_close(struct fake_dns *dns);
