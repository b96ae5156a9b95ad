// SPDX-License-Identifier: Apache-2.0
//
// Used by cmd_connect.c. Never change the arithmetic: people have the ports in their settings.
#include "app/connect_port.h"

#include "base/hash.h"

#include <stddef.h>

uint64_t connect_port_hash(const char *cluster, const char *group)
{
    uint64_t hash = hash_text(HASH_START, cluster);
    return group ? hash_text(hash_text(hash, "/"), group) : hash;
}

uint16_t connect_port_at(uint64_t hash, unsigned attempt)
{
    return (uint16_t)(CONNECT_PORT_FIRST + (hash + attempt) % CONNECT_PORTS);
}
