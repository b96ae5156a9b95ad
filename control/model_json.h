// SPDX-License-Identifier: Apache-2.0
//
// The control API's answers as model pieces: what one answer says, without times. Fields that are
// absent stay NULL or 0, values that this version does not know are kept as text. On failure the
// output may be half filled; the caller frees it as usual. Any thread.
#pragma once

#include "control/model.h"

struct err;
struct option_list;

// GET /v1beta1/clusters/{clusterId}. If the answer embeds its node groups, out->group_lists is 1.
bool model_json_cluster(
    const char *body, size_t len, struct cluster *out, struct err *err) MUST_CHECK;
// One page of GET /v1beta1/clusters: the clusters are appended. *out_next is the next page's token,
// NULL if this was the last one; an old value is freed.
bool model_json_clusters(
    const char *body, size_t len, struct model *into, char **out_next, struct err *err) MUST_CHECK;
// One page of GET …/tidbNodeGroups: the groups are appended.
bool model_json_groups(const char *body, size_t len, struct cluster *into, char **out_next,
    struct err *err) MUST_CHECK;
// GET …/privateLinkService: fills the service fields of the group.
bool model_json_service(
    const char *body, size_t len, struct node_group *into, struct err *err) MUST_CHECK;
// One page of GET …/privateEndpointConnections, of one group or of a project: the connections are
// added below their cluster and group, with the service that they name.
bool model_json_connections(
    const char *body, size_t len, struct model *into, char **out_next, struct err *err) MUST_CHECK;
// One connection: the answer to a POST or a GET of one.
bool model_json_connection(
    const char *body, size_t len, struct endpoint *out, struct err *err) MUST_CHECK;
// One page of GET /v1beta1/regions: the IDs are appended.
bool model_json_regions(const char *body, size_t len, struct option_list *into, char **out_next,
    struct err *err) MUST_CHECK;
// The displayName of whatever the answer is about; *out is NULL if it has none. The caller frees.
bool model_json_name(const char *body, size_t len, char **out, struct err *err) MUST_CHECK;
// The message of an error body (googlerpcStatus), NULL if it is none. The caller frees.
char *model_json_error(const char *body, size_t len);
