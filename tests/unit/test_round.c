// SPDX-License-Identifier: Apache-2.0
//
// A round as a conversation: what is asked, in which order, and what answers, failures and absences
// do to what is believed. No transport, no clock.
#include "control/round.h"

#include "control/belief.h"
#include "control/control.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { NOW = 1800000000 };
#define TEXT(literal) ((char *)(uintptr_t)(literal))

#define CLUSTERS "/clusters?pageSize=100"
#define GROUPS "/clusters/13/tidbNodeGroups?pageSize=100"
#define ENDPOINTS "/clusters/13/tidbNodeGroups/5/privateEndpointConnections?pageSize=100"
#define SERVICE "/clusters/13/tidbNodeGroups/5/privateLinkService"

static const char cluster_13[] =
    "{\"clusterId\":\"13\",\"displayName\":\"orders\",\"state\":\"ACTIVE\"}";
static const char groups_5[] =
    "{\"tidbNodeGroups\":[{\"tidbNodeGroupId\":\"5\",\"displayName\":\"g\","
    "\"isDefaultGroup\":true,\"state\":\"ACTIVE\"}]}";
static const char endpoint_1[] =
    "{\"privateEndpointConnections\":[{\"clusterId\":\"13\",\"tidbNodeGroupId\":\"5\","
    "\"endpointId\":\"vpce-1\",\"endpointState\":\"ACTIVE\",\"host\":\"h.example\"}]}";
static const char service_5[] =
    "{\"serviceName\":\"svc\",\"state\":\"ACTIVE\",\"availableZones\":[\"use1-az1\",\"use1-az4\"]}";

struct talk {
    struct model *belief;
    struct control_target target;
    struct round *round;
    int64_t now;
};

static void begin(struct talk *talk, const char *cluster, const char *project)
{
    *talk = (struct talk){ .belief = model_new(), .now = NOW };
    talk->target = (struct control_target){ .alias = TEXT("a"), .cluster = TEXT(cluster) };
    struct round_options options = { &talk->target, 1, project };
    talk->round = round_new(talk->belief, &options);
    round_begin(talk->round);
}

static void end(struct talk *talk)
{
    round_free(talk->round);
    model_unref(talk->belief);
}

static struct ask expect(struct talk *talk, const char *path)
{
    struct ask ask;
    assert_true(round_next(talk->round, &ask));
    assert_string_equal(ask.path, path);
    return ask;
}

static void answer(struct talk *talk, const char *path, const char *body)
{
    struct err err = { 0 };
    struct ask ask = expect(talk, path);
    if (!round_answer(talk->round, &ask, body, strlen(body), talk->now, &err))
        fail_msg("%s", err.text);
}

static void fail_with(struct talk *talk, const char *path, long status, enum err_code code)
{
    struct err err = { .code = code, .text = "no" };
    struct ask ask = expect(talk, path);
    round_failed(talk->round, &ask, status, &err);
}

static enum err_code finish(struct talk *talk)
{
    struct ask ask;
    assert_false(round_next(talk->round, &ask));
    return round_end(talk->round, talk->now)->code;
}

static void again(struct talk *talk)
{
    talk->now += 60;
    round_begin(talk->round);
}

static void whole_round(struct talk *talk, const char *connections)
{
    answer(talk, "/clusters/13", cluster_13);
    answer(talk, GROUPS, groups_5);
    answer(talk, ENDPOINTS, connections);
    answer(talk, SERVICE, service_5);
    assert_int_equal(finish(talk), ERR_NONE);
}

static const struct node_group *group_of(const struct talk *talk)
{
    return &talk->belief->clusters[0].groups[0];
}

static void test_one_cluster(void **unused)
{
    struct talk talk;
    begin(&talk, "13", NULL);
    whole_round(&talk, endpoint_1);
    const struct round_target *state = round_target(talk.round, 0);
    assert_int_equal(state->status, ERR_NONE);
    assert_int_equal(state->answered, NOW);
    assert_string_equal(group_of(&talk)->endpoints[0].host, "h.example");
    assert_int_equal(group_of(&talk)->endpoints[0].state.since, NOW);
    // The same again: since when is when it was first seen.
    again(&talk);
    whole_round(&talk, endpoint_1);
    assert_int_equal(group_of(&talk)->endpoints[0].state.since, NOW);
    assert_int_equal(group_of(&talk)->endpoints_seen, NOW + 60);
    assert_false(round_is_changing(talk.round));
    end(&talk);
}

static void test_pages(void **unused)
{
    struct talk talk;
    begin(&talk, "13", NULL);
    answer(&talk, "/clusters/13", cluster_13);
    answer(&talk, GROUPS, "{\"tidbNodeGroups\":[],\"nextPageToken\":\"a b&c\"}");
    assert_int_equal(talk.belief->clusters[0].group_lists, 0); // not in parts
    answer(&talk, GROUPS "&pageToken=a%20b%26c", groups_5);
    assert_int_equal(talk.belief->clusters[0].group_lists, 1);
    answer(&talk, ENDPOINTS, "{\"nextPageToken\":\"x\"}");
    // The same token again is a server that goes in circles.
    struct err err;
    struct ask ask = expect(&talk, ENDPOINTS "&pageToken=x");
    static const char circle[] = "{\"nextPageToken\":\"x\"}";
    assert_false(round_answer(talk.round, &ask, circle, strlen(circle), NOW, &err));
    assert_int_equal(err.code, ERR_API_ANSWER);
    assert_non_null(strstr(err.text, "does not end"));
    round_failed(talk.round, &ask, 200, &err);
    assert_int_equal(finish(&talk), ERR_API_ANSWER);
    assert_int_equal(group_of(&talk)->endpoint_lists, 0);
    end(&talk);
}

static void test_names(void **unused)
{
    struct talk talk;
    begin(&talk, "orders", "77");
    static const char list[] = "{\"clusters\":[{\"clusterId\":\"12\",\"displayName\":\"x\"},"
                               "{\"clusterId\":\"13\",\"displayName\":\"orders\"}]}";
    answer(&talk, CLUSTERS "&projectId=77", list);
    assert_string_equal(round_target(talk.round, 0)->cluster_id, "13");
    whole_round(&talk, endpoint_1);
    again(&talk); // the ID is known now
    whole_round(&talk, endpoint_1);
    // The cluster goes; after two answers its name is looked up again and stands for another one,
    // which is asked about at once.
    again(&talk);
    fail_with(&talk, "/clusters/13", 404, ERR_API_NOT_FOUND);
    assert_int_equal(finish(&talk), ERR_NONE);
    assert_true(round_is_changing(talk.round));
    again(&talk);
    fail_with(&talk, "/clusters/13", 404, ERR_API_NOT_FOUND);
    static const char renewed[] =
        "{\"clusters\":[{\"clusterId\":\"14\",\"displayName\":\"orders\"}]}";
    answer(&talk, CLUSTERS "&projectId=77", renewed);
    assert_string_equal(round_target(talk.round, 0)->cluster_id, "14");
    assert_null(model_find_cluster(talk.belief, "13"));
    expect(&talk, "/clusters/14");
    end(&talk);
}

static void test_unknown_and_ambiguous_names(void **unused)
{
    struct talk talk;
    begin(&talk, "orders", NULL);
    answer(&talk, CLUSTERS, "{\"clusters\":[]}");
    assert_int_equal(finish(&talk), ERR_NONE); // the API did its part
    assert_int_equal(round_target(talk.round, 0)->status, ERR_UNKNOWN_CLUSTER);
    assert_int_equal(round_target(talk.round, 0)->misses, 1);
    assert_true(round_is_changing(talk.round));
    assert_non_null(strstr(round_target(talk.round, 0)->text, "default project"));
    again(&talk);
    static const char twins[] = "{\"clusters\":[{\"clusterId\":\"1\",\"displayName\":\"orders\"},"
                                "{\"clusterId\":\"2\",\"displayName\":\"orders\"}]}";
    answer(&talk, CLUSTERS, twins);
    assert_int_equal(finish(&talk), ERR_NONE);
    assert_int_equal(round_target(talk.round, 0)->misses, 2);
    assert_non_null(strstr(round_target(talk.round, 0)->text, "1, 2"));
    end(&talk);
}

static void test_an_endpoint_goes_after_two_lists(void **unused)
{
    struct talk talk;
    begin(&talk, "13", NULL);
    whole_round(&talk, endpoint_1);
    again(&talk);
    whole_round(&talk, "{}");
    assert_int_equal(group_of(&talk)->endpoint_count, 1);
    assert_int_equal(group_of(&talk)->endpoints[0].absent_polls, 1);
    assert_true(round_is_changing(talk.round));
    again(&talk);
    whole_round(&talk, endpoint_1); // back again: it starts anew
    assert_int_equal(group_of(&talk)->endpoints[0].absent_polls, 0);
    again(&talk);
    whole_round(&talk, "{}");
    again(&talk);
    whole_round(&talk, "{}");
    assert_int_equal(group_of(&talk)->endpoint_count, 0);
    assert_string_equal(group_of(&talk)->host, "h.example"); // the service's, on AWS
    end(&talk);
}

// `wanted`: by name, or NULL; `gaps`: lists that show neither the old group nor the new one.
static void create_again(const char *wanted, int gaps)
{
    struct talk talk;
    const struct node_group *found;
    begin(&talk, "13", NULL);
    talk.target.group = TEXT(wanted);
    whole_round(&talk, endpoint_1);
    for (int i = 0; i < gaps; i++) {
        again(&talk);
        answer(&talk, "/clusters/13", cluster_13);
        answer(&talk, GROUPS, "{\"tidbNodeGroups\":[]}");
        assert_true(control_find_group(&talk.belief->clusters[0], wanted, &found, NULL));
        assert_string_equal(found->id, "5"); // which is gone is what there is to say
    }
    for (int i = 0; i < 3; i++) {
        again(&talk);
        answer(&talk, "/clusters/13", cluster_13);
        answer(&talk, GROUPS,
            "{\"tidbNodeGroups\":[{\"tidbNodeGroupId\":\"6\",\"displayName\":\"g\","
            "\"isDefaultGroup\":true,\"state\":\"ACTIVE\"}]}");
        expect(&talk, "/clusters/13/tidbNodeGroups/6/privateEndpointConnections?pageSize=100");
        assert_true(control_find_group(&talk.belief->clusters[0], wanted, &found, NULL));
        assert_string_equal(found->id, "6");
    }
    end(&talk);
}

static void test_a_group_created_again(void **unused)
{
    create_again(NULL, 0);
    create_again(NULL, MODEL_ABSENT_POLLS);
    create_again("g", 0);
    create_again("g", MODEL_ABSENT_POLLS);
}

static void test_a_service_goes_after_two_answers(void **unused)
{
    static const char deleting[] = "{\"serviceName\":\"svc\",\"state\":\"DELETING\"}";
    struct talk talk;
    begin(&talk, "13", NULL);
    whole_round(&talk, endpoint_1);
    for (unsigned misses = 0; misses <= MODEL_ABSENT_POLLS; misses++) {
        again(&talk);
        answer(&talk, "/clusters/13", cluster_13);
        answer(&talk, GROUPS, groups_5);
        answer(&talk, ENDPOINTS, endpoint_1);
        if (misses == 0)
            answer(&talk, SERVICE, deleting);
        else
            fail_with(&talk, SERVICE, 404, ERR_API_NOT_FOUND);
        assert_int_equal(finish(&talk), ERR_NONE);
        bool gone = misses == MODEL_ABSENT_POLLS;
        assert_int_equal(group_of(&talk)->service.text == NULL, gone);
        assert_int_equal(group_of(&talk)->service_name == NULL, gone);
        assert_int_equal(group_of(&talk)->zone_count, gone ? 0 : 2);
        assert_int_equal(round_is_changing(talk.round), !gone);
    }
    again(&talk);
    whole_round(&talk, endpoint_1);
    assert_string_equal(group_of(&talk)->service.text, "ACTIVE");
    assert_string_equal(group_of(&talk)->zones[1], "use1-az4");
    end(&talk);
}

static void test_silence_keeps_everything(void **unused)
{
    struct talk talk;
    begin(&talk, "13", NULL);
    whole_round(&talk, endpoint_1);
    again(&talk);
    answer(&talk, "/clusters/13", cluster_13);
    fail_with(&talk, GROUPS, 500, ERR_API_UNREACHABLE);
    assert_int_equal(finish(&talk), ERR_API_UNREACHABLE);
    assert_int_equal(round_target(talk.round, 0)->status, ERR_API_UNREACHABLE);
    assert_int_equal(round_target(talk.round, 0)->answered, NOW);
    assert_int_equal(group_of(&talk)->endpoint_count, 1);
    again(&talk);
    fail_with(&talk, "/clusters/13", 0, ERR_API_UNREACHABLE);
    assert_int_equal(finish(&talk), ERR_API_UNREACHABLE);
    assert_int_equal(talk.belief->clusters[0].absent_polls, 0);
    end(&talk);
}

static void test_an_answer_about_another_cluster(void **unused)
{
    struct talk talk;
    struct err err;
    static const char other[] = "{\"clusterId\":\"666\",\"state\":\"ACTIVE\"}";
    begin(&talk, "13", NULL);
    struct ask ask = expect(&talk, "/clusters/13");
    assert_false(round_answer(talk.round, &ask, other, strlen(other), NOW, &err));
    assert_non_null(strstr(err.text, "666"));
    assert_int_equal(talk.belief->cluster_count, 0);
    end(&talk);
}

static void test_odd_ids_stay_in_their_segment(void **unused)
{
    struct talk talk;
    begin(&talk, "13", NULL);
    answer(&talk, "/clusters/13", cluster_13);
    answer(&talk, GROUPS,
        "{\"tidbNodeGroups\":[{\"tidbNodeGroupId\":\"../x?y\",\"isDefaultGroup\":true}]}");
    expect(&talk, "/clusters/13/tidbNodeGroups/..%2Fx%3Fy/privateEndpointConnections?pageSize=100");
    end(&talk);
}

// ---- many clusters ------------------------------------------------------------------------------

enum { MANY = 4 };

struct crowd {
    struct model *belief;
    struct control_target targets[MANY];
    struct round *round;
};

static const char *const crowd_ids[MANY] = { "11", "12", "13", "14" };

// What is believed already: project, default group and one endpoint of each.
static void begin_crowd(struct crowd *crowd)
{
    *crowd = (struct crowd){ .belief = model_new() };
    for (size_t i = 0; i < MANY; i++) {
        crowd->targets[i] =
            (struct control_target){ .alias = TEXT("a"), .cluster = TEXT(crowd_ids[i]) };
        struct cluster heard = { .id = strdup(crowd_ids[i]), .project_id = strdup("77") };
        model_observe(&heard.state, CLUSTER_ACTIVE, strdup("ACTIVE"), 0);
        struct node_group *group = model_add_group(&heard);
        group->id = strdup("5");
        group->is_default = true;
        model_observe(&group->state, GROUP_ACTIVE, strdup("ACTIVE"), 0);
        belief_groups(belief_cluster(crowd->belief, &heard, NOW), &heard, NOW);
        model_cluster_done(&heard);
    }
    struct round_options options = { crowd->targets, MANY, NULL };
    crowd->round = round_new(crowd->belief, &options);
    round_begin(crowd->round);
}

static void crowd_answer(struct crowd *crowd, const char *path, const char *body)
{
    struct ask ask;
    struct err err = { 0 };
    assert_true(round_next(crowd->round, &ask));
    assert_string_equal(ask.path, path);
    if (!round_answer(crowd->round, &ask, body, strlen(body), NOW, &err))
        fail_msg("%s", err.text);
}

static void print_lists(char *clusters, char *connections, size_t size, size_t listed)
{
    size_t a = (size_t)snprintf(clusters, size, "{\"clusters\":[");
    size_t b = (size_t)snprintf(connections, size, "{\"privateEndpointConnections\":[");
    for (size_t i = 0; i < MANY; i++) {
        a += (size_t)snprintf(clusters + a, size - a,
            "%s{\"clusterId\":\"%s\",\"state\":\"PAUSED\"}", i > 0 ? "," : "", crowd_ids[i]);
        if (i < listed)
            b += (size_t)snprintf(connections + b, size - b,
                "%s{\"clusterId\":\"%s\",\"tidbNodeGroupId\":\"5\",\"endpointId\":\"vpce-%zu\","
                "\"endpointState\":\"ACTIVE\",\"privateLinkServiceState\":\"ACTIVE\"}",
                i > 0 ? "," : "", crowd_ids[i], i);
    }
    snprintf(clusters + a, size - a, "]}");
    snprintf(connections + b, size - b, "]}");
}

static void test_two_lists_for_a_project(void **unused)
{
    struct crowd crowd;
    struct ask ask;
    char clusters[1024];
    char connections[2048];
    begin_crowd(&crowd);
    print_lists(clusters, connections, sizeof(clusters), MANY);
    crowd_answer(&crowd, CLUSTERS "&projectId=77", clusters);
    crowd_answer(&crowd,
        "/clusters/-/tidbNodeGroups/-/privateEndpointConnections?pageSize=100&projectId=77",
        connections);
    assert_false(round_next(crowd.round, &ask));
    assert_int_equal(round_end(crowd.round, NOW)->code, ERR_NONE);
    for (size_t i = 0; i < MANY; i++) {
        assert_int_equal(crowd.belief->clusters[i].state.value, CLUSTER_PAUSED);
        assert_int_equal(crowd.belief->clusters[i].groups[0].endpoint_count, 1);
    }
    round_free(crowd.round);
    model_unref(crowd.belief);
}

static void test_a_projects_list_proves_no_absence(void **unused)
{
    struct crowd crowd;
    struct ask ask;
    char clusters[1024];
    char connections[2048];
    begin_crowd(&crowd);
    print_lists(clusters, connections, sizeof(clusters), MANY - 1);
    crowd_answer(&crowd, CLUSTERS "&projectId=77", "{\"clusters\":[]}");
    for (size_t i = 0; i < MANY; i++) { // none was listed: each is asked about alone
        char path[64];
        char body[64];
        snprintf(path, sizeof(path), "/clusters/%s", crowd_ids[i]);
        snprintf(body, sizeof(body), "{\"clusterId\":\"%s\",\"state\":\"ACTIVE\"}", crowd_ids[i]);
        crowd_answer(&crowd, path, body);
    }
    crowd_answer(&crowd,
        "/clusters/-/tidbNodeGroups/-/privateEndpointConnections?pageSize=100&projectId=77",
        connections);
    crowd_answer(
        &crowd, "/clusters/14/tidbNodeGroups/5/privateEndpointConnections?pageSize=100", "{}");
    crowd_answer(&crowd, "/clusters/14/tidbNodeGroups/5/privateLinkService", service_5);
    assert_false(round_next(crowd.round, &ask));
    assert_int_equal(crowd.belief->clusters[3].groups[0].endpoint_lists, 1);
    round_free(crowd.round);
    model_unref(crowd.belief);
}

static void test_a_failure_stays_with_its_cluster(void **unused)
{
    struct crowd crowd;
    struct ask ask;
    char clusters[1024];
    char connections[2048];
    struct err forbidden = { .code = ERR_API_FORBIDDEN, .text = "no" };
    begin_crowd(&crowd);
    print_lists(clusters, connections, sizeof(clusters), MANY - 1);
    crowd_answer(&crowd, CLUSTERS "&projectId=77", clusters);
    crowd_answer(&crowd,
        "/clusters/-/tidbNodeGroups/-/privateEndpointConnections?pageSize=100&projectId=77",
        connections);
    assert_true(round_next(crowd.round, &ask)); // cluster 14, alone
    round_failed(crowd.round, &ask, 403, &forbidden);
    assert_false(round_next(crowd.round, &ask));
    assert_int_equal(round_end(crowd.round, NOW)->code, ERR_API_FORBIDDEN);
    assert_false(round_was_in_vain(crowd.round)); // the other three were answered
    assert_int_equal(round_target(crowd.round, 0)->status, ERR_NONE);
    assert_int_equal(round_target(crowd.round, 3)->status, ERR_API_FORBIDDEN);
    // The same place, but 401 concerns everyone.
    struct err wrong_key = { .code = ERR_API_KEY, .text = "no" };
    round_begin(crowd.round);
    crowd_answer(&crowd, CLUSTERS "&projectId=77", clusters);
    crowd_answer(&crowd,
        "/clusters/-/tidbNodeGroups/-/privateEndpointConnections?pageSize=100&projectId=77",
        connections);
    assert_true(round_next(crowd.round, &ask));
    round_failed(crowd.round, &ask, 401, &wrong_key);
    assert_false(round_next(crowd.round, &ask));
    round_end(crowd.round, NOW);
    assert_true(round_was_in_vain(crowd.round));
    for (size_t i = 0; i < MANY; i++)
        assert_int_equal(round_target(crowd.round, i)->status, ERR_API_KEY);
    round_free(crowd.round);
    model_unref(crowd.belief);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_cluster),
        cmocka_unit_test(test_pages),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_unknown_and_ambiguous_names),
        cmocka_unit_test(test_an_endpoint_goes_after_two_lists),
        cmocka_unit_test(test_a_group_created_again),
        cmocka_unit_test(test_a_service_goes_after_two_answers),
        cmocka_unit_test(test_silence_keeps_everything),
        cmocka_unit_test(test_an_answer_about_another_cluster),
        cmocka_unit_test(test_odd_ids_stay_in_their_segment),
        cmocka_unit_test(test_two_lists_for_a_project),
        cmocka_unit_test(test_a_projects_list_proves_no_absence),
        cmocka_unit_test(test_a_failure_stays_with_its_cluster),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
