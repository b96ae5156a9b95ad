// SPDX-License-Identifier: Apache-2.0
//
// Listening sockets that somebody else has opened: the service manager (socket activation, or its
// store of descriptors), or the process that this one takes over from. Whoever would open a socket
// asks here first. The main thread only, before the program is up.
#pragma once

#include "base/addr.h"

#include <stdbool.h>
#include <stddef.h>

struct err;

enum inherited_from {
    INHERITED_ACTIVATION, // it stays the manager's: its file is never removed, its queue its own
    INHERITED_STORE,      // a former process of ours has given it to the manager to keep
    INHERITED_RUNNING,    // a running process has sent it
    INHERITED_NOT,        // we have opened it
};

enum { INHERITED_NAME_BYTES = 256 };
// Under this name a socket is only taken for one of its kind, unix or not.
#define INHERITED_ADMIN "admin"

struct inherited_socket {
    int fd; // -1: taken
    struct addr addr;
    enum inherited_from from;
    char name[INHERITED_NAME_BYTES]; // a cluster's alias, or what the unit calls it; may be cut
};

// Zeroed: none.
struct inherited {
    struct inherited_socket *sockets;
    size_t count;
};

// Takes over the descriptor, also when it fails: it is no listening stream socket. `addr`: where it
// is known better than by the kernel (a unix socket's path is not the one that it was made under);
// NULL: ask it.
bool inherited_add(struct inherited *inherited, int fd, enum inherited_from from, const char *name,
    const struct addr *addr, struct err *err) MUST_CHECK;
// The socket that listens at this address (port 0: at any port of it, under this name), else, from
// socket activation, the next one with this name. True: it is the caller's, who does not open one.
bool inherited_take(struct inherited *inherited, const struct addr *addr, const char *name,
    struct inherited_socket *out);
// That, or a socket that is opened here (net_listen). Only the queue and the file's mode of socket
// activation are left as they are. False: it cannot be opened, or not be given that mode.
bool inherited_listen(struct inherited *inherited, const struct addr *addr, const char *name,
    int backlog, unsigned unix_mode, struct inherited_socket *out, struct err *err) MUST_CHECK;
// Whether the file of a unix socket is ours to remove.
bool inherited_has_file(const struct inherited_socket *socket);
// One from there that nobody has taken; NULL: all are.
const struct inherited_socket *inherited_left(
    const struct inherited *inherited, enum inherited_from from);
// Closes those that nobody has taken. With `unlink_files` the files of unix sockets that were ours
// go as well.
void inherited_done(struct inherited *inherited, bool unlink_files);
