// SPDX-License-Identifier: Apache-2.0
//
// The verdict table as data. What each state means: TiDB Cloud Dedicated API v1beta1; the console's
// words and the usual durations: docs.pingcap.com/tidbcloud, "Connect via Private Endpoint with
// AWS" (status reference), "Create a TiDB Cloud Dedicated Cluster", "Pause or Resume". Read by
// verdict.c.
#include "control/verdict_row.h"

#define WAIT "Wait for it with: tidblink wait --for active --max 10m CLUSTER"
#define RESUME "Resume it in the TiDB Cloud console (Clusters, its ... menu, Resume)"
#define ANOTHER "To choose another cluster: tidblink clusters"

// clang-format off
#define ALLOW(console, meaning) \
    { VERDICT_ALLOW, ERR_NONE, false, { console, meaning, "", "" } }
#define HOLD(console, meaning, usual, next) \
    { VERDICT_HOLD, ERR_TRANSITION, false, { console, meaning, usual, next } }
#define REFUSE(console, meaning, next) \
    { VERDICT_REFUSE, ERR_REFUSED, false, { console, meaning, "", next } }
#define REFUSE_AND_DRAIN(console, meaning, next) \
    { VERDICT_REFUSE, ERR_REFUSED, true, { console, meaning, "", next } }
#define NOT_KNOWN ALLOW("", "this version of tidblink does not know this state and treats it as ACTIVE")

static const struct verdict_row cluster_rows[CLUSTER_STATES] = {
    [CLUSTER_UNKNOWN]     = NOT_KNOWN,
    [CLUSTER_CREATING]    = HOLD("Creating", "it is being created", "20 to 30 minutes", WAIT),
    [CLUSTER_RESUMING]    = HOLD("Resuming", "it is being resumed", "several minutes", WAIT),
    [CLUSTER_PAUSING]     = REFUSE("Pausing", "it is being paused", "Once it is paused, resume it in the TiDB Cloud console"),
    [CLUSTER_PAUSED]      = REFUSE("Paused", "it has been paused", RESUME),
    [CLUSTER_INACTIVE]    = REFUSE("Unavailable", "it is not running", RESUME ", or ask TiDB Cloud support"),
    [CLUSTER_DELETING]    = REFUSE_AND_DRAIN("Deleting", "it is being deleted", ANOTHER),
    [CLUSTER_DELETED]     = REFUSE_AND_DRAIN("Deleted", "it has been deleted", ANOTHER),
    [CLUSTER_ACTIVE]      = ALLOW("Available", "it is running"),
    [CLUSTER_MODIFYING]   = ALLOW("Modifying", "it is running and being changed"),
    [CLUSTER_UPGRADING]   = ALLOW("Upgrading", "it is running and being upgraded"),
    [CLUSTER_IMPORTING]   = ALLOW("Importing", "it is running and importing data"),
    [CLUSTER_MAINTENANCE] = ALLOW("Maintaining", "it is running and under maintenance"),
    [CLUSTER_RESTORING]   = ALLOW("Restoring", "its data is being restored from a backup"),
};
static const struct verdict_row group_rows[GROUP_STATES] = {
    [GROUP_UNKNOWN]   = NOT_KNOWN,
    [GROUP_ACTIVE]    = ALLOW("Available", "it is running"),
    [GROUP_MODIFYING] = ALLOW("Modifying", "it is running and being changed"),
    [GROUP_PAUSED]    = REFUSE("Paused", "it has been paused", "Resume it in the TiDB Cloud console (the cluster, Nodes)"),
};
static const struct verdict_row service_rows[SERVICE_STATES] = {
    [SERVICE_UNKNOWN]  = NOT_KNOWN,
    [SERVICE_CREATING] = HOLD("Creating", "it is being created", "3 to 5 minutes", WAIT),
    [SERVICE_ACTIVE]   = ALLOW("Active", "it accepts endpoints"),
    [SERVICE_DELETING] = REFUSE_AND_DRAIN("Deleting", "the service or the cluster is being deleted", ANOTHER),
};
static const struct verdict_row endpoint_rows[ENDPOINT_STATES] = {
    [ENDPOINT_UNKNOWN]    = NOT_KNOWN,
    [ENDPOINT_DISCOVERED] = REFUSE("Discovered", "it exists in the VPC and is not registered with TiDB Cloud",
                                "Register it with: tidblink endpoint create CLUSTER"),
    [ENDPOINT_PENDING]    = HOLD("Pending", "TiDB Cloud is accepting it", "about 5 minutes",
                                WAIT),
    [ENDPOINT_ACTIVE]     = ALLOW("Active", "it is ready to use"),
    [ENDPOINT_DELETING]   = REFUSE_AND_DRAIN("Deleting", "it is being deleted",
                                "Create another with: tidblink setup CLUSTER"),
    [ENDPOINT_FAILED]     = REFUSE("Failed", "TiDB Cloud could not set it up",
                                "Delete it with: tidblink endpoint delete CLUSTER, then create it again"),
};
static const struct verdict_row no_endpoint_row =
    REFUSE("Not Configured", "no private endpoint is registered yet", "Create it with: tidblink setup CLUSTER");
static const struct verdict_row absent_cluster_row =
    REFUSE("", "it has been deleted, or it belongs to another organization than the API key", ANOTHER);
static const struct verdict_row absent_group_row =
    REFUSE("", "the cluster has no such node group", "To see its groups: tidblink status CLUSTER");
// clang-format on

const struct verdict_row *verdict_row_cluster(int state)
{
    return &cluster_rows[state];
}

const struct verdict_row *verdict_row_group(int state)
{
    return &group_rows[state];
}

const struct verdict_row *verdict_row_service(int state)
{
    return &service_rows[state];
}

const struct verdict_row *verdict_row_endpoint(int state)
{
    return &endpoint_rows[state];
}

const struct verdict_row *verdict_row_no_endpoint(void)
{
    return &no_endpoint_row;
}

const struct verdict_row *verdict_row_absent_cluster(void)
{
    return &absent_cluster_row;
}

const struct verdict_row *verdict_row_absent_group(void)
{
    return &absent_group_row;
}
