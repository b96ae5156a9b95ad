// SPDX-License-Identifier: Apache-2.0
//
// The end of a child process, on a loop: no SIGCHLD handler, so that any loop may have children.
// Linux: pidfd_open(2). Elsewhere a thread waits for it. Used by child.c and foreground.c; the
// loop's thread only.
#pragma once

#include "base/loop.h"

#include <pthread.h>
#include <sys/types.h>

struct exit_watch;
typedef void (*exit_fn)(struct exit_watch *watch);
// Embedded in its owner, which the callback finds with CONTAINER_OF.
struct exit_watch {
    struct watch watch;
    exit_fn fn;
    pid_t pid;
    int fd;           // readable once the program has ended
    pthread_t thread; // the portable way
    int end_fd;       // of that thread
};

// fn is called once the program has ended, again and again until exit_watch_reap. The errno, 0 on
// success; on failure the child is still the caller's to reap.
int exit_watch_start(struct exit_watch *watch, struct loop *loop, pid_t pid, exit_fn fn) MUST_CHECK;
// Blocks until the program has ended: call it when that is known, or after SIGKILL. Ends the watch.
// Returns the exit code as a shell would say it: 128 + signal when one killed it.
int exit_watch_reap(struct exit_watch *watch);
