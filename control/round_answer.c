// SPDX-License-Identifier: Apache-2.0
//
// What an answer or a failure means for what is believed and for the targets. A list is believed
// when its last page is there, never in parts. See round.h; the control thread.
#include "control/belief.h"
#include "control/model_json.h"
#include "control/round_state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PAGE_LIMIT = 200 };

// ---- lists --------------------------------------------------------------------------------------

static bool read_page(struct round *round, const struct ask *ask, const char *body, size_t len,
    char **out_next, struct err *err)
{
    struct model *heard = round->heard;
    if (ask->kind == ASK_NAMES || ask->kind == ASK_PROJECT_CLUSTERS)
        return model_json_clusters(body, len, heard, out_next, err);
    if (ask->kind != ASK_GROUPS)
        return model_json_connections(body, len, heard, out_next, err);
    if (heard->cluster_count == 0)
        model_add_cluster(heard);
    return model_json_groups(body, len, &heard->clusters[0], out_next, err);
}

// Adds a page to what has been heard. round->next_page is NULL afterwards if it was the last one.
static bool add_page(
    struct round *round, const struct ask *ask, const char *body, size_t len, struct err *err)
{
    char *next = NULL;
    if (round->heard == NULL)
        round->heard = model_new();
    bool read = read_page(round, ask, body, len, &next, err);
    bool repeats = next != NULL && round->next_page != NULL && strcmp(next, round->next_page) == 0;
    if (read && (repeats || ++round->pages > PAGE_LIMIT))
        read = err_set(err, ERR_API_ANSWER, "the list does not end: %.200s", ask->path);
    free(round->next_page);
    round->next_page = next;
    return read;
}

static void apply_name(struct round *round, struct followed *followed)
{
    const struct cluster *found;
    struct err err;
    if (control_find_cluster(round->heard, followed->target->cluster, &found, &err)) {
        if (strcmp(followed->state.cluster_id, found->id) != 0) {
            belief_forget(round->belief, followed->state.cluster_id);
            round_state_set_id(followed, found->id);
            followed->done = 0; // of what was asked about the old one nothing holds
        }
        followed->state.misses = 0;
        return;
    }
    if (followed->state.cluster_id[0] != '\0')
        return; // the cluster that it meant is gone, and that is what there is to say
    if (followed->state.misses < MODEL_ABSENT_POLLS)
        followed->state.misses++;
    followed->failed = true;
    followed->state.status = err.code;
    snprintf(followed->state.text, sizeof(followed->state.text), "%.256s in %s%.64s", err.text,
        round->options.project_id != NULL ? "project " : "the default project",
        round->options.project_id != NULL ? round->options.project_id : "");
}

static void apply_names(struct round *round, int64_t now)
{
    round->names_done = true;
    for (size_t i = 0; i < round->options.target_count; i++)
        if (!round_state_is_id(round->followed[i].target->cluster))
            apply_name(round, &round->followed[i]);
    if (round->options.target_count > 0)
        return;
    for (size_t i = 0; i < round->heard->cluster_count; i++) {
        struct cluster *heard = &round->heard->clusters[i];
        belief_groups_present(belief_cluster(round->belief, heard, now), heard, now);
    }
}

static void apply_project_clusters(struct round *round, const struct ask *ask, int64_t now)
{
    for (size_t i = 0; i < round->options.target_count; i++) {
        struct followed *followed = &round->followed[i];
        if (!round_state_in_project(round, followed, ask->project))
            continue;
        followed->done |= 1U << ASK_PROJECT_CLUSTERS;
        struct cluster *heard = model_find_cluster(round->heard, followed->state.cluster_id);
        if (heard == NULL || round_state_is_done(followed, ASK_CLUSTER))
            continue; // not listed: it is asked about alone, because a list proves no absence
        belief_groups_present(belief_cluster(round->belief, heard, now), heard, now);
        round_state_mark(round, followed, NULL, ASK_CLUSTER);
    }
}

// What a list of connections says about a group; `nothing`, an empty group, if it is not in it.
static struct node_group *heard_group(const struct round *round, const struct followed *followed,
    const char *group_id, struct node_group *nothing)
{
    const struct cluster *cluster = model_find_cluster(round->heard, followed->state.cluster_id);
    struct node_group *group = cluster != NULL ? model_find_group(cluster, group_id) : NULL;
    return group != NULL ? group : nothing;
}

// Whether the list shows what every target of this group believes in.
static bool lists_all(const struct round *round, const struct followed *about,
    const struct node_group *group, const struct node_group *heard)
{
    for (size_t i = 0; i < round->options.target_count; i++) {
        const struct followed *other = &round->followed[i];
        if (strcmp(other->state.cluster_id, about->state.cluster_id) == 0 &&
            round_state_group(round, other) == group &&
            !belief_lists_all(group, heard, other->target->endpoint_id))
            return false;
    }
    return true;
}

static void apply_project_endpoints(struct round *round, const struct ask *ask, int64_t now)
{
    struct node_group nothing = { 0 };
    for (size_t i = 0; i < round->options.target_count; i++) {
        struct followed *followed = &round->followed[i];
        if (!round_state_in_project(round, followed, ask->project))
            continue;
        followed->done |= 1U << ASK_PROJECT_ENDPOINTS;
        struct node_group *group = round_state_group(round, followed);
        if (group == NULL || round_state_is_done(followed, ASK_ENDPOINTS))
            continue;
        struct node_group *heard = heard_group(round, followed, group->id, &nothing);
        if (!lists_all(round, followed, group, heard))
            continue; // the group is asked about alone
        belief_endpoints_present(group, heard, now);
        round_state_mark(round, followed, group, ASK_ENDPOINTS);
    }
}

static void apply_list(struct round *round, const struct ask *ask, int64_t now)
{
    if (ask->kind == ASK_NAMES) {
        apply_names(round, now);
        return;
    }
    struct node_group nothing = { 0 };
    struct followed *followed = &round->followed[ask->target];
    if (ask->kind == ASK_PROJECT_CLUSTERS)
        apply_project_clusters(round, ask, now);
    if (ask->kind == ASK_PROJECT_ENDPOINTS)
        apply_project_endpoints(round, ask, now);
    if (ask->kind == ASK_GROUPS) {
        belief_groups(round_state_cluster(round, followed), &round->heard->clusters[0], now);
        round_state_mark(round, followed, NULL, ASK_GROUPS);
    }
    if (ask->kind == ASK_ENDPOINTS) {
        struct node_group *group = round_state_group(round, followed);
        belief_endpoints(group, heard_group(round, followed, group->id, &nothing), now);
        round_state_mark(round, followed, group, ASK_ENDPOINTS);
    }
}

// ---- single answers -----------------------------------------------------------------------------

static bool answer_cluster(struct round *round, struct followed *followed, const char *body,
    size_t len, int64_t now, struct err *err)
{
    struct cluster heard = { 0 };
    bool read = model_json_cluster(body, len, &heard, err);
    if (read && strcmp(heard.id, followed->state.cluster_id) != 0)
        read = err_set(err, ERR_API_ANSWER, "asked about cluster %.64s, the answer is about %.64s",
            followed->state.cluster_id, heard.id);
    if (read) {
        struct cluster *cluster = belief_cluster(round->belief, &heard, now);
        if (round->many) // else the list of groups is asked for anyway
            belief_groups_present(cluster, &heard, now);
        round_state_mark(round, followed, NULL, ASK_CLUSTER);
    }
    model_cluster_done(&heard);
    return read;
}

static bool answer_service(struct round *round, struct followed *followed, const char *body,
    size_t len, int64_t now, struct err *err)
{
    struct node_group heard = { 0 };
    struct node_group *group = round_state_group(round, followed);
    bool read = model_json_service(body, len, &heard, err);
    if (read) {
        belief_service(group, &heard, now);
        round_state_mark(round, followed, group, ASK_SERVICE);
    }
    model_group_done(&heard);
    return read;
}

bool round_answer(struct round *round, const struct ask *ask, const char *body, size_t len,
    int64_t now, struct err *err)
{
    struct followed *followed = &round->followed[ask->target];
    bool read;
    if (ask->kind == ASK_CLUSTER)
        read = answer_cluster(round, followed, body, len, now, err);
    else if (ask->kind == ASK_SERVICE)
        read = answer_service(round, followed, body, len, now, err);
    else
        read = add_page(round, ask, body, len, err);
    if (!read) {
        char path[128];
        snprintf(path, sizeof(path), "%.*s", (int)strcspn(ask->path, "?"), ask->path);
        return err_prefix(err, "the answer to GET %s", path);
    }
    if (round->heard == NULL || round->next_page != NULL)
        return true;
    apply_list(round, ask, now);
    round_state_drop_pages(round);
    return true;
}

// ---- failures -----------------------------------------------------------------------------------

static void fail_target(struct followed *followed, const struct err *err)
{
    followed->failed = true;
    followed->state.status = err->code;
    snprintf(followed->state.text, sizeof(followed->state.text), "%s", err->text);
}

static bool is_about(
    const struct round *round, const struct ask *ask, const struct followed *followed)
{
    if (ask->kind == ASK_NAMES)
        return followed->state.cluster_id[0] == '\0';
    if (ask->kind == ASK_PROJECT_CLUSTERS || ask->kind == ASK_PROJECT_ENDPOINTS)
        return round_state_in_project(round, followed, ask->project);
    return strcmp(followed->state.cluster_id, round->followed[ask->target].state.cluster_id) == 0;
}

// A failure that the next ask would meet as well: nobody answers, or nobody may ask.
static bool concerns_all(long http_status, const struct err *err)
{
    return err->code == ERR_API_KEY || err->code == ERR_API_RATE ||
           (err->code == ERR_API_UNREACHABLE && http_status == 0);
}

void round_failed(
    struct round *round, const struct ask *ask, long http_status, const struct err *err)
{
    struct followed *followed = &round->followed[ask->target];
    round_state_drop_pages(round);
    if (err->code == ERR_API_NOT_FOUND && ask->kind == ASK_CLUSTER) {
        belief_cluster_absent(round->belief, followed->state.cluster_id);
        round_state_mark(round, followed, NULL, ASK_CLUSTER);
        return;
    }
    if (err->code == ERR_API_NOT_FOUND && ask->kind == ASK_SERVICE) {
        struct node_group *group = round_state_group(round, followed);
        if (group != NULL)
            belief_service_absent(group);
        round_state_mark(round, followed, group, ASK_SERVICE);
        return;
    }
    if (round->failure.code == ERR_NONE)
        round->failure = *err;
    round->names_done = round->names_done || ask->kind == ASK_NAMES;
    round->aborted = concerns_all(http_status, err);
    for (size_t i = 0; i < round->options.target_count; i++)
        if (round->aborted || is_about(round, ask, &round->followed[i]))
            fail_target(&round->followed[i], err);
}

const struct err *round_end(struct round *round, int64_t now)
{
    for (size_t i = 0; i < round->options.target_count; i++) {
        struct followed *followed = &round->followed[i];
        if (followed->failed)
            continue;
        followed->state.status = ERR_NONE;
        followed->state.text[0] = '\0';
        followed->state.answered = now;
    }
    return &round->failure;
}
