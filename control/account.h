// SPDX-License-Identifier: Apache-2.0
//
// The control API for commands, which look, change something and end: one call at a time, each
// blocks its caller until there is an answer. The commands' thread only.
// Source: TiDB Cloud Dedicated API v1beta1 (docs.pingcap.com/tidbcloud/api/v1beta1/dedicated).
#pragma once

#include "control/api.h"
#include "control/control.h"
#include "control/model.h"

struct account;

// Before a pause of `pause_ms`: the API asked for it (429; as long as it says, at most 60 s, up to
// three times), or it did not answer or answered 5xx and is asked again (up to three times, 1 s, 2
// s and 4 s later, but never later than one request may take), after a POST what has become of it
// (1 s later: it may be under way still). `why` is valid during the call. A
// look does not pause: it asks again as the poller does, until its time is up.
typedef void (*account_wait_fn)(void *arg, uint64_t pause_ms, const struct err *why);

// Reads the keys. The options must outlive it. `fn` may be NULL.
struct account *account_open(const struct control_options *options, account_wait_fn fn, void *arg,
    struct err *err) MUST_CHECK;
void account_close(struct account *account); // NULL is allowed

// One whole look at a target, at the API whatever state-source says: cluster, node groups, service,
// endpoints; a missing endpoint is looked for twice. target NULL: the list of clusters. The caller
// unrefs the model.
bool account_look(struct account *account, const struct control_target *target, uint64_t timeout_ms,
    struct model **out, struct err *err) MUST_CHECK;

// The regions that the organization can use, as an option_list of "aws-us-east-1", ….
bool account_regions(struct account *account, struct option_list *out, struct err *err) MUST_CHECK;

// POST …/privateEndpointConnections. `endpoint_id`: AWS vpce-…, else the provider's own id;
// `private_ip` is Azure's, else NULL. Safe to repeat: if the answer is lost, or 409 says that there
// is one, the list is read and the connection that it shows is the answer. `out` is zeroed and
// filled; the caller frees it with model_endpoint_done. ERR_API_CONFLICT: there is one, and it is
// FAILED or DELETING.
bool account_create_connection(struct account *account, const char *cluster_id,
    const char *group_id, const char *endpoint_id, const char *private_ip, struct endpoint *out,
    struct err *err) MUST_CHECK;
// GET …/privateEndpointConnections/{id}.
bool account_connection(struct account *account, const char *cluster_id, const char *group_id,
    const char *connection_id, struct endpoint *out, struct err *err) MUST_CHECK;
// DELETE …. One that is gone already is success.
bool account_delete_connection(struct account *account, const char *cluster_id,
    const char *group_id, const char *connection_id, struct err *err) MUST_CHECK;
// POST …:resumeCluster. A cluster that is RESUMING or running already is success.
bool account_resume(struct account *account, const char *cluster_id, struct err *err) MUST_CHECK;

// What a Starter or Essential instance of this ID is called, from the API of those
// (serverless-api-url); NULL: there is none, or it could not be asked. The caller frees.
char *account_serverless_name(struct account *account, const char *cluster_id);

// Facts about the line itself, after at least one call.
struct account_line {
    struct api_quota quota; // of the last answer that told it
    int64_t server_clock;   // wall clock of the last answer's Date header, 0: none
    int64_t own_clock;      // ours at that moment
    unsigned requests;      // since the opening
};
struct account_line account_line(const struct account *account);
