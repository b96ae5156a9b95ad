// SPDX-License-Identifier: Apache-2.0
//
// Threads that are behind a fence from their first instruction (os_sandbox.h). Before Linux 7.0 the
// kernel fences in a thread and those that it makes, not a process, so the fence is kept here, one
// for the process: the main thread goes behind it last, once it has opened what it needs.
#pragma once

#include "base/defs.h"

#include <pthread.h>

struct err;
struct os_fence;

// For the threads that are started from now on; NULL: none. Main thread, which keeps the fence.
void confine_use(const struct os_fence *fence);
// pthread_create(3); returns once the thread is behind the fence, if there is one. Its errno.
int confine_thread_start(pthread_t *out, const pthread_attr_t *attributes, void *(*run)(void *arg),
    void *arg) MUST_CHECK;
// The main thread goes behind it, for good. The errno, also of a thread that could not and runs
// outside; 0: all are inside.
int confine_enter(void) MUST_CHECK;
// Adds to the text what may be behind an error that is EACCES, if we are behind a fence. Any
// thread.
void confine_explain(struct err *err);
