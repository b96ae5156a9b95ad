// SPDX-License-Identifier: Apache-2.0
//
// The API client against a real HTTPS server: digest with one challenge for many requests, and
// every way in which an answer can be missing, wrong or too much.
#include "base/err.h"
#include "base/loop.h"
#include "control/api.h"
#include "control/http.h"
#include "control/keys.h"

#include "cloud.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct fixture {
    struct loop *loop;
    struct cloud *cloud;
    struct http *http;
    struct api *api;
    uint64_t timeout_ms;
    struct cloud_reply reply; // what the cloud says
    char asked[512];          // what it was asked last
    char sent[256];           // method and body of that
    // what came back
    unsigned callbacks;
    long status;
    char body[256];
    unsigned requests;
    struct api_quota quota;
    struct err err; // code ERR_NONE: fine
};

static struct cloud_reply on_asked(void *arg, const char *path)
{
    struct fixture *fixture = arg;
    snprintf(fixture->asked, sizeof(fixture->asked), "%s", path);
    snprintf(fixture->sent, sizeof(fixture->sent), "%s %s", cloud_method(fixture->cloud),
        cloud_body(fixture->cloud));
    return fixture->reply;
}

static struct api *make_api(struct fixture *fixture, const char *ca, const char *private_key)
{
    char public_copy[32];
    char private_copy[32];
    snprintf(public_copy, sizeof(public_copy), "%s", cloud_public_key);
    snprintf(private_copy, sizeof(private_copy), "%s", private_key);
    struct keys keys = { public_copy, private_copy };
    struct api_options options = { .url = cloud_url(fixture->cloud),
        .ca = ca,
        .keys = &keys,
        .timeout_ms = fixture->timeout_ms,
        .answer_limit = 100000 };
    struct err err;
    struct api *api = api_new(fixture->http, &options, &err);
    assert_non_null(api);
    return api;
}

static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    struct err err;
    fixture->timeout_ms = 20000;
    fixture->loop = loop_new("test", &err);
    fixture->cloud = cloud_new(fixture->loop, on_asked, fixture);
    fixture->http = http_new(fixture->loop, &err);
    fixture->api = make_api(fixture, cloud_ca_path(fixture->cloud), cloud_private_key);
    fixture->reply = (struct cloud_reply){ .status = 200, .body = "{}" };
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    api_free(fixture->api);
    http_free(fixture->http);
    cloud_free(fixture->cloud);
    loop_free(fixture->loop);
    free(fixture);
    return 0;
}

static void on_answered(void *arg, const struct api_answer *answer, const struct err *err)
{
    struct fixture *fixture = arg;
    fixture->callbacks++;
    fixture->status = answer->status;
    fixture->requests = answer->requests;
    fixture->quota = answer->quota;
    snprintf(fixture->body, sizeof(fixture->body), "%s", answer->body);
    fixture->err = err != NULL ? *err : (struct err){ 0 };
    loop_stop(fixture->loop);
}

static void turn(struct loop *loop)
{
    loop_run(loop);
}

static void send_request(
    struct fixture *fixture, const char *method, const char *path, const char *body)
{
    unsigned before = fixture->callbacks;
    api_send(fixture->api, method, path, body, on_answered, fixture);
    assert_int_equal(fixture->callbacks, before); // never from inside
    turn(fixture->loop);
    assert_int_equal(fixture->callbacks, before + 1);
    assert_null(strstr(fixture->err.text, cloud_private_key));
}

static void ask(struct fixture *fixture, const char *path)
{
    send_request(fixture, "GET", path, NULL);
}

static void test_one_challenge_for_many_requests(void **state)
{
    struct fixture *fixture = *state;
    for (int i = 0; i < 20; i++) {
        ask(fixture, "/clusters?pageSize=100&pageToken=a%2Bb");
        assert_int_equal(fixture->err.code, ERR_NONE);
        assert_int_equal(fixture->requests, i == 0 ? 2 : 1);
    }
    assert_string_equal(fixture->asked, "/v1beta1/clusters?pageSize=100&pageToken=a%2Bb");
    assert_string_equal(fixture->body, "{}");
    assert_int_equal(cloud_challenges(fixture->cloud), 1);
    assert_int_equal(cloud_served(fixture->cloud), 20);
}

// The challenge to a handle without a nonce must not cost the body.
static void test_post_on_a_fresh_handle(void **state)
{
    struct fixture *fixture = *state;
    send_request(fixture, "POST", "/clusters/1/x", "{\"endpointId\":\"vpce-1\"}");
    assert_int_equal(fixture->err.code, ERR_NONE);
    assert_int_equal(fixture->requests, 2);
    assert_string_equal(fixture->sent, "POST {\"endpointId\":\"vpce-1\"}");
    assert_string_equal(fixture->asked, "/v1beta1/clusters/1/x");
    assert_int_equal(cloud_challenges(fixture->cloud), 1);
    assert_int_equal(cloud_served(fixture->cloud), 1);
}

// Each request on the kept handle is its own: nothing of the one before sticks.
static void test_methods_take_turns(void **state)
{
    struct fixture *fixture = *state;
    for (int i = 0; i < 2; i++) {
        send_request(fixture, "POST", "/clusters/1:resumeCluster", NULL);
        assert_string_equal(fixture->sent, "POST ");
        send_request(fixture, "DELETE", "/clusters/1/x/2", NULL);
        assert_string_equal(fixture->sent, "DELETE ");
        send_request(fixture, "POST", "/clusters/1/x", "{\"a\":1}");
        assert_string_equal(fixture->sent, "POST {\"a\":1}");
        ask(fixture, "/clusters");
        assert_string_equal(fixture->sent, "GET ");
        cloud_forget_nonces(fixture->cloud, i == 0); // the next is a POST: it is sent again
    }
    send_request(fixture, "POST", "/clusters/1/x", "{\"b\":1}");
    assert_string_equal(fixture->sent, "POST {\"b\":1}");
    assert_int_equal(fixture->err.code, ERR_NONE);
    assert_int_equal(cloud_served(fixture->cloud), 9);
}

static void test_failures_of_changes(void **state)
{
    struct fixture *fixture = *state;
    fixture->reply = (struct cloud_reply){ .status = 409, .body = "{}" };
    send_request(fixture, "POST", "/clusters/1/x?y=1", "{}");
    assert_int_equal(fixture->err.code, ERR_API_CONFLICT);
    assert_non_null(strstr(fixture->err.text, "POST https://"));
    assert_non_null(strstr(fixture->err.text, "/v1beta1/clusters/1/x: 409, it exists already"));
    fixture->reply.status = 403;
    fixture->reply.body = "{\"message\":\"no\"}";
    send_request(fixture, "POST", "/clusters/1/tidbNodeGroups/2/privateEndpointConnections", "{}");
    assert_int_equal(fixture->err.code, ERR_API_FORBIDDEN);
    assert_non_null(strstr(fixture->err.text, "only Organization Owner and Project Owner"));
    ask(fixture, "/clusters/1/tidbNodeGroups/2/privateEndpointConnections");
    assert_null(strstr(fixture->err.text, "Owner"));
    fixture->reply.status = 404;
    send_request(fixture, "DELETE", "/clusters/1", NULL);
    assert_int_equal(fixture->err.code, ERR_API_NOT_FOUND);
    assert_non_null(strstr(fixture->err.text, "DELETE https://"));
    // Deleted, and nothing to say about it.
    fixture->reply =
        (struct cloud_reply){ .status = 200, .headers = { { "Content-Type", "x/y" } } };
    send_request(fixture, "DELETE", "/clusters/1", NULL);
    assert_int_equal(fixture->err.code, ERR_NONE);
}

static void test_what_the_line_tells(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(api_line(fixture->api).server_clock, 0);
    assert_int_equal(api_line(fixture->api).quota.limit, -1);
    fixture->reply = (struct cloud_reply){ .status = 500,
        .headers = { { "Date", "Tue, 15 Nov 1994 08:12:31 GMT" },
            { "X-Ratelimit-Limit-Minute", "100" }, { "X-Ratelimit-Remaining-Minute", "7" } } };
    ask(fixture, "/clusters");
    struct api_line line = api_line(fixture->api);
    assert_int_equal(line.server_clock, 784887151);
    assert_true(line.own_clock > 1700000000);
    assert_int_equal(line.quota.remaining, 7);
    assert_int_equal(line.requests, 2);
    fixture->reply = (struct cloud_reply){ .status = 200, .body = "{}" };
    ask(fixture, "/clusters"); // says nothing about the quota
    assert_int_equal(api_line(fixture->api).quota.remaining, 7);
    assert_true(api_line(fixture->api).server_clock > 1700000000);
    assert_int_equal(api_line(fixture->api).requests, 3);
}

static void test_stale_nonce(void **state)
{
    struct fixture *fixture = *state;
    ask(fixture, "/clusters");
    cloud_forget_nonces(fixture->cloud, true);
    ask(fixture, "/clusters");
    assert_int_equal(fixture->err.code, ERR_NONE);
    assert_int_equal(cloud_challenges(fixture->cloud), 2);
}

static void test_forgotten_nonce_without_stale(void **state)
{
    struct fixture *fixture = *state;
    ask(fixture, "/clusters");
    cloud_forget_nonces(fixture->cloud, false);
    ask(fixture, "/clusters");
    assert_int_equal(fixture->err.code, ERR_NONE);
    assert_int_equal(fixture->requests, 3);
    ask(fixture, "/clusters");
    assert_int_equal(fixture->requests, 1);
}

static void test_wrong_key(void **state)
{
    struct fixture *fixture = *state;
    api_free(fixture->api);
    fixture->api = make_api(fixture, cloud_ca_path(fixture->cloud), "wrong");
    for (int i = 0; i < 2; i++) {
        ask(fixture, "/clusters/1");
        assert_int_equal(fixture->err.code, ERR_API_KEY);
        assert_int_equal(fixture->status, 401);
        assert_non_null(strstr(fixture->err.text, "public_key not found"));
        assert_non_null(strstr(fixture->err.text, "/v1beta1/clusters/1"));
        assert_null(strstr(fixture->err.text, "wrong"));
    }
    assert_int_equal(cloud_served(fixture->cloud), 0);
    // A clock that is wrong is refused too: the answer says what time it is there.
    assert_true(api_line(fixture->api).server_clock > 1700000000);
    assert_true(api_line(fixture->api).own_clock > 1700000000);
}

struct status_case {
    int status;
    enum err_code code;
    const char *words;
};
static const struct status_case statuses[] = {
    { 403, ERR_API_FORBIDDEN, "403" },
    { 404, ERR_API_NOT_FOUND, "404" },
    { 400, ERR_API_ANSWER, "400" },
    { 409, ERR_API_CONFLICT, "409" },
    { 500, ERR_API_UNREACHABLE, "500" },
    { 503, ERR_API_UNREACHABLE, "503" },
    { 302, ERR_API_ANSWER, "redirect" },
};

static void test_statuses(void **state)
{
    struct fixture *fixture = *state;
    for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
        fixture->reply = (struct cloud_reply){ .status = statuses[i].status, .body = "<html>" };
        fixture->reply.headers[0][0] = "Location";
        fixture->reply.headers[0][1] = "https://elsewhere.example/";
        ask(fixture, "/clusters/1?secret=query");
        assert_int_equal(fixture->err.code, statuses[i].code);
        assert_int_equal(fixture->status, statuses[i].status);
        assert_non_null(strstr(fixture->err.text, statuses[i].words));
        assert_null(strstr(fixture->err.text, "secret=query"));
    }
}

static void test_quota(void **state)
{
    struct fixture *fixture = *state;
    ask(fixture, "/clusters");
    assert_int_equal(fixture->quota.limit, -1);
    assert_int_equal(fixture->quota.retry_after_s, -1);
    fixture->reply = (struct cloud_reply){ .status = 429,
        .body = "{\"code\":49900007,\"message\":\"exceeded\"}",
        .headers = { { "X-Ratelimit-Limit-Minute", "100" }, { "X-Ratelimit-Remaining-Minute", "0" },
            { "X-Ratelimit-Reset", "8" }, { "Retry-After", "17" } } };
    ask(fixture, "/clusters");
    assert_int_equal(fixture->err.code, ERR_API_RATE);
    assert_non_null(strstr(fixture->err.text, "exceeded"));
    assert_int_equal(fixture->quota.limit, 100);
    assert_int_equal(fixture->quota.remaining, 0);
    assert_int_equal(fixture->quota.reset_s, 8);
    assert_int_equal(fixture->quota.retry_after_s, 17);
}

// The reset as a time of day, and a pause that would outlive everyone.
static void test_nonsense_pauses_count_as_nothing_said(void **state)
{
    struct fixture *fixture = *state;
    fixture->reply = (struct cloud_reply){ .status = 429,
        .body = "{}",
        .headers = { { "X-Ratelimit-Reset", "1795348800" }, { "Retry-After", "601" } } };
    ask(fixture, "/clusters");
    assert_int_equal(fixture->quota.reset_s, -1);
    assert_int_equal(fixture->quota.retry_after_s, -1);
    fixture->reply.headers[1][1] = "600";
    ask(fixture, "/clusters");
    assert_int_equal(fixture->quota.retry_after_s, 600);
}

static void test_hanging_server(void **state)
{
    struct fixture *fixture = *state;
    ask(fixture, "/clusters"); // a busy machine needs its time for the TLS handshake
    api_free(fixture->api);
    fixture->timeout_ms = 300;
    fixture->api = make_api(fixture, cloud_ca_path(fixture->cloud), cloud_private_key);
    fixture->reply.status = 0;
    ask(fixture, "/clusters");
    assert_int_equal(fixture->err.code, ERR_API_UNREACHABLE);
    assert_int_equal(fixture->status, 0);
    assert_non_null(strstr(fixture->err.text, "within 300 ms"));
}

static void test_cut_answer(void **state)
{
    struct fixture *fixture = *state;
    fixture->reply.cut = true;
    ask(fixture, "/clusters");
    assert_int_equal(fixture->err.code, ERR_API_UNREACHABLE);
    fixture->reply.cut = false;
    ask(fixture, "/clusters");
    assert_int_equal(fixture->err.code, ERR_NONE);
}

static void test_huge_answer(void **state)
{
    struct fixture *fixture = *state;
    enum { HUGE = 1 << 20 };
    char *huge = malloc(HUGE);
    memset(huge, ' ', HUGE);
    fixture->reply = (struct cloud_reply){ .status = 200, .body = huge, .len = HUGE };
    ask(fixture, "/clusters");
    assert_int_equal(fixture->err.code, ERR_API_ANSWER);
    assert_non_null(strstr(fixture->err.text, "larger than 100000 bytes"));
    assert_int_equal(fixture->status, 200); // it was done
    fixture->reply.status = 503;
    ask(fixture, "/clusters");
    assert_int_equal(fixture->err.code, ERR_API_UNREACHABLE);
    fixture->reply.status = 200;
    fixture->reply.len = 100000;
    ask(fixture, "/clusters");
    assert_int_equal(fixture->err.code, ERR_NONE);
    free(huge);
}

static void test_wrong_content_type(void **state)
{
    struct fixture *fixture = *state;
    fixture->reply.headers[0][0] = "Content-Type";
    fixture->reply.headers[0][1] = "text/html; charset=utf-8";
    ask(fixture, "/clusters");
    assert_int_equal(fixture->err.code, ERR_API_ANSWER);
    assert_non_null(strstr(fixture->err.text, "is text/html; charset=utf-8, not application/json"));
    fixture->reply.headers[0][1] = "Application/JSON; charset=utf-8";
    ask(fixture, "/clusters");
    assert_int_equal(fixture->err.code, ERR_NONE);
}

static void test_untrusted_certificate(void **state)
{
    struct fixture *fixture = *state;
    api_free(fixture->api);
    fixture->api = make_api(fixture, NULL, cloud_private_key);
    ask(fixture, "/clusters");
    assert_int_equal(fixture->err.code, ERR_API_UNREACHABLE);
    assert_non_null(strstr(fixture->err.text, "not trusted"));
    assert_non_null(strstr(fixture->err.text, "api-ca"));
    assert_int_equal(cloud_challenges(fixture->cloud), 0);
}

static void test_nobody_listens(void **state)
{
    struct fixture *fixture = *state;
    cloud_free(fixture->cloud);
    fixture->cloud = cloud_new(fixture->loop, on_asked, fixture); // on another port
    ask(fixture, "/clusters");
    assert_int_equal(fixture->err.code, ERR_API_UNREACHABLE);
    assert_int_equal(fixture->status, 0);
}

static void on_stop_time(struct timer *timer)
{
    struct loop *const *loop = (struct loop *const *)(void *)(timer + 1);
    loop_stop(*loop);
}

static void test_cancel_never_calls_back(void **state)
{
    struct fixture *fixture = *state;
    struct {
        struct timer timer;
        struct loop *loop;
    } stop = { .loop = fixture->loop };
    timer_init(&stop.timer, fixture->loop, on_stop_time);
    api_get(fixture->api, "/clusters", on_answered, fixture);
    timer_start(&stop.timer, 5);
    turn(fixture->loop);
    api_cancel(fixture->api);
    timer_start(&stop.timer, 50);
    turn(fixture->loop);
    assert_int_equal(fixture->callbacks, 0);
    ask(fixture, "/clusters");
    assert_int_equal(fixture->err.code, ERR_NONE);
}

static void test_urls(void **state)
{
    struct fixture *fixture = *state;
    static const char *const good[] = { "https://dedicated.tidbapi.com",
        "https://dedicated.tidbapi.com/", "https://dedicated.tidbapi.com/v1beta1",
        "http://127.0.0.1:8080", "http://[::1]:8080", "http://localhost:1" };
    static const char *const bad[] = { "", "dedicated", "http://dedicated.tidbapi.com",
        "http://10.0.0.1", "ftp://127.0.0.1", "https://user:pass@h.example",
        "https://h.example/a/b", "https://h.example/?x=1", "http://127.0.0.1.evil.example",
        "file:///etc/passwd" };
    char key[] = "k";
    struct keys keys = { key, key };
    struct err err;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        struct api_options options = { .url = good[i], .keys = &keys, .timeout_ms = 1 };
        struct api *api = api_new(fixture->http, &options, &err);
        assert_non_null(api);
        api_free(api);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct api_options options = { .url = bad[i], .keys = &keys, .timeout_ms = 1 };
        assert_null(api_new(fixture->http, &options, &err));
        assert_int_equal(err.code, ERR_OPTION);
        assert_non_null(strstr(err.text, "api-url"));
        assert_null(strstr(err.text, "pass@"));
    }
    struct api_options options = { .url = good[0], .keys = &keys, .ca = "/nonexistent" };
    assert_null(api_new(fixture->http, &options, &err));
    assert_non_null(strstr(err.text, "api-ca"));
}

#define API_TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
    struct sigaction ignore = { .sa_handler = SIG_IGN };
    sigaction(SIGPIPE, &ignore, NULL); // OpenSSL writes with write(2)
    const struct CMUnitTest tests[] = {
        API_TEST(test_one_challenge_for_many_requests),
        API_TEST(test_post_on_a_fresh_handle),
        API_TEST(test_methods_take_turns),
        API_TEST(test_failures_of_changes),
        API_TEST(test_what_the_line_tells),
        API_TEST(test_stale_nonce),
        API_TEST(test_forgotten_nonce_without_stale),
        API_TEST(test_wrong_key),
        API_TEST(test_statuses),
        API_TEST(test_quota),
        API_TEST(test_nonsense_pauses_count_as_nothing_said),
        API_TEST(test_hanging_server),
        API_TEST(test_cut_answer),
        API_TEST(test_huge_answer),
        API_TEST(test_wrong_content_type),
        API_TEST(test_untrusted_certificate),
        API_TEST(test_nobody_listens),
        API_TEST(test_cancel_never_calls_back),
        API_TEST(test_urls),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
