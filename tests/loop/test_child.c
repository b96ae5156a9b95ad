// SPDX-License-Identifier: Apache-2.0
//
// Child processes: every way in which a program can end, and that nothing of it is left behind.
#include "base/child.h"
#include "base/clock.h"
#include "base/cursor.h"
#include "base/err.h"
#include "base/loop.h"
#include "base/os.h"

#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { LONG_MS = 20000, OUT_LIMIT = 1024 };

// What a run of one child left, copied out of its callback.
struct outcome {
    struct loop *loop;
    unsigned calls;
    bool failed;
    struct err err;
    int exit_code;
    char out[OUT_LIMIT + 1];
    size_t out_len;
    char errors[4 * 4096 + 1];
};

static void on_end(void *arg, const struct child_result *result, const struct err *err)
{
    struct outcome *outcome = arg;
    outcome->calls++;
    assert_true((result == NULL) == (err != NULL));
    if (result) {
        assert_int_equal(result->out[result->out_len], '\0');
        outcome->exit_code = result->exit_code;
        outcome->out_len = result->out_len;
        memcpy(outcome->out, result->out, result->out_len + 1);
        snprintf(outcome->errors, sizeof(outcome->errors), "%s", result->errors);
    }
    if (err) {
        outcome->failed = true;
        outcome->err = *err;
    }
    loop_stop(outcome->loop);
}

static void assert_no_children(void)
{
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
    assert_int_equal(errno, ECHILD);
}

// Runs `spec` to its end; fails the test if it does not start.
static struct outcome run_spec(const struct child_spec *spec)
{
    struct err err = { 0 };
    struct outcome outcome = { .loop = loop_new("test", &err) };
    assert_non_null(outcome.loop);
    assert_non_null(child_start(outcome.loop, spec, on_end, &outcome, &err));
    assert_int_equal(outcome.calls, 0);
    loop_run(outcome.loop);
    loop_free(outcome.loop);
    assert_int_equal(outcome.calls, 1);
    assert_no_children();
    return outcome;
}

// How the tests below start their programs: they run twice, once for each way.
static bool dies_with_us;

static int bind_to_us(void **state)
{
    (void)state;
    dies_with_us = true;
    return 0;
}

static struct outcome run(const char *script, uint64_t timeout_ms)
{
    const char *const argv[] = { "sh", "-c", script, NULL };
    const struct child_spec spec = {
        .argv = argv,
        .timeout_ms = timeout_ms,
        .out_limit = OUT_LIMIT,
        .dies_with_us = dies_with_us,
    };
    return run_spec(&spec);
}

static void test_exit_code_and_output_come_back(void **state)
{
    (void)state;
    struct outcome outcome = run("echo out; printf 'bad\\033[1m\\nworse' >&2; exit 7", LONG_MS);
    assert_false(outcome.failed);
    assert_int_equal(outcome.exit_code, 7);
    assert_string_equal(outcome.out, "out\n");
    assert_int_equal(outcome.out_len, 4);
    assert_string_equal(outcome.errors, "bad\\x1b[1m\\nworse");
}

static void test_a_signal_is_128_and_its_number(void **state)
{
    (void)state;
    struct outcome outcome = run("kill -TERM $$", LONG_MS);
    assert_false(outcome.failed);
    assert_int_equal(outcome.exit_code, 128 + SIGTERM);
    assert_string_equal(outcome.out, "");
    assert_string_equal(outcome.errors, "");
}

static void test_standard_input_is_empty(void **state)
{
    (void)state;
    struct outcome outcome = run("cat; echo end", LONG_MS);
    assert_string_equal(outcome.out, "end\n");
}

static void test_signals_are_as_new(void **state)
{
    (void)state;
    sigset_t term;
    sigset_t before;
    sigemptyset(&term);
    sigaddset(&term, SIGTERM);
    sigprocmask(SIG_BLOCK, &term, &before);
    struct sigaction ignore = { .sa_handler = SIG_IGN };
    struct sigaction old;
    sigaction(SIGPIPE, &ignore, &old);
    struct outcome blocked = run("kill -TERM $$; echo survived", LONG_MS);
    struct outcome ignored = run("kill -PIPE $$; echo survived", LONG_MS);
    sigaction(SIGPIPE, &old, NULL);
    sigprocmask(SIG_SETMASK, &before, NULL);
    assert_int_equal(blocked.exit_code, 128 + SIGTERM);
    assert_int_equal(ignored.exit_code, 128 + SIGPIPE);
}

static void test_the_environment_is_the_given_one(void **state)
{
    (void)state;
    const char *const argv[] = { "env", NULL };
    const char *const env[] = { "ONLY=this", NULL };
    const struct child_spec spec = {
        .argv = argv,
        .env = env,
        .timeout_ms = LONG_MS,
        .out_limit = OUT_LIMIT,
        .dies_with_us = dies_with_us,
    };
    assert_string_equal(run_spec(&spec).out, "ONLY=this\n");
}

static void test_output_up_to_the_limit_is_kept(void **state)
{
    (void)state;
    struct outcome outcome = run("head -c 1024 /dev/zero | tr '\\0' x", LONG_MS);
    assert_false(outcome.failed);
    assert_int_equal(outcome.out_len, OUT_LIMIT);
}

static void test_output_over_the_limit_ends_it(void **state)
{
    (void)state;
    struct outcome outcome = run("yes", LONG_MS);
    assert_true(outcome.failed);
    assert_int_equal(outcome.err.code, ERR_CHILD);
    assert_string_equal(
        outcome.err.text, "sh wrote more than 1024 bytes of output and was stopped");
}

static void test_output_over_the_limit_is_seen_after_the_end(void **state)
{
    (void)state;
    struct outcome outcome = run("head -c 1025 /dev/zero", LONG_MS);
    assert_true(outcome.failed);
    assert_int_equal(outcome.err.code, ERR_CHILD);
}

static void test_errors_keep_their_tail(void **state)
{
    (void)state;
    struct outcome outcome =
        run("head -c 100000 /dev/zero | tr '\\0' x >&2; printf end >&2", LONG_MS);
    assert_false(outcome.failed);
    size_t len = strlen(outcome.errors);
    assert_int_equal(len, 4096);
    assert_string_equal(outcome.errors + len - 4, "xend");
}

static void test_past_the_deadline_it_is_killed(void **state)
{
    (void)state;
    uint64_t before_ms = clock_ms();
    struct outcome outcome = run("trap '' TERM; sleep 60; :", 50);
    assert_true(clock_ms() - before_ms < LONG_MS);
    assert_true(outcome.failed);
    assert_int_equal(outcome.err.code, ERR_CHILD);
    assert_string_equal(outcome.err.text, "sh did not end within 50 ms and was stopped");
}

// What the program started holds the writing end of a pipe, so its end is the pipe's.
static void test_what_it_started_is_killed_as_well(void **state)
{
    (void)state;
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    struct err err = { 0 };
    struct outcome outcome = { .loop = loop_new("test", &err) };
    const char *const argv[] = { "sh", "-c", "sleep 60 & wait", NULL };
    const struct child_spec spec = {
        .argv = argv, .timeout_ms = 50, .out_limit = OUT_LIMIT, .dies_with_us = dies_with_us
    };
    assert_non_null(child_start(outcome.loop, &spec, on_end, &outcome, &err));
    close(ends[1]);
    loop_run(outcome.loop);
    loop_free(outcome.loop);
    assert_true(outcome.failed);
    struct pollfd end = { .fd = ends[0] };
    assert_int_equal(poll(&end, 1, LONG_MS), 1);
    assert_true(end.revents & POLLHUP);
    close(ends[0]);
    assert_no_children();
}

static void test_a_grandchild_with_the_pipes_is_not_waited_for(void **state)
{
    (void)state;
    uint64_t before_ms = clock_ms();
    uint64_t grandchild = 0;
    struct outcome outcome = run("sleep 60 & printf $!", LONG_MS);
    assert_true(clock_ms() - before_ms < LONG_MS);
    assert_false(outcome.failed);
    assert_true(parse_uint(outcome.out, 2, INT32_MAX, &grandchild));
    kill((pid_t)grandchild, SIGKILL);
}

static void test_a_missing_program_does_not_start(void **state)
{
    (void)state;
    struct err err = { 0 };
    struct outcome outcome = { .loop = loop_new("test", &err) };
    const char *const argv[] = { "tidblink-no-such-program", NULL };
    const struct child_spec spec = {
        .argv = argv, .timeout_ms = LONG_MS, .out_limit = OUT_LIMIT, .dies_with_us = dies_with_us
    };
    assert_null(child_start(outcome.loop, &spec, on_end, &outcome, &err));
    assert_int_equal(err.code, ERR_CHILD);
    assert_string_equal(err.text, "cannot find the program tidblink-no-such-program: install it, "
                                  "or add its folder to PATH");
    loop_free(outcome.loop);
    assert_int_equal(outcome.calls, 0);
    assert_no_children();
}

static void test_a_cancelled_child_is_gone_at_once(void **state)
{
    (void)state;
    struct err err = { 0 };
    struct outcome outcome = { .loop = loop_new("test", &err) };
    const char *const argv[] = { "sleep", "60", NULL };
    const struct child_spec spec = {
        .argv = argv, .timeout_ms = LONG_MS, .out_limit = OUT_LIMIT, .dies_with_us = dies_with_us
    };
    struct child *child = child_start(outcome.loop, &spec, on_end, &outcome, &err);
    assert_non_null(child);
    child_cancel(child);
    assert_no_children();
    child_cancel(NULL);
    loop_free(outcome.loop);
    assert_int_equal(outcome.calls, 0);
}

// ---- with a stream ------------------------------------------------------------------------------

static struct child *start_with_stream(struct outcome *outcome, const char *script, int *out_fd)
{
    int fds[2];
    struct err err = { 0 };
    const char *const argv[] = { "sh", "-c", script, NULL };
    assert_true(os_socketpair(fds));
    const struct child_spec spec = {
        .argv = argv, .dies_with_us = true, .has_stream = true, .stream_fd = fds[1]
    };
    outcome->loop = loop_new("test", &err);
    struct child *child = child_start(outcome->loop, &spec, on_end, outcome, &err);
    assert_non_null(child);
    close(fds[1]);
    *out_fd = fds[0];
    return child;
}

static void test_a_stream_is_its_input_and_output(void **state)
{
    char bytes[64];
    int fd;
    struct outcome outcome = { 0 };
    (void)state;
    start_with_stream(&outcome, "cat; echo end; echo why >&2; exit 3", &fd);
    assert_int_equal(write(fd, "hello ", 6), 6);
    assert_int_equal(shutdown(fd, SHUT_WR), 0);
    loop_run(outcome.loop);
    assert_int_equal(outcome.exit_code, 3);
    assert_string_equal(outcome.errors, "why\\n");
    assert_int_equal(outcome.out_len, 0);
    assert_int_equal(recv(fd, bytes, sizeof(bytes), MSG_WAITALL), 10);
    assert_memory_equal(bytes, "hello end\n", 10);
    close(fd);
    loop_free(outcome.loop);
    assert_no_children();
}

static void test_a_signal_reaches_its_group(void **state)
{
    char byte;
    int fd;
    struct outcome outcome = { 0 };
    (void)state;
    struct child *child = start_with_stream(&outcome, "sleep 60 & printf x; wait", &fd);
    assert_int_equal(read(fd, &byte, 1), 1);
    child_signal(child, SIGTERM);
    loop_run(outcome.loop);
    assert_int_equal(outcome.exit_code, 128 + SIGTERM);
    assert_int_equal(read(fd, &byte, 1), 0); // nobody holds the other end
    close(fd);
    loop_free(outcome.loop);
    assert_no_children();
}

static void test_none_of_our_descriptors_goes_with_a_stream(void **state)
{
    int fd;
    struct outcome outcome = { 0 };
    (void)state;
    int open_fd = dup(STDERR_FILENO); // without close-on-exec
    char script[64];
    snprintf(script, sizeof(script), "test ! -e /proc/$$/fd/%d", open_fd);
    start_with_stream(&outcome, script, &fd);
    loop_run(outcome.loop);
    assert_int_equal(outcome.exit_code, 0);
    close(open_fd);
    close(fd);
    loop_free(outcome.loop);
    assert_no_children();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exit_code_and_output_come_back),
        cmocka_unit_test(test_a_signal_is_128_and_its_number),
        cmocka_unit_test(test_standard_input_is_empty),
        cmocka_unit_test(test_signals_are_as_new),
        cmocka_unit_test(test_the_environment_is_the_given_one),
        cmocka_unit_test(test_output_up_to_the_limit_is_kept),
        cmocka_unit_test(test_output_over_the_limit_ends_it),
        cmocka_unit_test(test_output_over_the_limit_is_seen_after_the_end),
        cmocka_unit_test(test_errors_keep_their_tail),
        cmocka_unit_test(test_past_the_deadline_it_is_killed),
        cmocka_unit_test(test_what_it_started_is_killed_as_well),
        cmocka_unit_test(test_a_grandchild_with_the_pipes_is_not_waited_for),
        cmocka_unit_test(test_a_missing_program_does_not_start),
        cmocka_unit_test(test_a_cancelled_child_is_gone_at_once),
    };
    const struct CMUnitTest streams[] = {
        cmocka_unit_test(test_a_stream_is_its_input_and_output),
        cmocka_unit_test(test_a_signal_reaches_its_group),
        cmocka_unit_test(test_none_of_our_descriptors_goes_with_a_stream),
    };
    return cmocka_run_group_tests_name("with a stream", streams, NULL, NULL) +
           cmocka_run_group_tests_name("free to outlive us", tests, NULL, NULL) +
           cmocka_run_group_tests_name("bound to us", tests, bind_to_us, NULL);
}
