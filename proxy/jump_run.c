// SPDX-License-Identifier: Apache-2.0
//
// queue -> launch -> the first byte, or why it does not come. Called by dial.c.
#include "proxy/jump_run.h"

#include "base/err.h"
#include "base/loop.h"
#include "base/net.h"
#include "base/os.h"
#include "proxy/jump_child.h"
#include "proxy/jump_words.h"
#include "proxy/refusal.h"
#include "proxy/via.h"
#include "proxy/view.h"
#include "proxy/worker.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    SSH_STARTS = 8,       // at a time, of all workers
    COMMAND_STARTS = 32,  // the same
    LAST_WORDS_MS = 1000, // from the end of a program's stream to its own
    WHAT_BYTES = 320,
};

struct jump_run {
    struct jump_plan plan;
    int fd;       // our end, the caller's
    int child_fd; // the program's, until it runs; -1
    bool is_queued, is_starting;
    bool is_alone; // ssh without its master
    struct watch watch;
    struct timer timer; // after the stream's end; 0: the program could not be started
    struct err failure; // why not
    TAILQ_ENTRY(jump_run) link;
    struct deferred freeing;
};

static struct jump_children *children_of(const struct jump_run *run)
{
    return run->plan.worker->io.children;
}

static const struct via *via_of(const struct jump_run *run)
{
    return run->plan.view->via;
}

// ---- whose turn it is ---------------------------------------------------------------------------

static void launch(struct jump_run *run);

static size_t starts_max(const struct jump_run *run)
{
    size_t all = via_of(run)->kind == VIA_SSH ? SSH_STARTS : COMMAND_STARTS;
    size_t share = all / run->plan.worker->worker_count;
    return share ? share : 1;
}

static void launch_next(struct jump_children *children)
{
    struct jump_run *run;
    // When all connections are closed one by one, the rest need not begin.
    while ((run = TAILQ_FIRST(&children->queue)) && !run->plan.worker->stopping &&
           children->starting < starts_max(run)) {
        TAILQ_REMOVE(&children->queue, run, link);
        run->is_queued = false;
        launch(run);
    }
}

// It is over, one way or another: the next one may start.
static void leave(struct jump_run *run)
{
    struct jump_children *children = children_of(run);
    watch_stop(&run->watch);
    timer_stop(&run->timer);
    jump_child_tell(children, run->fd, NULL, NULL);
    if (run->is_queued)
        TAILQ_REMOVE(&children->queue, run, link);
    run->is_queued = false;
    children->starting -= run->is_starting;
    run->is_starting = false;
    launch_next(children);
}

static void finish(struct jump_run *run, const struct err *err)
{
    leave(run);
    run->plan.fn(run->plan.arg, err);
}

// ---- why it does not come -----------------------------------------------------------------------

static void fail(struct jump_run *run, const char *what)
{
    struct err err;
    char next[WHAT_BYTES];
    jump_words_try(via_of(run), next, sizeof(next));
    refusal_jump(run->plan.view, what, next, &err);
    finish(run, &err);
}

static bool has_first_byte(const struct jump_run *run)
{
    char byte;
    return recv(run->fd, &byte, 1, MSG_PEEK) > 0;
}

static bool launch_alone(struct jump_run *run);

static void on_child_ended(void *arg, int exit_code, const char *said)
{
    struct jump_run *run = arg;
    struct err err;
    char what[WHAT_BYTES];
    bool is_ssh = via_of(run)->kind == VIA_SSH;
    // A server that greets and leaves, or refuses with an ERR packet, was reached.
    if (has_first_byte(run)) {
        finish(run, NULL);
        return;
    }
    if (is_ssh && !run->is_alone && jump_words_is_of_master(said) && launch_alone(run))
        return;
    if (is_ssh && strstr(said, "open failed")) {
        refusal_jump_far(run->plan.view, said, &err);
        finish(run, &err);
        return;
    }
    snprintf(what, sizeof(what), "failed: %s%s(exit code %d)", *said ? said : "it said nothing ",
        *said ? " " : "", exit_code);
    fail(run, what);
}

static void on_time_over(struct timer *timer)
{
    struct jump_run *run = CONTAINER_OF(timer, struct jump_run, timer);
    if (run->failure.code == ERR_NONE) {
        fail(run, "closed its output before the cluster's greeting");
        return;
    }
    struct err err = run->failure;
    finish(run, &err);
}

// The program's last words and its exit code are on their way.
static void on_first_byte(struct watch *watch, unsigned what)
{
    struct jump_run *run = CONTAINER_OF(watch, struct jump_run, watch);
    char byte;
    (void)what;
    ssize_t got = recv(run->fd, &byte, 1, MSG_PEEK);
    if (got < 0 && net_is_transient(errno))
        return;
    if (got > 0) {
        finish(run, NULL);
        return;
    }
    watch_want(watch, 0);
    timer_start(&run->timer, LAST_WORDS_MS);
}

// ---- start --------------------------------------------------------------------------------------

static const char *next_step(int sys)
{
    if (sys == EPIPE)
        return "Restart tidblink";
    bool may_pass =
        net_is_shortage(sys) || sys == EAGAIN || sys == ETIMEDOUT || sys == ECONNABORTED;
    return may_pass ? "Try again" : "Correct via";
}

// Not told from here: the caller may be the start of the dial.
static void fail_later(struct jump_run *run, const struct err *why)
{
    char what[WHAT_BYTES];
    snprintf(what, sizeof(what), "cannot be started: %.200s", why->text);
    refusal_jump(run->plan.view, what, next_step(why->sys), &run->failure);
    timer_start(&run->timer, 0);
}

static void launch(struct jump_run *run)
{
    struct err err;
    struct jump_words words;
    struct jump_children *children = children_of(run);
    const struct view *view = run->plan.view;
    run->is_starting = true;
    children->starting++;
    bool ok =
        jump_words_make(&words, view, run->is_alone) || err_set(&err, ERR_MEMORY, "out of memory");
    const struct jump_child_spec spec = {
        .argv = words.argv,
        .child_fd = run->child_fd,
        .fd = run->fd,
        .cluster = view->alias,
        .via = view->via->shown,
    };
    ok = ok && jump_child_start(children, &spec, &err);
    jump_words_done(&words);
    close(run->child_fd);
    run->child_fd = -1;
    if (!ok) {
        fail_later(run, &err);
        return;
    }
    jump_child_tell(children, run->fd, on_child_ended, run);
    watch_init(&run->watch, run->plan.worker->loop, run->fd, on_first_byte);
    watch_want(&run->watch, WATCH_READ);
}

// ssh's master does not take this connection, and its client does not say why it did not reach the
// far side: one of its own does, or gets there. On the same descriptor, which the dial knows.
static bool launch_alone(struct jump_run *run)
{
    int fds[2];
    struct jump_children *children = children_of(run);
    if (!os_socketpair(fds))
        return false;
    watch_stop(&run->watch);
    timer_stop(&run->timer);
    jump_child_release(children, run->fd, false);
    bool ok = fcntl(fds[0], F_SETFL, O_NONBLOCK) == 0 && dup2(fds[0], run->fd) >= 0 &&
              fcntl(run->fd, F_SETFD, FD_CLOEXEC) == 0;
    close(fds[0]);
    if (!ok) {
        close(fds[1]);
        return false;
    }
    run->child_fd = fds[1];
    run->is_alone = true;
    run->is_starting = false;
    children->starting--;
    launch(run);
    return true;
}

struct jump_run *jump_run_start(const struct jump_plan *plan, int *out_fd)
{
    int fds[2];
    struct jump_run *run = calloc(1, sizeof(*run));
    // The program's end blocks, as programs expect it.
    if (!run || !os_socketpair(fds)) {
        free(run);
        return NULL;
    }
    (void)fcntl(fds[0], F_SETFL, O_NONBLOCK);
    run->plan = *plan;
    run->fd = fds[0];
    run->child_fd = fds[1];
    *out_fd = run->fd;
    watch_init(&run->watch, plan->worker->loop, run->fd, on_first_byte);
    timer_init(&run->timer, plan->worker->loop, on_time_over);
    run->is_queued = true;
    TAILQ_INSERT_TAIL(&children_of(run)->queue, run, link);
    launch_next(children_of(run));
    return run;
}

static void on_freeing(struct deferred *deferred)
{
    free(CONTAINER_OF(deferred, struct jump_run, freeing));
}

void jump_run_end(struct jump_run *run)
{
    if (!run)
        return;
    leave(run);
    if (run->child_fd >= 0)
        close(run->child_fd);
    run->child_fd = -1;
    loop_defer(run->plan.worker->loop, &run->freeing, on_freeing);
}
