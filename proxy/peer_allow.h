// SPDX-License-Identifier: Apache-2.0
//
// Which local users may connect to the unix listeners of a cluster (allow-users, allow-groups). A
// client is admitted when its user is listed, or when one of its groups is: the effective one or,
// where the system tells them, the others (unix(7), SO_PEERCRED, SO_PEERGROUPS). Both are what they
// were when it called connect(2). Root is not special: a list means what it says. Main thread.
#pragma once

#include "base/defs.h"
#include "base/options.h"
#include "proxy/peer.h"

#include <stdbool.h>

struct err;
struct peer_allow;

// Names or ids; the names are looked up here and now. NULL with ERR_OPTION: one is unknown, or
// could not be looked up (err->sys), or this system does not tell who connects. The text does not
// say which option.
struct peer_allow *peer_allow_new(
    const struct option_list *users, const struct option_list *groups, struct err *err) MUST_CHECK;
struct peer_allow *peer_allow_ref(struct peer_allow *allow); // NULL is allowed
void peer_allow_unref(struct peer_allow *allow);             // NULL is allowed
// The peer of an accepted socket of cluster `alias`. Everybody is admitted without a list, and over
// TCP. False with the refusal (ERR_DENIED), which names who it was and the lists.
bool peer_allow_admits(const struct peer_allow *allow, int fd, const struct peer *peer,
    const char *alias, struct err *err) MUST_CHECK;
