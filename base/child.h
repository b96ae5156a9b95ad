// SPDX-License-Identifier: Apache-2.0
//
// A child process on a loop: program and arguments (no shell), a deadline, its output collected and
// bounded, one callback at the end. No SIGCHLD handler is needed, and any
// loop may have children (exit_watch.h). The loop's thread only.
#pragma once

#include "base/defs.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;
struct loop;
struct child;

struct child_result {
    int exit_code;  // the program's own; 128 + signal when a signal ended it
    char *out;      // standard output, NUL-terminated, at most out_limit bytes
    size_t out_len; //
    char *errors;   // standard error, control characters escaped, its last 4 KiB
};

// err is NULL when the program ran to its end, whatever its exit code; result is valid during the
// call. Otherwise result is NULL: could not be started, ran past its deadline (killed), said too
// much.
typedef void (*child_fn)(void *arg, const struct child_result *result, const struct err *err);

struct child_spec {
    const char *const *argv; // argv[0] is looked up in PATH; NULL-terminated
    const char *const *env;  // NULL-terminated "NAME=value" list, or NULL for our own environment
    uint64_t timeout_ms;     // 0: it may run for ever
    size_t out_limit;        // bytes of standard output that are accepted
    // SIGTERM reaches it when the thread that started it ends, however it ends: a program in the
    // foreground, whose group Ctrl-C does not reach. What it started itself is not covered.
    bool dies_with_us;
    // Its standard input and output are this descriptor (one end of a socketpair(2)), which stays
    // the caller's; nothing is collected but its errors, and it gets none of our other descriptors.
    // With dies_with_us only.
    bool has_stream;
    int stream_fd;
};

// NULL if it cannot be started (no such program). Otherwise fn is called exactly once, never from
// inside this call, unless child_cancel comes first. Its standard input is empty, and it leads a
// process group, so that a wrapper script and what it started are stopped together.
struct child *child_start(struct loop *loop, const struct child_spec *spec, child_fn fn, void *arg,
    struct err *err) MUST_CHECK;
// To its process group: it is asked to end, or made to; fn tells when it has.
void child_signal(struct child *child, int number);
// Kills it if it still runs and reaps it; fn is not called afterwards. NULL is allowed.
void child_cancel(struct child *child);
