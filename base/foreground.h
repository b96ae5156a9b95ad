// SPDX-License-Identifier: Apache-2.0
//
// A program that runs in our place while we work for it: with our standard streams and in our
// process group, so that it has the terminal and Ctrl-C reaches it. The loop's
// thread only.
#pragma once

#include "base/defs.h"

#include <sys/resource.h>

struct err;
struct foreground;
struct loop;

// What was given to us and is to go on to that program. Noted before we change or open anything:
// later nobody can tell a descriptor of the shell's from one that a library has opened without
// close-on-exec.
enum { FOREGROUND_FDS_MAX = 64 };
struct foreground_legacy {
    struct rlimit files;         // the limit of open files
    int fds[FOREGROUND_FDS_MAX]; // beyond the standard streams, in order
    size_t fd_count;
};
void foreground_note(struct foreground_legacy *out);

struct foreground_spec {
    const char *const *argv; // argv[0] is looked up in PATH; NULL-terminated
    const char *const *env;  // NULL-terminated, or NULL for our own environment
    const struct foreground_legacy *legacy;
};

// `exit_code` as a shell says it: the program's own, 128 + signal when a signal ended it. The
// struct is freed by then.
typedef void (*foreground_fn)(void *arg, int exit_code);

// NULL if it cannot be run; err->sys is then what execve(2) said. Otherwise fn is called once,
// never from inside this call. The program gets SIGTERM when our process ends, however it ends.
struct foreground *foreground_start(struct loop *loop, const struct foreground_spec *spec,
    foreground_fn fn, void *arg, struct err *err) MUST_CHECK;
void foreground_signal(struct foreground *foreground, int number);
