// SPDX-License-Identifier: Apache-2.0
//
// All listeners of a proxy. Main thread only.
#pragma once

#include "proxy/listener.h"

struct proxy_plan;

// Zeroed: none.
struct listeners {
    struct listener **items;
    size_t count;
};

// Opens every listener of the plan, all or none (then listeners_close is still due).
bool listeners_open(struct listeners *listeners, struct loop *loop, const struct proxy_plan *plan,
    const struct proxy_options *options, listener_fn fn, void *arg, struct err *err) MUST_CHECK;
void listeners_start(struct listeners *listeners);
// What the plan, which has the same targets, and the options say of new connections.
void listeners_adopt(struct listeners *listeners, const struct proxy_plan *plan,
    const struct proxy_options *options);
void listeners_accept_all(struct listeners *listeners);
// As listener_close.
void listeners_close(struct listeners *listeners, bool go_on_elsewhere);
// The `index`-th of a target; NULL behind the last one.
const struct listener *listeners_of(const struct listeners *listeners, size_t target, size_t index);
