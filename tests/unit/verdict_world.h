// SPDX-License-Identifier: Apache-2.0
//
// One target whose cluster, group, service and two possible endpoints are all ACTIVE, for the tests
// of the verdict to spoil. Time is a number here.
#pragma once

#include "control/control.h"
#include "control/verdict.h"

enum { NOW = 1800000000, AGO = NOW - 30 };
enum level { CLUSTER_LEVEL, GROUP_LEVEL, SERVICE_LEVEL, ENDPOINT_LEVEL };

struct verdict_world {
    struct control_target target;
    struct cluster cluster;
    struct node_group group;
    struct endpoint endpoints[2];
    struct verdict_facts facts;
    struct verdict verdict;
};

#define TEXT(literal) ((char *)(uintptr_t)(literal))

struct observed_state verdict_world_seen(int value, const char *text);
void verdict_world_init(struct verdict_world *world);
const struct verdict *verdict_world_decide(struct verdict_world *world);
// Returns the API's word for it; state 0 is a word that nobody knows.
const char *verdict_world_put(struct verdict_world *world, enum level level, int state);
// What every refusal text must hold to, and that `state` survives PyMySQL.
void verdict_world_check_text(const struct verdict *verdict, const char *state);
