// SPDX-License-Identifier: Apache-2.0
//
// Trying the way to a cluster once: name, address, greeting, TLS. Each blocks its caller until the
// answer or its deadline. A probe of a server ends with a well-formed exchange, never a bare close,
// so that no server counts it as a failed login (max_connect_errors). The commands' thread only.
#pragma once

#include "proxy/mysql.h"
#include "proxy/tls_trust.h"
#include "resolver/resolver.h"

struct loop;

// By the resolver's rules: what a proxy would get. `out` is the caller's to unref.
bool probe_name(struct loop *loop, const struct resolver_options *options, const char *host,
    struct addr_set **out, struct err *err) MUST_CHECK;

// What one DNS server says, whatever it is: no policy. `out` NULL-able.
bool probe_server(struct loop *loop, const char *server, const char *host, uint64_t timeout_ms,
    struct addr_set **out, struct err *err) MUST_CHECK;

struct probe_answer {
    uint64_t connect_us;
    bool connected;
    bool greeted;
    struct mysql_greeting greeting;
    uint16_t refusal; // the server's ERR packet instead of a greeting: its number; 0: none
    char refusal_text[256];
    // With trust: the certificate that the server showed.
    bool secured;
    char protocol[16]; // "TLSv1.3"
    char subject[256], issuer[256], names[512];
    int64_t not_before, not_after; // wall clock
};
// ERR_DIAL, ERR_DIAL_TIMEOUT, ERR_GREETING, ERR_TLS; `out` tells how far it came. trust NULL: no
// TLS.
bool probe_address(const struct addr *addr, uint64_t connect_ms, uint64_t greeting_ms,
    const struct tls_trust *trust, const char *host, struct probe_answer *out,
    struct err *err) MUST_CHECK;
