// SPDX-License-Identifier: Apache-2.0
//
// The login at an ssh jump, by a person at a terminal: the ssh that each connection starts never
// asks for a passphrase or about a host key, so the one that they all share is started beforehand,
// in the foreground, where it can. Main thread.
#pragma once

#include "base/defs.h"
#include "base/foreground.h"

#include <stdbool.h>

struct proxy;
struct via;

// Whether there is such a jump, and somebody to be asked.
bool connect_login_is_wanted(const struct proxy *proxy);
// fn gets ssh's exit code: 0 when it is logged in and stays in the background. NULL if it cannot be
// run.
struct foreground *connect_login_start(struct loop *loop, const struct proxy *proxy,
    const struct foreground_legacy *legacy, foreground_fn fn, void *arg,
    struct err *err) MUST_CHECK;
