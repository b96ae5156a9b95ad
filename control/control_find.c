// SPDX-License-Identifier: Apache-2.0
//
// Which cluster and node group a target means: an ID, or a display name if only one has it. Pure;
// used by the poller, by control.c and by the commands.
#include "base/err.h"
#include "control/control.h"

#include <stdio.h>
#include <string.h>

static bool has_name(const char *name, const char *text)
{
    return name != NULL && strcmp(name, text) == 0;
}

// Adds one more ID to a list for an error text.
static void add_id(char *list, size_t size, const char *id)
{
    size_t len = strlen(list);
    snprintf(list + len, size - len, "%s%.64s", len > 0 ? ", " : "", id);
}

bool control_find_cluster(
    const struct model *model, const char *text, const struct cluster **out, struct err *err)
{
    char ids[256] = "";
    const struct cluster *match = model_find_cluster(model, text);
    size_t count = match != NULL;
    bool by_id = match != NULL;
    for (size_t i = 0; !by_id && i < model->cluster_count; i++)
        if (has_name(model->clusters[i].name, text)) {
            match = &model->clusters[i];
            add_id(ids, sizeof(ids), match->id);
            count++;
        }
    *out = count == 1 ? match : NULL;
    if (count > 1)
        return err_set(err, ERR_UNKNOWN_CLUSTER,
            "%zu clusters have the display name %.80s; use one of their IDs: %s", count, text, ids);
    return *out != NULL ||
           err_set(err, ERR_UNKNOWN_CLUSTER, "no cluster has the ID or display name %.80s", text);
}

// A group that was deleted and created again has the name, or the default, of the one that was
// there before: what the last lists still show counts, and the gone one only if there is no other.
static unsigned fewest_absences(const struct cluster *cluster,
    bool (*fits)(const struct node_group *, const char *), const char *text)
{
    unsigned fewest = MODEL_ABSENT_POLLS;
    for (size_t i = 0; i < cluster->group_count; i++)
        if (fits(&cluster->groups[i], text) && cluster->groups[i].absent_polls < fewest)
            fewest = cluster->groups[i].absent_polls;
    return fewest;
}

static bool is_named(const struct node_group *group, const char *text)
{
    return has_name(group->name, text);
}

static bool is_default(const struct node_group *group, const char *unused)
{
    (void)unused;
    return group->is_default;
}

static const struct node_group *default_group(const struct cluster *cluster)
{
    unsigned absences = fewest_absences(cluster, is_default, NULL);
    for (size_t i = 0; i < cluster->group_count; i++)
        if (cluster->groups[i].is_default && cluster->groups[i].absent_polls == absences)
            return &cluster->groups[i];
    return cluster->group_count == 1 ? &cluster->groups[0] : NULL;
}

static bool find_group_by_name(
    const struct cluster *cluster, const char *text, const struct node_group **out, struct err *err)
{
    char ids[256] = "";
    const struct node_group *match = NULL;
    size_t count = 0;
    unsigned absences = fewest_absences(cluster, is_named, text);
    for (size_t i = 0; i < cluster->group_count; i++)
        if (is_named(&cluster->groups[i], text) && cluster->groups[i].absent_polls == absences) {
            match = &cluster->groups[i];
            add_id(ids, sizeof(ids), match->id);
            count++;
        }
    *out = count == 1 ? match : NULL;
    if (count > 1)
        return err_set(err, ERR_UNKNOWN_CLUSTER,
            "%zu node groups of cluster %.64s are named %.80s; use one of their IDs: %s", count,
            cluster->id, text, ids);
    return *out != NULL || err_set(err, ERR_UNKNOWN_CLUSTER,
                               "cluster %.64s has no node group %.80s", cluster->id, text);
}

bool control_find_group(
    const struct cluster *cluster, const char *text, const struct node_group **out, struct err *err)
{
    *out = text == NULL ? default_group(cluster) : model_find_group(cluster, text);
    if (*out != NULL)
        return true;
    if (text != NULL)
        return find_group_by_name(cluster, text, out, err);
    return err_set(
        err, ERR_UNKNOWN_CLUSTER, "cluster %.64s has no default node group", cluster->id);
}

bool control_find(const struct model *model, const struct control_target *target,
    const struct cluster **out_cluster, const struct node_group **out_group, struct err *err)
{
    const struct cluster *cluster = NULL;
    const struct node_group *group;
    if (!control_find_cluster(model, target->cluster, &cluster, err) || cluster == NULL ||
        !control_find_group(cluster, target->group, &group, err))
        return false;
    *out_cluster = cluster;
    *out_group = group;
    return true;
}
