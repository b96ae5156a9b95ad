// SPDX-License-Identifier: Apache-2.0
//
// What evhttp needs so that a request can be held. Used by admin_wait.c and admin_connections.c.
#include "app/admin_held.h"

#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>

enum { HOLD_TIMEOUT_S = 24 * 3600, ANSWER_TIMEOUT_S = 30, HELD_BYTES_MAX = 16 * 1024 };

// The connection is going down: the client left. evhttp keeps a request that was not answered yet
// only if the connection is being freed as a whole; otherwise it is ours.
static void on_client_gone(struct evhttp_connection *connection, void *arg)
{
    struct admin_held *held = arg;
    struct evhttp_request *request = held->request;
    (void)connection;
    held->on_gone(held);
    if (!evhttp_request_get_connection(request))
        evhttp_request_free(request);
}

// evhttp reads nothing while a request is being answered; reading is how it sees that the client
// left. But bytes that come now (a pipelined request) may not reach its read callback, which ends
// the whole process in this state (libevent 2.1.12, evhttp_read_cb): they wait, bounded, until
// evhttp sets its callbacks anew for the answer.
static void watch_for_end(struct bufferevent *bytes)
{
    bufferevent_event_cb on_event = NULL;
    void *arg = NULL;
    bufferevent_getcb(bytes, NULL, NULL, &on_event, &arg);
    bufferevent_setcb(bytes, NULL, NULL, on_event, arg);
    bufferevent_setwatermark(bytes, EV_READ, 0, HELD_BYTES_MAX);
    bufferevent_enable(bytes, EV_READ);
}

void admin_held_begin(struct admin_held *held, struct evhttp_request *request,
    void (*on_gone)(struct admin_held *held))
{
    struct evhttp_connection *connection = evhttp_request_get_connection(request);
    *held = (struct admin_held){ .request = request, .on_gone = on_gone };
    evhttp_connection_set_closecb(connection, on_client_gone, held);
    evhttp_connection_set_timeout(connection, HOLD_TIMEOUT_S);
    watch_for_end(evhttp_connection_get_bufferevent(connection));
}

struct evhttp_request *admin_held_end(struct admin_held *held)
{
    struct evhttp_connection *connection = evhttp_request_get_connection(held->request);
    evhttp_connection_set_closecb(connection, NULL, NULL);
    evhttp_connection_set_timeout(connection, ANSWER_TIMEOUT_S);
    return held->request;
}
