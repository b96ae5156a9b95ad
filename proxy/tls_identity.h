// SPDX-License-Identifier: Apache-2.0
//
// What this proxy shows to applications: its certificate, from files or made in memory, and the RSA
// key of clients without TLS. Immutable and shared by reference count, any thread; a changed file
// or option makes a new one.
#pragma once

#include "base/defs.h"

#include <openssl/ssl.h>

struct err;
struct rsa_key;
struct tls_identity;

struct tls_identity_plan {
    const char *cert, *key; // PEM files, the chain in the first; both NULL: self-signed, in memory
    const char *rsa_key;    // see rsa_key_open
};

// ERR_OPTION says which file is wrong.
struct tls_identity *tls_identity_open(
    const struct tls_identity_plan *plan, struct err *err) MUST_CHECK;
struct tls_identity *tls_identity_ref(struct tls_identity *identity);
void tls_identity_unref(struct tls_identity *identity); // NULL is allowed

const struct rsa_key *tls_identity_rsa(const struct tls_identity *identity);
// For tls.c: a server's session. NULL: out of memory.
SSL *tls_identity_session(const struct tls_identity *identity);
