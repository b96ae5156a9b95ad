// SPDX-License-Identifier: Apache-2.0
//
// The API's answers as model pieces: the documented examples, what may be absent, what is wrong,
// and documents that are cut, deep or large.
#include "control/model_json.h"

#include "base/err.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char cluster_body[] =
    "{\"name\":\"clusters/13\",\"clusterId\":\"13\",\"displayName\":\"orders\","
    "\"regionId\":\"aws-us-west-2\",\"labels\":{\"tidb.cloud/project\":\"77\"},"
    "\"tidbNodeSetting\":{\"nodeSpecKey\":\"8C32G\",\"tidbNodeGroups\":[{\"tidbNodeGroupId\":\"5\","
    "\"displayName\":\"DefaultGroup\",\"isDefaultGroup\":true,\"state\":\"ACTIVE\",\"endpoints\":["
    "{\"host\":\"public.example\",\"port\":4000,\"connectionType\":\"PUBLIC\"},"
    "{\"host\":\"privatelink-5.example\",\"port\":4003,\"connectionType\":\"PRIVATE_ENDPOINT\"}]}]}"
    ","
    "\"port\":4000,\"rootPassword\":\"hunter2\",\"state\":\"PAUSED\",\"cloudProvider\":\"aws\"}";

static const char connections_body[] =
    "{\"privateEndpointConnections\":[{\"tidbNodeGroupId\":\"5\",\"privateEndpointConnectionId\":"
    "\"900\","
    "\"clusterId\":\"13\",\"endpointId\":\"vpce-1\",\"endpointState\":\"FAILED\",\"message\":"
    "\"no\","
    "\"privateLinkServiceName\":\"svc\",\"privateLinkServiceState\":\"ACTIVE\","
    "\"host\":\"privatelink-5.example\",\"port\":4003},"
    "{\"tidbNodeGroupId\":\"6\",\"clusterId\":\"13\",\"endpointId\":\"vpce-2\","
    "\"endpointState\":\"DISCOVERED\"},"
    "{\"tidbNodeGroupId\":\"7\",\"privateEndpointConnectionId\":\"901\",\"clusterId\":\"14\","
    "\"endpointId\":\"vpce-3\",\"endpointState\":\"ACTIVE\",\"message\":null}],"
    "\"totalSize\":3,\"nextPageToken\":\"more\"}";

static void test_cluster(void **unused)
{
    struct cluster cluster = { 0 };
    struct err err;
    assert_true(model_json_cluster(cluster_body, strlen(cluster_body), &cluster, &err));
    assert_string_equal(cluster.id, "13");
    assert_string_equal(cluster.name, "orders");
    assert_string_equal(cluster.region, "aws-us-west-2");
    assert_string_equal(cluster.provider, "aws");
    assert_string_equal(cluster.project_id, "77");
    assert_int_equal(cluster.port, 4000);
    assert_int_equal(cluster.state.value, CLUSTER_PAUSED);
    assert_string_equal(cluster.state.text, "PAUSED");
    assert_int_equal(cluster.group_lists, 1);
    assert_int_equal(cluster.group_count, 1);
    assert_true(cluster.groups[0].is_default);
    assert_string_equal(cluster.groups[0].host, "privatelink-5.example");
    assert_int_equal(cluster.groups[0].port, 4003);
    assert_int_equal(cluster.groups[0].state.value, GROUP_ACTIVE);
    model_cluster_done(&cluster);
}

static void test_absent_fields_and_unknown_values(void **unused)
{
    static const char body[] = "{\"clusterId\":\"1\",\"state\":\"DANCING\",\"displayName\":null,"
                               "\"somethingNew\":[1,{}]}";
    struct cluster cluster = { 0 };
    struct err err;
    assert_true(model_json_cluster(body, strlen(body), &cluster, &err));
    assert_null(cluster.name);
    assert_null(cluster.project_id);
    assert_int_equal(cluster.port, 0);
    assert_int_equal(cluster.group_lists, 0);
    assert_int_equal(cluster.state.value, CLUSTER_UNKNOWN);
    assert_string_equal(cluster.state.text, "DANCING");
    model_cluster_done(&cluster);
}

static void test_connections_find_their_places(void **unused)
{
    struct model *model = model_new();
    char *next = NULL;
    struct err err;
    assert_true(
        model_json_connections(connections_body, strlen(connections_body), model, &next, &err));
    assert_string_equal(next, "more");
    assert_int_equal(model->cluster_count, 2);
    const struct node_group *group = model_find_group(model_find_cluster(model, "13"), "5");
    assert_int_equal(group->endpoint_count, 1);
    assert_string_equal(group->service_name, "svc");
    assert_int_equal(group->service.value, SERVICE_ACTIVE);
    assert_string_equal(group->endpoints[0].message, "no");
    assert_int_equal(group->endpoints[0].state.value, ENDPOINT_FAILED);
    assert_int_equal(group->endpoints[0].port, 4003);
    group = model_find_group(model_find_cluster(model, "13"), "6");
    assert_null(group->endpoints[0].connection_id);
    assert_null(group->service.text);
    // The last page: no token, or an empty one.
    static const char last[] = "{\"nextPageToken\":\"\"}";
    assert_true(model_json_connections(last, strlen(last), model, &next, &err));
    assert_null(next);
    model_unref(model);
}

static void test_groups_and_service(void **unused)
{
    static const char groups[] =
        "{\"tidbNodeGroups\":[{\"tidbNodeGroupId\":\"5\",\"state\":\"PAUSED\"},"
        "{\"tidbNodeGroupId\":\"6\",\"displayName\":\"etl\"}]}";
    static const char service[] =
        "{\"serviceName\":\"com.amazonaws.vpce.us-east-1.vpce-svc-1\","
        "\"serviceDnsName\":\"privatelink-1.example\",\"state\":\"CREATING\","
        "\"availableZones\":[\"use1-az1\",\"use1-az4\"]}";
    struct cluster cluster = { 0 };
    char *next = NULL;
    struct err err;
    assert_true(model_json_groups(groups, strlen(groups), &cluster, &next, &err));
    assert_int_equal(cluster.group_count, 2);
    assert_int_equal(cluster.groups[0].state.value, GROUP_PAUSED);
    assert_true(model_json_service(service, strlen(service), &cluster.groups[0], &err));
    assert_int_equal(cluster.groups[0].service.value, SERVICE_CREATING);
    assert_string_equal(cluster.groups[0].service_dns_name, "privatelink-1.example");
    assert_int_equal(cluster.groups[0].zone_count, 2);
    struct cluster copy;
    model_cluster_copy(&copy, &cluster);
    // Another answer replaces what was told before.
    assert_true(model_json_service("{}", 2, &cluster.groups[0], &err));
    assert_int_equal(cluster.groups[0].zone_count, 0);
    assert_false(model_json_service("{\"availableZones\":[1]}", 22, &cluster.groups[0], &err));
    assert_non_null(strstr(err.text, "availableZones: expected strings"));
    model_cluster_done(&cluster);
    assert_string_equal(copy.groups[0].zones[1], "use1-az4");
    model_cluster_done(&copy);
}

static void test_single_answers(void **unused)
{
    static const char one[] = "{\"endpointId\":\"vpce-1\",\"endpointState\":\"PENDING\"}";
    struct endpoint endpoint = { 0 };
    char *name = NULL;
    struct err err;
    assert_true(model_json_connection(one, strlen(one), &endpoint, &err));
    assert_string_equal(endpoint.endpoint_id, "vpce-1");
    assert_int_equal(endpoint.state.value, ENDPOINT_PENDING);
    model_endpoint_done(&endpoint);
    assert_false(model_json_connection("{}", 2, &endpoint, &err));
    assert_non_null(strstr(err.text, "endpointId"));
    model_endpoint_done(&endpoint);
    assert_true(model_json_name("{\"displayName\":\"shop\"}", 22, &name, &err));
    assert_string_equal(name, "shop");
    assert_true(model_json_name("{}", 2, &name, &err));
    assert_null(name);
}

struct wrong {
    const char *body;
    const char *names; // what the error must name
};
static const struct wrong wrong_clusters[] = {
    { "", "not JSON" },
    { "null", "no object" },
    { "[]", "no object" },
    { "<html>502 Bad Gateway</html>", "not JSON" },
    { "{\"clusterId\":\"1\"} trailing", "not JSON" },
    { "{}", "clusterId" },
    { "{\"clusterId\":\"\"}", "clusterId" },
    { "{\"clusterId\":13}", "clusterId: expected a string, got a number" },
    { "{\"clusterId\":\"1\",\"port\":\"4000\"}", "port: expected a number, got a string" },
    { "{\"clusterId\":\"1\",\"port\":70000}", "port: expected a whole number of 0 to 65535" },
    { "{\"clusterId\":\"1\",\"port\":-1}", "port" },
    { "{\"clusterId\":\"1\",\"port\":1e300}", "port" },
    { "{\"clusterId\":\"1\",\"port\":4000.5}", "port" },
    { "{\"clusterId\":\"1\",\"state\":7}", "state: expected a string" },
    { "{\"clusterId\":\"1\",\"labels\":[]}", "labels: expected an object, got an array" },
    { "{\"clusterId\":\"1\",\"labels\":{\"tidb.cloud/project\":{}}}", "labels.tidb.cloud/project" },
    { "{\"clusterId\":\"1\",\"tidbNodeSetting\":{\"tidbNodeGroups\":{}}}",
        "tidbNodeSetting.tidbNodeGroups: expected an array" },
    { "{\"clusterId\":\"1\",\"tidbNodeSetting\":{\"tidbNodeGroups\":[{\"tidbNodeGroupId\":\"1\"},"
      "null]}}",
        "tidbNodeSetting.tidbNodeGroups[1]: expected an object, got null" },
    { "{\"clusterId\":\"1\",\"tidbNodeSetting\":{\"tidbNodeGroups\":[{\"tidbNodeGroupId\":\"1\","
      "\"isDefaultGroup\":\"yes\"}]}}",
        "tidbNodeSetting.tidbNodeGroups[0].isDefaultGroup: expected true or false" },
    { "{\"clusterId\":\"1\",\"tidbNodeSetting\":{\"tidbNodeGroups\":[{\"tidbNodeGroupId\":\"1\","
      "\"endpoints\":[{\"connectionType\":\"PRIVATE_ENDPOINT\",\"port\":{}}]}]}}",
        "endpoints[0].port: expected a number, got an object" },
};

static void test_wrong_documents_name_the_field(void **unused)
{
    for (size_t i = 0; i < sizeof(wrong_clusters) / sizeof(wrong_clusters[0]); i++) {
        struct cluster cluster = { 0 };
        struct err err = { 0 };
        const char *body = wrong_clusters[i].body;
        assert_false(model_json_cluster(body, strlen(body), &cluster, &err));
        assert_int_equal(err.code, ERR_API_ANSWER);
        if (strstr(err.text, wrong_clusters[i].names) == NULL)
            fail_msg("%s: %s", body, err.text);
        model_cluster_done(&cluster);
    }
}

static void test_truncated_at_every_byte(void **unused)
{
    for (size_t len = 0; len < sizeof(connections_body) - 1; len++) {
        // Its own block, so that the sanitizer sees a read behind the end.
        char *cut = malloc(len + 1);
        memcpy(cut, connections_body, len);
        struct model *model = model_new();
        char *next = NULL;
        struct err err;
        assert_false(model_json_connections(cut, len, model, &next, &err));
        free(next);
        model_unref(model);
        free(cut);
    }
}

static void test_every_byte_changed(void **unused)
{
    size_t len = sizeof(connections_body) - 1;
    char *changed = malloc(len);
    for (size_t i = 0; i < len; i++) {
        static const char others[] = { '"', '{', ']', '\0', '\\', '7', (char)0xff };
        for (size_t j = 0; j < sizeof(others); j++) {
            memcpy(changed, connections_body, len);
            changed[i] = others[j];
            struct model *model = model_new();
            char *next = NULL;
            struct err err;
            (void)!model_json_connections(changed, len, model, &next, &err);
            free(next);
            model_unref(model);
        }
    }
    free(changed);
}

static void test_deep_nesting_is_refused(void **unused)
{
    enum { DEPTH = 100000 };
    static char deep[2 * DEPTH + 64];
    int len = snprintf(deep, sizeof(deep), "{\"clusterId\":\"1\",\"x\":");
    memset(deep + len, '[', DEPTH);
    memset(deep + len + DEPTH, ']', DEPTH);
    deep[len + 2 * DEPTH] = '}';
    struct cluster cluster = { 0 };
    struct err err;
    assert_false(model_json_cluster(deep, (size_t)len + 2 * (size_t)DEPTH + 1, &cluster, &err));
    assert_non_null(strstr(err.text, "nested deeper"));
    // Brackets inside a string are only text.
    static const char text[] =
        "{\"clusterId\":\"1\",\"displayName\":\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\\\"[\"}";
    assert_true(model_json_cluster(text, strlen(text), &cluster, &err));
    model_cluster_done(&cluster);
}

static void test_many_connections(void **unused)
{
    enum { COUNT = 20000, ROOM = 160, SIZE = COUNT * ROOM + 64 };
    char *body = malloc(SIZE);
    size_t len = snprintf(body, SIZE, "{\"privateEndpointConnections\":[");
    for (int i = 0; i < COUNT; i++)
        len += snprintf(body + len, SIZE - len,
            "%s{\"clusterId\":\"1\",\"tidbNodeGroupId\":\"2\",\"endpointId\":\"vpce-%d\"}",
            i == 0 ? "" : ",", i);
    len += snprintf(body + len, SIZE - len, "]}");
    assert_true(len < SIZE);
    struct model *model = model_new();
    char *next = NULL;
    struct err err;
    assert_true(model_json_connections(body, len, model, &next, &err));
    assert_int_equal(model->clusters[0].groups[0].endpoint_count, COUNT);
    model_unref(model);
    free(body);
}

static void test_error_body(void **unused)
{
    static const char body[] = "{\"code\":49900007,\"message\":\"too fast\",\"details\":[]}";
    char *message = model_json_error(body, strlen(body));
    assert_string_equal(message, "too fast");
    free(message);
    assert_null(model_json_error("<html>", 6));
    assert_null(model_json_error("{\"message\":5}", 13));
}

static void test_copy_shares_nothing(void **unused)
{
    struct model *model = model_new();
    char *next = NULL;
    struct err err;
    assert_true(
        model_json_connections(connections_body, strlen(connections_body), model, &next, &err));
    free(next);
    struct model *copy = model_copy(model);
    model_unref(model);
    const struct node_group *group = model_find_group(model_find_cluster(copy, "13"), "5");
    assert_string_equal(group->endpoints[0].endpoint_id, "vpce-1");
    struct model *again = model_ref(copy);
    model_unref(copy);
    assert_int_equal(again->cluster_count, 2);
    model_unref(again);
    model_unref(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cluster),
        cmocka_unit_test(test_absent_fields_and_unknown_values),
        cmocka_unit_test(test_connections_find_their_places),
        cmocka_unit_test(test_groups_and_service),
        cmocka_unit_test(test_single_answers),
        cmocka_unit_test(test_wrong_documents_name_the_field),
        cmocka_unit_test(test_truncated_at_every_byte),
        cmocka_unit_test(test_every_byte_changed),
        cmocka_unit_test(test_deep_nesting_is_refused),
        cmocka_unit_test(test_many_connections),
        cmocka_unit_test(test_error_body),
        cmocka_unit_test(test_copy_shares_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
