// SPDX-License-Identifier: Apache-2.0
//
// Runs a program in the foreground and says when it has ended. Used by app/connect_run.c.
#include "base/foreground.h"

#include "base/child_spawn.h"
#include "base/err.h"
#include "base/exit_watch.h"
#include "base/loop.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

struct foreground {
    struct loop *loop;
    pid_t pid; // ours until exit_watch_reap
    struct exit_watch exit_watch;
    struct deferred freeing;
    foreground_fn fn;
    void *arg;
};

void foreground_note(struct foreground_legacy *out)
{
    enum { LAST_FD = 255 }; // beyond what any shell gives away
    *out = (struct foreground_legacy){ 0 };
    // Cannot fail.
    (void)getrlimit(RLIMIT_NOFILE, &out->files);
    for (int fd = STDERR_FILENO + 1; fd <= LAST_FD && out->fd_count < FOREGROUND_FDS_MAX; fd++) {
        int flags = fcntl(fd, F_GETFD);
        if (flags >= 0 && !(flags & FD_CLOEXEC))
            out->fds[out->fd_count++] = fd;
    }
}

static void on_freeing(struct deferred *deferred)
{
    free(CONTAINER_OF(deferred, struct foreground, freeing));
}

static void on_exit_seen(struct exit_watch *watch)
{
    struct foreground *foreground = CONTAINER_OF(watch, struct foreground, exit_watch);
    int exit_code = exit_watch_reap(watch);
    loop_defer(foreground->loop, &foreground->freeing, on_freeing);
    foreground->fn(foreground->arg, exit_code);
}

// The errno, 0 on success.
static int launch(struct foreground *foreground, const struct foreground_spec *spec)
{
    int sys = child_spawn_foreground(spec, &foreground->pid);
    if (sys != 0)
        return sys;
    sys =
        exit_watch_start(&foreground->exit_watch, foreground->loop, foreground->pid, on_exit_seen);
    if (sys == 0)
        return 0;
    (void)kill(foreground->pid, SIGKILL);
    while (waitpid(foreground->pid, NULL, 0) < 0 && errno == EINTR)
        continue;
    return sys;
}

struct foreground *foreground_start(struct loop *loop, const struct foreground_spec *spec,
    foreground_fn fn, void *arg, struct err *err)
{
    struct foreground *foreground = calloc(1, sizeof(*foreground));
    if (!foreground) {
        err_set(err, ERR_MEMORY, "out of memory for running %s", spec->argv[0]);
        return NULL;
    }
    *foreground = (struct foreground){ .loop = loop, .fn = fn, .arg = arg };
    int sys = launch(foreground, spec);
    if (sys != 0) {
        err_sys(err, ERR_CHILD, sys, "cannot run %s", spec->argv[0]);
        free(foreground);
        return NULL;
    }
    return foreground;
}

void foreground_signal(struct foreground *foreground, int number)
{
    // It is not reaped yet, so the number is still its own; one that has ended takes no signal.
    (void)kill(foreground->pid, number);
}
