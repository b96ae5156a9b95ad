// SPDX-License-Identifier: Apache-2.0
//
// The operator's HTTP: health, metrics and status on a TCP address and on a unix socket; drain and
// reload on the unix socket only. Main thread.
#pragma once

#include "base/defs.h"

#include <stdbool.h>
#include <stddef.h>

struct admin;
struct cJSON;
struct evhttp_request;
struct inherited_socket;
struct program;

// Opens what the settings ask for. What cannot be opened is a warning: the data path does not
// depend on it. NULL only without memory.
struct admin *admin_start(struct program *program);
// It answers from now on; until then who asks waits.
void admin_accept(struct admin *admin);
// The sockets that it listens on, which stay its own; NULL behind the last one.
const struct inherited_socket *admin_socket(const struct admin *admin, size_t index);
// Whether the settings ask for any of it: `connect` has none by itself, and then nothing ticks.
bool admin_is_asked_for(const struct program *program);
// Something changed: answers those whose wait is over.
void admin_changed(struct admin *admin);
// With each heartbeat (health_now.h): what is true by time alone, and an end of pauses.
void admin_beat(struct admin *admin);
size_t admin_waiting(const struct admin *admin); // requests that are held
void admin_stop(struct admin *admin); // answers everyone who still waits; NULL is allowed

// ---- for the files of admin
// ----------------------------------------------------------------------

// Sends the answer; `text` is copied.
void admin_reply(struct evhttp_request *request, int code, const char *type, const char *text);
// The same in JSON; NULL: there was no memory for it.
void admin_reply_json(struct evhttp_request *request, int code, const char *text);
void admin_reply_tree(struct evhttp_request *request, int code, const struct cJSON *json);
// {"error": text}
void admin_reply_error(struct evhttp_request *request, int code, const char *text);
// True: it is refused whatever it asks for, and was answered. `local`: over the unix socket, where
// the Host header does not matter.
bool admin_refuses(struct evhttp_request *request, bool local);
bool admin_serves(const struct program *program, const char *alias);

// admin_peer.c: whether the user at the other end of the unix socket is root or our own; logs who
// is not.
enum { ADMIN_PEER_TEXT_BYTES = 96 };
bool admin_peer_may(struct evhttp_request *request, char why[ADMIN_PEER_TEXT_BYTES]) MUST_CHECK;

// admin_wait.c: requests that are held until what they wait for is true.
struct admin_waits;
struct admin_waits *admin_waits_new(struct program *program); // NULL: no memory
void admin_waits_free(struct admin_waits *waits);             // answers them all
void admin_waits_hold(struct admin_waits *waits, struct evhttp_request *request);
void admin_waits_changed(struct admin_waits *waits);
size_t admin_waits_count(const struct admin_waits *waits);

// admin_connections.c: the list of connections, and the end of one; the requests are held until the
// workers have answered.
struct admin_asks;
struct admin_asks *admin_asks_new(struct program *program); // NULL: no memory
void admin_asks_free(struct admin_asks *asks);              // answers them all; NULL is allowed
void admin_asks_list(struct admin_asks *asks, struct evhttp_request *request);
// `rest`: the path behind /api/v1/connections/. False: it is none that means anything.
bool admin_asks_kill(struct admin_asks *asks, struct evhttp_request *request, const char *rest);
