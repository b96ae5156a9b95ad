// SPDX-License-Identifier: Apache-2.0
//
// The verdict: every row of the table as a decision with its text, absence, silence, age, and which
// endpoint is ours. Time is a number here.
#include "control/verdict.h"

#include "control/control.h"

#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { NOW = 1800000000, AGO = NOW - 30 };

// One target whose cluster, group, service and two possible endpoints are all ACTIVE.
struct world {
    struct control_target target;
    struct cluster cluster;
    struct node_group group;
    struct endpoint endpoints[2];
    struct verdict_facts facts;
    struct verdict verdict;
};

#define TEXT(literal) ((char *)(uintptr_t)(literal))

static struct observed_state seen(int value, const char *text)
{
    return (struct observed_state){ .value = value, .text = TEXT(text), .since = AGO };
}

static void world_init(struct world *world)
{
    *world = (struct world){
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
    world->cluster.state = seen(CLUSTER_ACTIVE, "ACTIVE");
    world->group.state = seen(GROUP_ACTIVE, "ACTIVE");
    world->group.service = seen(SERVICE_ACTIVE, "ACTIVE");
    world->endpoints[0].state = seen(ENDPOINT_ACTIVE, "ACTIVE");
    world->endpoints[1].state = seen(ENDPOINT_ACTIVE, "ACTIVE");
    world->group.endpoints = world->endpoints;
    world->facts.target = &world->target;
    world->facts.cluster = &world->cluster;
    world->facts.group = &world->group;
}

static const struct verdict *decide(struct world *world)
{
    verdict_decide(&world->facts, &world->verdict);
    return &world->verdict;
}

static void check_refusal_text(const struct verdict *verdict, const char *state)
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

enum level { CLUSTER_LEVEL, GROUP_LEVEL, SERVICE_LEVEL, ENDPOINT_LEVEL };
static const char *const level_names[] = { "cluster", "node group", "service", "endpoint" };

// The table of DESIGN.md section 4, written down a second time.
struct expected {
    enum level level;
    int state;
    enum verdict_action action;
    enum err_code code;
    bool drain;
    const char *usual; // in the text of a refusal; NULL: nothing is promised
};
// clang-format off
static const struct expected expectations[] = {
    { CLUSTER_LEVEL,  CLUSTER_UNKNOWN,     VERDICT_ALLOW,  ERR_NONE,       false, NULL },
    { CLUSTER_LEVEL,  CLUSTER_CREATING,    VERDICT_HOLD,   ERR_TRANSITION, false, "20 to 30 minutes" },
    { CLUSTER_LEVEL,  CLUSTER_RESUMING,    VERDICT_HOLD,   ERR_TRANSITION, false, "minutes" },
    { CLUSTER_LEVEL,  CLUSTER_PAUSING,     VERDICT_REFUSE, ERR_REFUSED,    false, NULL },
    { CLUSTER_LEVEL,  CLUSTER_PAUSED,      VERDICT_REFUSE, ERR_REFUSED,    false, NULL },
    { CLUSTER_LEVEL,  CLUSTER_INACTIVE,    VERDICT_REFUSE, ERR_REFUSED,    false, NULL },
    { CLUSTER_LEVEL,  CLUSTER_DELETING,    VERDICT_REFUSE, ERR_REFUSED,    true,  NULL },
    { CLUSTER_LEVEL,  CLUSTER_DELETED,     VERDICT_REFUSE, ERR_REFUSED,    true,  NULL },
    { CLUSTER_LEVEL,  CLUSTER_ACTIVE,      VERDICT_ALLOW,  ERR_NONE,       false, NULL },
    { CLUSTER_LEVEL,  CLUSTER_MODIFYING,   VERDICT_ALLOW,  ERR_NONE,       false, NULL },
    { CLUSTER_LEVEL,  CLUSTER_UPGRADING,   VERDICT_ALLOW,  ERR_NONE,       false, NULL },
    { CLUSTER_LEVEL,  CLUSTER_IMPORTING,   VERDICT_ALLOW,  ERR_NONE,       false, NULL },
    { CLUSTER_LEVEL,  CLUSTER_MAINTENANCE, VERDICT_ALLOW,  ERR_NONE,       false, NULL },
    { CLUSTER_LEVEL,  CLUSTER_RESTORING,   VERDICT_ALLOW,  ERR_NONE,       false, NULL },
    { GROUP_LEVEL,    GROUP_UNKNOWN,       VERDICT_ALLOW,  ERR_NONE,       false, NULL },
    { GROUP_LEVEL,    GROUP_ACTIVE,        VERDICT_ALLOW,  ERR_NONE,       false, NULL },
    { GROUP_LEVEL,    GROUP_MODIFYING,     VERDICT_ALLOW,  ERR_NONE,       false, NULL },
    { GROUP_LEVEL,    GROUP_PAUSED,        VERDICT_REFUSE, ERR_REFUSED,    false, NULL },
    { SERVICE_LEVEL,  SERVICE_UNKNOWN,     VERDICT_ALLOW,  ERR_NONE,       false, NULL },
    { SERVICE_LEVEL,  SERVICE_CREATING,    VERDICT_HOLD,   ERR_TRANSITION, false, "3 to 5 minutes" },
    { SERVICE_LEVEL,  SERVICE_ACTIVE,      VERDICT_ALLOW,  ERR_NONE,       false, NULL },
    { SERVICE_LEVEL,  SERVICE_DELETING,    VERDICT_REFUSE, ERR_REFUSED,    true,  NULL },
    { ENDPOINT_LEVEL, ENDPOINT_UNKNOWN,    VERDICT_ALLOW,  ERR_NONE,       false, NULL },
    { ENDPOINT_LEVEL, ENDPOINT_DISCOVERED, VERDICT_REFUSE, ERR_REFUSED,    false, NULL },
    { ENDPOINT_LEVEL, ENDPOINT_PENDING,    VERDICT_HOLD,   ERR_TRANSITION, false, "about 5 minutes" },
    { ENDPOINT_LEVEL, ENDPOINT_ACTIVE,     VERDICT_ALLOW,  ERR_NONE,       false, NULL },
    { ENDPOINT_LEVEL, ENDPOINT_DELETING,   VERDICT_REFUSE, ERR_REFUSED,    true,  NULL },
    { ENDPOINT_LEVEL, ENDPOINT_FAILED,     VERDICT_REFUSE, ERR_REFUSED,    false, NULL },
};
// clang-format on

static const char *put_state(struct world *world, enum level level, int state)
{
    const char *text = NULL;
    switch (level) {
    case CLUSTER_LEVEL:
        text = state == 0 ? "SHINY" : model_cluster_state(state);
        world->cluster.state = seen(state, text);
        break;
    case GROUP_LEVEL:
        text = state == 0 ? "SHINY" : model_group_state(state);
        world->group.state = seen(state, text);
        break;
    case SERVICE_LEVEL:
        text = state == 0 ? "SHINY" : model_service_state(state);
        world->group.service = seen(state, text);
        break;
    case ENDPOINT_LEVEL:
        text = state == 0 ? "SHINY" : model_endpoint_state(state);
        world->endpoints[0].state = seen(state, text);
        break;
    }
    return text;
}

static void test_every_row(void **unused)
{
    assert_int_equal(sizeof(expectations) / sizeof(expectations[0]),
        CLUSTER_STATES + GROUP_STATES + SERVICE_STATES + ENDPOINT_STATES);
    for (size_t i = 0; i < sizeof(expectations) / sizeof(expectations[0]); i++) {
        const struct expected *row = &expectations[i];
        struct world world;
        world_init(&world);
        const char *state = put_state(&world, row->level, row->state);
        const struct verdict *verdict = decide(&world);
        assert_int_equal(verdict->action, row->action);
        assert_int_equal(verdict->code, row->code);
        assert_int_equal(verdict->drain, row->drain);
        assert_string_equal(verdict->host, "privatelink-2.example");
        assert_int_equal(verdict->port, 4002);
        assert_int_equal(verdict->age_s, 30);
        if (row->action == VERDICT_ALLOW)
            continue;
        assert_string_equal(verdict->what, level_names[row->level]);
        assert_string_equal(verdict->state, state);
        check_refusal_text(verdict, state);
        if (row->usual != NULL)
            assert_non_null(strstr(verdict->text, row->usual));
    }
}

static void test_words_of_every_row(void **unused)
{
    for (int i = 0; i < CLUSTER_STATES; i++)
        assert_true(verdict_cluster_words(i).meaning[0] != '\0');
    for (int i = 0; i < GROUP_STATES; i++)
        assert_true(verdict_group_words(i).meaning[0] != '\0');
    for (int i = 0; i < SERVICE_STATES; i++)
        assert_true(verdict_service_words(i).meaning[0] != '\0');
    for (int i = 0; i < ENDPOINT_STATES; i++)
        assert_true(verdict_endpoint_words(i).meaning[0] != '\0');
    assert_string_equal(verdict_endpoint_words(ENDPOINT_PENDING).console, "Pending");
    assert_string_equal(verdict_no_endpoint_words().console, "Not Configured");
}

static void test_first_refusal_wins(void **unused)
{
    struct world world;
    world_init(&world);
    put_state(&world, ENDPOINT_LEVEL, ENDPOINT_FAILED);
    put_state(&world, SERVICE_LEVEL, SERVICE_DELETING);
    assert_string_equal(decide(&world)->what, "service");
    put_state(&world, GROUP_LEVEL, GROUP_PAUSED);
    assert_string_equal(decide(&world)->what, "node group");
    put_state(&world, CLUSTER_LEVEL, CLUSTER_RESUMING);
    assert_string_equal(decide(&world)->what, "cluster");
    assert_int_equal(world.verdict.action, VERDICT_HOLD);
}

static void test_failed_message_is_made_safe(void **unused)
{
    struct world world;
    world_init(&world);
    put_state(&world, ENDPOINT_LEVEL, ENDPOINT_FAILED);
    world.endpoints[0].message = TEXT("配额\n\x1b[31m exceeded \xff");
    check_refusal_text(decide(&world), "FAILED");
    assert_non_null(strstr(world.verdict.text, "??  [31m exceeded ?"));
    char message[3000];
    memset(message, 'm', sizeof(message) - 1);
    message[sizeof(message) - 1] = '\0';
    world.endpoints[0].message = message;
    check_refusal_text(decide(&world), "FAILED");
    assert_non_null(strstr(world.verdict.text, "mmm... Delete it with"));
    assert_int_equal(strlen(world.verdict.text), 380);
}

static void test_long_names_keep_the_next_step(void **unused)
{
    struct world world;
    world_init(&world);
    char alias[200];
    memset(alias, 'a', sizeof(alias) - 1);
    memcpy(alias, "orders", 6);
    alias[sizeof(alias) - 1] = '\0';
    world.target.alias = alias;
    world.endpoints[0].endpoint_id = alias;
    world.target.endpoint_id = alias;
    world.facts.choice.endpoint_id = alias;
    put_state(&world, ENDPOINT_LEVEL, ENDPOINT_PENDING);
    check_refusal_text(decide(&world), "PENDING");
    assert_non_null(strstr(world.verdict.text, "tidblink endpoint wait orders"));
}

// ---- absence ----------------------------------------------------------------------------------

static void test_no_endpoint_needs_two_lists(void **unused)
{
    struct world world;
    world_init(&world);
    world.group.endpoint_count = 0;
    world.facts.choice.endpoint_id = NULL;
    world.group.endpoint_lists = 1;
    assert_int_equal(decide(&world)->action, VERDICT_UNKNOWN);
    assert_int_equal(world.verdict.code, ERR_TRANSITION);
    check_refusal_text(&world.verdict, "second look");
    world.group.endpoint_lists = 2;
    assert_int_equal(decide(&world)->action, VERDICT_REFUSE);
    assert_int_equal(world.verdict.code, ERR_REFUSED);
    assert_false(world.verdict.drain);
    assert_string_equal(world.verdict.state, "none");
    check_refusal_text(&world.verdict, "none");
    assert_non_null(strstr(world.verdict.text, "tidblink setup orders"));
}

static void test_absence_is_not_believed_while_connections_succeed(void **unused)
{
    struct world world;
    world_init(&world);
    world.group.endpoint_count = 0;
    world.facts.last_success = NOW - VERDICT_SUCCESS_SECONDS + 1;
    assert_int_equal(decide(&world)->action, VERDICT_ALLOW);
    assert_true(world.verdict.contradicted);
    assert_string_equal(world.verdict.host, "privatelink-1.example");
    world.facts.last_success = NOW - VERDICT_SUCCESS_SECONDS;
    assert_int_equal(decide(&world)->action, VERDICT_REFUSE);
    world_init(&world);
    world.cluster.absent_polls = 2;
    world.facts.last_success = NOW - 1;
    assert_int_equal(decide(&world)->action, VERDICT_ALLOW);
    assert_true(world.verdict.contradicted);
}

static void test_absent_cluster(void **unused)
{
    struct world world;
    world_init(&world);
    world.cluster.absent_polls = 1;
    assert_int_equal(decide(&world)->action, VERDICT_ALLOW);
    world.cluster.absent_polls = 2;
    assert_int_equal(decide(&world)->action, VERDICT_REFUSE);
    assert_int_equal(world.verdict.code, ERR_REFUSED);
    assert_non_null(strstr(world.verdict.text, "deleted"));
    assert_non_null(strstr(world.verdict.text, "another organization"));
    check_refusal_text(&world.verdict, "not found");
    // Never heard of, and one answer says that it is not there.
    world.cluster = (struct cluster){ .id = TEXT("1"), .absent_polls = 1 };
    world.facts.group = NULL;
    assert_int_equal(decide(&world)->action, VERDICT_UNKNOWN);
    world.cluster.absent_polls = 2;
    assert_int_equal(decide(&world)->action, VERDICT_REFUSE);
}

static void test_absent_group(void **unused)
{
    struct world world;
    world_init(&world);
    world.facts.group = NULL;
    world.target.group = TEXT("analytics");
    world.cluster.group_lists = 1;
    assert_int_equal(decide(&world)->action, VERDICT_UNKNOWN);
    world.cluster.group_lists = 2;
    assert_int_equal(decide(&world)->action, VERDICT_REFUSE);
    assert_non_null(strstr(world.verdict.text, "node group analytics of orders"));
    check_refusal_text(&world.verdict, "not found");
}

// ---- silence ----------------------------------------------------------------------------------

static void forget_all(struct world *world)
{
    world->facts.cluster = NULL;
    world->facts.group = NULL;
}

static void test_before_the_first_poll(void **unused)
{
    struct world world;
    world_init(&world);
    forget_all(&world);
    world.facts.polled = false;
    world.target.host = TEXT("h");
    world.target.port = 4000;
    assert_int_equal(decide(&world)->action, VERDICT_UNKNOWN);
    assert_int_equal(world.verdict.age_s, -1);
    check_refusal_text(&world.verdict, "first answer");
}

static void test_silence_changes_nothing_known(void **unused)
{
    static const enum err_code silences[] = { ERR_API_KEY, ERR_API_FORBIDDEN, ERR_API_RATE,
        ERR_API_UNREACHABLE, ERR_API_ANSWER };
    for (size_t i = 0; i < sizeof(silences) / sizeof(silences[0]); i++) {
        struct world world;
        world_init(&world);
        world.facts.api_status = silences[i];
        world.facts.api_text = "not today";
        world.facts.loss_refuses = true;
        world.facts.now = NOW + 86400;
        assert_int_equal(decide(&world)->action, VERDICT_ALLOW);
        assert_false(world.verdict.unchecked);
        assert_int_equal(world.verdict.age_s, 86430);
        put_state(&world, CLUSTER_LEVEL, CLUSTER_PAUSED);
        assert_int_equal(decide(&world)->action, VERDICT_REFUSE);
        assert_int_equal(world.verdict.code, ERR_REFUSED);
        assert_non_null(strstr(world.verdict.text, "last heard"));
        check_refusal_text(&world.verdict, "PAUSED");
    }
}

static void test_outage_with_nothing_known(void **unused)
{
    struct world world;
    world_init(&world);
    forget_all(&world);
    world.facts.api_status = ERR_API_UNREACHABLE;
    world.facts.api_text = "timed out after 10 s";
    assert_int_equal(decide(&world)->action, VERDICT_HOLD);
    assert_int_equal(world.verdict.code, ERR_TRANSITION);
    check_refusal_text(&world.verdict, "timed out after 10 s");
    assert_non_null(strstr(world.verdict.text, "host and port"));
    world.target.host = TEXT("h.example");
    assert_int_equal(decide(&world)->action, VERDICT_HOLD);
    world.target.port = 4000;
    assert_int_equal(decide(&world)->action, VERDICT_ALLOW);
    assert_true(world.verdict.unchecked);
    world.facts.loss_refuses = true;
    assert_int_equal(decide(&world)->action, VERDICT_REFUSE);
    assert_false(world.verdict.unchecked);
    check_refusal_text(&world.verdict, "timed out after 10 s");
}

static void test_wrong_key_with_nothing_known(void **unused)
{
    struct world world;
    world_init(&world);
    forget_all(&world);
    world.target.host = TEXT("h.example");
    world.target.port = 4000;
    world.facts.api_status = ERR_API_KEY;
    assert_int_equal(decide(&world)->action, VERDICT_REFUSE);
    assert_int_equal(world.verdict.code, ERR_API_KEY);
    check_refusal_text(&world.verdict, "401");
    world.facts.api_status = ERR_API_FORBIDDEN;
    assert_int_equal(decide(&world)->action, VERDICT_REFUSE);
    assert_int_equal(world.verdict.code, ERR_API_FORBIDDEN);
    check_refusal_text(&world.verdict, "403");
    world.facts.api_status = ERR_UNKNOWN_CLUSTER;
    world.facts.api_text = "no cluster is named orders";
    assert_int_equal(decide(&world)->action, VERDICT_REFUSE);
    assert_int_equal(world.verdict.code, ERR_UNKNOWN_CLUSTER);
    check_refusal_text(&world.verdict, "no cluster is named orders");
}

static void test_endpoints_unknown_cluster_known(void **unused)
{
    struct world world;
    world_init(&world);
    world.group.endpoint_count = 0;
    world.group.endpoint_lists = 0;
    world.facts.api_status = ERR_API_FORBIDDEN;
    assert_int_equal(decide(&world)->action, VERDICT_REFUSE);
    assert_int_equal(world.verdict.code, ERR_API_FORBIDDEN);
    world.facts.api_status = ERR_API_UNREACHABLE;
    assert_int_equal(decide(&world)->action, VERDICT_ALLOW);
    assert_true(world.verdict.unchecked);
    assert_string_equal(world.verdict.host, "privatelink-1.example");
    put_state(&world, CLUSTER_LEVEL, CLUSTER_DELETED);
    assert_int_equal(decide(&world)->code, ERR_REFUSED);
}

static void test_transitional_refusal_expires(void **unused)
{
    struct world world;
    world_init(&world);
    put_state(&world, ENDPOINT_LEVEL, ENDPOINT_PENDING);
    world.facts.api_status = ERR_API_UNREACHABLE;
    world.facts.now = AGO + VERDICT_TRANSITION_SECONDS - 1;
    assert_int_equal(decide(&world)->action, VERDICT_HOLD);
    assert_string_equal(world.verdict.state, "PENDING");
    world.facts.now = AGO + VERDICT_TRANSITION_SECONDS;
    assert_int_equal(decide(&world)->action, VERDICT_ALLOW);
    assert_true(world.verdict.unchecked);
    assert_int_equal(world.verdict.age_s, -1);
    world.facts.loss_refuses = true;
    assert_int_equal(decide(&world)->action, VERDICT_REFUSE);
    // A file whose writer has died is as good as silence.
    world.facts.api_status = ERR_NONE;
    assert_int_equal(decide(&world)->action, VERDICT_REFUSE);
    check_refusal_text(&world.verdict, "too old");
}

static void test_refusal_from_disk_waits_for_the_first_poll(void **unused)
{
    struct world world;
    world_init(&world);
    put_state(&world, CLUSTER_LEVEL, CLUSTER_DELETING);
    world.facts.from_disk = true;
    world.facts.polled = false;
    assert_int_equal(decide(&world)->action, VERDICT_HOLD);
    assert_int_equal(world.verdict.code, ERR_REFUSED);
    assert_false(world.verdict.drain);
    check_refusal_text(&world.verdict, "DELETING");
    world.facts.polled = true;
    assert_int_equal(decide(&world)->action, VERDICT_REFUSE);
    assert_true(world.verdict.drain);
}

static void test_check_off(void **unused)
{
    struct world world;
    world_init(&world);
    forget_all(&world);
    world.facts.check_off = true;
    assert_int_equal(decide(&world)->action, VERDICT_HOLD);
    world.target.host = TEXT("h.example");
    world.target.port = 4000;
    assert_int_equal(decide(&world)->action, VERDICT_ALLOW);
    assert_true(world.verdict.unchecked);
}

// ---- which endpoint is ours -------------------------------------------------------------------

static void test_configured_endpoint_decides_alone(void **unused)
{
    struct world world;
    world_init(&world);
    world.group.endpoint_count = 2;
    put_state(&world, ENDPOINT_LEVEL, ENDPOINT_DELETING);
    assert_int_equal(decide(&world)->action, VERDICT_REFUSE);
    assert_true(world.verdict.drain);
    world.facts.choice.endpoint_id = "vpce-2";
    assert_int_equal(decide(&world)->action, VERDICT_ALLOW);
    world.facts.choice.endpoint_id = "vpce-3";
    assert_int_equal(decide(&world)->action, VERDICT_REFUSE);
    assert_non_null(strstr(world.verdict.text, "vpce-3"));
    check_refusal_text(&world.verdict, "none");
}

static void test_aws_answer_decides(void **unused)
{
    static const char *const ours[] = { "vpce-1" };
    static const char *const elsewhere[] = { "vpce-9" };
    struct world world;
    world_init(&world);
    world.group.endpoint_count = 2;
    put_state(&world, ENDPOINT_LEVEL, ENDPOINT_DELETING);
    world.facts.choice = (struct verdict_choice){ .ours = ours, .ours_count = 1 };
    assert_int_equal(decide(&world)->action, VERDICT_REFUSE);
    assert_true(world.verdict.drain);
    // In our VPC there is one that TiDB Cloud does not know.
    world.facts.choice.ours = elsewhere;
    assert_int_equal(decide(&world)->action, VERDICT_REFUSE);
    assert_non_null(strstr(world.verdict.text, "vpce-9"));
    // None in our VPC: another VPC's may be reached over a transit gateway.
    world.facts.choice.ours_count = 0;
    assert_int_equal(decide(&world)->action, VERDICT_ALLOW);
}

static void test_the_set(void **unused)
{
    struct world world;
    world_init(&world);
    world.group.endpoint_count = 2;
    world.facts.choice = (struct verdict_choice){ 0 };
    put_state(&world, ENDPOINT_LEVEL, ENDPOINT_DELETING);
    assert_int_equal(decide(&world)->action, VERDICT_ALLOW);
    world.endpoints[1].state = seen(ENDPOINT_UNKNOWN, "SHINY");
    assert_int_equal(decide(&world)->action, VERDICT_ALLOW);
    world.endpoints[1].state = seen(ENDPOINT_DELETING, "DELETING");
    assert_int_equal(decide(&world)->action, VERDICT_REFUSE);
    assert_false(world.verdict.drain);
    assert_non_null(strstr(world.verdict.text, "vpce-1 DELETING, vpce-2 DELETING"));
    check_refusal_text(&world.verdict, "DELETING");
    world.endpoints[1].state = seen(ENDPOINT_PENDING, "PENDING");
    assert_int_equal(decide(&world)->action, VERDICT_HOLD);
    assert_int_equal(world.verdict.code, ERR_TRANSITION);
    // A single one may still be another VPC's.
    world.group.endpoint_count = 1;
    assert_int_equal(decide(&world)->action, VERDICT_REFUSE);
    assert_false(world.verdict.drain);
}

static void test_a_crowd_of_endpoints_fits(void **unused)
{
    struct world world;
    world_init(&world);
    struct endpoint many[200];
    for (size_t i = 0; i < 200; i++) {
        many[i] = (struct endpoint){ .endpoint_id = TEXT("vpce-0123456789abcdef0") };
        many[i].state = seen(ENDPOINT_FAILED, "FAILED");
    }
    world.group.endpoints = many;
    world.group.endpoint_count = 200;
    world.facts.choice = (struct verdict_choice){ 0 };
    assert_int_equal(decide(&world)->action, VERDICT_REFUSE);
    check_refusal_text(&world.verdict, "FAILED");
}

// ---- where the cluster is ---------------------------------------------------------------------

static void test_address(void **unused)
{
    struct world world;
    world_init(&world);
    world.target.port = 5000;
    assert_int_equal(decide(&world)->port, 5000);
    assert_string_equal(world.verdict.host, "privatelink-2.example");
    world.target.port = 0;
    world.endpoints[0].host = NULL;
    assert_string_equal(decide(&world)->host, "privatelink-1.example");
    assert_int_equal(world.verdict.port, 4001);
    world.group.port = 0;
    assert_int_equal(decide(&world)->port, 4000);
    world.cluster.port = 0;
    assert_int_equal(decide(&world)->action, VERDICT_HOLD);
    check_refusal_text(&world.verdict, "port");
    world.cluster.port = 4000;
    world.group.host = NULL;
    assert_int_equal(decide(&world)->action, VERDICT_HOLD);
    assert_int_equal(world.verdict.code, ERR_TRANSITION);
    check_refusal_text(&world.verdict, "host name");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_row),
        cmocka_unit_test(test_words_of_every_row),
        cmocka_unit_test(test_first_refusal_wins),
        cmocka_unit_test(test_failed_message_is_made_safe),
        cmocka_unit_test(test_long_names_keep_the_next_step),
        cmocka_unit_test(test_no_endpoint_needs_two_lists),
        cmocka_unit_test(test_absence_is_not_believed_while_connections_succeed),
        cmocka_unit_test(test_absent_cluster),
        cmocka_unit_test(test_absent_group),
        cmocka_unit_test(test_before_the_first_poll),
        cmocka_unit_test(test_silence_changes_nothing_known),
        cmocka_unit_test(test_outage_with_nothing_known),
        cmocka_unit_test(test_wrong_key_with_nothing_known),
        cmocka_unit_test(test_endpoints_unknown_cluster_known),
        cmocka_unit_test(test_transitional_refusal_expires),
        cmocka_unit_test(test_refusal_from_disk_waits_for_the_first_poll),
        cmocka_unit_test(test_check_off),
        cmocka_unit_test(test_configured_endpoint_decides_alone),
        cmocka_unit_test(test_aws_answer_decides),
        cmocka_unit_test(test_the_set),
        cmocka_unit_test(test_a_crowd_of_endpoints_fits),
        cmocka_unit_test(test_address),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
