// SPDX-License-Identifier: Apache-2.0
//
// What the control thread asks and how often, how it stops, and the one look of a command.
#include "base/clock.h"
#include "base/loop.h"

#include "control_fixture.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <pthread.h>

// ---- what is asked ------------------------------------------------------------------------------

static bool all_allowed(const struct control_fixture *fixture)
{
    for (size_t i = 0; i < TARGETS; i++)
        if (fixture->news[i] == NULL || fixture->news[i]->verdict.action != VERDICT_ALLOW)
            return false;
    return true;
}

static void test_many_clusters_cost_two_lists(void **state)
{
    struct control_fixture *fixture = *state;
    control_fixture_start(fixture, TARGETS);
    WAIT_FOR(fixture, all_allowed);
    // The first look learns the project from the clusters themselves.
    assert_int_equal(fixture->sky.asked_single, TARGETS);
    assert_int_equal(fixture->sky.asked_project_endpoints, 1);
    assert_int_equal(fixture->sky.asked_endpoints, 0);
    control_fixture_stop(fixture);
    fixture->sky = (struct sky){ .cluster_state = "PAUSED",
        .service_state = "ACTIVE",
        .endpoint_state = "ACTIVE",
        .endpoint_listed = true,
        .cluster_there = true,
        .status = 200 };
    control_fixture_start(fixture, TARGETS);
    WAIT_FOR(fixture, control_fixture_refused);
    assert_int_equal(fixture->sky.asked_single, 0);
    assert_int_equal(fixture->sky.asked, 2);
    assert_int_equal(fixture->sky.asked_clusters, 1);
    assert_int_equal(fixture->sky.asked_project_endpoints, 1);
    // Gone from the project's list: each is asked about alone before that counts.
    fixture->sky.cluster_state = "ACTIVE";
    WAIT_FOR(fixture, control_fixture_allowed);
    fixture->sky.endpoint_listed = false;
    WAIT_FOR(fixture, control_fixture_refused);
    assert_true(fixture->sky.asked_endpoints >= 2 * TARGETS);
}

static void test_nudge_brings_one_look_forward(void **state)
{
    struct control_fixture *fixture = *state;
    fixture->options.poll_ms = 3600000;
    fixture->options.poll_changing_ms = 3600000;
    control_fixture_start(fixture, 1);
    WAIT_FOR(fixture, control_fixture_allowed);
    fixture->sky.cluster_state = "PAUSED";
    for (int i = 0; i < 1000; i++)
        control_nudge(fixture->control, 0);
    WAIT_FOR(fixture, control_fixture_refused);
    assert_int_equal(fixture->sky.asked_single, 2);
    fixture->sky.cluster_state = "ACTIVE";
    timer_init(&fixture->deadline, fixture->home, control_fixture_on_deadline);
    for (int i = 0; i < 20; i++) {
        control_nudge(fixture->control, 0);
        timer_start(&fixture->deadline, 100);
        loop_run(fixture->home);
    }
    assert_int_equal(fixture->sky.asked_single, 2);
}

// Also while the first look hangs on a connection that leads nowhere any more; and not again within
// ten seconds of an answer, of which the ones that the machine slept through count.
static void test_wake_asks_at_once(void **state)
{
    struct control_fixture *fixture = *state;
    fixture->options.poll_ms = 3600000;
    fixture->options.poll_changing_ms = 3600000;
    fixture->options.api_timeout_ms = 3600000;
    fixture->sky.status = 0; // never answers
    control_fixture_start(fixture, 1);
    WAIT_FOR(fixture, control_fixture_any);
    timer_init(&fixture->deadline, fixture->home, control_fixture_on_deadline);
    while (fixture->sky.asked == 0) {
        timer_start(&fixture->deadline, 10);
        loop_run(fixture->home);
    }
    fixture->sky.status = 200;
    control_wake(fixture->control, 0);
    WAIT_FOR(fixture, control_fixture_allowed);
    fixture->sky.cluster_state = "PAUSED";
    for (int i = 0; i < 20; i++) {
        control_wake(fixture->control, 0);
        timer_start(&fixture->deadline, 20);
        loop_run(fixture->home);
    }
    assert_int_equal(fixture->sky.asked_single, 1);
    control_wake(fixture->control, 60000);
    WAIT_FOR(fixture, control_fixture_refused);
    assert_int_equal(fixture->sky.asked_single, 2);
}

// A look that hangs is broken off once, and not by each of many changes in a row: an answer that
// takes longer than the time between two of them would never come.
static void test_wakes_in_a_row(void **state)
{
    struct control_fixture *fixture = *state;
    fixture->options.api_timeout_ms = 3600000;
    fixture->sky.status = 0; // never answers
    control_fixture_start(fixture, 1);
    timer_init(&fixture->deadline, fixture->home, control_fixture_on_deadline);
    while (fixture->sky.asked == 0) {
        timer_start(&fixture->deadline, 10);
        loop_run(fixture->home);
    }
    for (int i = 0; i < 12; i++) {
        control_wake(fixture->control, 0);
        timer_start(&fixture->deadline, 100);
        loop_run(fixture->home);
    }
    assert_in_range(fixture->sky.asked, 2, 6); // a slow machine may take longer than five seconds
}

// A pause after a failure would last for minutes here; the pace of a change does not.
static void test_a_failing_cluster_slows_nobody_down(void **state)
{
    struct control_fixture *fixture = *state;
    fixture->options.poll_ms = 3600000;
    fixture->sky.failing = 12;
    fixture->sky.endpoint_state = "PENDING";
    control_fixture_start(fixture, 2);
    WAIT_FOR(fixture, control_fixture_held);
    fixture->sky.endpoint_state = "ACTIVE";
    WAIT_FOR(fixture, control_fixture_allowed);
    assert_true(fixture->news[1] == NULL || fixture->news[1]->verdict.action != VERDICT_ALLOW);
}

static void test_stop_while_asking(void **state)
{
    struct control_fixture *fixture = *state;
    fixture->sky.status = 0; // never answers
    for (int i = 0; i < 5; i++) {
        control_fixture_start(fixture, 1);
        WAIT_FOR(fixture, control_fixture_any);
        control_nudge(fixture->control, 0);
        uint64_t before_ms = clock_ms();
        control_fixture_stop(fixture);
        assert_true(clock_ms() - before_ms < 5000);
    }
}

// ---- fetch --------------------------------------------------------------------------------------

struct fetching {
    struct control_fixture *fixture;
    const struct control_target *target;
    uint64_t timeout_ms;
    struct model *model;
    struct err err;
    bool done;
};

static void on_fetched(void *arg)
{
    struct control_fixture *fixture = arg;
    loop_stop(fixture->home);
}

static void *fetch(void *arg)
{
    struct fetching *fetching = arg;
    fetching->done = control_fetch(&fetching->fixture->options, fetching->target,
        fetching->timeout_ms, &fetching->model, &fetching->err);
    loop_post(fetching->fixture->home, on_fetched, fetching->fixture);
    return NULL;
}

// The cloud lives on this thread, so the command runs on another.
static struct fetching fetch_apart(
    struct control_fixture *fixture, const struct control_target *target, uint64_t timeout_ms)
{
    struct fetching fetching = { fixture, target, timeout_ms, NULL, { 0 }, false };
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, fetch, &fetching), 0);
    loop_run(fixture->home);
    pthread_join(thread, NULL);
    return fetching;
}

static void test_fetch(void **state)
{
    struct control_fixture *fixture = *state;
    struct fetching by_id = fetch_apart(fixture, &fixture->targets[0], WAIT_MS);
    assert_true(by_id.done);
    assert_int_equal(by_id.model->clusters[0].groups[0].endpoint_count, 1);
    assert_string_equal(by_id.model->clusters[0].groups[0].service_name, "svc");
    model_unref(by_id.model);
    char name[] = "c13";
    struct control_target named = { .alias = name, .cluster = name };
    struct fetching by_name = fetch_apart(fixture, &named, WAIT_MS);
    assert_true(by_name.done);
    assert_string_equal(by_name.model->clusters[0].id, "13");
    model_unref(by_name.model);
    struct fetching list = fetch_apart(fixture, NULL, WAIT_MS);
    assert_true(list.done);
    assert_int_equal(list.model->cluster_count, 5);
    assert_string_equal(list.model->clusters[4].name, "c15");
    model_unref(list.model);
}

static void test_fetch_failures(void **state)
{
    struct control_fixture *fixture = *state;
    char name[] = "nobody";
    struct control_target named = { .alias = name, .cluster = name };
    struct fetching unknown = fetch_apart(fixture, &named, WAIT_MS);
    assert_false(unknown.done);
    assert_int_equal(unknown.err.code, ERR_UNKNOWN_CLUSTER);
    assert_non_null(strstr(unknown.err.text, "nobody"));
    snprintf(fixture->sky.names[0], sizeof(fixture->sky.names[0]), "nobody");
    snprintf(fixture->sky.names[1], sizeof(fixture->sky.names[1]), "nobody");
    struct fetching ambiguous = fetch_apart(fixture, &named, WAIT_MS);
    assert_int_equal(ambiguous.err.code, ERR_UNKNOWN_CLUSTER);
    assert_non_null(strstr(ambiguous.err.text, "11, 12"));
    fixture->sky.cluster_there = false;
    struct fetching gone = fetch_apart(fixture, &fixture->targets[0], WAIT_MS);
    assert_int_equal(gone.err.code, ERR_UNKNOWN_CLUSTER);
    assert_non_null(strstr(gone.err.text, "another organization"));
    fixture->sky.status = 403;
    struct fetching forbidden = fetch_apart(fixture, NULL, WAIT_MS);
    assert_int_equal(forbidden.err.code, ERR_API_FORBIDDEN);
    fixture->sky.status = 0;
    struct fetching silent = fetch_apart(fixture, NULL, 200);
    assert_int_equal(silent.err.code, ERR_API_UNREACHABLE);
    assert_non_null(strstr(silent.err.text, "within 200 ms"));
}

#define CONTROL_TEST(function)                                                                     \
    cmocka_unit_test_setup_teardown(function, control_fixture_setup, control_fixture_teardown)

int main(void)
{
    struct sigaction ignore = { .sa_handler = SIG_IGN };
    sigaction(SIGPIPE, &ignore, NULL); // OpenSSL writes with write(2)
    const struct CMUnitTest tests[] = {
        CONTROL_TEST(test_many_clusters_cost_two_lists),
        CONTROL_TEST(test_nudge_brings_one_look_forward),
        CONTROL_TEST(test_wake_asks_at_once),
        CONTROL_TEST(test_wakes_in_a_row),
        CONTROL_TEST(test_a_failing_cluster_slows_nobody_down),
        CONTROL_TEST(test_stop_while_asking),
        CONTROL_TEST(test_fetch),
        CONTROL_TEST(test_fetch_failures),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
