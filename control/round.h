// SPDX-License-Identifier: Apache-2.0
//
// One look at everything that is followed, as a sequence of asks: what to ask next, and what an
// answer or a failure means for what is believed and for each target. No transport and no clock.
#pragma once

#include "base/err.h"
#include "control/api_path.h"
#include "control/model.h"

struct control_target;
struct round;

// In the order of a round. Up to ROUND_SINGLES clusters are asked about one by one; more cost one
// list of clusters and one of connections for each project, and single asks only for what these
// leave open.
enum ask_kind {
    ASK_NAMES = 0,         // the clusters of a project: whose name is it?
    ASK_PROJECT_CLUSTERS,  // the same list, as the states of many
    ASK_CLUSTER,           // one cluster
    ASK_GROUPS,            // its node groups
    ASK_PROJECT_ENDPOINTS, // the private endpoint connections of a project
    ASK_ENDPOINTS,         // … of one node group
    ASK_SERVICE,           // the private link service of one node group
    ASK_KINDS
};
enum { ROUND_SINGLES = 3, ROUND_ID_BYTES = 64 };

struct ask {
    enum ask_kind kind;
    size_t target; // the first one that it is about
    char project[ROUND_ID_BYTES];
    char path[API_PATH_BYTES]; // below /v1beta1
};

struct round_options {
    const struct control_target *targets; // outlive the round
    size_t target_count;                  // 0: believe in every cluster of the project's list
    const char *project_id;               // where names are looked up; NULL: the default project
};

// How the last look went for one target.
struct round_target {
    char cluster_id[ROUND_ID_BYTES]; // "" until its name has been looked up
    enum err_code status;
    char text[ERR_TEXT_BYTES];
    int64_t answered; // wall clock of the last look that went well for it, 0: never
    unsigned misses;  // lookups of its name in a row that found none, up to MODEL_ABSENT_POLLS
};

// `belief` is the caller's and changes with the answers. Targets whose name it knows need no
// lookup.
struct round *round_new(struct model *belief, const struct round_options *options);
void round_free(struct round *round);

void round_begin(struct round *round);
// False: nothing is left to ask.
bool round_next(struct round *round, struct ask *out) MUST_CHECK;
// The answer to the ask that round_next gave, with status 200. False: it cannot be understood,
// which the caller reports as the failure that it is.
bool round_answer(struct round *round, const struct ask *ask, const char *body, size_t len,
    int64_t now, struct err *err) MUST_CHECK;
// http_status 0: there was no answer.
void round_failed(
    struct round *round, const struct ask *ask, long http_status, const struct err *err);
// What went wrong first; code ERR_NONE: nothing.
const struct err *round_end(struct round *round, int64_t now);
// Whether nothing came of it: it ended early, or went wrong for every target.
bool round_was_in_vain(const struct round *round);

// Whether something that is followed will change soon, or is not certain yet.
bool round_is_changing(const struct round *round);
const struct round_target *round_target(const struct round *round, size_t target);
