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

// How many answers must agree before "it is not there" is believed. Each of them has been confirmed
// by the cluster-scoped request; until then what was believed before stands.
enum { MODEL_ABSENT_POLLS = 2 };

struct endpoint {        // a private endpoint connection
    char *connection_id; // NULL: TiDB Cloud has none yet (DISCOVERED)
    char *endpoint_id;   // AWS: vpce-…
    char *message;       // why it FAILED
    char *host;          // NULL: not given
    struct observed_state state;
    unsigned absent_polls; // lists in a row that did not show it any more
    uint16_t port;         // 0: not given
};

struct node_group {
    char *id, *name;
    bool is_default;
    struct observed_state state;
    unsigned absent_polls;                 // lists in a row that did not show it any more
    char *service_name, *service_dns_name; // of the private link service; NULL: none
    struct observed_state service;         // text NULL: no service seen
    char **zones;                          // AWS zone IDs that the service is in, "use1-az4"
    size_t zone_count;                     // 0: not told
    unsigned service_absent_polls;         // answers 404 in a row about a service once seen
    char *host;                            // of its PRIVATE_ENDPOINT endpoint; NULL: none
    uint16_t port;
    struct endpoint *endpoints;
    size_t endpoint_count;
    unsigned endpoint_lists; // whole lists of its endpoints heard, up to MODEL_ABSENT_POLLS
    int64_t endpoints_seen;  // wall clock of the last one, 0: never
};

struct cluster {
    char *id, *name, *region, *provider, *project_id;
    uint16_t port;
    struct observed_state state; // text NULL: never heard, the cluster is only known to be absent
    unsigned absent_polls;       // answers 404 in a row: deleted, or another organization's
    int64_t seen;                // wall clock of the last answer about its state, 0: never
    struct node_group *groups;
    size_t group_count;
    unsigned group_lists; // whole lists of its groups heard, up to MODEL_ABSENT_POLLS
};

struct model {
    atomic_uint refs;
    struct cluster *clusters;
    size_t cluster_count;
};

struct model *model_new(void);
struct model *model_ref(struct model *model);
void model_unref(struct model *model); // NULL is allowed
struct model *model_copy(const struct model *model);

// Free what they own and zero it; the struct itself is the caller's.
void model_cluster_done(struct cluster *cluster);
void model_group_done(struct node_group *group);
void model_zones_done(struct node_group *group);
void model_endpoint_done(struct endpoint *endpoint);
// Copies everything it owns; `to` is overwritten.
void model_cluster_copy(struct cluster *to, const struct cluster *from);

// Append an empty element and return it; pointers to older elements become invalid.
struct cluster *model_add_cluster(struct model *model);
struct node_group *model_add_group(struct cluster *cluster);
struct endpoint *model_add_endpoint(struct node_group *group);
// Takes the element out and frees what it owns; the ones behind it move up.
void model_drop_endpoint(struct node_group *group, size_t index);

// NULL if there is none.
struct cluster *model_find_cluster(const struct model *model, const char *id);
struct node_group *model_find_group(const struct cluster *cluster, const char *id);
// The one with the IDs of `like`: after a delete and create the same endpoint has two connections.
struct endpoint *model_find_endpoint(const struct node_group *group, const struct endpoint *like);

// "us-east-1" of the API's "aws-us-east-1", which may be NULL; NULL: it is not one of AWS's.
const char *model_aws_region(const char *region);

// The API's word for a state, and back; a word that this version does not know is *_UNKNOWN.
const char *model_cluster_state(int state);
const char *model_group_state(int state);
const char *model_service_state(int state);
const char *model_endpoint_state(int state);
int model_parse_cluster_state(const char *text);
int model_parse_group_state(const char *text);
int model_parse_service_state(const char *text);
int model_parse_endpoint_state(const char *text);

// Takes over `text` (NULL: ""). The time is kept when the text is what it was, else it becomes
// `now`.
void model_observe(struct observed_state *state, int value, char *text, int64_t now);
