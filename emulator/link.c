// SPDX-License-Identifier: Apache-2.0
//
// The rules between the two sides, applied to every change of the world, whoever made it (an API,
// a step of the scenario, the control port). main.c starts this; routes.c asks what was discovered.
// The loop's thread only.
#include "emulator/link.h"

#include "base/err.h"
#include "emulator/steps.h"
#include "emulator/vpc.h"
#include "emulator/world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MESSAGE_BYTES = 160 };

struct link {
    struct world *world;
    struct world_watch watch;
};

static struct object *add(struct world *world, enum kind_id kind, cJSON *fields)
{
    struct err err;
    struct object *object = world_add(world, kind, fields, "$", &err);
    if (!object)
        abort(); // what it refers to was found
    cJSON_Delete(fields);
    return object;
}

// ---- the connections of TiDB Cloud --------------------------------------------------------------

static struct object *connection_of(struct world *world, const char *endpoint_id)
{
    struct object *connection = NULL;
    while ((connection = world_next(world, KIND_ENDPOINT, connection))) {
        if (object_is(connection, "endpointId", endpoint_id))
            return connection;
    }
    return NULL;
}

void link_discover(struct world *world)
{
    const struct object *settings = world_settings(world);
    struct object *endpoint = NULL;
    while ((endpoint = world_next(world, KIND_VPC_ENDPOINT, endpoint))) {
        const struct object *service = world_follow(endpoint, "service");
        if (!service || !object_flag(settings, "discovers") ||
            !object_is(endpoint, "state", "pendingAcceptance") ||
            object_age_ms(endpoint) < object_ms(settings, "discoverSeconds") ||
            connection_of(world, object_id(endpoint)))
            continue;
        cJSON *fields = cJSON_CreateObject();
        cJSON_AddStringToObject(fields, "group", object_id(service));
        cJSON_AddStringToObject(fields, "endpointId", object_id(endpoint));
        cJSON_AddStringToObject(fields, "state", "DISCOVERED");
        add(world, KIND_ENDPOINT, fields);
    }
}

// As TiDB Cloud words it, braces and all (examples of tidbcloud/terraform-provider-tidbcloud).
static void missing(const char *endpoint_id, char *out, size_t size)
{
    snprintf(out, size, "The VPC Endpoint Id '{%s []}' does not exist", endpoint_id);
}

bool link_accepts(struct world *world, const struct object *group, const char *endpoint_id,
    char *out_message, size_t size)
{
    const struct object *endpoint = world_find(world, KIND_VPC_ENDPOINT, endpoint_id);
    if (!world_next(world, KIND_VPC, NULL))
        return true;
    if (endpoint && vpc_endpoint_lives(endpoint) &&
        strcmp(object_text(endpoint, "service"), object_id(group)) == 0)
        return true;
    missing(endpoint_id, out_message, size);
    return false;
}

static void on_connection(struct object *connection, enum world_change change)
{
    static const struct step available[] = { { "availableSeconds", "available", NULL } };
    struct object *endpoint =
        world_find(connection->world, KIND_VPC_ENDPOINT, object_text(connection, "endpointId"));
    if (!endpoint)
        return;
    if (change == WORLD_REMOVED) {
        // One that was never accepted can be registered again: the console's Edit.
        if (vpc_endpoint_lives(endpoint) && !object_is(endpoint, "state", "pendingAcceptance"))
            steps_go(endpoint, "rejected", NULL, 0);
    } else if (object_is(connection, "state", "ACTIVE") &&
               object_is(endpoint, "state", "pendingAcceptance")) {
        steps_go(endpoint, "pending", available, ARRAY_LEN(available));
    }
}

// ---- the endpoints of AWS -----------------------------------------------------------------------

static struct object *interface_in(const struct object *endpoint, const char *subnet_id)
{
    struct object *interface = NULL;
    while ((interface = world_next(endpoint->world, KIND_INTERFACE, interface))) {
        if (world_refers(interface, "endpoint", endpoint) &&
            object_is(interface, "subnet", subnet_id))
            return interface;
    }
    return NULL;
}

static void add_interface(const struct object *endpoint, const char *subnet_id)
{
    const struct object *subnet = world_find(endpoint->world, KIND_SUBNET, subnet_id);
    if (!subnet)
        return; // a scenario may say what it likes
    cJSON *fields = cJSON_CreateObject();
    cJSON_AddStringToObject(fields, "endpoint", object_id(endpoint));
    cJSON_AddStringToObject(fields, "subnet", subnet_id);
    add(endpoint->world, KIND_INTERFACE, fields);
}

// One interface in each subnet that the endpoint names, none in others or when it is deleted.
static void settle_interfaces(const struct object *endpoint)
{
    bool gone = object_is(endpoint, "state", "deleted");
    struct object *interface = NULL, *next;
    for (interface = world_next(endpoint->world, KIND_INTERFACE, NULL); interface;
         interface = next) {
        next = world_next(endpoint->world, KIND_INTERFACE, interface);
        if (world_refers(interface, "endpoint", endpoint) &&
            (gone || !object_lists(endpoint, "subnets", object_text(interface, "subnet"))))
            world_remove(interface);
    }
    const cJSON *subnet = gone ? NULL : object_list(endpoint, "subnets");
    for (; subnet; subnet = subnet->next) {
        if (!interface_in(endpoint, subnet->valuestring))
            add_interface(endpoint, subnet->valuestring);
    }
}

static void forget_connection(const struct object *endpoint)
{
    struct object *connection = connection_of(endpoint->world, object_id(endpoint));
    if (!connection || object_is(connection, "state", "FAILED"))
        return;
    if (object_is(connection, "state", "DISCOVERED")) {
        world_remove(connection);
        return;
    }
    char message[MESSAGE_BYTES];
    missing(object_id(endpoint), message, sizeof(message));
    object_set(connection, "message", cJSON_CreateString(message));
    steps_go(connection, "FAILED", NULL, 0);
}

static void on_endpoint(struct object *endpoint, enum world_change change)
{
    if (change == WORLD_REMOVED || object_is(endpoint, "state", "deleting") ||
        object_is(endpoint, "state", "deleted"))
        forget_connection(endpoint);
    if (change != WORLD_REMOVED)
        settle_interfaces(endpoint);
}

// ---- addresses ----------------------------------------------------------------------------------

// Interfaces and the instance get an address that the subnet has left, unless they came with one.
static void settle_address(struct object *object)
{
    const struct object *subnet = world_follow(object, "subnet");
    char ip[VPC_IP_BYTES];
    if (subnet && !object_has(object, "address") && vpc_free_address(subnet, ip))
        object_set(object, "address", cJSON_CreateString(ip));
}

// ---- following ----------------------------------------------------------------------------------

static void on_change(struct world_watch *watch, struct object *object, enum world_change change)
{
    (void)watch;
    if (object->kind == schema_kind(KIND_ENDPOINT))
        on_connection(object, change);
    else if (object->kind == schema_kind(KIND_VPC_ENDPOINT))
        on_endpoint(object, change);
    else if (change == WORLD_ADDED && (object->kind == schema_kind(KIND_INTERFACE) ||
                                          object->kind == schema_kind(KIND_MACHINE)))
        settle_address(object);
}

struct link *link_new(struct world *world)
{
    static const enum kind_id addressed[] = { KIND_MACHINE, KIND_INTERFACE };
    struct link *link = calloc(1, sizeof(*link));
    if (!link)
        abort();
    *link = (struct link){ .world = world, .watch.fn = on_change };
    world_watch(world, &link->watch);
    for (size_t i = 0; i < ARRAY_LEN(addressed); i++) {
        struct object *object = NULL;
        while ((object = world_next(world, addressed[i], object)))
            settle_address(object);
    }
    struct object *endpoint = NULL;
    while ((endpoint = world_next(world, KIND_VPC_ENDPOINT, endpoint)))
        settle_interfaces(endpoint);
    return link;
}

void link_free(struct link *link)
{
    if (!link)
        return;
    world_unwatch(&link->watch);
    free(link);
}
