// SPDX-License-Identifier: Apache-2.0
//
// A command's line to the control API: what is asked again and after which pause, lists of many
// pages, resuming, and the name of what is no Dedicated cluster.
#include "account_scene.h"

#include "control/account_state.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

// ---- asking again -------------------------------------------------------------------------------

static const char connection[] =
    "{\"privateEndpointConnectionId\":\"900\",\"endpointId\":\"vpce-1\","
    "\"endpointState\":\"PENDING\",\"host\":\"pl.example\",\"port\":4001}";
#define GET_900 "GET /v1beta1/clusters/13/tidbNodeGroups/5/privateEndpointConnections/900\n"

static void get_connection(struct scene *scene)
{
    scene->done =
        account_connection(scene->account, "13", "5", "900", &scene->endpoint, &scene->err);
}

static void test_one_answer(void **state)
{
    struct scene *scene = *state;
    scene_reply(scene, 200, connection);
    scene_call(scene, get_connection);
    assert_true(scene->done);
    assert_string_equal(scene->asked, GET_900);
    assert_string_equal(scene->endpoint.connection_id, "900");
    assert_string_equal(scene->endpoint.host, "pl.example");
    assert_int_equal(scene->endpoint.port, 4001);
    assert_int_equal(scene->endpoint.state.value, ENDPOINT_PENDING);
    assert_int_equal(scene->pause_count, 0);
}

static void test_silence_and_5xx_are_asked_again(void **state)
{
    struct scene *scene = *state;
    scene_reply(scene, 503, "{\"message\":\"down\"}");
    scene_lost_reply(scene);
    scene_reply(scene, 200, connection);
    scene_call(scene, get_connection);
    assert_true(scene->done);
    assert_string_equal(scene->asked, GET_900 GET_900 GET_900);
    assert_int_equal(scene->pause_count, 2);
    assert_int_equal(scene->pauses_ms[0], 1000);
    assert_int_equal(scene->pauses_ms[1], scene->options.api_timeout_ms); // less than 2 s
    assert_non_null(strstr(scene->why[0], "503, down"));
    assert_non_null(strstr(scene->why[1], "no answer"));
}

static void test_not_for_ever(void **state)
{
    struct scene *scene = *state;
    for (int i = 0; i < 5; i++)
        scene_reply(scene, 500, "{}");
    scene_call(scene, get_connection);
    assert_false(scene->done);
    assert_int_equal(scene->err.code, ERR_API_UNREACHABLE);
    assert_int_equal(scene->served, 4);
    assert_int_equal(scene->pause_count, 3);
    assert_null(scene->endpoint.endpoint_id);
}

// What will not pass is not asked again.
static void test_no_use_in_asking_again(void **state)
{
    struct scene *scene = *state;
    static const struct {
        int status;
        enum err_code code;
    } cases[] = { { 401, ERR_API_KEY }, { 403, ERR_API_FORBIDDEN }, { 404, ERR_API_NOT_FOUND },
        { 400, ERR_API_ANSWER }, { 409, ERR_API_CONFLICT } };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        scene_begin(scene);
        scene_reply(scene, cases[i].status, "{\"message\":\"no\"}");
        scene_call(scene, get_connection);
        assert_int_equal(scene->err.code, cases[i].code);
        assert_int_equal(scene->served, 1);
    }
    scene_begin(scene);
    scene->options.api_ca = NULL; // nobody trusts this cloud
    scene_call(scene, get_connection);
    assert_int_equal(scene->err.code, ERR_API_UNREACHABLE);
    assert_int_equal(scene->pause_count, 0);
}

static void test_rate_limit_is_told_and_waited_for(void **state)
{
    struct scene *scene = *state;
    struct cloud_reply *reply = scene_reply(scene, 429, "{\"message\":\"exceeded\"}");
    reply->headers[0][0] = "Retry-After";
    reply->headers[0][1] = "1";
    reply->headers[1][0] = "X-Ratelimit-Reset";
    reply->headers[1][1] = "7";
    reply = scene_reply(scene, 429, "{}");
    reply->headers[0][0] = "X-Ratelimit-Reset";
    reply->headers[0][1] = "0";
    scene_reply(scene, 200, connection);
    scene_call(scene, get_connection);
    assert_true(scene->done);
    assert_int_equal(scene->pause_count, 2);
    assert_int_equal(scene->pauses_ms[0], 1000);
    assert_int_equal(scene->pauses_ms[1], 0);
    assert_non_null(strstr(scene->why[0], "exceeded"));
    scene_begin(scene);
    for (int i = 0; i < 5; i++) {
        reply = scene_reply(scene, 429, "{}");
        reply->headers[0][0] = "Retry-After";
        reply->headers[0][1] = "0";
    }
    scene_call(scene, get_connection);
    assert_int_equal(scene->err.code, ERR_API_RATE);
    assert_int_equal(scene->served, 4);
}

static void test_how_long_a_rate_limit_lasts(void **unused)
{
    static const struct {
        struct api_quota quota;
        uint64_t pause_ms;
    } cases[] = {
        { { .reset_s = -1, .retry_after_s = -1 }, 10000 },
        { { .reset_s = 7, .retry_after_s = -1 }, 7000 },
        { { .reset_s = 7, .retry_after_s = 3 }, 3000 },
        { { .reset_s = 7, .retry_after_s = 0 }, 0 },
        { { .reset_s = -1, .retry_after_s = 61 }, 60000 },
        { { .reset_s = 600, .retry_after_s = -1 }, 60000 },
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_int_equal(account_rate_pause_ms(&cases[i].quota), cases[i].pause_ms);
}

static void test_answers_that_cannot_be_read(void **state)
{
    struct scene *scene = *state;
    scene_reply(scene, 200, "{\"endpointId\":7}");
    scene_call(scene, get_connection);
    assert_int_equal(scene->err.code, ERR_API_ANSWER);
    assert_non_null(strstr(scene->err.text, "endpointId: expected a string"));
    assert_null(scene->endpoint.endpoint_id);
}

// ---- regions ------------------------------------------------------------------------------------

static void get_regions(struct scene *scene)
{
    scene->done = account_regions(scene->account, &scene->list, &scene->err);
}

static void test_regions_on_two_pages(void **state)
{
    struct scene *scene = *state;
    scene_reply(scene, 200,
        "{\"regions\":[{\"regionId\":\"aws-us-east-1\"},{\"regionId\":\"gcp-x\"}],"
        "\"nextPageToken\":\"a b\"}");
    scene_reply(scene, 200, "{\"regions\":[{\"regionId\":\"aws-us-west-2\"}]}");
    scene_call(scene, get_regions);
    assert_true(scene->done);
    assert_int_equal(scene->list.count, 3);
    assert_string_equal(scene->list.items[2], "aws-us-west-2");
    assert_string_equal(scene->asked,
        "GET /v1beta1/regions?pageSize=100\nGET /v1beta1/regions?pageSize=100&pageToken=a%20b\n");
    scene_begin(scene);
    scene_reply(scene, 200, "{\"nextPageToken\":\"x\"}");
    scene_reply(scene, 200, "{\"nextPageToken\":\"x\"}");
    scene_call(scene, get_regions);
    assert_int_equal(scene->err.code, ERR_API_ANSWER);
    assert_non_null(strstr(scene->err.text, "does not end"));
    scene_begin(scene);
    scene_reply(scene, 200, "{\"regions\":[{\"regionId\":\"aws-us-east-1\"},{}]}");
    scene_call(scene, get_regions);
    assert_int_equal(scene->err.code, ERR_API_ANSWER);
    assert_int_equal(scene->list.count, 0);
}

// ---- resuming -----------------------------------------------------------------------------------

#define POST_RESUME "POST /v1beta1/clusters/13:resumeCluster\n"
#define GET_13 "GET /v1beta1/clusters/13\n"

static void resume(struct scene *scene)
{
    scene->done = account_resume(scene->account, "13", &scene->err);
}

static void test_resume(void **state)
{
    struct scene *scene = *state;
    scene_reply(scene, 200, "{\"cluster\":{}}");
    scene_call(scene, resume);
    assert_true(scene->done);
    assert_string_equal(scene->asked, POST_RESUME);
    // Lost: it is under way.
    scene_begin(scene);
    scene_lost_reply(scene);
    scene_reply(scene, 200, "{\"clusterId\":\"13\",\"state\":\"RESUMING\"}");
    scene_call(scene, resume);
    assert_true(scene->done);
    assert_string_equal(scene->asked, POST_RESUME GET_13);
    assert_int_equal(scene->pause_count, 1);
    assert_int_equal(scene->served_when_paused[0], 1);
    // Lost on the way there.
    scene_begin(scene);
    scene_lost_reply(scene);
    scene_reply(scene, 200, "{\"clusterId\":\"13\",\"state\":\"PAUSED\"}");
    scene_reply(scene, 200, "{}");
    scene_call(scene, resume);
    assert_true(scene->done);
    assert_string_equal(scene->asked, POST_RESUME GET_13 POST_RESUME);
    assert_int_equal(scene->pause_count, 1);
}

static void test_resume_refused(void **state)
{
    struct scene *scene = *state;
    scene_reply(scene, 400, "{\"message\":\"not paused\"}");
    scene_reply(scene, 200, "{\"clusterId\":\"13\",\"state\":\"ACTIVE\"}");
    scene_call(scene, resume);
    assert_true(scene->done);
    scene_begin(scene);
    scene_reply(scene, 400, "{\"message\":\"the cluster is PAUSING\"}");
    scene_reply(scene, 200, "{\"clusterId\":\"13\",\"state\":\"PAUSING\"}");
    scene_call(scene, resume);
    assert_false(scene->done);
    assert_non_null(strstr(scene->err.text, ":resumeCluster: 400, the cluster is PAUSING"));
    assert_string_equal(scene->asked, POST_RESUME GET_13);
    scene_begin(scene);
    scene_reply(scene, 404, "{}");
    scene_call(scene, resume);
    assert_int_equal(scene->err.code, ERR_API_NOT_FOUND);
    assert_string_equal(scene->asked, POST_RESUME);
    // Nobody can tell what has become of it.
    scene_begin(scene);
    scene_lost_reply(scene);
    scene_reply(scene, 403, "{}");
    scene_call(scene, resume);
    assert_int_equal(scene->err.code, ERR_API_FORBIDDEN);
    assert_non_null(strstr(scene->err.text, "whether cluster 13 is being resumed is not known"));
}

// ---- Starter and Essential ----------------------------------------------------------------------

static void get_serverless_name(struct scene *scene)
{
    scene->text = account_serverless_name(scene->account, "10 9");
}

static void test_serverless_name(void **state)
{
    struct scene *scene = *state;
    scene_call(scene, get_serverless_name);
    assert_null(scene->text);
    assert_int_equal(scene->served, 0);
    scene->options.serverless_api_url = scene->options.api_url;
    scene->options.api_url = (char *)(uintptr_t) "https://127.0.0.1:1";
    scene_reply(scene, 200, "{\"clusterId\":\"10\",\"displayName\":\"shop\"}");
    scene_call(scene, get_serverless_name);
    assert_string_equal(scene->text, "shop");
    assert_string_equal(scene->asked, "GET /v1beta1/clusters/10%209\n");
    static const struct {
        int status;
        const char *body;
    } cases[] = { { 404, "{}" }, { 500, "{}" }, { 200, "{}" }, { 200, "{\"displayName\":[]}" } };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        scene_begin(scene);
        scene_reply(scene, cases[i].status, cases[i].body);
        scene_call(scene, get_serverless_name);
        assert_null(scene->text);
        assert_int_equal(scene->served, 1);
        assert_int_equal(scene->pause_count, 0);
    }
    scene->options.serverless_api_url = (char *)(uintptr_t) "nonsense";
    scene_call(scene, get_serverless_name);
    assert_null(scene->text);
}

// ---- the line -----------------------------------------------------------------------------------

static void look_twice(struct scene *scene)
{
    struct model *first = NULL;
    scene->done = account_look(scene->account, NULL, 20000, &first, &scene->err) &&
                  account_look(scene->account, NULL, 20000, &scene->model, &scene->err);
    model_unref(first);
}

static void test_looks_share_the_line(void **state)
{
    struct scene *scene = *state;
    struct cloud_reply *reply =
        scene_reply(scene, 200, "{\"clusters\":[{\"clusterId\":\"1\",\"state\":\"ACTIVE\"}]}");
    reply->headers[0][0] = "X-Ratelimit-Remaining-Minute";
    reply->headers[0][1] = "42";
    scene_reply(scene, 200, "{\"clusters\":[{\"clusterId\":\"2\",\"state\":\"ACTIVE\"}]}");
    scene_call(scene, look_twice);
    assert_true(scene->done);
    assert_int_equal(scene->model->cluster_count, 1);
    assert_string_equal(scene->model->clusters[0].id, "2");
    assert_int_equal(scene->line.requests, 3); // with the challenge
    assert_true(scene->line.server_clock > 1700000000);
    assert_true(scene->line.own_clock >= scene->line.server_clock - 60);
    assert_int_equal(scene->line.quota.remaining, 42);
}

static void nothing(struct scene *scene)
{
    scene->done = true;
}

static void test_no_keys(void **state)
{
    struct scene *scene = *state;
    scene->options.environment_keys = NULL;
    scene_call(scene, nothing);
    assert_false(scene->done);
    assert_int_equal(scene->err.code, ERR_OPTION);
}

#define ACCOUNT_TEST(function)                                                                     \
    cmocka_unit_test_setup_teardown(function, scene_setup, scene_teardown)

int main(void)
{
    struct sigaction ignore = { .sa_handler = SIG_IGN };
    sigaction(SIGPIPE, &ignore, NULL); // OpenSSL writes with write(2)
    const struct CMUnitTest tests[] = {
        ACCOUNT_TEST(test_one_answer),
        ACCOUNT_TEST(test_silence_and_5xx_are_asked_again),
        ACCOUNT_TEST(test_not_for_ever),
        ACCOUNT_TEST(test_no_use_in_asking_again),
        ACCOUNT_TEST(test_rate_limit_is_told_and_waited_for),
        cmocka_unit_test(test_how_long_a_rate_limit_lasts),
        ACCOUNT_TEST(test_answers_that_cannot_be_read),
        ACCOUNT_TEST(test_regions_on_two_pages),
        ACCOUNT_TEST(test_resume),
        ACCOUNT_TEST(test_resume_refused),
        ACCOUNT_TEST(test_serverless_name),
        ACCOUNT_TEST(test_looks_share_the_line),
        ACCOUNT_TEST(test_no_keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
