// SPDX-License-Identifier: Apache-2.0
//
// What a cluster's certificate is verified against: the authorities of tls-ca, and the names that
// it may be good for. Immutable and shared by reference count, any thread; a changed file or option
// makes a new one. Sources: RFC 5280; RFC 6125; OpenSSL 3.0, X509_VERIFY_PARAM_set_flags(3),
// SSL_CTX_set_cert_verify_callback(3).
#pragma once

#include "base/defs.h"

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>

struct err;
struct tls_trust;

struct tls_trust_plan {
    // PEM file with one or more authorities, or a folder of such files; NULL: none, so that every
    // certificate is turned down (for who only looks at one).
    const char *ca;
    const char *const *names; // any of them will do; or one IP address
    size_t name_count;        // 0: the host's own name
    bool any_name;            // verify-ca: the name is not checked
};

// ERR_OPTION says which file is wrong. The system's own authorities are never among them: each
// could vouch for the cluster's name.
struct tls_trust *tls_trust_open(const struct tls_trust_plan *plan, struct err *err) MUST_CHECK;
struct tls_trust *tls_trust_ref(struct tls_trust *trust);
void tls_trust_unref(struct tls_trust *trust); // NULL is allowed

// For tls.c: a client's session that insists on them. NULL: out of memory.
SSL *tls_trust_session(const struct tls_trust *trust, const char *host);
// The name that is expected, and sent as SNI.
const char *tls_trust_name(const struct tls_trust *trust, const char *host);
