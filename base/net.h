// SPDX-License-Identifier: Apache-2.0
//
// Sockets set up the way this program wants them: non-blocking and close-on-exec from birth. Any
// thread.
#pragma once

#include "base/addr.h"
#include "base/cidr.h"
#include "base/defs.h"

#include <stdbool.h>

struct err;

// A listening socket, or -1. Unix: the path never shows anything but a listening socket with `mode`
// (a tool that asks the kernel sees the temporary name "PATH.<6 letters>" under which it was made);
// a stale socket file is replaced only when nobody answers on it; one that a live process serves,
// and anything that is no socket, is left alone and ERR_LISTEN.
int net_listen(
    const struct addr *addr, int backlog, unsigned unix_mode, struct err *err) MUST_CHECK;
// Keepalive after 60 s idle, every 10 s, 6 times: PrivateLink drops flows that are idle for 350 s
// (docs.aws.amazon.com, "Network Load Balancers", idle timeout). No-op on unix sockets.
void net_keepalive(int fd);
void net_nodelay(int fd);
void net_user_timeout(int fd, unsigned timeout_ms); // TCP_USER_TIMEOUT, 0 = the system's
int net_socket_error(int fd);                       // SO_ERROR, taken once

// errno of a read, write or accept that only means "not now".
bool net_is_transient(int sys);
// errno that says that this process or machine is out of descriptors or memory.
bool net_is_shortage(int sys);
