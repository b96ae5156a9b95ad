// SPDX-License-Identifier: Apache-2.0
//
// A block of addresses, "10.0.0.0/8" or "fd00::/8". IPv4-mapped IPv6 addresses count as IPv4. Any
// thread.
#pragma once

#include "base/defs.h"

#include <stdbool.h>
#include <stdint.h>

struct addr;
struct err;

struct cidr {
    int family;
    uint8_t bytes[16];
    unsigned prefix;
};

// A block with bits set behind its prefix ("10.0.0.1/8") is refused: it is a typing mistake.
bool cidr_parse(const char *text, struct cidr *out, struct err *err) MUST_CHECK;
bool cidr_contains(const struct cidr *cidr, const struct addr *addr);
