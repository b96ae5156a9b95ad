// SPDX-License-Identifier: Apache-2.0
//
// The world that test_verdict.c and test_verdict_silence.c decide about.
#include "verdict_world.h"

#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct observed_state verdict_world_seen(int value, const char *text)
{
    return (struct observed_state){ .value = value, .text = TEXT(text), .since = AGO };
}

void verdict_world_init(struct verdict_world *world)
{
    *world = (struct verdict_world){
        .target = { .alias = TEXT("orders"), .cluster = TEXT("1"), .endpoint_id = TEXT("vpce-1") },
        .cluster = { .id = TEXT("1"), .port = 4000, .seen = AGO, .group_lists = 2 },
        .group = { .id = TEXT("2"),
            .is_default = true,
            .host = TEXT("privatelink-1.example"),
            .port = 4001,
            .endpoint_count = 1,
            .endpoint_lists = 2,
            .endpoints_seen = AGO },
        .endpoints = { { .endpoint_id = TEXT("vpce-1"),
                           .host = TEXT("privatelink-2.example"),
                           .port = 4002 },
            { .endpoint_id = TEXT("vpce-2") } },
        .facts = { .choice = { .endpoint_id = "vpce-1" },
            .api_text = "",
            .polled = true,
            .now = NOW },
    };
    world->cluster.state = verdict_world_seen(CLUSTER_ACTIVE, "ACTIVE");
    world->group.state = verdict_world_seen(GROUP_ACTIVE, "ACTIVE");
    world->group.service = verdict_world_seen(SERVICE_ACTIVE, "ACTIVE");
    world->endpoints[0].state = verdict_world_seen(ENDPOINT_ACTIVE, "ACTIVE");
    world->endpoints[1].state = verdict_world_seen(ENDPOINT_ACTIVE, "ACTIVE");
    world->group.endpoints = world->endpoints;
    world->facts.target = &world->target;
    world->facts.cluster = &world->cluster;
    world->facts.group = &world->group;
}

const struct verdict *verdict_world_decide(struct verdict_world *world)
{
    verdict_decide(&world->facts, &world->verdict);
    return &world->verdict;
}

void verdict_world_check_text(const struct verdict *verdict, const char *state)
{
    const char *text = verdict->text;
    assert_true(strncmp(text, "tidblink: ", 10) == 0);
    assert_true(strlen(text) <= 380);
    for (const char *c = text; *c != '\0'; c++)
        assert_true(*c >= 0x20 && *c < 0x7f);
    // PyMySQL 1.0 drops the first six bytes: what and why must stand behind them.
    assert_non_null(strstr(text + 6, "orders"));
    assert_non_null(strstr(text + 6, state));
    assert_null(strstr(text, "CLUSTER"));
    assert_true(
        isalnum((unsigned char)text[strlen(text) - 1]) || strchr(")", text[strlen(text) - 1]));
    assert_true(verdict->next_step[0] != '\0');
    assert_non_null(strstr(text, verdict->next_step));
}

const char *verdict_world_put(struct verdict_world *world, enum level level, int state)
{
    const char *text = NULL;
    switch (level) {
    case CLUSTER_LEVEL:
        text = state == 0 ? "SHINY" : model_cluster_state(state);
        world->cluster.state = verdict_world_seen(state, text);
        break;
    case GROUP_LEVEL:
        text = state == 0 ? "SHINY" : model_group_state(state);
        world->group.state = verdict_world_seen(state, text);
        break;
    case SERVICE_LEVEL:
        text = state == 0 ? "SHINY" : model_service_state(state);
        world->group.service = verdict_world_seen(state, text);
        break;
    case ENDPOINT_LEVEL:
        text = state == 0 ? "SHINY" : model_endpoint_state(state);
        world->endpoints[0].state = verdict_world_seen(state, text);
        break;
    }
    return text;
}
