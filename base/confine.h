// SPDX-License-Identifier: Apache-2.0
//
// Threads that are behind a fence from their first instruction (os_sandbox.h). Before Linux 7.0 the
// kernel fences in a thread and those that it makes, not a process, so the fence is kept here, one
// for the process: the main thread goes behind it last, once it has opened what it needs.
#pragma once

#include "base/defs.h"

#include <pthread.h>

struct os_fence;

// For the threads that are started from now on; NULL: none. Main thread, which keeps the fence.
void confine_use(const struct os_fence *fence);
// pthread_create(3); returns once the thread is behind the fence, if there is one. Its errno.
int confine_thread_start(pthread_t *out, const pthread_attr_t *attributes, void *(*run)(void *arg),
    void *arg) MUST_CHECK;
// Why a thread could not go behind it and runs outside: its errno, 0 when all are inside. Any
// thread.
int confine_failure(void);
