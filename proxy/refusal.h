// SPDX-License-Identifier: Apache-2.0
//
// The texts of the refusals that the data path itself decides: what is wrong, what was seen, the
// one next step; ASCII, at most MYSQL_TEXT_BYTES. (A verdict's text comes with the verdict.) Pure.
#pragma once

#include "base/addr.h"
#include "base/err.h"

struct view;

// "at 10.0.0.7:4000", or "through ssh://bastion": where a server was reached; behind a jump nobody
// here knows its address. Returns out.
enum { REFUSAL_PLACE_BYTES = 160 };
const char *refusal_place(
    const struct view *view, const struct addr *server, char out[REFUSAL_PLACE_BYTES]);
void refusal_verdict(const struct view *view, struct err *out);
// There is no address to dial: the control plane has not told any, or DNS does not resolve it.
void refusal_address(const struct view *view, struct err *out);
// `tried` addresses failed, the last of them with errno `sys`.
void refusal_dial(
    const struct view *view, size_t tried, const struct addr *last, int sys, struct err *out);
// The jump `what` ("refuses the user or password"); `next`: the one next step, without its full
// stop.
void refusal_jump(const struct view *view, const char *what, const char *next, struct err *out);
// The jump tried to reach the cluster, and says `why` it did not.
void refusal_jump_far(const struct view *view, const char *why, struct err *out);
// Connected, then `what` ("closed it", errno `sys`) before a byte of greeting.
void refusal_greeting(
    const struct view *view, const struct addr *server, const char *what, int sys, struct err *out);
// The server's greeting offers no TLS, and we may not go without.
void refusal_no_tls(const struct view *view, const struct addr *server, struct err *out);
// The server left, or said nothing, after the client's answer: `what` ("closed the connection").
void refusal_login(const struct view *view, const char *what, int sys, struct err *out);
// This machine left the network that the server was reached by, before the relay.
void refusal_network_changed(const struct view *view, struct err *out);
void refusal_slow_client(uint64_t timeout_ms, struct err *out);
void refusal_tls_required(struct err *out);
void refusal_tls_not_offered(struct err *out); // the client begins it all the same
void refusal_old_client(struct err *out);
void refusal_broken_client(struct err *out);
void refusal_spoke_first(struct err *out);
void refusal_draining(struct err *out);
void refusal_listener_limit(uint64_t limit, struct err *out);
void refusal_limit(uint64_t open, uint64_t max_connections, struct err *out);
