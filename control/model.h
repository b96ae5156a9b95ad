// SPDX-License-Identifier: Apache-2.0
//
// What the control API says about clusters, as plain data: cluster, TiDB node group, private link
// service, private endpoint connection. States are kept twice: as a value this version knows and as
// the text that was seen, because the API may grow values. One model is immutable once built and
// shared by reference count.
// Source: TiDB Cloud Dedicated API v1beta1 (docs.pingcap.com/tidbcloud/api/v1beta1/dedicated).
#pragma once

#include "base/defs.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// The order of the rows in verdict.c follows these. *_UNKNOWN is a value that this version does not
// know.
enum cluster_state {
    CLUSTER_UNKNOWN = 0,
    CLUSTER_CREATING,
    CLUSTER_RESUMING,
    CLUSTER_PAUSING,
    CLUSTER_PAUSED,
    CLUSTER_INACTIVE,
    CLUSTER_DELETING,
    CLUSTER_DELETED,
    CLUSTER_ACTIVE,
    CLUSTER_MODIFYING,
    CLUSTER_UPGRADING,
    CLUSTER_IMPORTING,
    CLUSTER_MAINTENANCE,
    CLUSTER_RESTORING,
    CLUSTER_STATES
};
enum group_state { GROUP_UNKNOWN = 0, GROUP_ACTIVE, GROUP_MODIFYING, GROUP_PAUSED, GROUP_STATES };
enum service_state {
    SERVICE_UNKNOWN = 0,
    SERVICE_CREATING,
    SERVICE_ACTIVE,
    SERVICE_DELETING,
    SERVICE_STATES
};
enum endpoint_state {
    ENDPOINT_UNKNOWN = 0,
    ENDPOINT_DISCOVERED,
    ENDPOINT_PENDING,
    ENDPOINT_ACTIVE,
    ENDPOINT_DELETING,
    ENDPOINT_FAILED,
    ENDPOINT_STATES
};

// A state as a value, as the text seen, and since when this tidblink has seen it (wall clock
// seconds; 0: not known).
struct observed_state {
    int value;
    char *text;
    int64_t since;
};

struct endpoint { // a private endpoint connection
    char *connection_id;
    char *endpoint_id; // AWS: vpce-…
    char *message;     // why it FAILED
    char *host;        // NULL: not given
    uint16_t port;     // 0: not given
    struct observed_state state;
};

struct node_group {
    char *id, *name;
    bool is_default;
    struct observed_state state;
    char *service_name, *service_dns_name; // of the private link service; NULL: none
    struct observed_state service;         // text NULL: no service seen
    char *host;                            // of its PRIVATE_ENDPOINT endpoint; NULL: none
    uint16_t port;
    struct endpoint *endpoints;
    size_t endpoint_count;
};

struct cluster {
    char *id, *name, *region, *provider, *project_id;
    uint16_t port;
    struct observed_state state;
    bool absent;  // the API answered 404, twice: it is deleted or another organization's
    int64_t seen; // wall clock of the last answer about this cluster, endpoints included
    struct node_group *groups;
    size_t group_count;
};

struct model {
    atomic_uint refs;
    struct cluster *clusters;
    size_t cluster_count;
};

struct model *model_new(void);
struct model *model_ref(struct model *model);
void model_unref(struct model *model); // NULL is allowed
