// SPDX-License-Identifier: Apache-2.0
//
// Merges answers into what is believed. The two kinds of list differ: one asked about a single
// cluster may say that something is gone, one about a whole project may only say what is there.
// Called by round_answer.c.
#include "control/belief.h"

#include <stdlib.h>
#include <string.h>

static void take(char **to, char **from)
{
    if (*from == NULL)
        return;
    free(*to);
    *to = *from;
    *from = NULL;
}

static void observe(struct observed_state *to, struct observed_state *from, int64_t now)
{
    model_observe(to, from->value, from->text, now);
    *from = (struct observed_state){ 0 };
}

static void count(unsigned *polls)
{
    if (*polls < MODEL_ABSENT_POLLS)
        (*polls)++;
}

// ---- groups -------------------------------------------------------------------------------------

static void merge_group(struct node_group *to, struct node_group *heard, int64_t now)
{
    take(&to->id, &heard->id);
    take(&to->name, &heard->name);
    take(&to->host, &heard->host);
    if (heard->port != 0)
        to->port = heard->port;
    to->is_default = heard->is_default;
    to->absent_polls = 0;
    observe(&to->state, &heard->state, now);
}

void belief_groups_present(struct cluster *cluster, struct cluster *heard, int64_t now)
{
    for (size_t i = 0; i < heard->group_count; i++) {
        struct node_group *known = model_find_group(cluster, heard->groups[i].id);
        merge_group(known != NULL ? known : model_add_group(cluster), &heard->groups[i], now);
    }
}

void belief_groups(struct cluster *cluster, struct cluster *heard, int64_t now)
{
    for (size_t i = 0; i < cluster->group_count; i++)
        if (model_find_group(heard, cluster->groups[i].id) == NULL)
            count(&cluster->groups[i].absent_polls);
    belief_groups_present(cluster, heard, now);
    count(&cluster->group_lists);
}

// ---- clusters -----------------------------------------------------------------------------------

struct cluster *belief_cluster(struct model *belief, struct cluster *heard, int64_t now)
{
    struct cluster *cluster = model_find_cluster(belief, heard->id);
    if (cluster == NULL)
        cluster = model_add_cluster(belief);
    take(&cluster->id, &heard->id);
    take(&cluster->name, &heard->name);
    take(&cluster->region, &heard->region);
    take(&cluster->provider, &heard->provider);
    take(&cluster->project_id, &heard->project_id);
    if (heard->port != 0)
        cluster->port = heard->port;
    observe(&cluster->state, &heard->state, now);
    cluster->absent_polls = 0;
    cluster->seen = now;
    return cluster;
}

void belief_cluster_absent(struct model *belief, const char *id)
{
    struct cluster *cluster = model_find_cluster(belief, id);
    if (cluster == NULL) {
        cluster = model_add_cluster(belief);
        cluster->id = strdup(id);
        if (cluster->id == NULL)
            abort();
    }
    count(&cluster->absent_polls);
}

void belief_forget(struct model *belief, const char *id)
{
    for (size_t i = 0; i < belief->cluster_count; i++) {
        if (strcmp(belief->clusters[i].id, id) != 0)
            continue;
        model_cluster_done(&belief->clusters[i]);
        belief->cluster_count--;
        memmove(&belief->clusters[i], &belief->clusters[i + 1],
            (belief->cluster_count - i) * sizeof(*belief->clusters));
        return;
    }
}

// ---- service and endpoints ----------------------------------------------------------------------

static void take_zones(struct node_group *group, struct node_group *heard)
{
    model_zones_done(group);
    group->zones = heard->zones;
    group->zone_count = heard->zone_count;
    heard->zones = NULL;
    heard->zone_count = 0;
}

void belief_service(struct node_group *group, struct node_group *heard, int64_t now)
{
    take(&group->service_name, &heard->service_name);
    take(&group->service_dns_name, &heard->service_dns_name);
    if (heard->zone_count > 0)
        take_zones(group, heard);
    if (heard->service.text == NULL)
        return;
    observe(&group->service, &heard->service, now);
    group->service_absent_polls = 0;
}

void belief_service_absent(struct node_group *group)
{
    if (group->service.text == NULL)
        return;
    count(&group->service_absent_polls);
    if (group->service_absent_polls < MODEL_ABSENT_POLLS)
        return;
    free(group->service_name);
    free(group->service_dns_name);
    free(group->service.text);
    group->service_name = NULL;
    group->service_dns_name = NULL;
    group->service = (struct observed_state){ 0 };
    model_zones_done(group);
    group->service_absent_polls = 0;
}

static void merge_endpoints(struct node_group *group, struct node_group *heard, int64_t now)
{
    for (size_t i = 0; i < heard->endpoint_count; i++) {
        struct endpoint *from = &heard->endpoints[i];
        struct endpoint *to = model_find_endpoint(group, from);
        if (to == NULL)
            to = model_add_endpoint(group);
        take(&to->connection_id, &from->connection_id);
        take(&to->endpoint_id, &from->endpoint_id);
        free(to->message); // an old failure's words must not outlive it
        to->message = NULL;
        take(&to->message, &from->message);
        take(&to->host, &from->host);
        if (from->port != 0)
            to->port = from->port;
        to->absent_polls = 0;
        observe(&to->state, &from->state, now);
    }
    belief_service(group, heard, now);
    group->endpoints_seen = now;
}

// The host name outlives it: on AWS it is the service's and shared by all endpoints.
static void drop_endpoint(struct node_group *group, size_t index)
{
    struct endpoint *endpoint = &group->endpoints[index];
    if (group->host == NULL) {
        take(&group->host, &endpoint->host);
        group->port = endpoint->port;
    }
    model_drop_endpoint(group, index);
}

void belief_endpoints(struct node_group *group, struct node_group *heard, int64_t now)
{
    for (size_t i = group->endpoint_count; i-- > 0;) {
        struct endpoint *endpoint = &group->endpoints[i];
        if (model_find_endpoint(heard, endpoint) != NULL)
            continue;
        count(&endpoint->absent_polls);
        if (endpoint->absent_polls == MODEL_ABSENT_POLLS)
            drop_endpoint(group, i);
    }
    merge_endpoints(group, heard, now);
    count(&group->endpoint_lists);
}

static bool lists_id(const struct node_group *heard, const char *endpoint_id)
{
    for (size_t i = 0; i < heard->endpoint_count; i++)
        if (strcmp(heard->endpoints[i].endpoint_id, endpoint_id) == 0)
            return true;
    return false;
}

bool belief_lists_all(
    const struct node_group *group, const struct node_group *heard, const char *endpoint_id)
{
    if (heard->endpoint_count == 0 || (endpoint_id != NULL && !lists_id(heard, endpoint_id)))
        return false;
    for (size_t i = 0; i < group->endpoint_count; i++)
        if (model_find_endpoint(heard, &group->endpoints[i]) == NULL)
            return false;
    return true;
}

void belief_endpoints_present(struct node_group *group, struct node_group *heard, int64_t now)
{
    merge_endpoints(group, heard, now);
    count(&group->endpoint_lists);
}

// ---- change -------------------------------------------------------------------------------------

static bool cluster_is_changing(const struct cluster *cluster)
{
    int state = cluster->state.value;
    return state == CLUSTER_CREATING || state == CLUSTER_RESUMING || state == CLUSTER_PAUSING ||
           state == CLUSTER_DELETING;
}

static bool is_half_absent(unsigned absent_polls)
{
    return absent_polls > 0 && absent_polls < MODEL_ABSENT_POLLS;
}

static bool group_is_changing(const struct node_group *group)
{
    if (is_half_absent(group->absent_polls) || is_half_absent(group->service_absent_polls) ||
        group->service.value == SERVICE_CREATING || group->service.value == SERVICE_DELETING ||
        is_half_absent(group->endpoint_lists))
        return true;
    for (size_t i = 0; i < group->endpoint_count; i++) {
        const struct endpoint *endpoint = &group->endpoints[i];
        if (is_half_absent(endpoint->absent_polls) || endpoint->state.value == ENDPOINT_PENDING ||
            endpoint->state.value == ENDPOINT_DELETING)
            return true;
    }
    return false;
}

bool belief_is_changing(const struct cluster *cluster, const struct node_group *group)
{
    if (cluster_is_changing(cluster) || is_half_absent(cluster->absent_polls))
        return true;
    if (group == NULL)
        return is_half_absent(cluster->group_lists);
    return group_is_changing(group);
}
