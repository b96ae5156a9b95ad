// SPDX-License-Identifier: Apache-2.0
//
// What to ask next. A round has no plan that could go stale: the next ask is worked out from what
// has been done and what is believed by now, so an answer "this cluster is gone" simply leaves
// nothing to ask about it. Paths: TiDB Cloud Dedicated API v1beta1. See round.h; the control
// thread.
#include "control/api_path.h"
#include "control/round_state.h"

#include <stdio.h>
#include <string.h>

// A name is looked up until it has an ID, and again when the cluster with that ID is gone: another
// one may have been created under the name.
static bool needs_lookup(const struct round *round, const struct followed *followed)
{
    const struct cluster *cluster = round_state_cluster(round, followed);
    return followed->state.cluster_id[0] == '\0' ||
           (!round_state_is_id(followed->target->cluster) && cluster != NULL &&
               cluster->absent_polls >= MODEL_ABSENT_POLLS);
}

static bool needs_groups(const struct round *round, const struct followed *followed)
{
    const struct cluster *cluster = round_state_cluster(round, followed);
    return cluster != NULL && cluster->absent_polls == 0 &&
           !round_state_is_done(followed, ASK_GROUPS) &&
           (!round->many || round_state_group(round, followed) == NULL);
}

// With many clusters the connections have told about the service already, if there are any.
static bool needs_service(const struct round *round, const struct followed *followed)
{
    const struct node_group *group = round_state_group(round, followed);
    return group != NULL && !round_state_is_done(followed, ASK_SERVICE) &&
           (!round->many || group->service.text == NULL || group->endpoint_count == 0);
}

static bool needs(const struct round *round, const struct followed *followed, enum ask_kind kind)
{
    bool listed = round->many && round_state_project(round, followed) != NULL &&
                  !round_state_is_done(followed, kind);
    switch (kind) {
    case ASK_NAMES:
        return !round->names_done && needs_lookup(round, followed);
    case ASK_PROJECT_CLUSTERS:
        return listed && !round_state_is_done(followed, ASK_CLUSTER);
    case ASK_CLUSTER:
        return followed->state.cluster_id[0] != '\0' && !round_state_is_done(followed, ASK_CLUSTER);
    case ASK_GROUPS:
        return needs_groups(round, followed);
    case ASK_PROJECT_ENDPOINTS:
        return listed && round_state_group(round, followed) != NULL &&
               !round_state_is_done(followed, ASK_ENDPOINTS);
    case ASK_ENDPOINTS:
        return round_state_group(round, followed) != NULL &&
               !round_state_is_done(followed, ASK_ENDPOINTS);
    case ASK_SERVICE:
        return needs_service(round, followed);
    case ASK_KINDS:
        break;
    }
    return false;
}

static void build_path(const struct round *round, struct ask *ask)
{
    const struct followed *followed = &round->followed[ask->target];
    const struct node_group *group =
        round->options.target_count > 0 ? round_state_group(round, followed) : NULL;
    bool of_project = ask->kind == ASK_PROJECT_ENDPOINTS;
    ask->path[0] = '\0';
    if (ask->kind == ASK_NAMES || ask->kind == ASK_PROJECT_CLUSTERS)
        api_path_list(ask->path, "clusters");
    else
        api_path_segment(ask->path, "clusters", of_project ? "-" : followed->state.cluster_id);
    if (ask->kind == ASK_GROUPS)
        api_path_list(ask->path, "tidbNodeGroups");
    if (ask->kind >= ASK_PROJECT_ENDPOINTS)
        api_path_segment(
            ask->path, "tidbNodeGroups", of_project || group == NULL ? "-" : group->id);
    if (ask->kind == ASK_PROJECT_ENDPOINTS || ask->kind == ASK_ENDPOINTS)
        api_path_list(ask->path, "privateEndpointConnections");
    if (ask->kind == ASK_SERVICE)
        snprintf(ask->path + strlen(ask->path), sizeof(ask->path) - strlen(ask->path),
            "/privateLinkService");
    if (ask->project[0] != '\0')
        api_path_parameter(ask->path, "projectId", ask->project);
    if (round->next_page != NULL)
        api_path_parameter(ask->path, "pageToken", round->next_page);
}

static bool find_ask(const struct round *round, struct ask *out)
{
    for (int kind = 0; kind < ASK_KINDS; kind++)
        for (size_t i = 0; i < round->options.target_count; i++) {
            if (round->followed[i].failed || !needs(round, &round->followed[i], kind))
                continue;
            *out = (struct ask){ .kind = (enum ask_kind)kind, .target = i };
            return true;
        }
    *out = (struct ask){ .kind = ASK_NAMES };
    return round->options.target_count == 0 && !round->names_done;
}

// The project that an ask is about, NULL if none or the default one.
static const char *project_for(const struct round *round, const struct ask *ask)
{
    if (ask->kind == ASK_NAMES)
        return round->options.project_id;
    if (ask->kind == ASK_PROJECT_CLUSTERS || ask->kind == ASK_PROJECT_ENDPOINTS)
        return round_state_project(round, &round->followed[ask->target]);
    return NULL;
}

bool round_next(struct round *round, struct ask *out)
{
    if (round->aborted || (round->next_page == NULL && !find_ask(round, &round->asked)))
        return false;
    if (round->next_page == NULL) {
        const char *project = project_for(round, &round->asked);
        snprintf(round->asked.project, sizeof(round->asked.project), "%s",
            project != NULL ? project : "");
    }
    build_path(round, &round->asked);
    *out = round->asked;
    return true;
}
