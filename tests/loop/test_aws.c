// SPDX-License-Identifier: Apache-2.0
//
// Which endpoints are in our VPC, with a metadata service and an AWS CLI of our own: right
// questions, every failure means "not asked", the answer is cached.
#include "base/err.h"
#include "base/loop.h"
#include "control/aws.h"

#include "aws_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { WAIT_MS = 20000, SETTLE_MS = 300 };
#define SERVICE "com.amazonaws.vpce.us-east-1.vpce-svc-1"

struct fixture {
    struct loop *loop;
    struct fake_metadata metadata;
    struct fake_cli cli;
    unsigned answers;
    struct aws *aws;
    struct timer deadline;
};

static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    struct err err;
    fixture->loop = loop_new("test", &err);
    fake_metadata_start(&fixture->metadata, fixture->loop);
    fake_cli_init(&fixture->cli);
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    aws_free(fixture->aws);
    fake_metadata_stop(&fixture->metadata);
    loop_free(fixture->loop);
    fake_cli_done(&fixture->cli);
    free(fixture);
    return 0;
}

static void on_answer(void *arg)
{
    struct fixture *fixture = arg;
    fixture->answers++;
    loop_stop(fixture->loop);
}

static void on_deadline(struct timer *timer)
{
    struct fixture *fixture = CONTAINER_OF(timer, struct fixture, deadline);
    loop_stop(fixture->loop);
}

static void run_for(struct fixture *fixture, uint64_t ms)
{
    timer_init(&fixture->deadline, fixture->loop, on_deadline);
    timer_start(&fixture->deadline, ms);
    loop_run(fixture->loop);
    timer_stop(&fixture->deadline);
}

static void start(struct fixture *fixture, const char *cli_does, const char *vpc_id)
{
    struct err err;
    struct aws_options options = {
        .cli = fixture->cli.program, .vpc_id = vpc_id, .metadata_url = fixture->metadata.url
    };
    fake_cli_does(&fixture->cli, cli_does);
    fixture->aws = aws_new(fixture->loop, &options, on_answer, fixture, &err);
    assert_non_null(fixture->aws);
}

// About a group of which the control API lists no endpoint.
static void ask(struct fixture *fixture, const char *service_name, const char *region)
{
    const struct node_group group = { .service_name = (char *)(uintptr_t)service_name };
    aws_ask(fixture->aws, &group, region);
}

// About one of which it lists vpce-1 … vpce-<count>, count <= 9.
static void ask_listing(struct fixture *fixture, size_t count)
{
    char ids[9][8];
    struct endpoint endpoints[9] = { 0 };
    const struct node_group group = {
        .service_name = (char *)(uintptr_t)SERVICE, .endpoints = endpoints, .endpoint_count = count
    };
    for (size_t i = 0; i < count; i++) {
        snprintf(ids[i], sizeof(ids[i]), "vpce-%zu", i + 1);
        endpoints[i].endpoint_id = ids[i];
    }
    aws_ask(fixture->aws, &group, NULL);
}

static struct verdict_choice choice_of(const struct fixture *fixture)
{
    struct verdict_choice choice = { 0 };
    aws_fill_choice(fixture->aws, SERVICE, &choice);
    return choice;
}

static const char two_endpoints[] =
    "echo '{\"VpcEndpoints\":[{\"VpcEndpointId\":\"vpce-1\",\"State\":\"available\"},"
    "{\"VpcEndpointId\":\"vpce-2\",\"State\":\"Deleted\"},"
    "{\"VpcEndpointId\":\"vpce-3\",\"State\":\"pendingAcceptance\"}]}'\n";

static void test_right_question(void **state)
{
    struct fixture *fixture = *state;
    start(fixture, two_endpoints, NULL);
    assert_null(choice_of(fixture).ours);
    ask(fixture, SERVICE, "aws-us-east-1");
    assert_int_equal(fixture->answers, 0);
    run_for(fixture, WAIT_MS);
    assert_int_equal(fixture->answers, 1);
    struct verdict_choice choice = choice_of(fixture);
    assert_int_equal(choice.ours_count, 2);
    assert_string_equal(choice.ours[0], "vpce-1");
    assert_string_equal(choice.ours[1], "vpce-3");
    assert_int_equal(fixture->metadata.requests, 3);
    assert_int_equal(fake_cli_count(&fixture->cli), 1);
    assert_string_equal(fake_cli_said(&fixture->cli),
        "ec2 describe-vpc-endpoints --region us-east-1 --filters "
        "Name=service-name,Values=" SERVICE " Name=vpc-id,Values=vpc-7 --output json");
    // Cached: asking again asks nobody.
    ask(fixture, SERVICE, "aws-us-east-1");
    run_for(fixture, SETTLE_MS);
    assert_int_equal(fake_cli_count(&fixture->cli), 1);
    // Another service: the VPC is known.
    ask(fixture, "other", NULL);
    run_for(fixture, WAIT_MS);
    assert_int_equal(fixture->answers, 2);
    assert_int_equal(fixture->metadata.requests, 3);
    assert_int_equal(fake_cli_count(&fixture->cli), 2);
    assert_null(strstr(fake_cli_said(&fixture->cli), "--region"));
}

static void test_configured_vpc(void **state)
{
    struct fixture *fixture = *state;
    start(fixture, "echo '{\"VpcEndpoints\":[]}'", "vpc-8");
    ask(fixture, SERVICE, NULL);
    run_for(fixture, WAIT_MS);
    assert_int_equal(fixture->metadata.requests, 0);
    assert_int_equal(fake_cli_count(&fixture->cli), 1);
    assert_non_null(strstr(fake_cli_said(&fixture->cli), "Values=vpc-8"));
    assert_int_equal(choice_of(fixture).ours_count, 0);
}

static void test_how_the_cli_is_called(void **state)
{
    struct fixture *fixture = *state;
    struct err err;
    struct aws_options options = { .cli = fixture->cli.program,
        .profile = "prod",
        .region = "eu-west-1",
        .endpoint_url = "https://ec2.example",
        .vpc_id = "vpc-8" };
    fake_cli_does(&fixture->cli, two_endpoints);
    fixture->aws = aws_new(fixture->loop, &options, on_answer, fixture, &err);
    ask(fixture, SERVICE, "aws-us-east-1"); // the configured region outweighs the cluster's
    run_for(fixture, WAIT_MS);
    assert_int_equal(choice_of(fixture).ours_count, 2);
    assert_int_equal(fake_cli_count(&fixture->cli), 1);
    assert_string_equal(fake_cli_said(&fixture->cli),
        "ec2 describe-vpc-endpoints --region eu-west-1 --profile prod --endpoint-url "
        "https://ec2.example --filters Name=service-name,Values=" SERVICE
        " Name=vpc-id,Values=vpc-8 --output json");
}

static void test_failures_mean_not_asked(void **state)
{
    static const char *const failures[] = { "echo 'Unable to locate credentials' >&2; exit 253",
        "echo nonsense", "echo '{\"VpcEndpoints\":[{}]}'", "echo '{\"VpcEndpoints\":7}'",
        "kill -9 $$" };
    struct fixture *fixture = *state;
    for (size_t i = 0; i < sizeof(failures) / sizeof(failures[0]); i++) {
        start(fixture, failures[i], "vpc-8");
        ask(fixture, SERVICE, NULL);
        for (uint64_t waited = 0; waited < WAIT_MS && fake_cli_count(&fixture->cli) <= i;
             waited += 50)
            run_for(fixture, 50);
        run_for(fixture, SETTLE_MS);
        assert_null(choice_of(fixture).ours);
        ask(fixture, SERVICE, NULL); // not again before the cache would have run out
        run_for(fixture, SETTLE_MS);
        assert_int_equal(fake_cli_count(&fixture->cli), i + 1);
        aws_free(fixture->aws);
        fixture->aws = NULL;
    }
    assert_int_equal(fixture->answers, 0);
}

static const char one_endpoint[] =
    "echo '{\"VpcEndpoints\":[{\"VpcEndpointId\":\"vpce-1\",\"State\":\"available\"}]}'\n";

static void wait_for_calls(struct fixture *fixture, size_t count)
{
    for (uint64_t waited = 0; waited < WAIT_MS && fake_cli_count(&fixture->cli) < count;
         waited += 50)
        run_for(fixture, 50);
    assert_int_equal(fake_cli_count(&fixture->cli), count);
}

static void test_new_endpoint_outdates_the_answer(void **state)
{
    struct fixture *fixture = *state;
    start(fixture, one_endpoint, "vpc-8");
    ask_listing(fixture, 1);
    run_for(fixture, WAIT_MS);
    assert_int_equal(choice_of(fixture).ours_count, 1);
    fake_cli_does(&fixture->cli, two_endpoints);
    ask_listing(fixture, 2);
    assert_null(choice_of(fixture).ours); // at once: the set decides until AWS has answered
    run_for(fixture, WAIT_MS);
    assert_int_equal(fixture->answers, 2);
    assert_int_equal(choice_of(fixture).ours_count, 2);
    // One fewer, or the same again: nothing that AWS could know better.
    ask_listing(fixture, 1);
    ask_listing(fixture, 2);
    run_for(fixture, SETTLE_MS);
    assert_int_equal(choice_of(fixture).ours_count, 2);
    wait_for_calls(fixture, 2);
}

static void test_new_endpoint_while_asking(void **state)
{
    struct fixture *fixture = *state;
    char slow[512];
    // The exit keeps the shell from reading on in what the file has become.
    snprintf(slow, sizeof(slow), "while ! grep -q '[v]pce-2' %s; do sleep 0.05; done\n%sexit 0\n",
        fixture->cli.script, one_endpoint);
    start(fixture, slow, "vpc-8");
    ask_listing(fixture, 1);
    wait_for_calls(fixture, 1);
    ask_listing(fixture, 2);
    fake_cli_does(&fixture->cli, two_endpoints); // lets the first child go
    run_for(fixture, WAIT_MS);
    assert_int_equal(fixture->answers, 1);
    assert_int_equal(choice_of(fixture).ours_count, 2);
    wait_for_calls(fixture, 2);
}

static void test_failure_drops_the_answer(void **state)
{
    struct fixture *fixture = *state;
    start(fixture, one_endpoint, "vpc-8");
    ask_listing(fixture, 1);
    run_for(fixture, WAIT_MS);
    fake_cli_does(&fixture->cli, "exit 253");
    ask_listing(fixture, 2);
    wait_for_calls(fixture, 2);
    run_for(fixture, SETTLE_MS);
    ask_listing(fixture, 2); // no third call: it failed just now
    run_for(fixture, SETTLE_MS);
    assert_null(choice_of(fixture).ours);
    wait_for_calls(fixture, 2);
}

static void test_no_metadata_service(void **state)
{
    struct fixture *fixture = *state;
    fixture->metadata.token_status = 403;
    start(fixture, two_endpoints, NULL);
    ask(fixture, SERVICE, NULL);
    run_for(fixture, SETTLE_MS);
    assert_int_equal(fixture->metadata.requests, 1);
    assert_int_equal(fake_cli_count(&fixture->cli), 0);
    assert_null(choice_of(fixture).ours);
}

static void test_no_cli(void **state)
{
    struct fixture *fixture = *state;
    struct err err;
    struct aws_options missing = { .cli = "/nonexistent/aws", .vpc_id = "vpc-8" };
    fixture->aws = aws_new(fixture->loop, &missing, on_answer, fixture, &err);
    ask(fixture, SERVICE, NULL);
    run_for(fixture, SETTLE_MS);
    aws_free(fixture->aws);
    struct aws_options off = { .cli = "off", .vpc_id = "vpc-8" };
    fixture->aws = aws_new(fixture->loop, &off, on_answer, fixture, &err);
    ask(fixture, SERVICE, NULL);
    run_for(fixture, 50);
    assert_int_equal(fixture->answers, 0);
}

static void test_free_while_asking(void **state)
{
    struct fixture *fixture = *state;
    start(fixture, "sleep 100", "vpc-8");
    ask(fixture, SERVICE, NULL);
    for (uint64_t waited = 0; waited < WAIT_MS && fake_cli_count(&fixture->cli) == 0; waited += 50)
        run_for(fixture, 50);
    aws_free(fixture->aws);
    start(fixture, two_endpoints, NULL); // while the metadata service is asked
    ask(fixture, SERVICE, NULL);
    fixture->metadata.stop_when_asked = true;
    run_for(fixture, WAIT_MS);
    assert_int_equal(fixture->metadata.requests, 1);
    aws_free(fixture->aws);
    fixture->aws = NULL;
    run_for(fixture, SETTLE_MS);
    assert_int_equal(fixture->answers, 0);
}

#define AWS_TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        AWS_TEST(test_right_question),
        AWS_TEST(test_configured_vpc),
        AWS_TEST(test_how_the_cli_is_called),
        AWS_TEST(test_failures_mean_not_asked),
        AWS_TEST(test_new_endpoint_outdates_the_answer),
        AWS_TEST(test_new_endpoint_while_asking),
        AWS_TEST(test_failure_drops_the_answer),
        AWS_TEST(test_no_metadata_service),
        AWS_TEST(test_no_cli),
        AWS_TEST(test_free_while_asking),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
