// SPDX-License-Identifier: Apache-2.0
//
// What a round remembers, shared by round_state.c, round_ask.c (what to ask next) and
// round_answer.c (what answers mean). Nobody else includes this.
#pragma once

#include "control/control.h"
#include "control/round.h"

struct followed {
    const struct control_target *target;
    struct round_target state;
    unsigned done; // bits of enum ask_kind
    bool failed;   // nothing more is asked about it in this round
};

struct round {
    struct model *belief;
    struct round_options options;
    struct followed *followed;
    bool many; // more clusters than are asked about one by one
    bool names_done;
    bool aborted; // by a failure that every further ask would share
    struct err failure;
    struct ask asked;    // the one under way
    struct model *heard; // the pages of the list under way; NULL: none
    char *next_page;     // token; NULL: there is no further page
    unsigned pages;
};

bool round_state_is_id(const char *text);
void round_state_set_id(struct followed *followed, const char *id);
void round_state_drop_pages(struct round *round);
// NULL as long as it is not known.
struct cluster *round_state_cluster(const struct round *round, const struct followed *followed);
const char *round_state_project(const struct round *round, const struct followed *followed);
// Whether there is anything below the cluster to ask about. NULL is allowed.
bool round_state_is_there(const struct cluster *cluster);
// NULL also when the cluster is not there any more.
struct node_group *round_state_group(const struct round *round, const struct followed *followed);
bool round_state_in_project(
    const struct round *round, const struct followed *followed, const char *project);
bool round_state_is_done(const struct followed *followed, enum ask_kind kind);
// Marks an ask as done for all targets that share the cluster of `about`, and `group` if not NULL.
void round_state_mark(struct round *round, const struct followed *about,
    const struct node_group *group, enum ask_kind kind);
