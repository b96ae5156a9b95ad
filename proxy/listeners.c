// SPDX-License-Identifier: Apache-2.0
//
// Opens, starts and closes the listeners of proxy.c. Main thread only.
#include "proxy/listeners.h"

#include "base/err.h"
#include "proxy/proxy.h"

#include <stdlib.h>

static bool open_one(struct listeners *listeners, struct loop *loop,
    const struct listener_plan *plan, listener_fn fn, void *arg, struct err *err)
{
    struct listener *listener = listener_open(loop, plan, fn, arg, err);
    if (!listener)
        return err_prefix(err, "cluster %s", plan->name);
    listeners->items[listeners->count++] = listener;
    return true;
}

bool listeners_open(struct listeners *listeners, struct loop *loop, const struct proxy_plan *plan,
    const struct proxy_options *options, listener_fn fn, void *arg, struct err *err)
{
    const struct proxy_target *targets = plan->targets;
    size_t total = 0;
    for (size_t i = 0; i < plan->target_count; i++)
        total += targets[i].listen_count;
    listeners->items = calloc(total + 1, sizeof(struct listener *));
    if (!listeners->items)
        return err_set(err, ERR_MEMORY, "out of memory for listeners");
    for (size_t i = 0; i < plan->target_count; i++) {
        for (size_t j = 0; j < targets[i].listen_count; j++) {
            const struct listener_plan place = {
                .addr = &targets[i].listens[j],
                .inherited = plan->inherited,
                .name = targets[i].control.alias,
                .index = listeners->count,
                .target = i,
                .max = targets[i].listener_max,
                .options = options,
            };
            if (!open_one(listeners, loop, &place, fn, arg, err))
                return false;
        }
    }
    return true;
}

void listeners_start(struct listeners *listeners)
{
    for (size_t i = 0; i < listeners->count; i++)
        listener_start(listeners->items[i]);
}

void listeners_adopt(
    struct listeners *listeners, const struct proxy_plan *plan, const struct proxy_options *options)
{
    for (size_t i = 0; i < listeners->count; i++) {
        struct listener *listener = listeners->items[i];
        uint64_t max = plan->targets[listener_target(listener)].listener_max;
        listener_adopt(listener, max, options->keepalive_ms);
    }
}

void listeners_accept_all(struct listeners *listeners)
{
    for (size_t i = 0; i < listeners->count; i++)
        listener_accept_all(listeners->items[i]);
}

void listeners_close(struct listeners *listeners, bool go_on_elsewhere)
{
    for (size_t i = 0; i < listeners->count; i++)
        listener_close(listeners->items[i], go_on_elsewhere);
    free(listeners->items);
    *listeners = (struct listeners){ 0 };
}

const struct listener *listeners_of(const struct listeners *listeners, size_t target, size_t index)
{
    for (size_t i = 0; i < listeners->count; i++) {
        if (listener_target(listeners->items[i]) != target || index-- > 0)
            continue;
        return listeners->items[i];
    }
    return NULL;
}
