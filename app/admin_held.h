// SPDX-License-Identifier: Apache-2.0
//
// A request whose answer comes later. Its client may leave before that. Main thread.
#pragma once

#include "base/defs.h"

struct evhttp_request;

struct admin_held {
    struct evhttp_request *request;
    void (*on_gone)(struct admin_held *held);
};

// From now on either admin_held_end is called, or on_gone is: the client left, and the request
// is no more. Embedded in its owner, which on_gone may free.
void admin_held_begin(struct admin_held *held, struct evhttp_request *request,
    void (*on_gone)(struct admin_held *held));
// The request is the caller's again, to be answered now.
struct evhttp_request *admin_held_end(struct admin_held *held);
