// SPDX-License-Identifier: Apache-2.0
//
// The memory of a round: its targets, what has been asked about them, and the pages of a list. See
// round.h; the control thread.
#include "control/round_state.h"
#include "control/belief.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool round_state_is_id(const char *text)
{
    return text[0] != '\0' && text[strspn(text, "0123456789")] == '\0';
}

void round_state_set_id(struct followed *followed, const char *id)
{
    snprintf(followed->state.cluster_id, sizeof(followed->state.cluster_id), "%s", id);
}

struct cluster *round_state_cluster(const struct round *round, const struct followed *followed)
{
    return model_find_cluster(round->belief, followed->state.cluster_id);
}

const char *round_state_project(const struct round *round, const struct followed *followed)
{
    const struct cluster *cluster = round_state_cluster(round, followed);
    return cluster != NULL ? cluster->project_id : NULL;
}

bool round_state_is_there(const struct cluster *cluster)
{
    return cluster != NULL && cluster->absent_polls == 0 && cluster->state.value != CLUSTER_DELETED;
}

struct node_group *round_state_group(const struct round *round, const struct followed *followed)
{
    const struct cluster *cluster = round_state_cluster(round, followed);
    const struct node_group *group;
    if (!round_state_is_there(cluster) ||
        !control_find_group(cluster, followed->target->group, &group, NULL))
        return NULL;
    return model_find_group(cluster, group->id);
}

static bool same_cluster(const struct followed *a, const struct followed *b)
{
    return strcmp(a->state.cluster_id, b->state.cluster_id) == 0;
}

bool round_state_is_done(const struct followed *followed, enum ask_kind kind)
{
    return (followed->done & 1U << kind) != 0;
}

void round_state_mark(struct round *round, const struct followed *about,
    const struct node_group *group, enum ask_kind kind)
{
    for (size_t i = 0; i < round->options.target_count; i++) {
        struct followed *followed = &round->followed[i];
        if (same_cluster(followed, about) &&
            (group == NULL || round_state_group(round, followed) == group))
            followed->done |= 1U << kind;
    }
}

bool round_state_in_project(
    const struct round *round, const struct followed *followed, const char *project)
{
    const char *own = round_state_project(round, followed);
    return own != NULL && strcmp(own, project) == 0;
}

static size_t count_clusters(const struct round_options *options)
{
    size_t count = 0;
    for (size_t i = 0; i < options->target_count; i++) {
        bool first = true;
        for (size_t j = 0; j < i; j++)
            if (strcmp(options->targets[j].cluster, options->targets[i].cluster) == 0)
                first = false;
        count += first;
    }
    return count;
}

struct round *round_new(struct model *belief, const struct round_options *options)
{
    struct round *round = calloc(1, sizeof(*round));
    struct followed *followed = calloc(options->target_count + 1, sizeof(*followed));
    if (round == NULL || followed == NULL)
        abort();
    round->belief = belief;
    round->options = *options;
    round->followed = followed;
    for (size_t i = 0; i < options->target_count; i++) {
        const struct cluster *known;
        followed[i].target = &options->targets[i];
        if (round_state_is_id(options->targets[i].cluster))
            round_state_set_id(&followed[i], options->targets[i].cluster);
        else if (control_find_cluster(belief, options->targets[i].cluster, &known, NULL))
            round_state_set_id(&followed[i], known->id);
    }
    round->many = count_clusters(options) > ROUND_SINGLES;
    return round;
}

void round_state_drop_pages(struct round *round)
{
    model_unref(round->heard);
    free(round->next_page);
    round->heard = NULL;
    round->next_page = NULL;
    round->pages = 0;
}

void round_free(struct round *round)
{
    if (round == NULL)
        return;
    round_state_drop_pages(round);
    free(round->followed);
    free(round);
}

const struct round_target *round_target(const struct round *round, size_t target)
{
    return &round->followed[target].state;
}

void round_begin(struct round *round)
{
    round_state_drop_pages(round);
    round->names_done = false;
    round->aborted = false;
    round->failure = (struct err){ 0 };
    for (size_t i = 0; i < round->options.target_count; i++) {
        round->followed[i].done = 0;
        round->followed[i].failed = false;
    }
}

bool round_was_in_vain(const struct round *round)
{
    bool answered = false;
    for (size_t i = 0; i < round->options.target_count; i++)
        answered = answered || !round->followed[i].failed;
    return round->failure.code != ERR_NONE && (round->aborted || !answered);
}

bool round_is_changing(const struct round *round)
{
    for (size_t i = 0; i < round->options.target_count; i++) {
        const struct followed *followed = &round->followed[i];
        const struct cluster *cluster = round_state_cluster(round, followed);
        bool missed = followed->state.misses > 0 && followed->state.misses < MODEL_ABSENT_POLLS;
        if (missed ||
            (cluster != NULL && belief_is_changing(cluster, round_state_group(round, followed))))
            return true;
    }
    return false;
}
