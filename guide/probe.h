// SPDX-License-Identifier: Apache-2.0
//
// Trying the way to a cluster once: name, address, greeting, TLS. Each blocks its caller until the
// answer or its deadline. The commands' thread only.
//
// A probe of a server ends with a well-formed exchange, so that it never counts towards
// max_connect_errors. TiDB and TiProxy take an end behind the greeting, or behind TLS, for a client
// that thought better of it, and log nothing above debug. MySQL and MariaDB count that as a broken
// handshake and, after a hundred of them, block the host: these get the login of a user that does
// not exist, which they deny (Aborted_connects, as any denied login).
// Sources: pingcap/tidb pkg/server/server.go, onConn; dev.mysql.com, "DNS Lookups and the Host
// Cache", "The host_cache Table".
#pragma once

#include "proxy/mysql.h"
#include "proxy/tls.h"
#include "proxy/tls_trust.h"
#include "resolver/resolver.h"

struct loop;

// By the resolver's rules: what a proxy would get. `out` is the caller's to unref.
bool probe_name(struct loop *loop, const struct resolver_options *options, const char *host,
    struct addr_set **out, struct err *err) MUST_CHECK;

// The servers that are asked, in their order: "10.0.0.2", "[::1]:5353".
bool probe_servers(struct loop *loop, const struct resolver_options *options,
    struct option_list *out, struct err *err) MUST_CHECK;
// What one of them says, whatever it is: no policy. `out` is the caller's to unref.
bool probe_server(struct loop *loop, const char *server, const char *host, uint64_t timeout_ms,
    struct addr_set **out, struct err *err) MUST_CHECK;

struct probe_certificate {
    char subject[256], issuer[256], names[512]; // names: of hosts and addresses, "a, b"
    int64_t not_before, not_after;              // wall clock
};

struct probe_answer {
    uint64_t connect_us;
    bool connected;
    bool greeted;
    struct mysql_greeting greeting;
    uint16_t refusal; // the server's ERR packet instead of a greeting: its number; 0: none
    char refusal_text[256];
    // With trust:
    bool secured;      // TLS is up, also when the certificate is not the right one
    char protocol[16]; // "TLSv1.3"
    struct probe_certificate certificate; // that the server showed
    struct tls_doubt doubt;               // error X509_V_OK: none
};
// ERR_DIAL, ERR_DIAL_TIMEOUT, ERR_GREETING, ERR_TLS; `out` tells how far it came. trust NULL: no
// TLS. host: as tls_trust_session takes it. Each time is for one step: connecting, then the
// greeting, then TLS.
bool probe_address(const struct addr *addr, uint64_t connect_ms, uint64_t greeting_ms,
    const struct tls_trust *trust, const char *host, struct probe_answer *out,
    struct err *err) MUST_CHECK;

// For probe.c: reads what a session was shown (probe_certificate.c).
void probe_read_certificate(const SSL *ssl, struct probe_certificate *out);
