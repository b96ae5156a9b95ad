// SPDX-License-Identifier: Apache-2.0
//
// A pidfd is readable once its process has ended: pidfd_open(2). The loop's thread only.
#include "base/exit_watch.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

static void on_ended(struct watch *watch, unsigned what)
{
    struct exit_watch *exit_watch = CONTAINER_OF(watch, struct exit_watch, watch);
    (void)what;
    exit_watch->fn(exit_watch);
}

int exit_watch_start(struct exit_watch *watch, struct loop *loop, pid_t pid, exit_fn fn)
{
    *watch = (struct exit_watch){ .pid = pid, .fn = fn, .fd = pidfd_open(pid, 0) };
    if (watch->fd < 0)
        return errno;
    watch_init(&watch->watch, loop, watch->fd, on_ended);
    watch_want(&watch->watch, WATCH_READ);
    return 0;
}

int exit_watch_reap(struct exit_watch *watch)
{
    siginfo_t end = { 0 };
    while (waitid(P_PIDFD, (id_t)watch->fd, &end, WEXITED) < 0) {
        if (errno != EINTR)
            abort(); // somebody else reaped our child
    }
    watch_stop(&watch->watch);
    close(watch->fd);
    watch->fd = -1;
    return end.si_code == CLD_EXITED ? end.si_status : 128 + end.si_status;
}
