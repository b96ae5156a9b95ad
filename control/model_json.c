// SPDX-License-Identifier: Apache-2.0
//
// Turns the API's answers into model pieces. Source of every field: TiDB Cloud Dedicated API
// v1beta1 (docs.pingcap.com/tidbcloud/api/v1beta1/dedicated); secrets in answers (rootPassword) are
// not read. Pure; round_answer.c reads the poller's answers with it, account_calls.c a command's.
#include "control/model_json.h"

#include "base/err.h"
#include "base/options.h"
#include "control/json.h"

#include <stdlib.h>
#include <string.h>

typedef int (*parse_state_fn)(const char *text);

// A state that is absent counts as a value that is not known: text "".
static bool read_state(const struct json_place *place, const char *key, parse_state_fn parse,
    struct observed_state *out, struct err *err)
{
    char *text = NULL;
    if (!json_text(place, key, &text, err))
        return false;
    int value = text == NULL ? 0 : parse(text);
    model_observe(out, value, text, 0);
    return true;
}

static bool read_project(const struct json_place *place, char **out, struct err *err)
{
    struct json_place labels;
    return json_member(place, "labels", &labels, err) &&
           json_text(&labels, "tidb.cloud/project", out, err);
}

// The group's PRIVATE_ENDPOINT endpoint; the public and peering ones are not ours to use.
static bool read_group_host(const struct json_place *place, struct node_group *out, struct err *err)
{
    const cJSON *endpoints;
    const cJSON *element;
    if (!json_array(place, "endpoints", &endpoints, err))
        return false;
    size_t index = 0;
    cJSON_ArrayForEach(element, endpoints) {
        struct json_place endpoint;
        char *type = NULL;
        if (!json_element(place, "endpoints", index++, element, &endpoint, err) ||
            !json_text(&endpoint, "connectionType", &type, err))
            return false;
        bool is_private = type != NULL && strcmp(type, "PRIVATE_ENDPOINT") == 0;
        free(type);
        if (is_private && out->host == NULL &&
            (!json_text(&endpoint, "host", &out->host, err) ||
                !json_port(&endpoint, "port", &out->port, err)))
            return false;
    }
    return true;
}

static bool read_group(const struct json_place *place, struct node_group *out, struct err *err)
{
    return json_id(place, "tidbNodeGroupId", &out->id, err) &&
           json_text(place, "displayName", &out->name, err) &&
           json_bool(place, "isDefaultGroup", &out->is_default, err) &&
           read_state(place, "state", model_parse_group_state, &out->state, err) &&
           read_group_host(place, out, err);
}

static bool read_groups(const struct json_place *place, struct cluster *into, struct err *err)
{
    const cJSON *groups;
    const cJSON *element;
    if (!json_array(place, "tidbNodeGroups", &groups, err))
        return false;
    size_t index = 0;
    cJSON_ArrayForEach(element, groups) {
        struct json_place group;
        if (!json_element(place, "tidbNodeGroups", index++, element, &group, err) ||
            !read_group(&group, model_add_group(into), err))
            return false;
    }
    return true;
}

static bool read_cluster(const struct json_place *place, struct cluster *out, struct err *err)
{
    struct json_place setting;
    if (!json_id(place, "clusterId", &out->id, err) ||
        !json_text(place, "displayName", &out->name, err) ||
        !json_text(place, "regionId", &out->region, err) ||
        !json_text(place, "cloudProvider", &out->provider, err) ||
        !json_port(place, "port", &out->port, err) ||
        !read_state(place, "state", model_parse_cluster_state, &out->state, err) ||
        !read_project(place, &out->project_id, err) ||
        !json_member(place, "tidbNodeSetting", &setting, err) || !read_groups(&setting, out, err))
        return false;
    out->group_lists = out->group_count > 0;
    return true;
}

static bool read_next(const struct json_place *place, char **out_next, struct err *err)
{
    if (!json_text(place, "nextPageToken", out_next, err))
        return false;
    if (*out_next != NULL && **out_next == '\0') {
        free(*out_next);
        *out_next = NULL;
    }
    return true;
}

bool model_json_cluster(const char *body, size_t len, struct cluster *out, struct err *err)
{
    cJSON *document CLEANUP(json_free) = json_parse(body, len, err);
    if (document == NULL)
        return false;
    struct json_place top = json_top(document);
    return read_cluster(&top, out, err);
}

bool model_json_clusters(
    const char *body, size_t len, struct model *into, char **out_next, struct err *err)
{
    cJSON *document CLEANUP(json_free) = json_parse(body, len, err);
    if (document == NULL)
        return false;
    struct json_place top = json_top(document);
    const cJSON *clusters;
    const cJSON *element;
    if (!read_next(&top, out_next, err) || !json_array(&top, "clusters", &clusters, err))
        return false;
    size_t index = 0;
    cJSON_ArrayForEach(element, clusters) {
        struct json_place place;
        if (!json_element(&top, "clusters", index++, element, &place, err) ||
            !read_cluster(&place, model_add_cluster(into), err))
            return false;
    }
    return true;
}

bool model_json_groups(
    const char *body, size_t len, struct cluster *into, char **out_next, struct err *err)
{
    cJSON *document CLEANUP(json_free) = json_parse(body, len, err);
    if (document == NULL)
        return false;
    struct json_place top = json_top(document);
    return read_next(&top, out_next, err) && read_groups(&top, into, err);
}

static bool read_zones(const struct json_place *place, struct node_group *into, struct err *err)
{
    struct option_list zones = { 0 };
    bool read = json_texts(place, "availableZones", &zones, err);
    model_zones_done(into);
    into->zones = zones.items;
    into->zone_count = zones.count;
    return read;
}

bool model_json_service(const char *body, size_t len, struct node_group *into, struct err *err)
{
    cJSON *document CLEANUP(json_free) = json_parse(body, len, err);
    if (document == NULL)
        return false;
    struct json_place top = json_top(document);
    return json_text(&top, "serviceName", &into->service_name, err) &&
           json_text(&top, "serviceDnsName", &into->service_dns_name, err) &&
           read_zones(&top, into, err) &&
           read_state(&top, "state", model_parse_service_state, &into->service, err);
}

static bool read_connection(
    const struct json_place *place, struct endpoint *endpoint, struct err *err)
{
    return json_id(place, "endpointId", &endpoint->endpoint_id, err) &&
           json_text(place, "privateEndpointConnectionId", &endpoint->connection_id, err) &&
           json_text(place, "message", &endpoint->message, err) &&
           json_text(place, "host", &endpoint->host, err) &&
           json_port(place, "port", &endpoint->port, err) &&
           read_state(place, "endpointState", model_parse_endpoint_state, &endpoint->state, err);
}

// The service as the connection sees it; a connection that does not say leaves it alone.
static bool read_service_of(
    const struct json_place *place, struct node_group *group, struct err *err)
{
    char *state = NULL;
    if (!json_text(place, "privateLinkServiceState", &state, err))
        return false;
    if (state != NULL)
        model_observe(&group->service, model_parse_service_state(state), state, 0);
    return group->service_name != NULL ||
           json_text(place, "privateLinkServiceName", &group->service_name, err);
}

// The cluster and group of a connection inside `into`, made when they are not there yet.
static struct node_group *group_of(struct model *into, char **cluster_id, char **group_id)
{
    struct cluster *cluster = model_find_cluster(into, *cluster_id);
    if (cluster == NULL) {
        cluster = model_add_cluster(into);
        cluster->id = *cluster_id;
        *cluster_id = NULL;
    }
    struct node_group *group = model_find_group(cluster, *group_id);
    if (group == NULL) {
        group = model_add_group(cluster);
        group->id = *group_id;
        *group_id = NULL;
    }
    return group;
}

static bool read_placed_connection(
    const struct json_place *place, struct model *into, struct err *err)
{
    char *cluster_id = NULL;
    char *group_id = NULL;
    bool done = false;
    if (json_id(place, "clusterId", &cluster_id, err) &&
        json_id(place, "tidbNodeGroupId", &group_id, err)) {
        struct node_group *group = group_of(into, &cluster_id, &group_id);
        done = read_connection(place, model_add_endpoint(group), err) &&
               read_service_of(place, group, err);
    }
    free(cluster_id);
    free(group_id);
    return done;
}

bool model_json_connections(
    const char *body, size_t len, struct model *into, char **out_next, struct err *err)
{
    cJSON *document CLEANUP(json_free) = json_parse(body, len, err);
    if (document == NULL)
        return false;
    struct json_place top = json_top(document);
    const cJSON *connections;
    const cJSON *element;
    if (!read_next(&top, out_next, err) ||
        !json_array(&top, "privateEndpointConnections", &connections, err))
        return false;
    size_t index = 0;
    cJSON_ArrayForEach(element, connections) {
        struct json_place place;
        if (!json_element(&top, "privateEndpointConnections", index++, element, &place, err) ||
            !read_placed_connection(&place, into, err))
            return false;
    }
    return true;
}

bool model_json_connection(const char *body, size_t len, struct endpoint *out, struct err *err)
{
    cJSON *document CLEANUP(json_free) = json_parse(body, len, err);
    if (document == NULL)
        return false;
    struct json_place top = json_top(document);
    return read_connection(&top, out, err);
}

static bool read_region(const struct json_place *place, struct option_list *into, struct err *err)
{
    char *id = NULL;
    bool read = json_id(place, "regionId", &id, err);
    if (read && !option_list_add(into, id))
        abort();
    free(id);
    return read;
}

bool model_json_regions(
    const char *body, size_t len, struct option_list *into, char **out_next, struct err *err)
{
    cJSON *document CLEANUP(json_free) = json_parse(body, len, err);
    if (document == NULL)
        return false;
    struct json_place top = json_top(document);
    const cJSON *regions;
    const cJSON *element;
    if (!read_next(&top, out_next, err) || !json_array(&top, "regions", &regions, err))
        return false;
    size_t index = 0;
    cJSON_ArrayForEach(element, regions) {
        struct json_place place;
        if (!json_element(&top, "regions", index++, element, &place, err) ||
            !read_region(&place, into, err))
            return false;
    }
    return true;
}

bool model_json_name(const char *body, size_t len, char **out, struct err *err)
{
    cJSON *document CLEANUP(json_free) = json_parse(body, len, err);
    if (document == NULL)
        return false;
    struct json_place top = json_top(document);
    return json_text(&top, "displayName", out, err);
}

char *model_json_error(const char *body, size_t len)
{
    struct err ignored;
    cJSON *document CLEANUP(json_free) = json_parse(body, len, &ignored);
    if (document == NULL)
        return NULL;
    struct json_place top = json_top(document);
    char *message = NULL;
    if (!json_text(&top, "message", &message, &ignored))
        return NULL;
    return message;
}
