// SPDX-License-Identifier: Apache-2.0
//
// Messages from workers to the main thread.
#include "proxy/home.h"

#include "base/err.h"
#include "base/loop.h"
#include "proxy/paths.h"

#include <stdlib.h>

struct unreachable {
    struct home *home;
    size_t target;
    struct err err;
};

struct home *home_new(struct loop *loop, void *owner)
{
    struct home *home = calloc(1, sizeof(*home));
    if (!home)
        return NULL;
    atomic_init(&home->refs, 1);
    home->loop = loop;
    home->owner = owner;
    return home;
}

struct home *home_ref(struct home *home)
{
    atomic_fetch_add_explicit(&home->refs, 1, memory_order_relaxed);
    return home;
}

void home_unref(struct home *home)
{
    if (home && atomic_fetch_sub_explicit(&home->refs, 1, memory_order_acq_rel) == 1)
        free(home);
}

static void on_unreachable(void *arg)
{
    struct unreachable *told = arg;
    if (told->home->owner)
        told->home->on_unreachable(told->home->owner, told->target, &told->err);
    home_unref(told->home);
    free(told);
}

void home_tell_unreachable(struct home *home, size_t target, const struct err *err)
{
    struct unreachable *told = malloc(sizeof(*told));
    if (!told)
        return; // a hint; the name is looked up again anyway
    *told = (struct unreachable){ home_ref(home), target, *err };
    loop_post(home->loop, on_unreachable, told);
}

struct learned {
    struct home *home;
    size_t target, worker;
    struct path path;
};

static void on_path(void *arg)
{
    struct learned *learned = arg;
    struct home *home = learned->home;
    if (home->owner)
        home->on_path(home->owner, learned->target, learned->worker, &learned->path);
    home_unref(home);
    free(learned);
}

void home_tell_path(struct home *home, size_t target, size_t worker, const struct path *path)
{
    struct learned *learned = malloc(sizeof(*learned));
    if (!learned)
        return; // it is only shown
    *learned = (struct learned){ home_ref(home), target, worker, *path };
    loop_post(home->loop, on_path, learned);
}

static void on_drained(void *arg)
{
    struct home *home = arg;
    if (home->owner)
        home->on_drained(home->owner);
    home_unref(home);
}

void home_tell_drained(struct home *home)
{
    loop_post(home->loop, on_drained, home_ref(home));
}
