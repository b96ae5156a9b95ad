// SPDX-License-Identifier: Apache-2.0
//
// The model of clusters as plain data: build, copy, free, find, and the API's words for states. Out
// of memory aborts, as everywhere for small pieces. A model that is shared is immutable, so only
// its reference count is atomic. Filled by model_json.c and belief.c, read by verdict.c.
#include "control/model.h"

#include "base/os.h"

#include <stdlib.h>
#include <string.h>

// Source: commonv1beta1ClusterState, dedicatedv1beta1TidbNodeGroupState,
// dedicatedv1beta1PrivateLinkServiceState, dedicatedv1beta1PrivateEndpointConnectionEndpointState.
static const char *const cluster_words[CLUSTER_STATES] = {
    [CLUSTER_UNKNOWN] = "",
    [CLUSTER_CREATING] = "CREATING",
    [CLUSTER_RESUMING] = "RESUMING",
    [CLUSTER_PAUSING] = "PAUSING",
    [CLUSTER_PAUSED] = "PAUSED",
    [CLUSTER_INACTIVE] = "INACTIVE",
    [CLUSTER_DELETING] = "DELETING",
    [CLUSTER_DELETED] = "DELETED",
    [CLUSTER_ACTIVE] = "ACTIVE",
    [CLUSTER_MODIFYING] = "MODIFYING",
    [CLUSTER_UPGRADING] = "UPGRADING",
    [CLUSTER_IMPORTING] = "IMPORTING",
    [CLUSTER_MAINTENANCE] = "MAINTENANCE",
    [CLUSTER_RESTORING] = "RESTORING",
};
static const char *const group_words[GROUP_STATES] = {
    [GROUP_UNKNOWN] = "",
    [GROUP_ACTIVE] = "ACTIVE",
    [GROUP_MODIFYING] = "MODIFYING",
    [GROUP_PAUSED] = "PAUSED",
};
static const char *const service_words[SERVICE_STATES] = {
    [SERVICE_UNKNOWN] = "",
    [SERVICE_CREATING] = "CREATING",
    [SERVICE_ACTIVE] = "ACTIVE",
    [SERVICE_DELETING] = "DELETING",
};
static const char *const endpoint_words[ENDPOINT_STATES] = {
    [ENDPOINT_UNKNOWN] = "",
    [ENDPOINT_DISCOVERED] = "DISCOVERED",
    [ENDPOINT_PENDING] = "PENDING",
    [ENDPOINT_ACTIVE] = "ACTIVE",
    [ENDPOINT_DELETING] = "DELETING",
    [ENDPOINT_FAILED] = "FAILED",
};

static int word_index(const char *const *words, int count, const char *text)
{
    for (int i = 1; i < count; i++)
        if (strcmp(words[i], text) == 0)
            return i;
    return 0;
}

const char *model_cluster_state(int state)
{
    return cluster_words[state];
}

const char *model_group_state(int state)
{
    return group_words[state];
}

const char *model_service_state(int state)
{
    return service_words[state];
}

const char *model_endpoint_state(int state)
{
    return endpoint_words[state];
}

int model_parse_cluster_state(const char *text)
{
    return word_index(cluster_words, CLUSTER_STATES, text);
}

int model_parse_group_state(const char *text)
{
    return word_index(group_words, GROUP_STATES, text);
}

int model_parse_service_state(const char *text)
{
    return word_index(service_words, SERVICE_STATES, text);
}

int model_parse_endpoint_state(const char *text)
{
    return word_index(endpoint_words, ENDPOINT_STATES, text);
}

static void *need(void *memory)
{
    if (memory == NULL)
        abort();
    return memory;
}

static char *copy_text(const char *text)
{
    return text == NULL ? NULL : need(strdup(text));
}

// One more zeroed element of `size` bytes at the end of an array of *count, which only this
// function makes longer: its room doubles, so it is full when the count is a power of two.
static void *grow(void *array, size_t *count, size_t size)
{
    bool is_full = (*count & (*count - 1)) == 0;
    size_t room = *count == 0 ? 1 : *count * 2;
    char *grown = is_full ? need(os_reallocarray(array, room, size)) : array;
    memset(grown + *count * size, 0, size);
    (*count)++;
    return grown;
}

struct model *model_new(void)
{
    struct model *model = need(calloc(1, sizeof(*model)));
    atomic_init(&model->refs, 1);
    return model;
}

struct model *model_ref(struct model *model)
{
    atomic_fetch_add_explicit(&model->refs, 1, memory_order_relaxed);
    return model;
}

void model_unref(struct model *model)
{
    if (model == NULL || atomic_fetch_sub_explicit(&model->refs, 1, memory_order_acq_rel) != 1)
        return;
    for (size_t i = 0; i < model->cluster_count; i++)
        model_cluster_done(&model->clusters[i]);
    free(model->clusters);
    free(model);
}

void model_endpoint_done(struct endpoint *endpoint)
{
    free(endpoint->connection_id);
    free(endpoint->endpoint_id);
    free(endpoint->message);
    free(endpoint->host);
    free(endpoint->state.text);
    *endpoint = (struct endpoint){ 0 };
}

void model_zones_done(struct node_group *group)
{
    for (size_t i = 0; i < group->zone_count; i++)
        free(group->zones[i]);
    free(group->zones);
    group->zones = NULL;
    group->zone_count = 0;
}

void model_group_done(struct node_group *group)
{
    free(group->id);
    free(group->name);
    free(group->state.text);
    free(group->service_name);
    free(group->service_dns_name);
    free(group->service.text);
    model_zones_done(group);
    free(group->host);
    for (size_t i = 0; i < group->endpoint_count; i++)
        model_endpoint_done(&group->endpoints[i]);
    free(group->endpoints);
    *group = (struct node_group){ 0 };
}

void model_cluster_done(struct cluster *cluster)
{
    free(cluster->id);
    free(cluster->name);
    free(cluster->region);
    free(cluster->provider);
    free(cluster->project_id);
    free(cluster->state.text);
    for (size_t i = 0; i < cluster->group_count; i++)
        model_group_done(&cluster->groups[i]);
    free(cluster->groups);
    *cluster = (struct cluster){ 0 };
}

static void copy_endpoint(struct endpoint *to, const struct endpoint *from)
{
    *to = *from;
    to->connection_id = copy_text(from->connection_id);
    to->endpoint_id = copy_text(from->endpoint_id);
    to->message = copy_text(from->message);
    to->host = copy_text(from->host);
    to->state.text = copy_text(from->state.text);
}

static char **copy_zones(const struct node_group *from)
{
    if (from->zone_count == 0)
        return NULL;
    char **zones = need(calloc(from->zone_count, sizeof(*zones)));
    for (size_t i = 0; i < from->zone_count; i++)
        zones[i] = copy_text(from->zones[i]);
    return zones;
}

static void copy_group(struct node_group *to, const struct node_group *from)
{
    *to = *from;
    to->id = copy_text(from->id);
    to->name = copy_text(from->name);
    to->state.text = copy_text(from->state.text);
    to->service_name = copy_text(from->service_name);
    to->service_dns_name = copy_text(from->service_dns_name);
    to->service.text = copy_text(from->service.text);
    to->zones = copy_zones(from);
    to->host = copy_text(from->host);
    to->endpoints = NULL;
    to->endpoint_count = 0;
    for (size_t i = 0; i < from->endpoint_count; i++)
        copy_endpoint(model_add_endpoint(to), &from->endpoints[i]);
}

void model_cluster_copy(struct cluster *to, const struct cluster *from)
{
    *to = *from;
    to->id = copy_text(from->id);
    to->name = copy_text(from->name);
    to->region = copy_text(from->region);
    to->provider = copy_text(from->provider);
    to->project_id = copy_text(from->project_id);
    to->state.text = copy_text(from->state.text);
    to->groups = NULL;
    to->group_count = 0;
    for (size_t i = 0; i < from->group_count; i++)
        copy_group(model_add_group(to), &from->groups[i]);
}

struct model *model_copy(const struct model *model)
{
    struct model *copy = model_new();
    for (size_t i = 0; i < model->cluster_count; i++)
        model_cluster_copy(model_add_cluster(copy), &model->clusters[i]);
    return copy;
}

struct cluster *model_add_cluster(struct model *model)
{
    model->clusters = grow(model->clusters, &model->cluster_count, sizeof(*model->clusters));
    return &model->clusters[model->cluster_count - 1];
}

struct node_group *model_add_group(struct cluster *cluster)
{
    cluster->groups = grow(cluster->groups, &cluster->group_count, sizeof(*cluster->groups));
    return &cluster->groups[cluster->group_count - 1];
}

struct endpoint *model_add_endpoint(struct node_group *group)
{
    group->endpoints = grow(group->endpoints, &group->endpoint_count, sizeof(*group->endpoints));
    return &group->endpoints[group->endpoint_count - 1];
}

void model_drop_endpoint(struct node_group *group, size_t index)
{
    model_endpoint_done(&group->endpoints[index]);
    group->endpoint_count--;
    memmove(&group->endpoints[index], &group->endpoints[index + 1],
        (group->endpoint_count - index) * sizeof(*group->endpoints));
}

static bool same_text(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

struct cluster *model_find_cluster(const struct model *model, const char *id)
{
    for (size_t i = 0; i < model->cluster_count; i++)
        if (same_text(model->clusters[i].id, id))
            return &model->clusters[i];
    return NULL;
}

struct node_group *model_find_group(const struct cluster *cluster, const char *id)
{
    for (size_t i = 0; i < cluster->group_count; i++)
        if (same_text(cluster->groups[i].id, id))
            return &cluster->groups[i];
    return NULL;
}

struct endpoint *model_find_endpoint(const struct node_group *group, const struct endpoint *like)
{
    for (size_t i = 0; i < group->endpoint_count; i++)
        if (same_text(group->endpoints[i].endpoint_id, like->endpoint_id) &&
            same_text(group->endpoints[i].connection_id, like->connection_id))
            return &group->endpoints[i];
    return NULL;
}

const char *model_aws_region(const char *region)
{
    static const char prefix[] = "aws-";
    bool is_aws = region != NULL && strncmp(region, prefix, strlen(prefix)) == 0;
    return is_aws ? region + strlen(prefix) : NULL;
}

void model_observe(struct observed_state *state, int value, char *text, int64_t now)
{
    if (text == NULL)
        text = need(strdup(""));
    if (state->text == NULL || strcmp(state->text, text) != 0)
        state->since = now;
    free(state->text);
    state->text = text;
    state->value = value;
}
