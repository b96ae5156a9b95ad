// SPDX-License-Identifier: Apache-2.0
//
// Programs that a process of its own starts: what it starts, what not, and how it ends. That
// process is this test again (main, below).
#include "base/child.h"
#include "base/err.h"
#include "base/loop.h"
#include "base/os.h"
#include "base/spawner.h"
#include "base/spawner_words.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { LONG_MS = 20000, OUT_LIMIT = 4096 };

// One of the two words behind it is fixed.
#define SCRIPT "echo \"out $0 $ADDED $INHERITED $SECRET\"; echo err >&2; exit 7"

struct outcome {
    struct loop *loop;
    bool ended, failed;
    int exit_code;
    char out[OUT_LIMIT + 1], errors[OUT_LIMIT + 1];
};

static void on_end(void *arg, const struct child_result *result, const struct err *err)
{
    struct outcome *outcome = arg;
    outcome->ended = true;
    outcome->failed = err != NULL;
    if (result) {
        outcome->exit_code = result->exit_code;
        snprintf(outcome->out, sizeof(outcome->out), "%s", result->out);
        snprintf(outcome->errors, sizeof(outcome->errors), "%s", result->errors);
    }
    loop_stop(outcome->loop);
}

static void allow(const char *const *argv, const char *const *env)
{
    struct err err;
    assert_true(spawner_allow(argv, env, &err));
}

static int start(void **state)
{
    static const char *const script[] = { "sh", "-c", SCRIPT, SPAWNER_ANY, NULL };
    static const char *const sleeper[] = { "sleep", "60", NULL };
    static const char *const missing[] = { "tidblink-no-such-program", NULL };
    static const char *const env[] = { "ADDED=added", NULL };
    struct err err;
    (void)state;
    assert_int_equal(setenv("INHERITED", "inherited", 1), 0);
    assert_int_equal(setenv("ADDED", "replaced", 1), 0);
    assert_true(spawner_start(&err));
    assert_int_equal(setenv("SECRET", "later", 1), 0);
    allow(script, env);
    allow(sleeper, NULL);
    allow(missing, NULL);
    assert_true(spawner_seal(&err));
    return 0;
}

static int end(void **state)
{
    (void)state;
    spawner_end(true);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
    assert_int_equal(errno, ECHILD);
    return 0;
}

static bool run(const char *const *argv, struct outcome *outcome, struct err *err)
{
    const struct child_spec spec = {
        .argv = argv, .timeout_ms = LONG_MS, .out_limit = OUT_LIMIT, .dies_with_us = true
    };
    *outcome = (struct outcome){ .loop = loop_new("test", err) };
    assert_non_null(outcome->loop);
    bool started = child_start(outcome->loop, &spec, on_end, outcome, err);
    if (started)
        loop_run(outcome->loop);
    loop_free(outcome->loop);
    return started;
}

static void test_what_is_allowed_runs(void **state)
{
    static const char *const argv[] = { "sh", "-c", SCRIPT, "db-1.example:4000", NULL };
    struct outcome outcome;
    struct err err;
    (void)state;
    assert_true(run(argv, &outcome, &err));
    assert_false(outcome.failed);
    assert_int_equal(outcome.exit_code, 7);
    assert_string_equal(outcome.out, "out db-1.example:4000 added inherited \n");
    assert_string_equal(outcome.errors, "err\\n");
}

static void test_what_is_not_allowed_does_not(void **state)
{
    static const char *const others[][6] = {
        { "sh", "-c", "exit 0", "a", NULL },
        { "sh", "-c", SCRIPT, NULL },
        { "sh", "-c", SCRIPT, "a", "b", NULL },
        { "sh", "-c", SCRIPT, "$(id)", NULL },
        { "sh", "-c", SCRIPT, "-option", NULL },
        { "sh", "-c", SCRIPT, "", NULL },
        { "true", NULL },
    };
    struct outcome outcome;
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(others); i++) {
        struct err err;
        assert_false(run(others[i], &outcome, &err));
        assert_int_equal(err.sys, EACCES);
    }
}

static void test_nothing_is_allowed_later(void **state)
{
    static const char *const argv[] = { "true", NULL };
    struct outcome outcome;
    struct err err;
    (void)state;
    allow(argv, NULL);
    assert_false(run(argv, &outcome, &err));
}

static void test_a_program_that_is_missing(void **state)
{
    static const char *const argv[] = { "tidblink-no-such-program", NULL };
    struct outcome outcome;
    struct err err;
    (void)state;
    assert_false(run(argv, &outcome, &err));
    assert_non_null(strstr(err.text, "cannot find the program"));
}

static struct child *start_sleeper(struct outcome *outcome)
{
    static const char *const argv[] = { "sleep", "60", NULL };
    const struct child_spec spec = { .argv = argv, .out_limit = OUT_LIMIT, .dies_with_us = true };
    struct err err;
    *outcome = (struct outcome){ .loop = loop_new("test", &err) };
    assert_non_null(outcome->loop);
    struct child *child = child_start(outcome->loop, &spec, on_end, outcome, &err);
    assert_non_null(child);
    return child;
}

static void test_a_signal(void **state)
{
    struct outcome outcome;
    (void)state;
    child_signal(start_sleeper(&outcome), SIGTERM);
    loop_run(outcome.loop);
    loop_free(outcome.loop);
    assert_int_equal(outcome.exit_code, 128 + SIGTERM);
}

// Its standard error is a pipe of ours, which ends with it.
static void test_a_program_ends_with_its_line(void **state)
{
    static const char *const argv[] = { "sleep", "60", NULL };
    const struct child_spec spec = { .argv = argv, .dies_with_us = true };
    int out[2] = { -1, -1 }, errors[2] = { -1, -1 }, line = -1;
    char byte;
    (void)state;
    assert_true(os_pipe(out) && os_pipe(errors));
    assert_int_equal(spawner_run(&spec, out[1], errors[1], &line), 0);
    close(out[1]);
    close(errors[1]);
    close(line);
    assert_int_equal(read(errors[0], &byte, 1), 0);
    close(out[0]);
    close(errors[0]);
}

static void test_a_cancelled_program_is_killed(void **state)
{
    struct outcome outcome;
    (void)state;
    child_cancel(start_sleeper(&outcome));
    loop_free(outcome.loop);
    assert_false(outcome.ended);
}

static void test_words(void **state)
{
    static const struct {
        const char *allowed, *word;
        bool fits;
    } rows[] = {
        { "ssh", "ssh", true },
        { "ssh", "ss", false },
        { "ssh", "sshd", false },
        { SPAWNER_ANY, "10.0.0.1", true },
        { SPAWNER_ANY, "-oProxyCommand=id", false },
        { SPAWNER_ANY, "a b", false },
        { SPAWNER_ANY, "a,b", false },
        { SPAWNER_ANY ":" SPAWNER_ANY, "[fd00::1]:4000", true },
        { SPAWNER_ANY ":" SPAWNER_ANY, "host", false },
        { "Name=vpc-id,Values=" SPAWNER_ANY, "Name=vpc-id,Values=vpc-0a", true },
        { "Name=vpc-id,Values=" SPAWNER_ANY, "Name=vpc-id,Values=", false },
        { "Name=vpc-id,Values=" SPAWNER_ANY, "Name=vpc-id,Values=a,Name=b", false },
        { "a" SPAWNER_ANY "b", "axb", true },
        { "a" SPAWNER_ANY "b", "abbb", true },
        { "a" SPAWNER_ANY "b", "axbc", false },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        assert_int_equal(spawner_fits(rows[i].allowed, rows[i].word), rows[i].fits);
}

static void test_packets(void **state)
{
    static const char *const argv[] = { "a", "", "b c", NULL };
    static const char *const env[] = { "X=1", NULL };
    static struct spawner_packet packet;
    static struct spawner_lists lists;
    (void)state;
    assert_true(spawner_put(&packet, argv, env));
    assert_true(spawner_read(&packet, &lists));
    for (size_t i = 0; argv[i]; i++)
        assert_string_equal(lists.argv[i], argv[i]);
    assert_null(lists.argv[3]);
    assert_string_equal(lists.env[0], "X=1");
    assert_null(lists.env[1]);
    for (size_t len = 0; len < packet.len; len++) {
        struct spawner_packet cut = packet;
        cut.len = len;
        assert_false(spawner_read(&cut, &lists));
    }
    packet.head.argv_count = UINT16_MAX;
    assert_false(spawner_read(&packet, &lists));
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], SPAWNER_COMMAND) == 0 && spawner_is_called())
        return spawner_serve();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_words),
        cmocka_unit_test(test_packets),
        cmocka_unit_test_setup_teardown(test_what_is_allowed_runs, start, end),
        cmocka_unit_test_setup_teardown(test_what_is_not_allowed_does_not, start, end),
        cmocka_unit_test_setup_teardown(test_nothing_is_allowed_later, start, end),
        cmocka_unit_test_setup_teardown(test_a_program_that_is_missing, start, end),
        cmocka_unit_test_setup_teardown(test_a_signal, start, end),
        cmocka_unit_test_setup_teardown(test_a_program_ends_with_its_line, start, end),
        cmocka_unit_test_setup_teardown(test_a_cancelled_program_is_killed, start, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
