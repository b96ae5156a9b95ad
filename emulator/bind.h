// SPDX-License-Identifier: Apache-2.0
//
// Listening sockets whose port may be 0: afterwards the address is the one that was given. Any
// thread.
#pragma once

#include "base/defs.h"

struct addr;
struct err;

// The descriptor, or -1.
int bind_tcp(struct addr *addr, struct err *err) MUST_CHECK;
int bind_udp(struct addr *addr, struct err *err) MUST_CHECK;
