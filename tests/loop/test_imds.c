// SPDX-License-Identifier: Apache-2.0
//
// What a command learns from the instance metadata service, and that nothing keeps it waiting. How
// the proxy asks for its VPC is in test_aws.c.
#include "base/clock.h"
#include "base/err.h"
#include "base/loop.h"
#include "base/net.h"
#include "control/imds.h"

#include <event2/buffer.h>
#include <event2/http.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <pthread.h>

enum { LONG_MS = 20000 };

struct fixture {
    struct loop *loop;
    struct evhttp *metadata;
    char url[64];
    const char *missing; // a path with this in it is 404
    const char *silent;  // … is never answered
    int token_status;
    unsigned requests;
    // the look
    uint64_t timeout_ms;
    struct imds_facts facts;
    struct err err;
    bool seen;
};

static const char *const texts[][2] = {
    { "/latest/meta-data/instance-id", "i-1" },
    { "/latest/meta-data/mac", "0e:49:61:0f:c3:11" },
    { "/latest/meta-data/placement/region", "us-east-1" },
    { "/latest/meta-data/local-ipv4", "10.0.1.7" },
    { "/latest/meta-data/network/interfaces/macs/0e:49:61:0f:c3:11/vpc-id", "vpc-7" },
    { "/latest/meta-data/network/interfaces/macs/0e:49:61:0f:c3:11/subnet-id", "subnet-1\n" },
    { "/latest/meta-data/network/interfaces/macs/0e:49:61:0f:c3:11/security-group-ids",
        "sg-1\nsg-2\n" },
};

static const char *text_for(struct evhttp_request *request)
{
    const char *path = evhttp_request_get_uri(request);
    struct evkeyvalq *headers = evhttp_request_get_input_headers(request);
    const char *token = evhttp_find_header(headers, "X-aws-ec2-metadata-token");
    if (strcmp(path, "/latest/api/token") == 0)
        return evhttp_request_get_command(request) == EVHTTP_REQ_PUT ? "to/ken==" : NULL;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        if (token != NULL && strcmp(token, "to/ken==") == 0 && strcmp(path, texts[i][0]) == 0)
            return texts[i][1];
    return NULL;
}

static void on_metadata(struct evhttp_request *request, void *arg)
{
    struct fixture *fixture = arg;
    const char *path = evhttp_request_get_uri(request);
    const char *text = text_for(request);
    int status = strcmp(path, "/latest/api/token") == 0 ? fixture->token_status : 200;
    fixture->requests++;
    if (fixture->silent != NULL && strstr(path, fixture->silent) != NULL)
        return;
    if (text == NULL || (fixture->missing != NULL && strstr(path, fixture->missing) != NULL))
        status = 404;
    struct evbuffer *out = evbuffer_new();
    evbuffer_add_printf(out, "%s", status == 200 ? text : "<html>404</html>");
    evhttp_send_reply(request, status, "Test", out);
    evbuffer_free(out);
}

static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    struct err err;
    fixture->loop = loop_new("test", &err);
    fixture->token_status = 200;
    fixture->timeout_ms = LONG_MS;
    fixture->metadata = evhttp_new(loop_base(fixture->loop));
    evhttp_set_allowed_methods(fixture->metadata, EVHTTP_REQ_GET | EVHTTP_REQ_PUT);
    evhttp_set_gencb(fixture->metadata, on_metadata, fixture);
    struct evhttp_bound_socket *bound =
        evhttp_bind_socket_with_handle(fixture->metadata, "127.0.0.1", 0);
    struct addr addr = { .len = sizeof(addr.in4) };
    getsockname(evhttp_bound_socket_get_fd(bound), &addr.any, &addr.len);
    snprintf(fixture->url, sizeof(fixture->url), "http://127.0.0.1:%u", addr_port(&addr));
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    imds_facts_done(&fixture->facts);
    evhttp_free(fixture->metadata);
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
    assert_int_equal(fixture->requests, 8);
}

static void test_what_is_missing_is_not_told(void **state)
{
    struct fixture *fixture = *state;
    fixture->missing = "network/interfaces";
    look(fixture);
    assert_true(fixture->seen);
    assert_string_equal(fixture->facts.region, "us-east-1");
    assert_null(fixture->facts.vpc_id);
    assert_int_equal(fixture->facts.security_group_ids.count, 0);
    imds_facts_done(&fixture->facts);
    fixture->missing = "instance-id"; // somebody else's service
    look(fixture);
    assert_false(fixture->seen);
    assert_int_equal(fixture->err.code, ERR_AWS);
    assert_null(fixture->facts.region);
}

static void test_no_token(void **state)
{
    struct fixture *fixture = *state;
    fixture->token_status = 403;
    look(fixture);
    assert_false(fixture->seen);
    assert_int_equal(fixture->err.code, ERR_AWS);
    assert_non_null(strstr(fixture->err.text, "403"));
    assert_int_equal(fixture->requests, 1);
}

static void test_silence(void **state)
{
    struct fixture *fixture = *state;
    static const char *const silent[] = { "token", "subnet-id" };
    fixture->timeout_ms = 300;
    for (size_t i = 0; i < ARRAY_LEN(silent); i++) {
        fixture->silent = silent[i];
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
    snprintf(fixture->url, sizeof(fixture->url), "http://127.0.0.1:1");
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
