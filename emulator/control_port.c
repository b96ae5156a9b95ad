// SPDX-License-Identifier: Apache-2.0
//
// The collections of the world over HTTP, all in the same way: GET and POST on the collection, GET,
// PATCH and DELETE on an object; and the journal. Nothing here knows what a cluster is. The loop's
// thread only.
#include "emulator/control_port.h"

#include "base/err.h"
#include "emulator/http.h"
#include "emulator/journal.h"
#include "emulator/world.h"

#include <stdlib.h>
#include <string.h>

struct control_port {
    struct world *world;     // not ours
    struct journal *journal; // likewise
    struct http *http;
};

// A request on its way to an answer.
struct order {
    struct control_port *port;
    const char *method;
    const struct http_target *target;
    const cJSON *body; // NULL: none, or not JSON
    int status;
};

static bool is(const struct order *order, const char *method)
{
    return strcmp(order->method, method) == 0;
}

static cJSON *refuse(struct order *order, int status, const char *text)
{
    order->status = status;
    cJSON *answer = cJSON_CreateObject();
    cJSON_AddStringToObject(answer, "error", text);
    return answer;
}

static cJSON *refuse_method(struct order *order)
{
    return refuse(order, 405, "this path does not take this method");
}

static const char *query_of(const struct order *order, const char *name)
{
    return evhttp_find_header(&order->target->query, name);
}

// ---- collections and objects --------------------------------------------------------------------

static cJSON *list_all(const struct order *order, enum kind_id kind)
{
    cJSON *list = cJSON_CreateArray();
    struct object *object = NULL;
    while ((object = world_next(order->port->world, kind, object)))
        cJSON_AddItemToArray(list, object_show(object));
    return list;
}

static cJSON *remove_all(const struct order *order, enum kind_id kind)
{
    struct object *object;
    while ((object = world_next(order->port->world, kind, NULL)))
        world_remove(object);
    return cJSON_CreateArray();
}

static cJSON *add(struct order *order, enum kind_id kind)
{
    struct err err;
    if (!order->body)
        return refuse(order, 400, "the body is not JSON");
    struct object *object = world_add(order->port->world, kind, order->body, "$", &err);
    if (!object)
        return refuse(order, 400, err.text);
    order->status = 201;
    return object_show(object);
}

static cJSON *change(struct order *order, struct object *object)
{
    struct err err;
    enum schema_mode mode = query_of(order, "unchecked") ? SCHEMA_OPEN : SCHEMA_PATCH;
    if (!order->body)
        return refuse(order, 400, "the body is not JSON");
    if (!world_patch(object, order->body, mode, "$", &err))
        return refuse(order, 400, err.text);
    return object_show(object);
}

static cJSON *serve_collection(struct order *order, enum kind_id kind)
{
    if (is(order, "GET"))
        return list_all(order, kind);
    if (is(order, "POST"))
        return add(order, kind);
    return is(order, "DELETE") ? remove_all(order, kind) : refuse_method(order);
}

static cJSON *serve_object(struct order *order, struct object *object, bool removable)
{
    if (is(order, "PATCH"))
        return change(order, object);
    if (!is(order, "GET") && !(is(order, "DELETE") && removable))
        return refuse_method(order);
    cJSON *answer = object_show(object);
    if (is(order, "DELETE"))
        world_remove(object);
    return answer;
}

// ---- everything ---------------------------------------------------------------------------------

static cJSON *serve_journal(struct order *order, enum journal_part part)
{
    if (is(order, "DELETE"))
        journal_clear(order->port->journal, part);
    else if (!is(order, "GET"))
        return refuse_method(order);
    return journal_show(order->port->journal, part);
}

static cJSON *serve(struct order *order)
{
    struct control_port *port = order->port;
    const struct http_target *target = order->target;
    const char *first = target->segments[0];
    order->status = 200;
    if (target->count == 1 && strcmp(first, "state") == 0)
        return is(order, "GET") ? world_show(port->world) : refuse_method(order);
    if (target->count == 1 && strcmp(first, "requests") == 0)
        return serve_journal(order, JOURNAL_REQUESTS);
    if (target->count == 1 && strcmp(first, "queries") == 0)
        return serve_journal(order, JOURNAL_QUERIES);

    enum kind_id kind = schema_kind_named(first);
    if (kind == KIND_SETTINGS && target->count == 1)
        return serve_object(order, world_settings(port->world), false);
    if (kind == KIND_SETTINGS || kind == KINDS || target->count > 2)
        return refuse(order, 404,
            "no such path; there are state, requests, queries, settings, and per kind of object a "
            "list as in the scenario");
    if (target->count == 1)
        return serve_collection(order, kind);
    struct object *object = world_find(port->world, kind, target->segments[1]);
    return object ? serve_object(order, object, true) : refuse(order, 404, "no such object");
}

static void on_request(struct evhttp_request *request, void *arg)
{
    struct http_target target;
    cJSON *body = http_body(request);
    struct order order = {
        .port = arg, .method = http_method(request), .target = &target, .body = body
    };
    cJSON *answer = http_target_read(&target, request)
                        ? serve(&order)
                        : refuse(&order, 400, "the path or the query cannot be read");
    http_target_done(&target);
    cJSON_Delete(body);
    http_reply(request, order.status, answer);
}

struct control_port *control_port_new(struct loop *loop, struct addr *addr, struct world *world,
    struct journal *journal, struct err *err)
{
    struct control_port *port = calloc(1, sizeof(*port));
    if (!port)
        abort();
    *port = (struct control_port){ .world = world, .journal = journal };
    port->http = http_new(loop, addr, NULL, on_request, port, err);
    if (port->http)
        return port;
    control_port_free(port);
    return NULL;
}

void control_port_free(struct control_port *port)
{
    if (!port)
        return;
    http_free(port->http);
    free(port);
}
