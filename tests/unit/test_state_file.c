// SPDX-License-Identifier: Apache-2.0
//
// The state document: what is believed comes back as it was, and damage of any kind is told from
// it.
#include "base/err.h"
#include "control/state_file.h"
#include "control/state_json.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

enum { NOW = 1800000000 };

static struct observed_state seen(int value, const char *text)
{
    return (struct observed_state){ .value = value, .text = strdup(text), .since = NOW - 100 };
}

static struct model *make(void)
{
    struct model *model = model_new();
    struct cluster *cluster = model_add_cluster(model);
    cluster->id = strdup("13");
    cluster->name = strdup("orders \"1\" \xe2\x82\xac");
    cluster->project_id = strdup("77");
    cluster->port = 4000;
    cluster->state = seen(CLUSTER_UNKNOWN, "DANCING");
    cluster->seen = NOW - 10;
    cluster->group_lists = 2;
    struct node_group *group = model_add_group(cluster);
    group->id = strdup("5");
    group->is_default = true;
    group->state = seen(GROUP_ACTIVE, "ACTIVE");
    group->service = seen(SERVICE_CREATING, "CREATING");
    group->service_name = strdup("svc");
    group->zones = calloc(2, sizeof(*group->zones));
    group->zones[0] = strdup("use1-az1");
    group->zones[1] = strdup("use1-az4");
    group->zone_count = 2;
    group->endpoint_lists = 1;
    group->endpoints_seen = NOW - 20;
    struct endpoint *endpoint = model_add_endpoint(group);
    endpoint->endpoint_id = strdup("vpce-1");
    endpoint->message = strdup("no");
    endpoint->host = strdup("h.example");
    endpoint->port = 4001;
    endpoint->absent_polls = 1;
    endpoint->state = seen(ENDPOINT_FAILED, "FAILED");
    struct cluster *gone = model_add_cluster(model);
    gone->id = strdup("14");
    gone->absent_polls = 2;
    return model;
}

static void test_round_trip(void **unused)
{
    struct model *model = make();
    char *text = state_json_print(model, NOW);
    struct model *back = NULL;
    struct err err;
    assert_true(state_json_parse(text, strlen(text), &back, &err));
    char *again = state_json_print(back, NOW);
    assert_string_equal(text, again);
    const struct cluster *cluster = &back->clusters[0];
    assert_int_equal(cluster->state.value, CLUSTER_UNKNOWN);
    assert_string_equal(cluster->state.text, "DANCING");
    assert_int_equal(cluster->state.since, NOW - 100);
    assert_int_equal(cluster->seen, NOW - 10);
    assert_int_equal(cluster->groups[0].service.value, SERVICE_CREATING);
    assert_int_equal(cluster->groups[0].zone_count, 2);
    assert_string_equal(cluster->groups[0].zones[1], "use1-az4");
    assert_int_equal(cluster->groups[0].endpoints_seen, NOW - 20);
    assert_int_equal(cluster->groups[0].endpoints[0].state.value, ENDPOINT_FAILED);
    assert_int_equal(cluster->groups[0].endpoints[0].absent_polls, 1);
    assert_null(back->clusters[1].state.text);
    assert_int_equal(back->clusters[1].absent_polls, 2);
    free(text);
    free(again);
    model_unref(model);
    model_unref(back);
}

static void test_comparing_leaves_answer_times_out(void **unused)
{
    struct model *model = make();
    char *before = state_json_print(model, 0);
    model->clusters[0].seen += 60;
    model->clusters[0].groups[0].endpoints_seen += 60;
    char *after = state_json_print(model, 0);
    assert_string_equal(before, after);
    free(after);
    model->clusters[0].state.since++;
    after = state_json_print(model, 0);
    assert_string_not_equal(before, after);
    free(before);
    free(after);
    model_unref(model);
}

static void test_cut_at_every_byte(void **unused)
{
    struct model *model = make();
    char *text = state_json_print(model, NOW);
    for (size_t len = 0; len < strlen(text); len++) {
        char *cut = malloc(len + 1);
        for (size_t i = 0; i < len; i++)
            cut[i] = text[i];
        struct model *back = NULL;
        struct err err = { 0 };
        assert_false(state_json_parse(cut, len, &back, &err));
        assert_int_equal(err.code, ERR_FILE);
        assert_null(back);
        free(cut);
    }
    free(text);
    model_unref(model);
}

static const char *const foreign[] = {
    "{}",
    "[]",
    "{\"format\":\"other\",\"version\":1}",
    "{\"format\":\"tidblink-state\"}",
    "{\"format\":\"tidblink-state\",\"version\":2}",
    "{\"format\":\"tidblink-state\",\"version\":1,\"clusters\":[{}]}",
    "{\"format\":\"tidblink-state\",\"version\":1,\"clusters\":[{\"id\":\"1\",\"seen\":\"noon\"}]}",
    "{\"format\":\"tidblink-state\",\"version\":1,\"clusters\":[{\"id\":\"1\",\"absent_polls\":9}]"
    "}",
    "{\"format\":\"tidblink-state\",\"version\":1,\"clusters\":[{\"id\":\"1\",\"state\":\"ACTIVE\"}"
    "]}",
};

static void test_foreign_documents(void **unused)
{
    for (size_t i = 0; i < sizeof(foreign) / sizeof(foreign[0]); i++) {
        struct model *model = NULL;
        struct err err = { 0 };
        assert_false(state_json_parse(foreign[i], strlen(foreign[i]), &model, &err));
        assert_int_equal(err.code, ERR_FILE);
        assert_true(err.text[0] != '\0');
    }
    struct err err;
    struct model *model;
    assert_false(state_json_parse(foreign[4], strlen(foreign[4]), &model, &err));
    assert_non_null(strstr(err.text, "version 2"));
}

static void test_files(void **unused)
{
    char directory[] = "/tmp/tidblink-test-state-XXXXXX";
    char path[128];
    char leftover[160];
    struct stat status;
    struct err err;
    struct model *back = NULL;
    assert_non_null(mkdtemp(directory));
    state_file_path(directory, path, sizeof(path));
    assert_false(state_file_read(path, &back, &err));
    assert_int_equal(err.code, ERR_FILE);
    assert_int_equal(err.sys, ENOENT);
    struct model *model = make();
    assert_true(state_file_write(directory, model, NOW, &err));
    assert_true(state_file_write(directory, model, NOW, &err)); // replaces
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
    assert_true(state_file_read(path, &back, &err));
    assert_int_equal(back->cluster_count, 2);
    model_unref(back);
    // A directory in its place is no file, and no reason to hang or crash.
    assert_false(state_file_read(directory, &back, &err));
    // Leftovers of a crash go when they are old, not while another process writes.
    snprintf(leftover, sizeof(leftover), "%s.aB3xyZ.new", path);
    assert_int_equal(rename(path, leftover), 0);
    state_file_sweep(directory);
    assert_int_equal(access(leftover, F_OK), 0);
    struct timespec old[2] = { { .tv_sec = 1000 }, { .tv_sec = 1000 } };
    assert_int_equal(utimensat(0, leftover, old, 0), 0);
    state_file_sweep(directory);
    assert_int_equal(access(leftover, F_OK), -1);
    rmdir(directory);
    assert_false(state_file_write(directory, model, NOW, &err));
    assert_int_equal(err.sys, ENOENT);
    assert_non_null(strstr(err.text, path));
    model_unref(model);
}

// Containers that share a directory are both process 1: neither may count on its number.
static void *write_often(void *arg)
{
    const char *directory = arg;
    struct model *model = make();
    struct err err = { 0 };
    for (int i = 0; i < 50 && err.code == ERR_NONE; i++)
        if (!state_file_write(directory, model, NOW, &err))
            printf("%s\n", err.text);
    model_unref(model);
    return err.code == ERR_NONE ? arg : NULL;
}

static void test_two_writers_in_one_directory(void **unused)
{
    char directory[] = "/tmp/tidblink-test-state-XXXXXX";
    char path[128];
    pthread_t threads[2];
    void *done;
    struct err err;
    struct model *back;
    assert_non_null(mkdtemp(directory));
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, write_often, directory), 0);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(pthread_join(threads[i], &done), 0);
        assert_non_null(done);
    }
    assert_true(state_file_read(state_file_path(directory, path, sizeof(path)), &back, &err));
    model_unref(back);
    unlink(path);
    assert_int_equal(rmdir(directory), 0); // nothing is left over
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_comparing_leaves_answer_times_out),
        cmocka_unit_test(test_cut_at_every_byte),
        cmocka_unit_test(test_foreign_documents),
        cmocka_unit_test(test_files),
        cmocka_unit_test(test_two_writers_in_one_directory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
