// SPDX-License-Identifier: Apache-2.0
//
// What a command learns from the instance metadata service, and that nothing keeps it waiting. How
// the proxy asks for its VPC is in test_aws.c.
#include "base/clock.h"
#include "base/err.h"
#include "base/loop.h"
#include "control/imds.h"

#include "aws_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <pthread.h>

enum { LONG_MS = 20000 };

struct fixture {
    struct loop *loop;
    struct fake_metadata metadata;
    // the look
    const char *url;
    uint64_t timeout_ms;
    struct imds_facts facts;
    struct err err;
    bool seen;
};

static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    struct err err;
    fixture->loop = loop_new("test", &err);
    fake_metadata_start(&fixture->metadata, fixture->loop);
    fixture->url = fixture->metadata.url;
    fixture->timeout_ms = LONG_MS;
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    imds_facts_done(&fixture->facts);
    fake_metadata_stop(&fixture->metadata);
    loop_free(fixture->loop);
    free(fixture);
    return 0;
}

static void on_looked(void *arg)
{
    loop_stop(arg);
}

static void *run(void *arg)
{
    struct fixture *fixture = arg;
    fixture->seen = imds_look(fixture->url, fixture->timeout_ms, &fixture->facts, &fixture->err);
    loop_post(fixture->loop, on_looked, fixture->loop);
    return NULL;
}

// The service lives on this thread, so the command runs on another.
static void look(struct fixture *fixture)
{
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, run, fixture), 0);
    loop_run(fixture->loop);
    pthread_join(thread, NULL);
}

static void test_everything(void **state)
{
    struct fixture *fixture = *state;
    look(fixture);
    assert_true(fixture->seen);
    assert_string_equal(fixture->facts.instance_id, "i-1");
    assert_string_equal(fixture->facts.region, "us-east-1");
    assert_string_equal(fixture->facts.address, "10.0.1.7");
    assert_string_equal(fixture->facts.vpc_id, "vpc-7");
    assert_string_equal(fixture->facts.subnet_id, "subnet-1");
    assert_int_equal(fixture->facts.security_group_ids.count, 2);
    assert_string_equal(fixture->facts.security_group_ids.items[1], "sg-2");
    assert_int_equal(fixture->metadata.requests, 8);
}

static void test_what_is_missing_is_not_told(void **state)
{
    struct fixture *fixture = *state;
    fixture->metadata.missing = "network/interfaces";
    look(fixture);
    assert_true(fixture->seen);
    assert_string_equal(fixture->facts.region, "us-east-1");
    assert_null(fixture->facts.vpc_id);
    assert_int_equal(fixture->facts.security_group_ids.count, 0);
    imds_facts_done(&fixture->facts);
    fixture->metadata.missing = "instance-id"; // somebody else's service
    look(fixture);
    assert_false(fixture->seen);
    assert_int_equal(fixture->err.code, ERR_AWS);
    assert_null(fixture->facts.region);
}

static void test_no_token(void **state)
{
    struct fixture *fixture = *state;
    fixture->metadata.token_status = 403;
    look(fixture);
    assert_false(fixture->seen);
    assert_int_equal(fixture->err.code, ERR_AWS);
    assert_non_null(strstr(fixture->err.text, "403"));
    assert_int_equal(fixture->metadata.requests, 1);
}

static void test_silence(void **state)
{
    struct fixture *fixture = *state;
    static const char *const silent[] = { "token", "subnet-id" };
    fixture->timeout_ms = 300;
    for (size_t i = 0; i < ARRAY_LEN(silent); i++) {
        fixture->metadata.silent = silent[i];
        uint64_t before_ms = clock_ms();
        look(fixture);
        assert_false(fixture->seen);
        assert_int_equal(fixture->err.code, ERR_AWS);
        assert_null(fixture->facts.instance_id);
        assert_true(clock_ms() - before_ms < LONG_MS);
    }
    assert_non_null(strstr(fixture->err.text, "in time"));
}

static void test_nobody_listens(void **state)
{
    struct fixture *fixture = *state;
    fixture->url = "http://127.0.0.1:1";
    look(fixture);
    assert_false(fixture->seen);
    assert_int_equal(fixture->err.code, ERR_AWS);
    assert_non_null(strstr(fixture->err.text, "does not answer"));
}

#define IMDS_TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IMDS_TEST(test_everything),
        IMDS_TEST(test_what_is_missing_is_not_told),
        IMDS_TEST(test_no_token),
        IMDS_TEST(test_silence),
        IMDS_TEST(test_nobody_listens),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
