// SPDX-License-Identifier: Apache-2.0
//
// Everything about TLS that comes from files: what each cluster is verified against, and what we
// show to applications. Looks at the files every two seconds and reads them again when they changed
// (a certificate's renewal, a mounted secret's); what is not usable then leaves the old in force.
// Main thread only.
#pragma once

#include "proxy/proxy.h"

struct loop;
struct tls_store;

// Reads everything. on_change(arg, target) follows when a file of a target has changed, or of all
// targets.
struct tls_store *tls_store_new(struct loop *loop, const struct proxy_plan *plan,
    void (*on_change)(void *arg, size_t target), void *arg, struct err *err) MUST_CHECK;
// Whether all files are usable. Makes none.
bool tls_store_check(const struct proxy_plan *plan, struct err *err) MUST_CHECK;
void tls_store_free(struct tls_store *store); // NULL is allowed
// The same for the plan of a reload, all of it or nothing; without on_change.
bool tls_store_reload(
    struct tls_store *store, const struct proxy_plan *plan, struct err *err) MUST_CHECK;

enum tls_mode tls_store_mode(const struct tls_store *store, size_t target);
enum client_tls tls_store_client(const struct tls_store *store, size_t target);
// Borrowed; NULL: none is needed.
struct tls_trust *tls_store_trust(const struct tls_store *store, size_t target);
struct tls_identity *tls_store_identity(const struct tls_store *store, size_t target);
