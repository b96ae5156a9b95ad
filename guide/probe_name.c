// SPDX-License-Identifier: Apache-2.0
//
// Looking up a name once, on a loop that runs only for that. Both kinds end the loop from their
// callback.
#include "guide/probe.h"

#include "base/loop.h"
#include "resolver/attempt.h"
#include "resolver/channel.h"
#include "resolver/servers.h"

struct look {
    struct loop *loop;
    struct addr_set *addrs;
    struct err *err;
};

static void finish(struct look *look, struct addr_set *addrs, const struct err *failure)
{
    look->addrs = addrs;
    if (failure)
        *look->err = *failure;
    loop_stop(look->loop);
}

static void on_resolution(void *arg, const struct resolution *resolution)
{
    struct addr_set *addrs = resolution->addrs ? addr_set_ref(resolution->addrs) : NULL;
    finish(arg, addrs, addrs ? NULL : resolution->failure);
}

bool probe_name(struct loop *loop, const struct resolver_options *options, const char *host,
    struct addr_set **out, struct err *err)
{
    struct look look = { .loop = loop, .err = err };
    struct resolver *resolver = resolver_new(loop, options, err);
    if (!resolver)
        return false;
    struct resolver_watch *watch = resolver_watch(resolver, host, on_resolution, &look);
    if (watch)
        loop_run(loop);
    else
        err_set(err, ERR_MEMORY, "out of memory");
    resolver_unwatch(watch);
    resolver_free(resolver);
    *out = look.addrs;
    return look.addrs != NULL;
}

static const char *file_of(const struct resolver_options *options)
{
    return options->resolv_conf ? options->resolv_conf : "/etc/resolv.conf";
}

bool probe_servers(struct loop *loop, const struct resolver_options *options,
    struct option_list *out, struct err *err)
{
    struct servers *servers =
        servers_new(loop, &options->servers, file_of(options), options->timeout_ms, err);
    bool done = servers != NULL;
    for (size_t i = 0; done && i < servers_count(servers); i++)
        done = option_list_add(out, channel_server(servers_pick(servers, i))) ||
               err_set(err, ERR_MEMORY, "out of memory");
    servers_free(servers);
    return done;
}

static void on_attempt(void *arg, struct addr_set *addrs, const struct err *failure)
{
    finish(arg, addrs, failure);
}

bool probe_server(struct loop *loop, const char *server, const char *host, uint64_t timeout_ms,
    struct addr_set **out, struct err *err)
{
    char *item = strdup(server);
    const struct option_list alone = { .items = &item, .count = 1 };
    struct look look = { .loop = loop, .err = err };
    struct servers *servers = servers_new(loop, &alone, "", timeout_ms, err);
    struct attempt *attempt =
        servers ? attempt_start(loop, servers_pick(servers, 0), host, timeout_ms, on_attempt, &look)
                : NULL;
    if (attempt)
        loop_run(loop);
    else if (servers)
        err_set(err, ERR_MEMORY, "out of memory");
    servers_free(servers); // before the attempt's last query, which knows that
    free(item);
    *out = look.addrs;
    return look.addrs != NULL;
}
