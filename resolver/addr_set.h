// SPDX-License-Identifier: Apache-2.0
//
// Building and comparing the address sets of resolver.h.
#pragma once

#include "resolver/resolver.h"

// An empty set with room for `capacity` addresses and one reference; NULL out of memory.
struct addr_set *addr_set_new(const char *host, size_t capacity) MUST_CHECK;
// The same addresses in any order: DNS servers rotate their answers, and that is no change.
bool addr_set_equal(const struct addr_set *a, const struct addr_set *b); // NULL is a set of its own
