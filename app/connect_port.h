// SPDX-License-Identifier: Apache-2.0
//
// The local port of a cluster that was given none: the same one every time, so that what a person
// has written down stays true. Pure.
#pragma once

#include <stdint.h>

// Outside the range from which Linux takes ports for outgoing connections (32768 to 60999,
// net.ipv4.ip_local_port_range), and without the well-known ports of databases.
enum { CONNECT_PORT_FIRST = 21000, CONNECT_PORTS = 2000, CONNECT_PORT_TRIES = 100 };

// Of the words that name the cluster; also the name of its folder in state-dir.
uint64_t connect_port_hash(const char *cluster, const char *group);
// The port to try as number `attempt`, from 0: the cluster's own, then those behind it.
uint16_t connect_port_at(uint64_t hash, unsigned attempt);
