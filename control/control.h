// SPDX-License-Identifier: Apache-2.0
//
// The control plane as the rest of the program sees it: it runs on a thread and a loop of its own
// (libcurl's name resolution can block its caller for seconds), asks the TiDB Cloud API about the
// clusters it is told to follow, remembers the last known state on disk, and reports a verdict per
// target whenever one changes. Nothing that accepts or relays ever waits for it.
#pragma once

#include "base/err.h"
#include "base/options.h"
#include "control/model.h"
#include "control/verdict.h"

struct control;
struct loop;

enum control_source { CONTROL_SOURCE_API = 0, CONTROL_SOURCE_FILE, CONTROL_SOURCE_NONE };

struct control_options {
    char *api_url;                       // "https://dedicated.tidbapi.com"
    char *api_ca;                        // PEM file of an own CA for api_url; NULL: the system's
    char *public_key_file;               // NULL: TIDBCLOUD_PUBLIC_KEY
    char *private_key_file;              // NULL: TIDBCLOUD_PRIVATE_KEY
    const struct keys *environment_keys; // from keys_take_environment; borrowed, NULL: none
    char *state_source;                  // "api", "file:PATH", "none"
    char *state_dir;                     // where the last known state is kept; NULL: nowhere
    char *project_id;                    // for listing clusters; NULL: what the labels say
    uint64_t poll_ms;                    // steady interval, 60 s
    uint64_t poll_changing_ms;           // while something is in transition, 10 s
    uint64_t api_timeout_ms;             // one request
    bool loss_refuses;                   // control-loss = refuse
    char *aws_cli;                       // "aws", or "off"
    char *aws_profile;                   // --profile of the CLI; NULL: its own choice
    char *aws_region;                    // NULL: the cluster's
    char *aws_endpoint_url;              // another EC2 than Amazon's; NULL: Amazon's
    char *serverless_api_url;            // the API of Starter and Essential instances
    char *vpc_id;                        // ours; NULL: asked from the instance metadata service
    char *metadata_url; // NULL: http://169.254.169.254, the instance metadata service
};

// One thing to have a verdict about: an alias with the cluster and node group that it stands for.
struct control_target {
    char *alias;       // for texts
    char *cluster;     // cluster ID or display name
    char *group;       // node group ID or display name; NULL: the default group
    char *endpoint_id; // vpce-…; NULL: not set
    char *host;        // set by the configuration; NULL: from the API
    uint16_t port;     // 0: from the API
};

// What is known about one target. Immutable; the receiver owns it and frees it with
// control_news_free.
struct control_news {
    size_t target;
    struct verdict verdict;
    struct model *model;           // everything known, or NULL; a reference
    char cluster_id[64];           // resolved; "" if not yet
    enum err_code api_status;      // ERR_NONE: the last poll succeeded
    char api_text[ERR_TEXT_BYTES]; // what went wrong, "" if nothing
    int64_t api_answered;          // wall clock of the last good answer about this target, 0: never
    int64_t next_poll;             // wall clock
    uint64_t api_requests, api_failures; // since start
    int64_t rate_limit, rate_remaining;  // from X-Ratelimit-*; -1: not seen
};
typedef void (*control_fn)(void *arg, struct control_news *news);
void control_news_free(struct control_news *news);

// Reads the keys, then starts the thread. fn is called on `home`'s thread, first soon after start
// with what the disk knows (or "nothing yet"), then on every change. Fails on unreadable keys
// (ERR_OPTION), an unusable state source, no memory. Copies everything it is given.
struct control *control_start(const struct control_options *options,
    const struct control_target *targets, size_t target_count, struct loop *home, control_fn fn,
    void *arg, struct err *err) MUST_CHECK;
// Stops and joins the thread; no callback afterwards. `home`'s thread.
void control_stop(struct control *control);

// Any thread, cheap, never waits:
// a client is held for this target: one poll may come forward.
void control_nudge(struct control *control, size_t target);
// a connection to this target reached the server just now (weighs against "absent").
void control_note_success(struct control *control, size_t target);
// How often states are asked for from now on. Any thread.
void control_use_intervals(struct control *control, uint64_t steady_ms, uint64_t changing_ms);
// this machine slept for so long, or is in another network: ask at once, over new connections.
void control_wake(struct control *control, uint64_t slept_ms);

// How long a look at one target may take: cluster, groups, service and endpoints are asked for.
uint64_t control_look_ms(const struct control_options *options);

// Asks once, on the caller's thread, until done or `timeout_ms`: for commands that print and end.
// target NULL: list every cluster (without endpoints). The caller unrefs the model.
bool control_fetch(const struct control_options *options, const struct control_target *target,
    uint64_t timeout_ms, struct model **out_model, struct err *err) MUST_CHECK;

// Finds the cluster and node group that a target means, by ID or display name. An ambiguous name is
// ERR_UNKNOWN_CLUSTER with the IDs to choose from. Pure.
bool control_find(const struct model *model, const struct control_target *target,
    const struct cluster **out_cluster, const struct node_group **out_group,
    struct err *err) MUST_CHECK;
// The two halves of it; *out is NULL on failure. `text` NULL: the default group.
bool control_find_cluster(const struct model *model, const char *text, const struct cluster **out,
    struct err *err) MUST_CHECK;
bool control_find_group(const struct cluster *cluster, const char *text,
    const struct node_group **out, struct err *err) MUST_CHECK;
