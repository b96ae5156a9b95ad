// SPDX-License-Identifier: Apache-2.0
//
// What a worker knows of one target: options, verdict, addresses, as one immutable snapshot that
// the main thread publishes whenever something changed. Shared by reference count; any thread.
#pragma once

#include "control/verdict.h"
#include "proxy/proxy.h"

#include <stdatomic.h>

struct tls_identity;
struct tls_trust;
struct via;

struct view {
    atomic_uint refs;
    struct proxy_options options;
    struct verdict verdict;
    uint16_t port;          // the cluster's; 0: not known yet
    struct addr_set *addrs; // to dial, of the jump when there is one; a reference, or NULL
    const struct via *via;  // the jump; NULL: none; outlives the view
    struct err dns_failure; // ERR_NONE: none
    enum tls_mode tls;
    enum client_tls client_tls;
    struct tls_trust *trust;       // a reference; NULL unless the cluster is verified
    struct tls_identity *identity; // a reference; NULL: applications get no TLS of ours
    char *host;                    // that is resolved; NULL: not known
    const char *control_path;      // of ssh's master; NULL: none; outlives the view
    char alias[];
};

// refs is 1, the rest is zero: the maker fills it in, its references included, before it shows it.
struct view *view_new(const char *alias) MUST_CHECK;
struct view *view_ref(struct view *view);
uint16_t view_dial_port(const struct view *view); // of its addresses
// Whether a session that was verified under one of them may be resumed under the other.
bool view_same_tls(const struct view *a, const struct view *b);
void view_unref(struct view *view); // NULL is allowed
