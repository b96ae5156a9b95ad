// SPDX-License-Identifier: Apache-2.0
//
// The life of a request to any of the emulated APIs: fault, answer, fault of the answer, reply, and
// a line in the journal. Each API says how it answers and how it words an error. The loop's thread
// only.
#pragma once

#include "base/loop.h"
#include "emulator/faults.h"

#include <cjson/cJSON.h>
#include <event2/http.h>

struct call;
struct journal;
struct world;

// One API. `arg` is the API's own.
struct calls {
    struct loop *loop;
    struct world *world;     // not ours
    struct journal *journal; // likewise
    const char *service;     // in the journal; NULL: the control API, whose entries have none
    const char *content_type;
    void (*answer)(struct call *call, void *arg); // fills status and body
    void (*refuse)(struct call *call, const char *code, const char *message); // status is set
    void *arg;
    LIST_HEAD(, call) open; // not answered yet
};

// A request until it is answered.
struct call {
    LIST_ENTRY(call) link;
    struct calls *calls;
    struct evhttp_request *request;
    cJSON *entry; // for the journal
    int status;
    struct evbuffer *body;
    struct fault fault;
    struct timer delay;
    struct deferred end;
};

void calls_init(struct calls *calls);
void calls_done(struct calls *calls); // before the HTTP server goes
// `subject` is what faults match, "GET /v1beta1/clusters" or "aws CreateVpcEndpoint".
// `action` goes into the journal; NULL: it has none.
void calls_take(
    struct calls *calls, struct evhttp_request *request, const char *subject, const char *action);
// Adds a fact to the journal's entry.
void call_note(struct call *call, const char *name, const char *value);
