// SPDX-License-Identifier: Apache-2.0
//
// The addresses of one name, shared by reference count: the resolver makes a set and never changes
// it once somebody else holds it, so workers read it without a lock. Any thread.
#include "resolver/addr_set.h"

#include <stdlib.h>
#include <string.h>

struct addr_set *addr_set_new(const char *host, size_t capacity)
{
    struct addr_set *set = calloc(1, sizeof(*set) + capacity * sizeof(set->addrs[0]));
    if (!set)
        return NULL;
    set->host = strdup(host);
    if (!set->host) {
        free(set);
        return NULL;
    }
    atomic_init(&set->refs, 1);
    return set;
}

struct addr_set *addr_set_ref(struct addr_set *set)
{
    // Relaxed is enough: who gives a reference away already holds one.
    atomic_fetch_add_explicit(&set->refs, 1, memory_order_relaxed);
    return set;
}

void addr_set_unref(struct addr_set *set)
{
    // Release what this thread read, and let the thread that frees see that all others are done.
    if (!set || atomic_fetch_sub_explicit(&set->refs, 1, memory_order_acq_rel) > 1)
        return;
    free(set->host);
    free(set);
}

static bool contains(const struct addr_set *set, const struct addr *addr)
{
    for (size_t i = 0; i < set->count; i++) {
        if (addr_equal(&set->addrs[i], addr))
            return true;
    }
    return false;
}

static bool covers(const struct addr_set *a, const struct addr_set *b)
{
    for (size_t i = 0; i < b->count; i++) {
        if (!contains(a, &b->addrs[i]))
            return false;
    }
    return true;
}

bool addr_set_equal(const struct addr_set *a, const struct addr_set *b)
{
    if (!a || !b)
        return a == b;
    return covers(a, b) && covers(b, a); // both ways: an answer may name an address twice
}
