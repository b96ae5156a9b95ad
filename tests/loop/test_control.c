// SPDX-License-Identifier: Apache-2.0
//
// The control thread as the rest of the program uses it, against a real HTTPS server: verdicts as
// the cloud changes, and what survives outages, restarts and damaged files.
#include "base/clock.h"
#include "base/loop.h"
#include "control/state_file.h"

#include "control_fixture.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

// ---- verdicts -----------------------------------------------------------------------------------

static void test_the_cloud_changes(void **state)
{
    struct control_fixture *fixture = *state;
    fixture->sky.endpoint_state = "PENDING";
    control_fixture_start(fixture, 1);
    assert_int_equal(fixture->news_count, 0); // never from inside
    WAIT_FOR(fixture, control_fixture_any);
    assert_int_equal(fixture->news[0]->verdict.action, VERDICT_UNKNOWN);
    WAIT_FOR(fixture, control_fixture_held);
    assert_string_equal(fixture->news[0]->verdict.state, "PENDING");
    assert_int_equal(fixture->news[0]->verdict.code, ERR_TRANSITION);
    assert_string_equal(fixture->news[0]->cluster_id, "11");
    fixture->sky.endpoint_state = "ACTIVE";
    WAIT_FOR(fixture, control_fixture_allowed);
    assert_string_equal(fixture->news[0]->verdict.host, "pl-11.example");
    assert_int_equal(fixture->news[0]->verdict.port, 4001);
    fixture->sky.service_state = "DELETING";
    WAIT_FOR(fixture, control_fixture_refused);
    assert_true(fixture->news[0]->verdict.drain);
    assert_int_equal(cloud_challenges(fixture->cloud), 1);
    const struct cluster *cluster;
    const struct node_group *group;
    assert_true(
        control_find(fixture->news[0]->model, &fixture->targets[0], &cluster, &group, NULL));
    assert_string_equal(group->service_name, "svc");
    assert_true(group->service.since >= cluster->state.since);
}

static void test_an_outage_changes_nothing(void **state)
{
    struct control_fixture *fixture = *state;
    control_fixture_start(fixture, 1);
    WAIT_FOR(fixture, control_fixture_allowed);
    static const int statuses[] = { 500, 403, 400 };
    for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
        fixture->sky.status = statuses[i];
        WAIT_FOR(fixture, control_fixture_fails);
        assert_int_equal(fixture->news[0]->verdict.action, VERDICT_ALLOW);
        assert_false(fixture->news[0]->verdict.unchecked);
        assert_true(fixture->news[0]->api_failures > 0);
        assert_non_null(strstr(fixture->news[0]->api_text, "not today"));
        fixture->sky.status = 200;
        WAIT_FOR(fixture, control_fixture_works);
    }
}

static void test_outage_from_the_start(void **state)
{
    struct control_fixture *fixture = *state;
    fixture->sky.status = 503;
    control_fixture_start(fixture, 1);
    WAIT_FOR(fixture, control_fixture_held); // no host is known
    assert_int_equal(fixture->news[0]->verdict.code, ERR_TRANSITION);
    control_fixture_stop(fixture);
    char host[] = "h.example";
    fixture->targets[0].host = host;
    fixture->targets[0].port = 4000;
    control_fixture_start(fixture, 1);
    WAIT_FOR(fixture, control_fixture_allowed);
    assert_true(fixture->news[0]->verdict.unchecked);
    fixture->sky.status = 200;
    WAIT_FOR(fixture, control_fixture_works);
    assert_false(fixture->news[0]->verdict.unchecked);
    assert_string_equal(fixture->news[0]->verdict.host, "h.example");
}

static void test_wrong_key(void **state)
{
    struct control_fixture *fixture = *state;
    snprintf(fixture->private_key, sizeof(fixture->private_key), "wrong");
    control_fixture_start(fixture, 1);
    WAIT_FOR(fixture, control_fixture_refused);
    assert_int_equal(fixture->news[0]->verdict.code, ERR_API_KEY);
    assert_int_equal(fixture->news[0]->api_status, ERR_API_KEY);
}

static void test_absence(void **state)
{
    struct control_fixture *fixture = *state;
    control_fixture_start(fixture, 1);
    WAIT_FOR(fixture, control_fixture_allowed);
    fixture->sky.endpoint_listed = false;
    control_note_success(fixture->control, 0);
    // Twice absent, but connections succeed.
    while (!fixture->news[0]->verdict.contradicted) {
        assert_int_equal(fixture->news[0]->verdict.action, VERDICT_ALLOW);
        fixture->reached = control_fixture_any;
        loop_run(fixture->home);
    }
    control_fixture_stop(fixture);
    control_fixture_start(fixture, 1); // nobody connects in this run
    WAIT_FOR(fixture, control_fixture_refused);
    assert_string_equal(fixture->news[0]->verdict.state, "none");
    fixture->sky.cluster_there = false;
    while (strcmp(fixture->news[0]->verdict.what, "cluster") != 0) {
        fixture->reached = control_fixture_any;
        loop_run(fixture->home);
    }
    assert_string_equal(fixture->news[0]->verdict.state, "not found");
}

// ---- restarts and files -------------------------------------------------------------------------

static void test_restart_during_an_outage(void **state)
{
    struct control_fixture *fixture = *state;
    fixture->sky.cluster_state = "PAUSED";
    control_fixture_start(fixture, 1);
    WAIT_FOR(fixture, control_fixture_refused);
    int64_t since = fixture->news[0]->model->clusters[0].state.since;
    control_fixture_stop(fixture);
    fixture->sky.status = 500;
    control_fixture_start(fixture, 1);
    WAIT_FOR(fixture, control_fixture_any);
    assert_int_equal(fixture->news[0]->verdict.action, VERDICT_HOLD); // the first look may differ
    WAIT_FOR(fixture, control_fixture_refused);
    assert_string_equal(fixture->news[0]->verdict.state, "PAUSED");
    assert_int_equal(fixture->news[0]->model->clusters[0].state.since, since);
    assert_int_equal(fixture->news[0]->api_status, ERR_API_UNREACHABLE);
}

static void test_broken_state_file_is_replaced_by_knowledge_only(void **state)
{
    struct control_fixture *fixture = *state;
    char path[128];
    char line[32] = "";
    state_file_path(fixture->directory, path, sizeof(path));
    FILE *file = fopen(path, "w");
    fputs("{\"format\":", file);
    fclose(file);
    fixture->sky.status = 500;
    control_fixture_start(fixture, 1);
    WAIT_FOR(fixture, control_fixture_fails);
    control_fixture_stop(fixture);
    file = fopen(path, "r");
    assert_non_null(fgets(line, sizeof(line), file));
    fclose(file);
    assert_string_equal(line, "{\"format\":");
    fixture->sky.status = 200;
    control_fixture_start(fixture, 1);
    WAIT_FOR(fixture, control_fixture_allowed);
    struct model *model;
    struct err err;
    assert_true(state_file_read(path, &model, &err));
    assert_string_equal(model->clusters[0].id, "11");
    model_unref(model);
}

static void test_unwritable_state_directory(void **state)
{
    struct control_fixture *fixture = *state;
    char nowhere[] = "/proc/nowhere";
    fixture->options.state_dir = nowhere;
    control_fixture_start(fixture, 1);
    WAIT_FOR(fixture, control_fixture_allowed);
}

static void test_state_source_file(void **state)
{
    struct control_fixture *fixture = *state;
    char source[160];
    char path[128];
    control_fixture_start(fixture, 1);
    WAIT_FOR(fixture, control_fixture_allowed);
    control_fixture_stop(fixture);
    state_file_path(fixture->directory, path, sizeof(path));
    snprintf(source, sizeof(source), "file:%s", path);
    fixture->options.state_source = source;
    fixture->options.state_dir = NULL;
    fixture->options.environment_keys = NULL; // a sidecar needs no key
    unsigned asked = fixture->sky.asked;
    control_fixture_start(fixture, 1);
    WAIT_FOR(fixture, control_fixture_allowed);
    assert_int_equal(fixture->sky.asked, asked);
    struct model *model;
    struct err err;
    assert_true(state_file_read(path, &model, &err));
    free(model->clusters[0].state.text);
    model->clusters[0].state.text = strdup("PAUSED");
    assert_true(state_file_write(fixture->directory, model, clock_wall_s(), &err));
    model_unref(model);
    WAIT_FOR(fixture, control_fixture_refused);
    unlink(path);
    WAIT_FOR(fixture, control_fixture_fails);
    assert_int_equal(fixture->news[0]->verdict.action, VERDICT_REFUSE); // what was known stands
    assert_int_equal(fixture->news[0]->api_status, ERR_FILE);
}

static void test_state_source_none(void **state)
{
    struct control_fixture *fixture = *state;
    char source[] = "none";
    char host[] = "h.example";
    fixture->options.state_source = source;
    fixture->options.environment_keys = NULL;
    fixture->targets[0].host = host;
    fixture->targets[0].port = 4000;
    control_fixture_start(fixture, 1);
    WAIT_FOR(fixture, control_fixture_allowed);
    assert_true(fixture->news[0]->verdict.unchecked);
    assert_int_equal(fixture->sky.asked, 0);
}

static void test_wrong_options(void **state)
{
    struct control_fixture *fixture = *state;
    struct err err;
    char wrong[] = "etcd";
    fixture->options.state_source = wrong;
    assert_null(control_start(&fixture->options, fixture->targets, 1, fixture->home,
        control_fixture_on_news, fixture, &err));
    assert_non_null(strstr(err.text, "state-source"));
    fixture->options.state_source = NULL;
    fixture->options.environment_keys = NULL;
    assert_null(control_start(&fixture->options, fixture->targets, 1, fixture->home,
        control_fixture_on_news, fixture, &err));
    assert_int_equal(err.code, ERR_OPTION);
    assert_non_null(strstr(err.text, "API key"));
}

#define CONTROL_TEST(function)                                                                     \
    cmocka_unit_test_setup_teardown(function, control_fixture_setup, control_fixture_teardown)

int main(void)
{
    struct sigaction ignore = { .sa_handler = SIG_IGN };
    sigaction(SIGPIPE, &ignore, NULL); // OpenSSL writes with write(2)
    const struct CMUnitTest tests[] = {
        CONTROL_TEST(test_the_cloud_changes),
        CONTROL_TEST(test_an_outage_changes_nothing),
        CONTROL_TEST(test_outage_from_the_start),
        CONTROL_TEST(test_wrong_key),
        CONTROL_TEST(test_absence),
        CONTROL_TEST(test_restart_during_an_outage),
        CONTROL_TEST(test_broken_state_file_is_replaced_by_knowledge_only),
        CONTROL_TEST(test_unwritable_state_directory),
        CONTROL_TEST(test_state_source_file),
        CONTROL_TEST(test_state_source_none),
        CONTROL_TEST(test_wrong_options),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
