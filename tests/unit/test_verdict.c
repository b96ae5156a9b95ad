// SPDX-License-Identifier: Apache-2.0
//
// The verdict: every row of the table as a decision with its text, which endpoint is ours, and
// where the cluster is.
#include "control/verdict.h"

#include "verdict_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

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

static void test_every_row(void **unused)
{
    assert_int_equal(sizeof(expectations) / sizeof(expectations[0]),
        CLUSTER_STATES + GROUP_STATES + SERVICE_STATES + ENDPOINT_STATES);
    for (size_t i = 0; i < sizeof(expectations) / sizeof(expectations[0]); i++) {
        const struct expected *row = &expectations[i];
        struct verdict_world world;
        verdict_world_init(&world);
        const char *state = verdict_world_put(&world, row->level, row->state);
        const struct verdict *verdict = verdict_world_decide(&world);
        assert_int_equal(verdict->action, row->action);
        assert_int_equal(verdict->code, row->code);
        assert_int_equal(verdict->drain, row->drain);
        assert_string_equal(verdict->host, "privatelink-2.example");
        assert_int_equal(verdict->port, 4002);
        assert_int_equal(verdict->age_s, 30);
        bool plain = strcmp(state, "ACTIVE") == 0;
        assert_string_equal(verdict->what, plain ? "endpoint" : level_names[row->level]);
        assert_string_equal(verdict->state, state);
        if (row->action == VERDICT_ALLOW)
            continue;
        verdict_world_check_text(verdict, state);
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
    struct verdict_world world;
    verdict_world_init(&world);
    verdict_world_put(&world, ENDPOINT_LEVEL, ENDPOINT_FAILED);
    verdict_world_put(&world, SERVICE_LEVEL, SERVICE_DELETING);
    assert_string_equal(verdict_world_decide(&world)->what, "service");
    verdict_world_put(&world, GROUP_LEVEL, GROUP_PAUSED);
    assert_string_equal(verdict_world_decide(&world)->what, "node group");
    verdict_world_put(&world, CLUSTER_LEVEL, CLUSTER_RESUMING);
    assert_string_equal(verdict_world_decide(&world)->what, "cluster");
    assert_int_equal(world.verdict.action, VERDICT_HOLD);
}

static void test_failed_message_is_made_safe(void **unused)
{
    struct verdict_world world;
    verdict_world_init(&world);
    verdict_world_put(&world, ENDPOINT_LEVEL, ENDPOINT_FAILED);
    world.endpoints[0].message = TEXT("配额\n\x1b[31m exceeded \xff");
    verdict_world_check_text(verdict_world_decide(&world), "FAILED");
    assert_non_null(strstr(world.verdict.text, "??  [31m exceeded ?"));
    char message[3000];
    memset(message, 'm', sizeof(message) - 1);
    message[sizeof(message) - 1] = '\0';
    world.endpoints[0].message = message;
    verdict_world_check_text(verdict_world_decide(&world), "FAILED");
    assert_non_null(strstr(world.verdict.text, "mmm... Delete it with"));
    assert_int_equal(strlen(world.verdict.text), 380);
}

static void test_full_stop_of_a_message_is_not_doubled(void **unused)
{
    struct verdict_world world;
    verdict_world_init(&world);
    verdict_world_put(&world, ENDPOINT_LEVEL, ENDPOINT_FAILED);
    world.endpoints[0].message = TEXT("It does not exist.");
    verdict_world_check_text(verdict_world_decide(&world), "FAILED");
    assert_non_null(strstr(world.verdict.text, "It does not exist. Delete it with"));
}

static void test_long_names_keep_the_next_step(void **unused)
{
    struct verdict_world world;
    verdict_world_init(&world);
    char alias[200];
    memset(alias, 'a', sizeof(alias) - 1);
    memcpy(alias, "orders", 6);
    alias[sizeof(alias) - 1] = '\0';
    world.target.alias = alias;
    world.endpoints[0].endpoint_id = alias;
    world.target.endpoint_id = alias;
    world.facts.choice.endpoint_id = alias;
    verdict_world_put(&world, ENDPOINT_LEVEL, ENDPOINT_PENDING);
    verdict_world_check_text(verdict_world_decide(&world), "PENDING");
    assert_non_null(strstr(world.verdict.text, "tidblink wait --for active --max 10m orders"));
}

// ---- which endpoint is ours -------------------------------------------------------------------

static void test_configured_endpoint_decides_alone(void **unused)
{
    struct verdict_world world;
    verdict_world_init(&world);
    world.group.endpoint_count = 2;
    verdict_world_put(&world, ENDPOINT_LEVEL, ENDPOINT_DELETING);
    assert_int_equal(verdict_world_decide(&world)->action, VERDICT_REFUSE);
    assert_true(world.verdict.drain);
    world.facts.choice.endpoint_id = "vpce-2";
    assert_int_equal(verdict_world_decide(&world)->action, VERDICT_ALLOW);
    world.facts.choice.endpoint_id = "vpce-3";
    assert_int_equal(verdict_world_decide(&world)->action, VERDICT_REFUSE);
    assert_non_null(strstr(world.verdict.text, "vpce-3"));
    verdict_world_check_text(&world.verdict, "none");
}

static void test_aws_answer_decides(void **unused)
{
    static const char *const ours[] = { "vpce-1" };
    static const char *const elsewhere[] = { "vpce-9" };
    struct verdict_world world;
    verdict_world_init(&world);
    world.group.endpoint_count = 2;
    verdict_world_put(&world, ENDPOINT_LEVEL, ENDPOINT_DELETING);
    world.facts.choice = (struct verdict_choice){ .ours = ours, .ours_count = 1 };
    assert_int_equal(verdict_world_decide(&world)->action, VERDICT_REFUSE);
    assert_true(world.verdict.drain);
    // In our VPC there is one that TiDB Cloud does not know.
    world.facts.choice.ours = elsewhere;
    assert_int_equal(verdict_world_decide(&world)->action, VERDICT_REFUSE);
    assert_non_null(strstr(world.verdict.text, "vpce-9"));
    // None in our VPC: another VPC's may be reached over a transit gateway.
    world.facts.choice.ours_count = 0;
    assert_int_equal(verdict_world_decide(&world)->action, VERDICT_ALLOW);
}

static void test_the_set(void **unused)
{
    struct verdict_world world;
    verdict_world_init(&world);
    world.group.endpoint_count = 2;
    world.facts.choice = (struct verdict_choice){ 0 };
    verdict_world_put(&world, ENDPOINT_LEVEL, ENDPOINT_DELETING);
    assert_int_equal(verdict_world_decide(&world)->action, VERDICT_ALLOW);
    world.endpoints[1].state = verdict_world_seen(ENDPOINT_UNKNOWN, "SHINY");
    assert_int_equal(verdict_world_decide(&world)->action, VERDICT_ALLOW);
    world.endpoints[1].state = verdict_world_seen(ENDPOINT_DELETING, "DELETING");
    assert_int_equal(verdict_world_decide(&world)->action, VERDICT_REFUSE);
    assert_false(world.verdict.drain);
    assert_non_null(strstr(world.verdict.text, "vpce-1 DELETING, vpce-2 DELETING"));
    verdict_world_check_text(&world.verdict, "DELETING");
    world.endpoints[1].state = verdict_world_seen(ENDPOINT_PENDING, "PENDING");
    assert_int_equal(verdict_world_decide(&world)->action, VERDICT_HOLD);
    assert_int_equal(world.verdict.code, ERR_TRANSITION);
    // A single one may still be another VPC's.
    world.group.endpoint_count = 1;
    assert_int_equal(verdict_world_decide(&world)->action, VERDICT_REFUSE);
    assert_false(world.verdict.drain);
}

static void test_a_crowd_of_endpoints_fits(void **unused)
{
    struct verdict_world world;
    verdict_world_init(&world);
    struct endpoint many[200];
    for (size_t i = 0; i < 200; i++) {
        many[i] = (struct endpoint){ .endpoint_id = TEXT("vpce-0123456789abcdef0") };
        many[i].state = verdict_world_seen(ENDPOINT_FAILED, "FAILED");
    }
    world.group.endpoints = many;
    world.group.endpoint_count = 200;
    world.facts.choice = (struct verdict_choice){ 0 };
    assert_int_equal(verdict_world_decide(&world)->action, VERDICT_REFUSE);
    verdict_world_check_text(&world.verdict, "FAILED");
}

// ---- where the cluster is ---------------------------------------------------------------------

static void test_address(void **unused)
{
    struct verdict_world world;
    verdict_world_init(&world);
    world.target.port = 5000;
    assert_int_equal(verdict_world_decide(&world)->port, 5000);
    assert_string_equal(world.verdict.host, "privatelink-2.example");
    world.target.port = 0;
    world.endpoints[0].host = NULL;
    assert_string_equal(verdict_world_decide(&world)->host, "privatelink-1.example");
    assert_int_equal(world.verdict.port, 4001);
    world.group.port = 0;
    assert_int_equal(verdict_world_decide(&world)->port, 4000);
    world.cluster.port = 0;
    assert_int_equal(verdict_world_decide(&world)->action, VERDICT_HOLD);
    verdict_world_check_text(&world.verdict, "port");
    world.cluster.port = 4000;
    world.group.host = NULL;
    assert_int_equal(verdict_world_decide(&world)->action, VERDICT_HOLD);
    assert_int_equal(world.verdict.code, ERR_TRANSITION);
    verdict_world_check_text(&world.verdict, "host name");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_row),
        cmocka_unit_test(test_words_of_every_row),
        cmocka_unit_test(test_first_refusal_wins),
        cmocka_unit_test(test_failed_message_is_made_safe),
        cmocka_unit_test(test_full_stop_of_a_message_is_not_doubled),
        cmocka_unit_test(test_long_names_keep_the_next_step),
        cmocka_unit_test(test_configured_endpoint_decides_alone),
        cmocka_unit_test(test_aws_answer_decides),
        cmocka_unit_test(test_the_set),
        cmocka_unit_test(test_a_crowd_of_endpoints_fits),
        cmocka_unit_test(test_address),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
