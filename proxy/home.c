// SPDX-License-Identifier: Apache-2.0
//
// Messages from workers to the main thread.
#include "proxy/home.h"

#include "base/loop.h"

#include <stdlib.h>

struct unreachable {
    struct home *home;
    size_t target;
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
        told->home->on_unreachable(told->home->owner, told->target);
    home_unref(told->home);
    free(told);
}

void home_tell_unreachable(struct home *home, size_t target)
{
    struct unreachable *told = malloc(sizeof(*told));
    if (!told)
        return; // a hint; the name is looked up again anyway
    *told = (struct unreachable){ home_ref(home), target };
    loop_post(home->loop, on_unreachable, told);
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
