// SPDX-License-Identifier: Apache-2.0
//
// The verdict when knowledge is missing: absence is weak evidence, silence is no knowledge, and old
// knowledge has its limits.
#include "control/verdict.h"

#include "verdict_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

// ---- absence ----------------------------------------------------------------------------------

static void test_no_endpoint_needs_two_lists(void **unused)
{
    struct verdict_world world;
    verdict_world_init(&world);
    world.group.endpoint_count = 0;
    world.facts.choice.endpoint_id = NULL;
    world.group.endpoint_lists = 1;
    assert_int_equal(verdict_world_decide(&world)->action, VERDICT_UNKNOWN);
    assert_int_equal(world.verdict.code, ERR_TRANSITION);
    verdict_world_check_text(&world.verdict, "second look");
    world.group.endpoint_lists = 2;
    assert_int_equal(verdict_world_decide(&world)->action, VERDICT_REFUSE);
    assert_int_equal(world.verdict.code, ERR_REFUSED);
    assert_false(world.verdict.drain);
    assert_string_equal(world.verdict.state, "none");
    verdict_world_check_text(&world.verdict, "none");
    assert_non_null(strstr(world.verdict.text, "tidblink setup orders"));
}

static void test_absence_is_not_believed_while_connections_succeed(void **unused)
{
    struct verdict_world world;
    verdict_world_init(&world);
    world.group.endpoint_count = 0;
    world.facts.last_success = NOW - VERDICT_SUCCESS_SECONDS + 1;
    assert_int_equal(verdict_world_decide(&world)->action, VERDICT_ALLOW);
    assert_true(world.verdict.contradicted);
    assert_string_equal(world.verdict.host, "privatelink-1.example");
    world.facts.last_success = NOW - VERDICT_SUCCESS_SECONDS;
    assert_int_equal(verdict_world_decide(&world)->action, VERDICT_REFUSE);
    world.facts.last_success = NOW + 3600; // before the clock was set back
    assert_int_equal(verdict_world_decide(&world)->action, VERDICT_REFUSE);
    verdict_world_init(&world);
    world.cluster.absent_polls = 2;
    world.facts.last_success = NOW - 1;
    assert_int_equal(verdict_world_decide(&world)->action, VERDICT_ALLOW);
    assert_true(world.verdict.contradicted);
}

static void test_absent_cluster(void **unused)
{
    struct verdict_world world;
    verdict_world_init(&world);
    world.cluster.absent_polls = 1;
    assert_int_equal(verdict_world_decide(&world)->action, VERDICT_ALLOW);
    world.cluster.absent_polls = 2;
    assert_int_equal(verdict_world_decide(&world)->action, VERDICT_REFUSE);
    assert_int_equal(world.verdict.code, ERR_REFUSED);
    assert_non_null(strstr(world.verdict.text, "deleted"));
    assert_non_null(strstr(world.verdict.text, "another organization"));
    verdict_world_check_text(&world.verdict, "not found");
    // Never heard of, and one answer says that it is not there.
    world.cluster = (struct cluster){ .id = TEXT("1"), .absent_polls = 1 };
    world.facts.group = NULL;
    assert_int_equal(verdict_world_decide(&world)->action, VERDICT_UNKNOWN);
    world.cluster.absent_polls = 2;
    assert_int_equal(verdict_world_decide(&world)->action, VERDICT_REFUSE);
}

static void test_absent_group(void **unused)
{
    struct verdict_world world;
    verdict_world_init(&world);
    world.facts.group = NULL;
    world.target.group = TEXT("analytics");
    world.cluster.group_lists = 1;
    assert_int_equal(verdict_world_decide(&world)->action, VERDICT_UNKNOWN);
    world.cluster.group_lists = 2;
    assert_int_equal(verdict_world_decide(&world)->action, VERDICT_REFUSE);
    assert_non_null(strstr(world.verdict.text, "node group analytics of orders"));
    verdict_world_check_text(&world.verdict, "not found");
}

// ---- silence ----------------------------------------------------------------------------------

static void forget_all(struct verdict_world *world)
{
    world->facts.cluster = NULL;
    world->facts.group = NULL;
}

static void test_before_the_first_poll(void **unused)
{
    struct verdict_world world;
    verdict_world_init(&world);
    forget_all(&world);
    world.facts.polled = false;
    world.target.host = TEXT("h");
    world.target.port = 4000;
    assert_int_equal(verdict_world_decide(&world)->action, VERDICT_UNKNOWN);
    assert_int_equal(world.verdict.age_s, -1);
    verdict_world_check_text(&world.verdict, "first answer");
}

static void test_silence_changes_nothing_known(void **unused)
{
    static const enum err_code silences[] = { ERR_API_KEY, ERR_API_FORBIDDEN, ERR_API_RATE,
        ERR_API_UNREACHABLE, ERR_API_ANSWER };
    for (size_t i = 0; i < sizeof(silences) / sizeof(silences[0]); i++) {
        struct verdict_world world;
        verdict_world_init(&world);
        world.facts.api_status = silences[i];
        world.facts.api_text = "not today";
        world.facts.loss_refuses = true;
        world.facts.now = NOW + 86400;
        assert_int_equal(verdict_world_decide(&world)->action, VERDICT_ALLOW);
        assert_false(world.verdict.unchecked);
        assert_int_equal(world.verdict.age_s, 86430);
        verdict_world_put(&world, CLUSTER_LEVEL, CLUSTER_PAUSED);
        assert_int_equal(verdict_world_decide(&world)->action, VERDICT_REFUSE);
        assert_int_equal(world.verdict.code, ERR_REFUSED);
        assert_non_null(strstr(world.verdict.text, "last heard 24 h 0 min ago)"));
        verdict_world_check_text(&world.verdict, "PAUSED");
    }
}

static void test_outage_with_nothing_known(void **unused)
{
    struct verdict_world world;
    verdict_world_init(&world);
    forget_all(&world);
    world.facts.api_status = ERR_API_UNREACHABLE;
    world.facts.api_text = "timed out after 10 s";
    assert_int_equal(verdict_world_decide(&world)->action, VERDICT_HOLD);
    assert_int_equal(world.verdict.code, ERR_TRANSITION);
    verdict_world_check_text(&world.verdict, "timed out after 10 s");
    assert_non_null(strstr(world.verdict.text, "host and port"));
    world.target.host = TEXT("h.example");
    assert_int_equal(verdict_world_decide(&world)->action, VERDICT_HOLD);
    world.target.port = 4000;
    assert_int_equal(verdict_world_decide(&world)->action, VERDICT_ALLOW);
    assert_true(world.verdict.unchecked);
    world.facts.loss_refuses = true;
    assert_int_equal(verdict_world_decide(&world)->action, VERDICT_REFUSE);
    assert_false(world.verdict.unchecked);
    verdict_world_check_text(&world.verdict, "timed out after 10 s");
}

static void test_wrong_key_with_nothing_known(void **unused)
{
    struct verdict_world world;
    verdict_world_init(&world);
    forget_all(&world);
    world.target.host = TEXT("h.example");
    world.target.port = 4000;
    world.facts.api_status = ERR_API_KEY;
    assert_int_equal(verdict_world_decide(&world)->action, VERDICT_REFUSE);
    assert_int_equal(world.verdict.code, ERR_API_KEY);
    verdict_world_check_text(&world.verdict, "401");
    world.facts.api_status = ERR_API_FORBIDDEN;
    assert_int_equal(verdict_world_decide(&world)->action, VERDICT_REFUSE);
    assert_int_equal(world.verdict.code, ERR_API_FORBIDDEN);
    verdict_world_check_text(&world.verdict, "403");
    world.facts.api_status = ERR_UNKNOWN_CLUSTER;
    world.facts.api_text = "no cluster is named orders";
    assert_int_equal(verdict_world_decide(&world)->action, VERDICT_REFUSE);
    assert_int_equal(world.verdict.code, ERR_UNKNOWN_CLUSTER);
    verdict_world_check_text(&world.verdict, "no cluster is named orders");
}

static void test_endpoints_unknown_cluster_known(void **unused)
{
    struct verdict_world world;
    verdict_world_init(&world);
    world.group.endpoint_count = 0;
    world.group.endpoint_lists = 0;
    world.facts.api_status = ERR_API_FORBIDDEN;
    assert_int_equal(verdict_world_decide(&world)->action, VERDICT_REFUSE);
    assert_int_equal(world.verdict.code, ERR_API_FORBIDDEN);
    world.facts.api_status = ERR_API_UNREACHABLE;
    assert_int_equal(verdict_world_decide(&world)->action, VERDICT_ALLOW);
    assert_true(world.verdict.unchecked);
    assert_string_equal(world.verdict.host, "privatelink-1.example");
    verdict_world_put(&world, CLUSTER_LEVEL, CLUSTER_DELETED);
    assert_int_equal(verdict_world_decide(&world)->code, ERR_REFUSED);
}

static void test_transitional_refusal_expires(void **unused)
{
    struct verdict_world world;
    verdict_world_init(&world);
    verdict_world_put(&world, ENDPOINT_LEVEL, ENDPOINT_PENDING);
    world.facts.api_status = ERR_API_UNREACHABLE;
    world.facts.now = AGO + VERDICT_TRANSITION_SECONDS - 1;
    assert_int_equal(verdict_world_decide(&world)->action, VERDICT_HOLD);
    assert_string_equal(world.verdict.state, "PENDING");
    world.facts.now = AGO + VERDICT_TRANSITION_SECONDS;
    assert_int_equal(verdict_world_decide(&world)->action, VERDICT_ALLOW);
    assert_true(world.verdict.unchecked);
    assert_int_equal(world.verdict.age_s, -1);
    world.facts.loss_refuses = true;
    assert_int_equal(verdict_world_decide(&world)->action, VERDICT_REFUSE);
    // A file whose writer has died is as good as silence.
    world.facts.api_status = ERR_NONE;
    world.facts.from_file = true;
    assert_int_equal(verdict_world_decide(&world)->action, VERDICT_REFUSE);
    assert_int_equal(world.verdict.code, ERR_API_UNREACHABLE);
    verdict_world_check_text(&world.verdict, "too old");
    // An API that answers will tell: the clock has jumped.
    world.facts.from_file = false;
    assert_int_equal(verdict_world_decide(&world)->action, VERDICT_UNKNOWN);
    assert_int_equal(world.verdict.code, ERR_TRANSITION);
    verdict_world_check_text(&world.verdict, "too old");
    world.facts.now = AGO - 3600; // back, this time
    assert_int_equal(verdict_world_decide(&world)->action, VERDICT_HOLD);
    assert_int_equal(world.verdict.age_s, 0);
}

static void test_document_without_it(void **unused)
{
    struct verdict_world world;
    verdict_world_init(&world);
    forget_all(&world);
    world.facts.from_file = true;
    assert_int_equal(verdict_world_decide(&world)->action, VERDICT_UNKNOWN);
    verdict_world_check_text(&world.verdict, "the state document does not have it");
    assert_null(strstr(world.verdict.text, "second look"));
}

static void test_document_without_states_and_times(void **unused)
{
    struct verdict_world world;
    verdict_world_init(&world);
    world.facts.from_file = true;
    world.group.endpoints_seen = 0;
    world.group.state = (struct observed_state){ 0 };
    world.endpoints[0].state = (struct observed_state){ 0 };
    assert_int_equal(verdict_world_decide(&world)->action, VERDICT_ALLOW);
    assert_string_equal(world.verdict.what, "node group");
    assert_string_equal(world.verdict.state, "unknown");
    assert_int_equal(world.verdict.age_s, NOW - AGO);
    world.cluster.seen = 0;
    verdict_world_put(&world, ENDPOINT_LEVEL, ENDPOINT_PENDING);
    assert_int_equal(verdict_world_decide(&world)->action, VERDICT_HOLD);
    assert_int_equal(world.verdict.age_s, 0);
    verdict_world_put(&world, ENDPOINT_LEVEL, ENDPOINT_FAILED);
    world.endpoints[1].state = (struct observed_state){ .value = ENDPOINT_FAILED };
    world.group.endpoint_count = 2;
    world.facts.choice.endpoint_id = NULL;
    assert_int_equal(verdict_world_decide(&world)->action, VERDICT_REFUSE);
    verdict_world_check_text(&world.verdict, "vpce-2 unknown");
}

static void test_refusal_from_disk_waits_for_the_first_poll(void **unused)
{
    struct verdict_world world;
    verdict_world_init(&world);
    verdict_world_put(&world, CLUSTER_LEVEL, CLUSTER_DELETING);
    world.facts.polled = false;
    assert_int_equal(verdict_world_decide(&world)->action, VERDICT_HOLD);
    assert_int_equal(world.verdict.code, ERR_REFUSED);
    assert_false(world.verdict.drain);
    verdict_world_check_text(&world.verdict, "DELETING");
    world.facts.polled = true;
    assert_int_equal(verdict_world_decide(&world)->action, VERDICT_REFUSE);
    assert_true(world.verdict.drain);
}

static void test_check_off(void **unused)
{
    struct verdict_world world;
    verdict_world_init(&world);
    forget_all(&world);
    world.facts.check_off = true;
    assert_int_equal(verdict_world_decide(&world)->action, VERDICT_HOLD);
    world.target.host = TEXT("h.example");
    world.target.port = 4000;
    assert_int_equal(verdict_world_decide(&world)->action, VERDICT_ALLOW);
    assert_true(world.verdict.unchecked);
}
int main(void)
{
    const struct CMUnitTest tests[] = {
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
        cmocka_unit_test(test_document_without_it),
        cmocka_unit_test(test_document_without_states_and_times),
        cmocka_unit_test(test_refusal_from_disk_waits_for_the_first_poll),
        cmocka_unit_test(test_check_off),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
