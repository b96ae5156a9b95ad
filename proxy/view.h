// SPDX-License-Identifier: Apache-2.0
//
// What a worker knows of one target: options, verdict, addresses, as one immutable snapshot that
// the main thread publishes whenever something changed. Shared by reference count; any thread.
#pragma once

#include "control/verdict.h"
#include "proxy/proxy.h"

#include <stdatomic.h>

struct view {
    atomic_uint refs;
    struct proxy_options options;
    struct verdict verdict;
    bool has_host;          // there is a name to resolve
    uint16_t port;          // where to dial; 0: not known yet
    struct addr_set *addrs; // a reference, or NULL
    struct err dns_failure; // ERR_NONE: none
    char alias[];
};

// refs is 1, the rest is zero: the maker fills it in, its references included, before it shows it.
struct view *view_new(const char *alias) MUST_CHECK;
struct view *view_ref(struct view *view);
void view_unref(struct view *view); // NULL is allowed
