// SPDX-License-Identifier: Apache-2.0
//
// Registering and removing private endpoint connections: each is done once, whatever happens to
// the answers.
#include "account_scene.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define PATH "/v1beta1/clusters/13/tidbNodeGroups/5/privateEndpointConnections"
#define POST "POST " PATH " {\"endpointId\":\"vpce-1\"}\n"
#define LIST "GET " PATH "?pageSize=100\n"
#define DELETE "DELETE " PATH "/900\n"

// One element of a list, of this endpoint and another.
#define CONNECTION(id, endpoint, state)                                                            \
    "{\"clusterId\":\"13\",\"tidbNodeGroupId\":\"5\",\"privateEndpointConnectionId\":\"" id        \
    "\",\"endpointId\":\"" endpoint "\",\"endpointState\":\"" state "\",\"message\":\"quota\"}"
#define CONNECTIONS(elements) "{\"privateEndpointConnections\":[" elements "]}"

static void create(struct scene *scene)
{
    scene->done = account_create_connection(
        scene->account, "13", "5", "vpce-1", NULL, &scene->endpoint, &scene->err);
}

static void test_create(void **state)
{
    struct scene *scene = *state;
    scene_reply(scene, 200, CONNECTION("900", "vpce-1", "PENDING"));
    scene_call(scene, create);
    assert_true(scene->done);
    assert_string_equal(scene->asked, POST);
    assert_string_equal(scene->endpoint.connection_id, "900");
    assert_string_equal(scene->endpoint.endpoint_id, "vpce-1");
    assert_int_equal(scene->endpoint.state.value, ENDPOINT_PENDING);
}

static void create_on_azure(struct scene *scene)
{
    scene->done = account_create_connection(
        scene->account, "13", "5", "/sub/\"x\"", "10.0.0.7", &scene->endpoint, &scene->err);
}

static void test_create_on_azure(void **state)
{
    struct scene *scene = *state;
    scene_reply(scene, 200, "{\"endpointId\":\"/sub/\",\"endpointState\":\"PENDING\"}");
    scene_call(scene, create_on_azure);
    assert_true(scene->done);
    assert_string_equal(scene->asked,
        "POST " PATH " {\"endpointId\":\"/sub/\\\"x\\\"\",\"privateIpAddress\":\"10.0.0.7\"}\n");
}

// It was done and only the answer is missing: the list has it.
static void test_answer_lost(void **state)
{
    struct scene *scene = *state;
    static const char *const losses[] = { NULL, "<html>" }; // broken off, and a page of a proxy
    for (size_t i = 0; i < ARRAY_LEN(losses); i++) {
        scene_begin(scene);
        if (losses[i] == NULL)
            scene_lost_reply(scene);
        else
            scene_reply(scene, 200, losses[i]);
        scene_reply(scene, 200,
            CONNECTIONS(CONNECTION("899", "vpce-1", "DELETING") "," CONNECTION(
                "900", "vpce-1", "PENDING") "," CONNECTION("901", "vpce-2", "ACTIVE")));
        scene_call(scene, create);
        assert_true(scene->done);
        assert_string_equal(scene->asked, POST LIST);
        assert_string_equal(scene->endpoint.connection_id, "900");
        // One that may be under way still is given time; of the other there is an answer.
        assert_int_equal(scene->pause_count, losses[i] == NULL ? 1 : 0);
    }
}

// The answer is larger than we take: it was done all the same.
static void test_answer_too_large(void **state)
{
    struct scene *scene = *state;
    enum { LARGE = 9 << 20 };
    char *large = malloc(LARGE);
    assert_non_null(large);
    memset(large, ' ', LARGE);
    scene->options.api_timeout_ms = 20000; // for what is large
    scene_reply(scene, 200, large)->len = LARGE;
    scene_reply(scene, 200, CONNECTIONS(CONNECTION("900", "vpce-1", "PENDING")));
    scene_call(scene, create);
    assert_true(scene->done);
    assert_string_equal(scene->asked, POST LIST);
    assert_string_equal(scene->endpoint.connection_id, "900");
    free(large);
}

// Under way when its answer was lost: a look at once would not have seen it, and sent it again.
static void test_late_arrival(void **state)
{
    struct scene *scene = *state;
    scene_lost_reply(scene);
    scene_reply(scene, 200, CONNECTIONS(CONNECTION("900", "vpce-1", "PENDING")));
    scene_call(scene, create);
    assert_true(scene->done);
    assert_int_equal(scene->pauses_ms[0], 1000);
    assert_non_null(strstr(scene->why[0], "no answer"));
    assert_int_equal(scene->served_when_paused[0], 1); // before the look
}

// A gateway's 5xx says nothing about what has been done: not blindly again.
static void test_sent_again_when_it_was_not_done(void **state)
{
    struct scene *scene = *state;
    scene_reply(scene, 502, "<html>");
    scene_reply(scene, 200, CONNECTIONS(CONNECTION("901", "vpce-2", "ACTIVE")));
    scene_reply(scene, 200, CONNECTION("900", "vpce-1", "PENDING"));
    scene_call(scene, create);
    assert_true(scene->done);
    assert_string_equal(scene->asked, POST LIST POST);
    assert_int_equal(scene->pause_count, 1);
    assert_non_null(strstr(scene->why[0], "502"));
    // Once more and no further.
    scene_begin(scene);
    for (int i = 0; i < 2; i++) {
        scene_reply(scene, 500, "{\"message\":\"broken\"}");
        scene_reply(scene, 200, CONNECTIONS(""));
    }
    scene_call(scene, create);
    assert_false(scene->done);
    assert_int_equal(scene->err.code, ERR_API_UNREACHABLE);
    assert_non_null(strstr(scene->err.text, "500, broken"));
    assert_string_equal(scene->asked, POST LIST POST LIST);
    assert_null(scene->endpoint.endpoint_id);
}

static void test_lost_twice_and_done_all_the_same(void **state)
{
    struct scene *scene = *state;
    scene_lost_reply(scene);
    scene_reply(scene, 200, CONNECTIONS(""));
    scene_reply(scene, 409, "{}"); // the first one came through late
    scene_reply(scene, 200, CONNECTIONS(CONNECTION("900", "vpce-1", "PENDING")));
    scene_call(scene, create);
    assert_true(scene->done);
    assert_string_equal(scene->endpoint.connection_id, "900");
}

static void test_nobody_can_tell(void **state)
{
    struct scene *scene = *state;
    scene_lost_reply(scene);
    scene_reply(scene, 403, "{\"message\":\"no\"}");
    scene_call(scene, create);
    assert_int_equal(scene->err.code, ERR_API_FORBIDDEN);
    assert_non_null(strstr(scene->err.text, "whether vpce-1 is registered now is not known: GET "));
}

static void test_registered_before(void **state)
{
    struct scene *scene = *state;
    static const char *const standing[] = { CONNECTIONS(CONNECTION("900", "vpce-1", "ACTIVE")),
        CONNECTIONS(CONNECTION("900", "vpce-1", "PENDING")),
        CONNECTIONS(CONNECTION("900", "vpce-1", "DANCING")) };
    for (size_t i = 0; i < ARRAY_LEN(standing); i++) {
        scene_begin(scene);
        scene_reply(scene, 409, "{\"message\":\"exists\"}");
        scene_reply(scene, 200, standing[i]);
        scene_call(scene, create);
        assert_true(scene->done);
        assert_string_equal(scene->endpoint.connection_id, "900");
    }
    // On the second page.
    scene_begin(scene);
    scene_reply(scene, 409, "{}");
    scene_reply(scene, 200, "{\"nextPageToken\":\"2\"}");
    scene_reply(scene, 200, standing[0]);
    scene_call(scene, create);
    assert_true(scene->done);
    assert_string_equal(scene->asked, POST LIST "GET " PATH "?pageSize=100&pageToken=2\n");
}

static void test_in_the_way_of_itself(void **state)
{
    struct scene *scene = *state;
    scene_reply(scene, 409, "{\"message\":\"exists\"}");
    scene_reply(scene, 200, CONNECTIONS(CONNECTION("900", "vpce-1", "FAILED")));
    scene_call(scene, create);
    assert_int_equal(scene->err.code, ERR_API_CONFLICT);
    assert_non_null(strstr(scene->err.text, "900, and it is FAILED: quota"));
    assert_non_null(strstr(scene->err.text, "`tidblink endpoint delete`"));
    assert_string_equal(scene->asked, POST LIST);
    assert_null(scene->endpoint.endpoint_id);
    scene_begin(scene);
    scene_reply(scene, 409, "{}");
    scene_reply(scene, 200, CONNECTIONS(CONNECTION("900", "vpce-1", "DELETING")));
    scene_call(scene, create);
    assert_int_equal(scene->err.code, ERR_API_CONFLICT);
    assert_non_null(strstr(scene->err.text, "DELETING"));
    // Seen in the VPC and not registered: that is what the POST is for.
    scene_begin(scene);
    scene_reply(scene, 409, "{}");
    scene_reply(scene, 200, CONNECTIONS(CONNECTION("", "vpce-1", "DISCOVERED")));
    scene_reply(scene, 200, CONNECTION("900", "vpce-1", "PENDING"));
    scene_call(scene, create);
    assert_true(scene->done);
    assert_string_equal(scene->asked, POST LIST POST);
}

static void test_no_right_to_it(void **state)
{
    struct scene *scene = *state;
    scene_reply(scene, 403, "{\"message\":\"forbidden\"}");
    scene_call(scene, create);
    assert_int_equal(scene->err.code, ERR_API_FORBIDDEN);
    assert_non_null(strstr(scene->err.text, "403, forbidden; only Organization Owner"));
    assert_string_equal(scene->asked, POST);
}

static void test_rate_limit_of_a_post(void **state)
{
    struct scene *scene = *state;
    struct cloud_reply *reply = scene_reply(scene, 429, "{}");
    reply->headers[0][0] = "Retry-After";
    reply->headers[0][1] = "0";
    scene_reply(scene, 200, CONNECTION("900", "vpce-1", "PENDING"));
    scene_call(scene, create);
    assert_true(scene->done);
    assert_string_equal(scene->asked, POST POST);
}

// ---- removing -----------------------------------------------------------------------------------

static void delete (struct scene *scene)
{
    scene->done = account_delete_connection(scene->account, "13", "5", "900", &scene->err);
}

static void test_delete(void **state)
{
    struct scene *scene = *state;
    scene_reply(scene, 200, NULL);
    scene_call(scene, delete);
    assert_true(scene->done);
    assert_string_equal(scene->asked, DELETE);
    scene_begin(scene); // gone already
    scene_reply(scene, 404, "{}");
    scene_call(scene, delete);
    assert_true(scene->done);
    scene_begin(scene); // done, and only the answer lost
    scene_lost_reply(scene);
    scene_reply(scene, 404, "{}");
    scene_call(scene, delete);
    assert_true(scene->done);
    assert_string_equal(scene->asked, DELETE DELETE);
    scene_begin(scene); // on its way out
    scene_reply(scene, 409, "{}");
    scene_reply(scene, 200, CONNECTION("900", "vpce-1", "DELETING"));
    scene_call(scene, delete);
    assert_true(scene->done);
}

static void test_deleted_in_between(void **state)
{
    struct scene *scene = *state;
    scene_reply(scene, 400, "{}");
    scene_reply(scene, 404, "{}");
    scene_call(scene, delete);
    assert_true(scene->done);
    assert_string_equal(scene->asked, DELETE "GET " PATH "/900\n");
}

static void test_delete_refused(void **state)
{
    struct scene *scene = *state;
    scene_reply(scene, 409, "{\"message\":\"busy\"}");
    scene_reply(scene, 200, CONNECTION("900", "vpce-1", "PENDING"));
    scene_call(scene, delete);
    assert_int_equal(scene->err.code, ERR_API_CONFLICT);
    assert_non_null(strstr(scene->err.text, "DELETE "));
    assert_non_null(strstr(scene->err.text, "/900: 409, busy"));
    scene_begin(scene);
    scene_reply(scene, 403, "{\"message\":\"no\"}");
    scene_call(scene, delete);
    assert_int_equal(scene->err.code, ERR_API_FORBIDDEN);
    assert_string_equal(scene->asked, DELETE);
}

#define ENDPOINT_TEST(function)                                                                    \
    cmocka_unit_test_setup_teardown(function, scene_setup, scene_teardown)

int main(void)
{
    struct sigaction ignore = { .sa_handler = SIG_IGN };
    sigaction(SIGPIPE, &ignore, NULL); // OpenSSL writes with write(2)
    const struct CMUnitTest tests[] = {
        ENDPOINT_TEST(test_create),
        ENDPOINT_TEST(test_create_on_azure),
        ENDPOINT_TEST(test_answer_lost),
        ENDPOINT_TEST(test_answer_too_large),
        ENDPOINT_TEST(test_late_arrival),
        ENDPOINT_TEST(test_sent_again_when_it_was_not_done),
        ENDPOINT_TEST(test_lost_twice_and_done_all_the_same),
        ENDPOINT_TEST(test_nobody_can_tell),
        ENDPOINT_TEST(test_registered_before),
        ENDPOINT_TEST(test_in_the_way_of_itself),
        ENDPOINT_TEST(test_no_right_to_it),
        ENDPOINT_TEST(test_rate_limit_of_a_post),
        ENDPOINT_TEST(test_delete),
        ENDPOINT_TEST(test_deleted_in_between),
        ENDPOINT_TEST(test_delete_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
