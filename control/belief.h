// SPDX-License-Identifier: Apache-2.0
//
// What is believed about clusters: a model that grows by answers and never by silence. Each
// function applies one answer, moves its texts out of `heard`, sets the times, and counts absence:
// what an answer no longer shows stays believed until MODEL_ABSENT_POLLS of them agree. Pure.
#pragma once

#include "control/model.h"

// GET of a cluster, without its groups.
struct cluster *belief_cluster(struct model *belief, struct cluster *heard, int64_t now);
// GET of a cluster answered 404.
void belief_cluster_absent(struct model *belief, const char *id);
// The groups that the answer about a cluster embeds: what is missing among them proves nothing.
void belief_groups_present(struct cluster *cluster, struct cluster *heard, int64_t now);
// The whole list of a cluster's groups.
void belief_groups(struct cluster *cluster, struct cluster *heard, int64_t now);
// The group's private link service; what `heard` does not say stays.
void belief_service(struct node_group *group, struct node_group *heard, int64_t now);
// GET of a service answered 404.
void belief_service_absent(struct node_group *group);
// The whole list of a group's endpoints, from the cluster-scoped request.
void belief_endpoints(struct node_group *group, struct node_group *heard, int64_t now);
// Whether a list shows everything that is believed in, and `endpoint_id` (may be NULL), and at
// least one endpoint. If not, absence is for the cluster-scoped request to confirm.
bool belief_lists_all(
    const struct node_group *group, const struct node_group *heard, const char *endpoint_id);
// The group's part of a project's list that shows everything.
void belief_endpoints_present(struct node_group *group, struct node_group *heard, int64_t now);
// Takes a cluster out: another one has its name now.
void belief_forget(struct model *belief, const char *id);
// Whether a state will change soon, or an absence waits for its second poll. group may be NULL.
bool belief_is_changing(const struct cluster *cluster, const struct node_group *group);
