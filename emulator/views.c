// SPDX-License-Identifier: Apache-2.0
//
// Renders the world in the words of the API's swagger document (tidbcloud/tidbcloud-cli,
// pkg/tidbcloud/v1beta1/dedicated.swagger.json); the end-to-end test holds every answer against it.
// routes.c picks the objects. The loop's thread only.
#include "emulator/views.h"

#include "base/clock.h"
#include "emulator/world.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void add_name(cJSON *view, const char *format, ...) PRINTF_LIKE(2, 3);
static void add_name(cJSON *view, const char *format, ...)
{
    char name[600];
    va_list args;
    va_start(args, format);
    vsnprintf(name, sizeof(name), format, args);
    va_end(args);
    cJSON_AddStringToObject(view, "name", name);
}

static void add_region(cJSON *view, const struct object *region)
{
    char provider[32] = "";
    const char *id = object_id(region);
    snprintf(provider, sizeof(provider), "%.*s", (int)strcspn(id, "-"), id);
    cJSON_AddStringToObject(view, "regionId", id);
    cJSON_AddStringToObject(view, "cloudProvider", provider);
}

static void add_time(cJSON *view, const char *name, int64_t wall_s)
{
    char text[CLOCK_TEXT_BYTES];
    cJSON_AddStringToObject(view, name, clock_format(wall_s, text));
}

static void add_labels(cJSON *view, const struct object *cluster)
{
    cJSON *labels = cJSON_AddObjectToObject(view, "labels");
    cJSON_AddStringToObject(labels, "tidb.cloud/project", object_text(cluster, "project"));
}

cJSON *views_region(const struct object *region)
{
    cJSON *view = cJSON_CreateObject();
    add_name(view, "regions/%s", object_id(region));
    add_region(view, region);
    cJSON_AddStringToObject(view, "displayName", object_text(region, "displayName"));
    return view;
}

// ---- clusters -----------------------------------------------------------------------------------

static void add_tidb_nodes(cJSON *view, const struct object *cluster)
{
    cJSON *setting = cJSON_AddObjectToObject(view, "tidbNodeSetting");
    cJSON_AddStringToObject(setting, "nodeSpecKey", "8C32G");
    cJSON_AddStringToObject(setting, "nodeSpecDisplayName", "8 vCPU, 32 GiB");
    cJSON *groups = cJSON_AddArrayToObject(setting, "tidbNodeGroups");
    struct object *group = NULL;
    while ((group = world_next(cluster->world, KIND_GROUP, group))) {
        if (world_refers(group, "cluster", cluster))
            cJSON_AddItemToArray(groups, views_group(group));
    }
}

static void add_tikv_nodes(cJSON *view)
{
    cJSON *setting = cJSON_AddObjectToObject(view, "tikvNodeSetting");
    cJSON_AddNumberToObject(setting, "nodeCount", 3);
    cJSON_AddStringToObject(setting, "nodeSpecKey", "8C32G");
    cJSON_AddStringToObject(setting, "nodeSpecDisplayName", "8 vCPU, 32 GiB");
    cJSON_AddNumberToObject(setting, "storageSizeGi", 500);
    cJSON_AddStringToObject(setting, "storageType", "Standard");
}

cJSON *views_cluster(const struct object *cluster)
{
    const struct object *region = world_follow(cluster, "region");
    cJSON *view = cJSON_CreateObject();
    add_name(view, "clusters/%s", object_id(cluster));
    cJSON_AddStringToObject(view, "clusterId", object_id(cluster));
    cJSON_AddStringToObject(view, "displayName", object_text(cluster, "displayName"));
    add_region(view, region);
    cJSON_AddStringToObject(view, "regionDisplayName", object_text(region, "displayName"));
    add_labels(view, cluster);
    add_tidb_nodes(view, cluster);
    add_tikv_nodes(view);
    cJSON_AddNumberToObject(view, "port", object_uint(cluster, "port"));
    cJSON_AddStringToObject(view, "state", object_text(cluster, "state"));
    cJSON_AddStringToObject(view, "version", object_text(cluster, "version"));
    cJSON_AddStringToObject(view, "createdBy", "emulator@example.com");
    add_time(view, "createTime", cluster->created);
    add_time(view, "updateTime", cluster->changed);
    if (object_is(cluster, "state", "PAUSED"))
        cJSON_AddStringToObject(cJSON_AddObjectToObject(view, "pausePlan"), "pauseType", "NORMAL");
    return view;
}

// ---- node groups and their endpoints ------------------------------------------------------------

static struct object *service_of(const struct object *group)
{
    return world_find(group->world, KIND_SERVICE, object_id(group));
}

// Host and port of the private endpoint: what the object says, else the service's name and the
// cluster's port. A host set to "" is left out, as before the service is ready.
static void add_address(cJSON *view, const struct object *object, const struct object *group)
{
    const struct object *service = service_of(group);
    const char *host = "";
    if (object_has(object, "host"))
        host = object_text(object, "host");
    else if (service && !object_is(service, "state", "CREATING"))
        host = object_text(service, "dnsName");
    unsigned port = object_uint(object, "port");
    if (*host)
        cJSON_AddStringToObject(view, "host", host);
    cJSON_AddNumberToObject(
        view, "port", port ? port : object_uint(world_follow(group, "cluster"), "port"));
}

static cJSON *endpoint_of_type(const char *type)
{
    cJSON *endpoint = cJSON_CreateObject();
    cJSON_AddStringToObject(endpoint, "connectionType", type);
    return endpoint;
}

cJSON *views_group(const struct object *group)
{
    cJSON *view = cJSON_CreateObject();
    add_name(view, "tidbNodeGroups/%s", object_id(group));
    cJSON_AddStringToObject(view, "tidbNodeGroupId", object_id(group));
    cJSON_AddStringToObject(view, "clusterId", object_text(group, "cluster"));
    cJSON_AddStringToObject(view, "displayName", object_text(group, "displayName"));
    cJSON_AddNumberToObject(view, "nodeCount", object_uint(group, "nodeCount"));
    cJSON_AddStringToObject(view, "nodeSpecKey", "8C32G");
    cJSON_AddStringToObject(view, "nodeSpecDisplayName", "8 vCPU, 32 GiB");
    cJSON_AddBoolToObject(view, "isDefaultGroup", object_flag(group, "default"));
    cJSON_AddStringToObject(view, "state", object_text(group, "state"));
    cJSON *endpoints = cJSON_AddArrayToObject(view, "endpoints");
    cJSON_AddItemToArray(endpoints, endpoint_of_type("PUBLIC"));
    if (service_of(group)) {
        cJSON *endpoint = endpoint_of_type("PRIVATE_ENDPOINT");
        add_address(endpoint, group, group);
        cJSON_AddItemToArray(endpoints, endpoint);
    }
    return view;
}

cJSON *views_service(const struct object *service)
{
    const struct object *cluster = world_follow(world_follow(service, "group"), "cluster");
    const struct object *region = world_follow(cluster, "region");
    cJSON *view = cJSON_CreateObject();
    add_name(view, "tidbNodeGroups/%s/privateLinkService", object_id(service));
    cJSON_AddStringToObject(view, "tidbNodeGroupId", object_id(service));
    cJSON_AddStringToObject(view, "serviceName", object_text(service, "serviceName"));
    cJSON_AddStringToObject(view, "serviceDnsName", object_text(service, "dnsName"));
    cJSON *zones = cJSON_AddArrayToObject(view, "availableZones");
    const cJSON *zone = object_flag(service, "tellsZones") ? object_list(service, "zones") : NULL;
    for (; zone; zone = zone->next)
        cJSON_AddItemToArray(zones, cJSON_Duplicate(zone, true));
    cJSON_AddStringToObject(view, "state", object_text(service, "state"));
    add_region(view, region);
    cJSON_AddStringToObject(view, "regionDisplayName", object_text(region, "displayName"));
    return view;
}

cJSON *views_endpoint(const struct object *endpoint)
{
    const struct object *group = world_follow(endpoint, "group");
    const struct object *cluster = world_follow(group, "cluster");
    const struct object *region = world_follow(cluster, "region");
    const struct object *service = service_of(group);
    cJSON *view = cJSON_CreateObject();
    add_name(view, "tidbNodeGroups/%s/privateEndpointConnections/%s", object_id(group),
        object_id(endpoint));
    cJSON_AddStringToObject(view, "tidbNodeGroupId", object_id(group));
    cJSON_AddStringToObject(view, "privateEndpointConnectionId", object_id(endpoint));
    cJSON_AddStringToObject(view, "clusterId", object_id(cluster));
    cJSON_AddStringToObject(view, "clusterDisplayName", object_text(cluster, "displayName"));
    add_labels(view, cluster);
    cJSON_AddStringToObject(view, "endpointId", object_text(endpoint, "endpointId"));
    cJSON_AddStringToObject(view, "endpointState", object_text(endpoint, "state"));
    cJSON_AddStringToObject(view, "message", object_text(endpoint, "message"));
    add_region(view, region);
    cJSON_AddStringToObject(view, "regionDisplayName", object_text(region, "displayName"));
    cJSON_AddStringToObject(view, "tidbNodeGroupDisplayName", object_text(group, "displayName"));
    if (service) {
        cJSON_AddStringToObject(
            view, "privateLinkServiceName", object_text(service, "serviceName"));
        cJSON_AddStringToObject(view, "privateLinkServiceState", object_text(service, "state"));
    }
    add_address(view, endpoint, group);
    return view;
}
