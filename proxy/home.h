// SPDX-License-Identifier: Apache-2.0
//
// What workers tell the main thread. A message may still be under way when the proxy is gone, so it
// does not carry the proxy's address but a reference to this, which forgets its owner in time.
#pragma once

#include "base/defs.h"

#include <stdatomic.h>
#include <stddef.h>

struct err;
struct loop;
struct path;

struct home {
    atomic_uint refs;
    struct loop *loop;
    void *owner; // the main thread only; NULL once it is gone
    // Every address of the target failed, and why.
    void (*on_unreachable)(void *owner, size_t target, const struct err *err);
    // A worker has learned something of an address.
    void (*on_path)(void *owner, size_t target, size_t worker, const struct path *path);
    void (*on_drained)(void *owner); // a draining worker has no connection left
};

struct home *home_new(struct loop *loop, void *owner) MUST_CHECK;
struct home *home_ref(struct home *home);
void home_unref(struct home *home); // NULL is allowed
// Any thread.
void home_tell_unreachable(struct home *home, size_t target, const struct err *err);
void home_tell_path(struct home *home, size_t target, size_t worker, const struct path *path);
void home_tell_drained(struct home *home);
