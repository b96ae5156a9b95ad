// SPDX-License-Identifier: Apache-2.0
//
// The cloud, the home loop and the control thread of the control tests.
#include "control_fixture.h"

#include "control/state_file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

// ---- the cloud ----------------------------------------------------------------------------------

static size_t put_cluster(struct sky *sky, size_t at, unsigned id)
{
    char name[16];
    snprintf(name, sizeof(name), "c%u", id);
    if (id < 13 && sky->names[id - 11][0] != '\0')
        snprintf(name, sizeof(name), "%s", sky->names[id - 11]);
    return at + (size_t)snprintf(sky->body + at, sizeof(sky->body) - at,
                    "{\"clusterId\":\"%u\",\"displayName\":\"%s\",\"port\":4000,\"state\":\"%s\","
                    "\"labels\":{\"tidb.cloud/project\":\"77\"},\"cloudProvider\":\"aws\","
                    "\"tidbNodeSetting\":{\"tidbNodeGroups\":[{\"tidbNodeGroupId\":\"%u0\","
                    "\"isDefaultGroup\":true,\"state\":\"ACTIVE\"}]}}",
                    id, name, sky->cluster_state, id);
}

static size_t put_connection(struct sky *sky, size_t at, unsigned id)
{
    return at + (size_t)snprintf(sky->body + at, sizeof(sky->body) - at,
                    "{\"clusterId\":\"%u\",\"tidbNodeGroupId\":\"%u0\",\"endpointId\":\"vpce-%u\","
                    "\"privateEndpointConnectionId\":\"%u00\",\"endpointState\":\"%s\","
                    "\"privateLinkServiceState\":\"%s\",\"host\":\"pl-%u.example\",\"port\":4001}",
                    id, id, id, id, sky->endpoint_state, sky->service_state, id);
}

static void put_all(struct sky *sky, const char *key, unsigned first, unsigned last,
    size_t (*put)(struct sky *, size_t, unsigned))
{
    size_t at = (size_t)snprintf(sky->body, sizeof(sky->body), "{\"%s\":[", key);
    for (unsigned id = first; id <= last; id++) {
        at = put(sky, at, id);
        at += (size_t)snprintf(sky->body + at, sizeof(sky->body) - at, "%s", id < last ? "," : "");
    }
    snprintf(sky->body + at, sizeof(sky->body) - at, "]}");
}

// With the real quota of 100 requests a minute a look would come every 5 seconds.
static struct cloud_reply reply_with(int status, const char *body)
{
    return (struct cloud_reply){
        .status = status, .body = body, .headers = { { "X-Ratelimit-Limit-Minute", "1000000" } }
    };
}

static struct cloud_reply on_asked(void *arg, const char *path)
{
    struct sky *sky = arg;
    unsigned id = 0;
    sky->asked++;
    bool connections = strstr(path, "privateEndpointConnections") != NULL;
    sscanf(path, "/v1beta1/clusters/%u", &id); // NOLINT(cert-err34-c): our own client wrote it
    if (sky->status != 200)
        return reply_with(sky->status, "{\"message\":\"not today\"}");
    if (id != 0 && id == sky->failing)
        return (struct cloud_reply){ .status = 500 }; // a gateway's: no word about the quota
    if (strncmp(path, "/v1beta1/clusters?", 18) == 0) {
        sky->asked_clusters++;
        put_all(sky, "clusters", 11, 15, put_cluster);
    } else if (connections && id == 0) {
        sky->asked_project_endpoints++;
        put_all(
            sky, "privateEndpointConnections", 11, sky->endpoint_listed ? 15 : 10, put_connection);
    } else if (connections) {
        sky->asked_endpoints++;
        put_all(sky, "privateEndpointConnections", id, sky->endpoint_listed ? id : id - 1,
            put_connection);
    } else if (strstr(path, "privateLinkService") != NULL) {
        snprintf(sky->body, sizeof(sky->body), "{\"serviceName\":\"svc\",\"state\":\"%s\"}",
            sky->service_state);
    } else if (strstr(path, "tidbNodeGroups") != NULL) {
        snprintf(sky->body, sizeof(sky->body),
            "{\"tidbNodeGroups\":[{\"tidbNodeGroupId\":\"%u0\",\"isDefaultGroup\":true,"
            "\"state\":\"ACTIVE\"}]}",
            id);
    } else {
        sky->asked_single++;
        if (!sky->cluster_there)
            return reply_with(404, NULL);
        put_cluster(sky, 0, id);
    }
    return reply_with(200, sky->body);
}

// ---- the fixture --------------------------------------------------------------------------------

int control_fixture_setup(void **state)
{
    struct control_fixture *fixture = calloc(1, sizeof(*fixture));
    struct err err;
    fixture->home = loop_new("home", &err);
    fixture->cloud = cloud_new(fixture->home, on_asked, &fixture->sky);
    fixture->sky = (struct sky){ .cluster_state = "ACTIVE",
        .service_state = "ACTIVE",
        .endpoint_state = "ACTIVE",
        .endpoint_listed = true,
        .cluster_there = true,
        .status = 200 };
    snprintf(fixture->public_key, sizeof(fixture->public_key), "%s", cloud_public_key);
    snprintf(fixture->private_key, sizeof(fixture->private_key), "%s", cloud_private_key);
    fixture->keys = (struct keys){ fixture->public_key, fixture->private_key };
    snprintf(fixture->directory, sizeof(fixture->directory), "/tmp/tidblink-test-XXXXXX");
    assert_non_null(mkdtemp(fixture->directory));
    fixture->options =
        (struct control_options){ .api_url = (char *)(uintptr_t)cloud_url(fixture->cloud),
            .api_ca = (char *)(uintptr_t)cloud_ca_path(fixture->cloud),
            .environment_keys = &fixture->keys,
            .state_dir = fixture->directory,
            .poll_ms = 100,
            .poll_changing_ms = 50,
            .api_timeout_ms = WAIT_MS };
    for (unsigned i = 0; i < TARGETS; i++) {
        snprintf(fixture->aliases[i], sizeof(fixture->aliases[i]), "%u", i + 11);
        fixture->targets[i] =
            (struct control_target){ .alias = fixture->aliases[i], .cluster = fixture->aliases[i] };
    }
    *state = fixture;
    return 0;
}

void control_fixture_on_news(void *arg, struct control_news *news)
{
    struct control_fixture *fixture = arg;
    control_news_free(fixture->news[news->target]);
    fixture->news[news->target] = news;
    fixture->news_count++;
    if (fixture->reached != NULL && fixture->reached(fixture))
        loop_stop(fixture->home);
}

void control_fixture_start(struct control_fixture *fixture, size_t targets)
{
    struct err err = { 0 };
    fixture->control = control_start(&fixture->options, fixture->targets, targets, fixture->home,
        control_fixture_on_news, fixture, &err);
    if (fixture->control == NULL)
        fail_msg("%s", err.text);
}

void control_fixture_stop(struct control_fixture *fixture)
{
    control_stop(fixture->control);
    fixture->control = NULL;
    for (size_t i = 0; i < TARGETS; i++) {
        control_news_free(fixture->news[i]);
        fixture->news[i] = NULL;
    }
}

int control_fixture_teardown(void **state)
{
    struct control_fixture *fixture = *state;
    char path[128];
    control_fixture_stop(fixture);
    cloud_free(fixture->cloud);
    loop_free(fixture->home);
    unlink(state_file_path(fixture->directory, path, sizeof(path)));
    rmdir(fixture->directory);
    free(fixture);
    return 0;
}

void control_fixture_on_deadline(struct timer *timer)
{
    struct control_fixture *fixture = CONTAINER_OF(timer, struct control_fixture, deadline);
    loop_stop(fixture->home);
}

// Runs the home loop until news have come with which the condition holds.
void control_fixture_wait(struct control_fixture *fixture,
    bool (*reached)(const struct control_fixture *), const char *what)
{
    fixture->reached = reached;
    timer_init(&fixture->deadline, fixture->home, control_fixture_on_deadline);
    timer_start(&fixture->deadline, WAIT_MS);
    loop_run(fixture->home);
    timer_stop(&fixture->deadline);
    fixture->reached = NULL;
    if (!reached(fixture))
        fail_msg("%s: not reached; verdict %d (%s), api %s", what,
            fixture->news[0] != NULL ? (int)fixture->news[0]->verdict.action : -1,
            fixture->news[0] != NULL ? fixture->news[0]->verdict.text : "",
            fixture->news[0] != NULL ? fixture->news[0]->api_text : "");
}

static bool has_action(const struct control_fixture *fixture, enum verdict_action action)
{
    return fixture->news[0] != NULL && fixture->news[0]->verdict.action == action;
}

bool control_fixture_any(const struct control_fixture *fixture)
{
    return fixture->news[0] != NULL;
}

bool control_fixture_allowed(const struct control_fixture *fixture)
{
    return has_action(fixture, VERDICT_ALLOW);
}

bool control_fixture_held(const struct control_fixture *fixture)
{
    return has_action(fixture, VERDICT_HOLD);
}

bool control_fixture_refused(const struct control_fixture *fixture)
{
    return has_action(fixture, VERDICT_REFUSE);
}

bool control_fixture_fails(const struct control_fixture *fixture)
{
    return control_fixture_any(fixture) && fixture->news[0]->api_status != ERR_NONE;
}

bool control_fixture_works(const struct control_fixture *fixture)
{
    return control_fixture_any(fixture) && fixture->news[0]->api_status == ERR_NONE &&
           fixture->news[0]->api_answered != 0;
}
