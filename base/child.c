// SPDX-License-Identifier: Apache-2.0
//
// Child processes on a loop. The end of the program (exit_watch.h) is the end of the story: what
// it wrote is in the pipes by then, and a grandchild that keeps them open is not waited for. Every
// way out leads through exit_watch_reap. The loop's thread only.
#include "base/child.h"

#include "base/buf.h"
#include "base/child_spawn.h"
#include "base/err.h"
#include "base/exit_watch.h"
#include "base/loop.h"
#include "base/os.h"
#include "base/spawner.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    ERRORS_BYTES = 4 * 1024,
    READ_BYTES = 16 * 1024,
    NAME_BYTES = 64,
    WHAT_BYTES = 64,
    LAST_READS = 64
};

struct child {
    struct loop *loop;
    char name[NAME_BYTES]; // of the program, for errors
    pid_t pid;             // its process group, too; ours until exit_watch_reap; 0 with a line
    int line;              // to the spawner, which knows the process; -1: it is ours
    int out_fd;
    int errors_fd;
    struct exit_watch exit_watch;
    struct watch line_watch;
    struct watch out_watch;
    struct watch errors_watch;
    struct timer deadline;
    uint64_t timeout_ms;
    struct buf out;
    struct buf errors;  // the tail
    struct err failure; // why it was killed; ERR_NONE while all is well
    struct deferred freeing;
    child_fn fn; // NULL once called or cancelled
    void *arg;
};

// ---- end ----------------------------------------------------------------------------------------

static void close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

static void on_freeing(struct deferred *deferred)
{
    struct child *child = CONTAINER_OF(deferred, struct child, freeing);
    buf_done(&child->out);
    buf_done(&child->errors);
    free(child);
}

// Nothing is watched, open or running afterwards; the memory goes at the end of the turn, because a
// callback of ours may stand on it.
static void child_end(struct child *child)
{
    watch_stop(&child->out_watch);
    watch_stop(&child->errors_watch);
    watch_stop(&child->line_watch);
    timer_stop(&child->deadline);
    close_fd(&child->line);
    close_fd(&child->out_fd);
    close_fd(&child->errors_fd);
    loop_defer(child->loop, &child->freeing, on_freeing);
}

// Its whole process group: the AWS CLI is often a wrapper script.
static void signal_group(const struct child *child, int number)
{
    if (child->line >= 0)
        spawner_signal(child->line, number);
    else
        (void)kill(-child->pid, number);
}

static void kill_group(const struct child *child)
{
    signal_group(child, SIGKILL);
}

// ---- output -------------------------------------------------------------------------------------

// Ends the program early; on_exit_seen reports why. The first failure stands.
static void fail(struct child *child, const char *what)
{
    if (child->failure.code != ERR_NONE)
        return;
    err_set(&child->failure, ERR_CHILD, "%s %s and was stopped", child->name, what);
    kill_group(child);
}

static void take_out(struct child *child, const char *bytes, size_t len)
{
    char what[WHAT_BYTES];
    if (buf_append(&child->out, bytes, len))
        return;
    snprintf(what, sizeof(what), "wrote more than %zu bytes of output", child->out.limit);
    fail(child, what);
}

static void take_errors(struct child *child, const char *bytes, size_t len)
{
    size_t room = buf_room(&child->errors);
    if (len > ERRORS_BYTES) {
        bytes += len - ERRORS_BYTES;
        len = ERRORS_BYTES;
    }
    if (len > room)
        buf_consume(&child->errors, len - room);
    if (!buf_append(&child->errors, bytes, len)) {
        // Out of memory: what was kept is lost, the program's exit code still tells.
        buf_done(&child->errors);
    }
}

typedef void (*take_fn)(struct child *child, const char *bytes, size_t len);

// At most `reads` times: a program may write faster than we read. Closes the pipe at its end.
static void drain(struct child *child, struct watch *watch, int *fd, take_fn take, int reads)
{
    char bytes[READ_BYTES];
    for (; *fd >= 0 && reads > 0; reads--) {
        ssize_t got = read(*fd, bytes, sizeof(bytes));
        if (got > 0) {
            take(child, bytes, (size_t)got);
            continue;
        }
        if (got < 0 && (errno == EAGAIN || errno == EINTR))
            return;
        watch_stop(watch);
        close_fd(fd);
    }
}

static void on_out(struct watch *watch, unsigned what)
{
    struct child *child = CONTAINER_OF(watch, struct child, out_watch);
    (void)what;
    drain(child, watch, &child->out_fd, take_out, 1);
}

static void on_errors(struct watch *watch, unsigned what)
{
    struct child *child = CONTAINER_OF(watch, struct child, errors_watch);
    (void)what;
    drain(child, watch, &child->errors_fd, take_errors, 1);
}

static void on_deadline(struct timer *timer)
{
    struct child *child = CONTAINER_OF(timer, struct child, deadline);
    char what[WHAT_BYTES];
    snprintf(what, sizeof(what), "did not end within %" PRIu64 " ms", child->timeout_ms);
    fail(child, what);
}

// For an error text of one line: control characters as \n or \x1b. The caller frees; NULL out of
// memory.
static char *escape(const struct buf *buf)
{
    static const char digits[] = "0123456789abcdef";
    size_t len = buf_len(buf);
    char *text = malloc(len * strlen("\\x1b") + 1);
    char *to = text;
    for (size_t i = 0; text && i < len; i++) {
        unsigned char byte = (unsigned char)buf_head(buf)[i];
        if (!iscntrl(byte)) {
            *to++ = (char)byte;
            continue;
        }
        *to++ = '\\';
        if (byte == '\n') {
            *to++ = 'n';
            continue;
        }
        *to++ = 'x';
        *to++ = digits[byte >> 4];
        *to++ = digits[byte & 0xf];
    }
    if (text)
        *to = '\0';
    return text;
}

static void report(struct child *child, int exit_code)
{
    drain(child, &child->out_watch, &child->out_fd, take_out, LAST_READS);
    drain(child, &child->errors_watch, &child->errors_fd, take_errors, LAST_READS);
    struct child_result result = { .exit_code = exit_code, .out_len = buf_len(&child->out) };
    result.out = buf_take_text(&child->out);
    result.errors = escape(&child->errors);
    if (!result.out || !result.errors)
        err_set(&child->failure, ERR_MEMORY, "out of memory for the output of %s", child->name);
    child_fn fn = child->fn;
    child->fn = NULL;
    child_end(child);
    if (child->failure.code == ERR_NONE)
        fn(child->arg, &result, NULL);
    else
        fn(child->arg, NULL, &child->failure);
    free(result.out);
    free(result.errors);
}

static void on_exit_seen(struct exit_watch *watch)
{
    struct child *child = CONTAINER_OF(watch, struct child, exit_watch);
    report(child, exit_watch_reap(watch));
}

static void on_line(struct watch *watch, unsigned what)
{
    struct child *child = CONTAINER_OF(watch, struct child, line_watch);
    int exit_code;
    (void)what;
    if (spawner_has_ended(child->line, &exit_code))
        report(child, exit_code);
}

// ---- start --------------------------------------------------------------------------------------

// Runs the program and leaves our ends in child; the errno, 0 on success. Our ends and the program,
// if it runs, are the caller's to end in any case.
static int launch(struct child *child, const struct child_spec *spec)
{
    int out[2] = { -1, -1 };
    int errors[2] = { -1, -1 };
    int sys = 0;
    if ((!spec->has_stream && !os_pipe(out)) || !os_pipe(errors))
        sys = errno;
    child->out_fd = out[0];
    child->errors_fd = errors[0];
    if (sys == 0 && ((out[0] >= 0 && fcntl(out[0], F_SETFL, O_NONBLOCK) < 0) ||
                        fcntl(errors[0], F_SETFL, O_NONBLOCK) < 0))
        sys = errno;
    int child_out = spec->has_stream ? spec->stream_fd : out[1];
    if (sys == 0 && spawner_is_there())
        sys = spawner_run(spec, child_out, errors[1], &child->line);
    else if (sys == 0)
        sys = child_spawn(spec, child_out, errors[1], &child->pid);
    close_fd(&out[1]);
    close_fd(&errors[1]);
    if (sys != 0 || child->line >= 0)
        return sys;
    sys = exit_watch_start(&child->exit_watch, child->loop, child->pid, on_exit_seen);
    if (sys == 0)
        return 0;
    kill_group(child);
    while (waitpid(child->pid, NULL, 0) < 0 && errno == EINTR)
        continue;
    return sys;
}

static void watch_all(struct child *child)
{
    watch_init(&child->out_watch, child->loop, child->out_fd, on_out);
    watch_init(&child->line_watch, child->loop, child->line, on_line);
    watch_init(&child->errors_watch, child->loop, child->errors_fd, on_errors);
    timer_init(&child->deadline, child->loop, on_deadline);
    if (child->out_fd >= 0)
        watch_want(&child->out_watch, WATCH_READ);
    watch_want(&child->errors_watch, WATCH_READ);
    if (child->line >= 0)
        watch_want(&child->line_watch, WATCH_READ);
    if (child->timeout_ms)
        timer_start(&child->deadline, child->timeout_ms);
}

static void explain_start(int sys, const char *name, struct err *err)
{
    if (sys == EPIPE && spawner_is_there())
        err_set(err, ERR_CHILD,
            "cannot run %s: the process that starts programs has ended, and only a restart of "
            "tidblink makes another one",
            name);
    else if (sys == ECONNABORTED && spawner_is_there())
        err_set(err, ERR_CHILD,
            "cannot run %s: the process that starts programs was killed meanwhile: try again",
            name);
    else if (sys == ENOENT)
        err_set(err, ERR_CHILD, "cannot find the program %s: install it, or add its folder to PATH",
            name);
    else
        err_sys(err, ERR_CHILD, sys, "cannot run %s", name);
    if (err)
        err->sys = sys;
}

struct child *child_start(
    struct loop *loop, const struct child_spec *spec, child_fn fn, void *arg, struct err *err)
{
    struct child *child = calloc(1, sizeof(*child));
    if (!child) {
        err_set(err, ERR_MEMORY, "out of memory for running %s", spec->argv[0]);
        return NULL;
    }
    *child = (struct child){
        .loop = loop,
        .line = -1,
        .timeout_ms = spec->timeout_ms,
        .fn = fn,
        .arg = arg,
    };
    snprintf(child->name, sizeof(child->name), "%s", spec->argv[0]);
    buf_init(&child->out, spec->out_limit);
    buf_init(&child->errors, ERRORS_BYTES);
    int sys = launch(child, spec);
    if (sys == 0) {
        watch_all(child);
        return child;
    }
    explain_start(sys, child->name, err);
    close_fd(&child->out_fd);
    close_fd(&child->errors_fd);
    free(child);
    return NULL;
}

void child_signal(struct child *child, int number)
{
    // It is not reaped before fn is called, so the number is still its own.
    if (child->fn)
        signal_group(child, number);
}

void child_cancel(struct child *child)
{
    if (!child || !child->fn)
        return;
    child->fn = NULL;
    kill_group(child);
    if (child->line < 0)
        exit_watch_reap(&child->exit_watch);
    child_end(child);
}
