// SPDX-License-Identifier: Apache-2.0
//
// Used by worker.c, control.c and jump_name.c for their threads, by app/lockdown.c for the fence,
// by whoever reads files later for its errors.
#include "base/confine.h"

#include "base/err.h"
#include "base/os_sandbox.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static const struct os_fence *fence; // set before there are threads
static atomic_int failure;           // the errno of a thread that stayed outside
static atomic_bool is_fenced;

struct start {
    void *(*run)(void *arg);
    void *arg;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool is_inside;
};

// The start is on the stack of the caller, who waits.
static void *enter_and_run(void *arg)
{
    struct start *start = arg;
    void *(*run)(void *) = start->run;
    void *run_arg = start->arg;
    if (!os_fence_enter(fence))
        atomic_store(&failure, errno);
    pthread_mutex_lock(&start->lock);
    start->is_inside = true;
    pthread_cond_signal(&start->changed);
    pthread_mutex_unlock(&start->lock);
    return run(run_arg);
}

void confine_use(const struct os_fence *new_fence)
{
    fence = new_fence;
}

int confine_thread_start(
    pthread_t *out, const pthread_attr_t *attributes, void *(*run)(void *arg), void *arg)
{
    if (!fence)
        return pthread_create(out, attributes, run, arg);
    struct start start = { .run = run,
        .arg = arg,
        .lock = PTHREAD_MUTEX_INITIALIZER,
        .changed = PTHREAD_COND_INITIALIZER };
    int sys = pthread_create(out, attributes, enter_and_run, &start);
    if (sys != 0)
        return sys;
    pthread_mutex_lock(&start.lock);
    while (!start.is_inside)
        pthread_cond_wait(&start.changed, &start.lock);
    pthread_mutex_unlock(&start.lock);
    pthread_mutex_destroy(&start.lock);
    pthread_cond_destroy(&start.changed);
    return 0;
}

int confine_enter(void)
{
    if (!os_fence_enter(fence))
        return errno;
    atomic_store(&is_fenced, true);
    return atomic_load(&failure);
}

void confine_explain(struct err *err)
{
    size_t len = strlen(err->text);
    if (err->sys == EACCES && atomic_load(&is_fenced))
        snprintf(err->text + len, sizeof(err->text) - len,
            ". It may be out of reach of the sandbox: restart tidblink to use it");
}
