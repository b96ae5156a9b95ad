// SPDX-License-Identifier: Apache-2.0
//
// The texts of the refusals that the data path itself decides: what is wrong, what was seen, the
// one next step; ASCII, at most MYSQL_TEXT_BYTES. (A verdict's text comes with the verdict.) Pure.
#pragma once

#include "base/addr.h"
#include "base/err.h"

struct view;

void refusal_verdict(const struct view *view, struct err *out);
// There is no address to dial: the control plane has not told any, or DNS does not resolve it.
void refusal_address(const struct view *view, struct err *out);
// `tried` addresses failed, the last of them with errno `sys`.
void refusal_dial(
    const struct view *view, size_t tried, const struct addr *last, int sys, struct err *out);
// Connected, then `what` ("closed it", errno `sys`) before a byte of greeting.
void refusal_greeting(
    const struct view *view, const struct addr *server, const char *what, int sys, struct err *out);
void refusal_spoke_first(struct err *out);
void refusal_draining(struct err *out);
void refusal_listener_limit(uint64_t limit, struct err *out);
void refusal_limit(uint64_t open, uint64_t max_connections, struct err *out);
