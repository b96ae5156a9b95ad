// SPDX-License-Identifier: Apache-2.0
//
// A thread per child waits for its end without reaping it (waitid(2), WNOWAIT) and writes a byte
// into a pipe. Not the pipe's end of file: a program that another thread starts at the same moment
// may inherit the other end. Not SIGCHLD: there is one handler per process, and libraries have
// opinions about it. The loop's thread only.
#include "base/exit_watch.h"

#include "base/os.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static void *wait_for_end(void *arg)
{
    const struct exit_watch *watch = arg;
    siginfo_t end;
    while (waitid(P_PID, (id_t)watch->pid, &end, WEXITED | WNOWAIT) < 0) {
        if (errno != EINTR)
            abort(); // somebody else reaped our child
    }
    while (write(watch->end_fd, "", 1) < 0) {
        if (errno != EINTR)
            abort();
    }
    return NULL;
}

static void on_ended(struct watch *watch, unsigned what)
{
    struct exit_watch *exit_watch = CONTAINER_OF(watch, struct exit_watch, watch);
    (void)what;
    exit_watch->fn(exit_watch);
}

// Signals are the main thread's.
static int start_thread(struct exit_watch *watch)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int sys = pthread_create(&watch->thread, NULL, wait_for_end, watch);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return sys;
}

static void close_pipe(struct exit_watch *watch)
{
    close(watch->fd);
    close(watch->end_fd);
    watch->fd = watch->end_fd = -1;
}

int exit_watch_start(struct exit_watch *watch, struct loop *loop, pid_t pid, exit_fn fn)
{
    int fds[2];
    if (!os_pipe(fds))
        return errno;
    *watch = (struct exit_watch){ .pid = pid, .fn = fn, .fd = fds[0], .end_fd = fds[1] };
    int sys = start_thread(watch);
    if (sys != 0) {
        close_pipe(watch);
        return sys;
    }
    watch_init(&watch->watch, loop, watch->fd, on_ended);
    watch_want(&watch->watch, WATCH_READ);
    return 0;
}

int exit_watch_reap(struct exit_watch *watch)
{
    siginfo_t end = { 0 };
    // Only when nobody waits for that number any more may it be given away.
    pthread_join(watch->thread, NULL);
    while (waitid(P_PID, (id_t)watch->pid, &end, WEXITED) < 0) {
        if (errno != EINTR)
            abort(); // somebody else reaped our child
    }
    watch_stop(&watch->watch);
    close_pipe(watch);
    return end.si_code == CLD_EXITED ? end.si_status : 128 + end.si_status;
}
