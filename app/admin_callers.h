// SPDX-License-Identifier: Apache-2.0
//
// Who is connected to the admin HTTP, so that nobody can hold it up: their number is bounded, the
// one that has said nothing whole for longest gives way to the next, and whoever takes too long to
// ask, or to read the answer, is cut off. evhttp alone knows none of that: its timeout begins anew
// with every byte. Main thread.
#pragma once

#include "base/defs.h"

struct admin_callers;
struct evhttp;
struct evhttp_request;
struct loop;

enum {
    ADMIN_CALLERS_MAX = 96, // with those that are held; their descriptors are counted ahead
    ADMIN_CALLERS_PATIENCE_MS = 30 * 1000,
};

struct admin_callers *admin_callers_new(struct loop *loop); // NULL: no memory
// After the servers that it watches. NULL is allowed.
void admin_callers_free(struct admin_callers *callers);
void admin_callers_watch(struct admin_callers *callers, struct evhttp *http);
// A whole request is here: until its answer begins, its connection has all the time that it takes.
void admin_callers_asked(struct admin_callers *callers, struct evhttp_request *request);
