// SPDX-License-Identifier: Apache-2.0
//
// Rules of security groups as one line each: "tcp 4000 from 10.0.0.0/16", "tcp 4000-4010 to sg-1",
// "all from sg-1 # why". Of IPv6 blocks and prefix lists no more is known than that they are peers.
// Pure.
#pragma once

#include "base/defs.h"

#include <cjson/cJSON.h>
#include <stdbool.h>

struct addr;

enum { RULE_TEXT_BYTES = 512, RULE_PORT_MAX = 65535 };

struct rule {
    char protocol[8];       // "tcp", "udp", "icmp", "-1" for all
    int from_port, to_port; // -1: all
    char peer[64];          // "10.0.0.0/16", "sg-…", "fd00::/8", "pl-…"
    char note[256];         // ""
};

bool rule_parse(const char *text, struct rule *out) MUST_CHECK;
const char *rule_format(const struct rule *rule, bool is_egress, char out[RULE_TEXT_BYTES]);
bool rule_peer_is_group(const struct rule *rule);
bool rule_equal(const struct rule *a, const struct rule *b); // whatever their notes say

// What is at the other end of a connection.
struct rule_peer {
    const struct addr *addr; // NULL: any
    const cJSON *groups;     // the first of a list of its security groups
};
// Whether the rule lets TCP to this port through. A peer without address and groups is anybody.
bool rule_admits(const struct rule *rule, unsigned port, const struct rule_peer *peer);
