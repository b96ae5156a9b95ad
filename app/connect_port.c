// SPDX-License-Identifier: Apache-2.0
//
// Used by cmd_connect.c. Never change the arithmetic: people have the ports in their settings.
#include "app/connect_port.h"

#include <stddef.h>

// FNV-1a, 64 bits (RFC 9923).
static uint64_t add(uint64_t hash, const char *text)
{
    for (; *text; text++)
        hash = (hash ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
    return hash;
}

uint64_t connect_port_hash(const char *cluster, const char *group)
{
    uint64_t hash = add(UINT64_C(0xcbf29ce484222325), cluster);
    return group ? add(add(hash, "/"), group) : hash;
}

uint16_t connect_port_at(uint64_t hash, unsigned attempt)
{
    return (uint16_t)(CONNECT_PORT_FIRST + (hash + attempt) % CONNECT_PORTS);
}
