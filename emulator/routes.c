// SPDX-License-Identifier: Apache-2.0
//
// What each path of the API does: a table of method, path and handler. api.c calls it after
// authentication; views.c renders what is found here. The loop's thread only.
#include "emulator/routes.h"

#include "base/err.h"
#include "emulator/http.h"
#include "emulator/link.h"
#include "emulator/pages.h"
#include "emulator/steps.h"
#include "emulator/views.h"
#include "emulator/world.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum {
    PAGE_SIZE = 10,
    REGION_PAGE_SIZE = 20
}; // when pageSize is absent, from the swagger document

// ---- errors -------------------------------------------------------------------------------------

cJSON *routes_error(int status, const char *message)
{
    // google.rpc.Code; 429 has a code of its own ("API overview", docs.pingcap.com/tidbcloud/api).
    static const struct {
        int status, code;
    } rows[] = { { 400, 3 }, { 401, 16 }, { 403, 7 }, { 404, 5 }, { 409, 6 }, { 429, 49900007 },
        { 500, 13 }, { 501, 12 }, { 503, 14 }, { 504, 4 } };
    int code = 2; // UNKNOWN
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (rows[i].status == status)
            code = rows[i].code;
    }
    cJSON *body = cJSON_CreateObject();
    cJSON_AddNumberToObject(body, "code", code);
    cJSON_AddStringToObject(body, "message", message);
    cJSON_AddArrayToObject(body, "details");
    return body;
}

static cJSON *fail(struct ask *ask, int status, const char *format, ...) PRINTF_LIKE(3, 4);
static cJSON *fail(struct ask *ask, int status, const char *format, ...)
{
    char message[256];
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof(message), format, args);
    va_end(args);
    ask->status = status;
    return routes_error(status, message);
}

// ---- what the path and the query name -----------------------------------------------------------

enum { AT_CLUSTER = 2, AT_GROUP = 4, AT_ENDPOINT = 6, AT_REGION = 2 }; // segments of the path

static const char *segment(const struct ask *ask, size_t index)
{
    return ask->target->segments[index];
}

static bool is_any(const char *id)
{
    return strcmp(id, "-") == 0;
}

static struct object *cluster_asked(const struct ask *ask)
{
    return world_find(ask->world, KIND_CLUSTER, segment(ask, AT_CLUSTER));
}

static struct object *group_asked(const struct ask *ask)
{
    struct object *cluster = cluster_asked(ask);
    struct object *group = world_find(ask->world, KIND_GROUP, segment(ask, AT_GROUP));
    return cluster && group && world_refers(group, "cluster", cluster) ? group : NULL;
}

static struct object *endpoint_asked(const struct ask *ask)
{
    struct object *group = group_asked(ask);
    struct object *endpoint = world_find(ask->world, KIND_ENDPOINT, segment(ask, AT_ENDPOINT));
    return group && endpoint && world_refers(endpoint, "group", group) ? endpoint : NULL;
}

// The project of the query, or the default one; NULL if there is none.
static struct object *project_asked(const struct ask *ask)
{
    const char *id = evhttp_find_header(&ask->target->query, "projectId");
    if (id)
        return world_find(ask->world, KIND_PROJECT, id);
    struct object *project = NULL;
    while ((project = world_next(ask->world, KIND_PROJECT, project))) {
        if (object_flag(project, "default"))
            return project;
    }
    return NULL;
}

// Whether a repeated parameter ("clusterIds=1&clusterIds=2") lists the text, or is absent.
static bool query_admits(const struct ask *ask, const char *name, const char *text)
{
    bool absent = true;
    const struct evkeyval *pair;
    TAILQ_FOREACH(pair, &ask->target->query, next) {
        if (strcmp(pair->key, name) != 0)
            continue;
        if (strcmp(pair->value, text) == 0)
            return true;
        absent = false;
    }
    return absent;
}

static bool provider_admits(const struct ask *ask, const char *region)
{
    char provider[32];
    snprintf(provider, sizeof(provider), "%.*s", (int)strcspn(region, "-"), region);
    return query_admits(ask, "cloudProvider", provider);
}

static cJSON *page(struct ask *ask, const char *member, cJSON *all, unsigned default_size)
{
    const char *why;
    cJSON *answer = pages_answer(ask->target, member, all, default_size, &why);
    return answer ? answer : fail(ask, 400, "%s", why);
}

static cJSON *not_found(struct ask *ask)
{
    return fail(ask, 404, "the resource does not exist");
}

static cJSON *no_project(struct ask *ask)
{
    return fail(ask, 403, "the API key has no permission for this project, or it does not exist");
}

// ---- reading ------------------------------------------------------------------------------------

static cJSON *list_clusters(struct ask *ask)
{
    const struct object *project = project_asked(ask);
    if (!project)
        return no_project(ask);
    cJSON *all = cJSON_CreateArray();
    struct object *cluster = NULL;
    while ((cluster = world_next(ask->world, KIND_CLUSTER, cluster))) {
        if (world_refers(cluster, "project", project) &&
            query_admits(ask, "clusterIds", object_id(cluster)) &&
            query_admits(ask, "regionIds", object_text(cluster, "region")) &&
            query_admits(ask, "clusterStates", object_text(cluster, "state")))
            cJSON_AddItemToArray(all, views_cluster(cluster));
    }
    return page(ask, "clusters", all, PAGE_SIZE);
}

static cJSON *get_cluster(struct ask *ask)
{
    const struct object *cluster = cluster_asked(ask);
    return cluster ? views_cluster(cluster) : not_found(ask);
}

static cJSON *list_regions(struct ask *ask)
{
    cJSON *all = cJSON_CreateArray();
    struct object *region = NULL;
    while ((region = world_next(ask->world, KIND_REGION, region))) {
        if (provider_admits(ask, object_id(region)))
            cJSON_AddItemToArray(all, views_region(region));
    }
    return page(ask, "regions", all, REGION_PAGE_SIZE);
}

static cJSON *get_region(struct ask *ask)
{
    const struct object *region = world_find(ask->world, KIND_REGION, segment(ask, AT_REGION));
    return region ? views_region(region) : not_found(ask);
}

static cJSON *list_groups(struct ask *ask)
{
    const struct object *cluster = cluster_asked(ask);
    if (!cluster)
        return not_found(ask);
    cJSON *all = cJSON_CreateArray();
    struct object *group = NULL;
    while ((group = world_next(ask->world, KIND_GROUP, group))) {
        if (world_refers(group, "cluster", cluster))
            cJSON_AddItemToArray(all, views_group(group));
    }
    return page(ask, "tidbNodeGroups", all, PAGE_SIZE);
}

static cJSON *get_group(struct ask *ask)
{
    const struct object *group = group_asked(ask);
    return group ? views_group(group) : not_found(ask);
}

static cJSON *get_service(struct ask *ask)
{
    const struct object *group = group_asked(ask);
    const struct object *service =
        group ? world_find(ask->world, KIND_SERVICE, object_id(group)) : NULL;
    return service ? views_service(service) : not_found(ask);
}

// Of one group; of a whole cluster ("-" for the group); of a project ("-" for both).
static cJSON *list_endpoints(struct ask *ask)
{
    bool any_cluster = is_any(segment(ask, AT_CLUSTER)), any_group = is_any(segment(ask, AT_GROUP));
    const struct object *project = any_cluster ? project_asked(ask) : NULL;
    const struct object *cluster = cluster_asked(ask), *group = group_asked(ask);
    if (any_cluster && !any_group)
        return fail(ask, 400, "a node group without its cluster");
    if (any_cluster && !project)
        return no_project(ask);
    if ((!any_cluster && !cluster) || (!any_group && !group))
        return not_found(ask);
    link_discover(ask->world);
    cJSON *all = cJSON_CreateArray();
    struct object *endpoint = NULL;
    while ((endpoint = world_next(ask->world, KIND_ENDPOINT, endpoint))) {
        const struct object *its_group = world_follow(endpoint, "group");
        const struct object *its_cluster = world_follow(its_group, "cluster");
        if ((any_group || its_group == group) && (any_cluster || its_cluster == cluster) &&
            (!any_cluster || world_refers(its_cluster, "project", project)) &&
            provider_admits(ask, object_text(its_cluster, "region")))
            cJSON_AddItemToArray(all, views_endpoint(endpoint));
    }
    return page(ask, "privateEndpointConnections", all, PAGE_SIZE);
}

static cJSON *get_endpoint(struct ask *ask)
{
    link_discover(ask->world);
    const struct object *endpoint = endpoint_asked(ask);
    return endpoint ? views_endpoint(endpoint) : not_found(ask);
}

// ---- changing -----------------------------------------------------------------------------------

// Now one state, after some seconds (a field of settings) another, or nothing at all.
static void go_through(
    struct object *object, const char *now, const char *seconds, const char *then)
{
    struct step step = { .seconds = seconds, .state = then };
    steps_go(object, now, &step, 1);
}

static cJSON *pause_cluster(struct ask *ask)
{
    struct object *cluster = cluster_asked(ask);
    if (!cluster)
        return not_found(ask);
    if (!object_is(cluster, "state", "ACTIVE"))
        return fail(ask, 400, "the cluster is %s, only an ACTIVE one can be paused",
            object_text(cluster, "state"));
    go_through(cluster, "PAUSING", "pauseSeconds", "PAUSED");
    cJSON *answer = cJSON_CreateObject();
    cJSON_AddItemToObject(answer, "cluster", views_cluster(cluster));
    return answer;
}

static cJSON *resume_cluster(struct ask *ask)
{
    struct object *cluster = cluster_asked(ask);
    if (!cluster)
        return not_found(ask);
    if (!object_is(cluster, "state", "PAUSED"))
        return fail(ask, 400, "the cluster is %s, only a PAUSED one can be resumed",
            object_text(cluster, "state"));
    go_through(cluster, "RESUMING", "resumeSeconds", "ACTIVE");
    cJSON *answer = cJSON_CreateObject();
    cJSON_AddItemToObject(answer, "cluster", views_cluster(cluster));
    return answer;
}

static struct object *endpoint_registered(struct world *world, const char *endpoint_id)
{
    struct object *endpoint = NULL;
    while ((endpoint = world_next(world, KIND_ENDPOINT, endpoint))) {
        if (object_is(endpoint, "endpointId", endpoint_id))
            return endpoint;
    }
    return NULL;
}

// On Azure a connection is told its address as well.
static void take_private_ip(const struct ask *ask, struct object *endpoint)
{
    const char *ip =
        cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(ask->body, "privateIpAddress"));
    if (ip)
        object_set(endpoint, "privateIpAddress", cJSON_CreateString(ip));
}

static struct object *endpoint_add(struct ask *ask, const char *endpoint_id)
{
    cJSON *fields = cJSON_CreateObject();
    cJSON_AddStringToObject(fields, "group", segment(ask, AT_GROUP));
    cJSON_AddStringToObject(fields, "endpointId", endpoint_id);
    struct err err;
    struct object *endpoint = world_add(ask->world, KIND_ENDPOINT, fields, "$", &err);
    if (!endpoint)
        abort(); // the group was found
    cJSON_Delete(fields);
    return endpoint;
}

// An endpoint that is DISCOVERED (it exists in the VPC and was not registered) is registered by
// this as well.
static cJSON *create_endpoint(struct ask *ask)
{
    const char *endpoint_id =
        cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(ask->body, "endpointId"));
    const struct object *group = group_asked(ask);
    if (!group)
        return not_found(ask);
    if (!endpoint_id || !*endpoint_id)
        return fail(ask, 400, "endpointId is required");
    if (!world_find(ask->world, KIND_SERVICE, object_id(group)))
        return fail(ask, 400, "the node group has no private link service");
    link_discover(ask->world);
    struct object *endpoint = endpoint_registered(ask->world, endpoint_id);
    if (endpoint && !object_is(endpoint, "state", "DISCOVERED"))
        return fail(ask, 409, "a private endpoint connection for %.80s exists", endpoint_id);
    if (!endpoint)
        endpoint = endpoint_add(ask, endpoint_id);
    char message[256];
    struct step step = { .seconds = "acceptSeconds", .state = "ACTIVE" };
    if (!link_accepts(ask->world, group, endpoint_id, message, sizeof(message)))
        step = (struct step){ .seconds = "acceptSeconds", .state = "FAILED", .message = message };
    take_private_ip(ask, endpoint);
    steps_go(endpoint, "PENDING", &step, 1);
    return views_endpoint(endpoint);
}

static cJSON *delete_endpoint(struct ask *ask)
{
    struct object *endpoint = endpoint_asked(ask);
    if (!endpoint)
        return not_found(ask);
    go_through(endpoint, "DELETING", "deleteSeconds", NULL);
    return cJSON_CreateObject();
}

// ---- the table ----------------------------------------------------------------------------------

#define GROUPS "v1beta1/clusters/*/tidbNodeGroups"
#define ENDPOINTS GROUPS "/*/privateEndpointConnections"

static const struct route {
    const char *method;
    const char *path; // "*" stands for a segment; "*:verb" for one that ends so
    cJSON *(*fn)(struct ask *ask);
} routes[] = {
    { "GET", "v1beta1/clusters", list_clusters },
    { "GET", "v1beta1/clusters/*", get_cluster },
    { "POST", "v1beta1/clusters/*:pauseCluster", pause_cluster },
    { "POST", "v1beta1/clusters/*:resumeCluster", resume_cluster },
    { "GET", "v1beta1/regions", list_regions },
    { "GET", "v1beta1/regions/*", get_region },
    { "GET", GROUPS, list_groups },
    { "GET", GROUPS "/*", get_group },
    { "GET", GROUPS "/*/privateLinkService", get_service },
    { "GET", ENDPOINTS, list_endpoints },
    { "POST", ENDPOINTS, create_endpoint },
    { "GET", ENDPOINTS "/*", get_endpoint },
    { "DELETE", ENDPOINTS "/*", delete_endpoint },
};

// Whether one segment fits its pattern; a verb is cut off the segment.
static bool segment_fits(const char *pattern, size_t pattern_len, char *text)
{
    if (*pattern != '*')
        return strlen(text) == pattern_len && strncmp(text, pattern, pattern_len) == 0;
    size_t verb_len = pattern_len - 1, len = strlen(text);
    if (verb_len == 0)
        return len > 0 && !strchr(text, ':');
    if (len <= verb_len || strncmp(text + len - verb_len, pattern + 1, verb_len) != 0)
        return false;
    text[len - verb_len] = '\0';
    return true;
}

static bool path_fits(const char *pattern, const struct http_target *target)
{
    for (size_t i = 0; i < target->count; i++) {
        size_t len = strcspn(pattern, "/");
        if (len == 0 || !segment_fits(pattern, len, target->segments[i]))
            return false;
        pattern += len + (pattern[len] == '/');
    }
    return !*pattern;
}

cJSON *routes_answer(struct ask *ask)
{
    ask->status = 200;
    for (size_t i = 0; i < ARRAY_LEN(routes); i++) {
        if (strcmp(routes[i].method, ask->method) == 0 && path_fits(routes[i].path, ask->target))
            return routes[i].fn(ask);
    }
    return fail(ask, 404, "the emulator does not serve this path");
}
