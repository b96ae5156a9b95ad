// SPDX-License-Identifier: Apache-2.0
//
// Watched names: each has what is known of it (cache.c), at most one look-up in flight (lookup.c)
// and one timer for the next. Everything starts in that timer and every report is the last thing
// that a callback does, so that a watcher may do what it likes, its own end included. The owner's
// loop only.
#include "resolver/resolver.h"

#include "base/loop.h"
#include "base/os.h"
#include "resolver/addr_set.h"
#include "resolver/cache.h"
#include "resolver/cares.h"
#include "resolver/lookup.h"
#include "resolver/policy.h"
#include "resolver/servers.h"
#include "resolver/text.h"

#include <stdlib.h>
#include <string.h>

enum {
    LOOK_AGAIN_MIN_MS = 1000, // resolver_refresh is held to this
    WITHHOLD_MS = 1000,       // addresses that may be of another network
};

struct resolver {
    struct loop *loop;
    struct resolver_options options; // a copy that we own
    struct cidr *allowed;
    struct policy policy;
    bool library_ready;
    struct servers *servers;
};

struct resolver_watch {
    struct resolver *resolver;
    char *host;
    bool is_literal; // an IP address: judged once, never looked up
    resolver_fn fn;
    void *arg;
    struct cache cache;
    struct lookup *lookup; // NULL: none in flight
    uint64_t looked_ms;    // when the last look-up started; 0: never
    struct timer timer;    // the next look
    bool withholds;        // who watches hears the next thing that is learned, news or not
    struct timer patience; // with that
    struct deferred grave;
};

// ---- looking ------------------------------------------------------------------------------------

static void schedule(struct resolver_watch *watch, uint64_t due_ms)
{
    uint64_t now_ms = loop_now_ms(watch->resolver->loop);
    timer_start(&watch->timer, due_ms > now_ms ? due_ms - now_ms : 0);
}

// The one place where the cache learns. Last in every callback: the watcher may end the watch.
static void learn(struct resolver_watch *watch, struct addr_set *addrs, const struct err *failure)
{
    uint64_t now_ms = loop_now_ms(watch->resolver->loop);
    uint32_t dice = os_random_below(CACHE_DICE);
    struct err refusal;
    if (addrs && !policy_accepts(&watch->resolver->policy, addrs, &refusal)) {
        addr_set_unref(addrs);
        addrs = NULL;
        failure = &refusal;
    }
    bool news = addrs ? cache_answer(&watch->cache, addrs, now_ms, dice)
                      : cache_failure(&watch->cache, failure, now_ms, dice);
    if (!watch->is_literal && !watch->lookup)
        schedule(watch, watch->cache.due_ms);
    news = news || watch->withholds;
    watch->withholds = false;
    timer_stop(&watch->patience);
    if (!news)
        return;
    struct resolution resolution = cache_resolution(&watch->cache);
    watch->fn(watch->arg, &resolution);
}

static void on_looked_up(void *arg, struct addr_set *addrs, const struct err *failure)
{
    struct resolver_watch *watch = arg;
    watch->lookup = NULL;
    learn(watch, addrs, failure);
}

static void out_of_memory(struct resolver_watch *watch)
{
    struct err err;
    err_set(&err, ERR_MEMORY, "out of memory while resolving");
    learn(watch, NULL, &err);
}

static void judge_literal(struct resolver_watch *watch)
{
    struct addr_set *set = addr_set_new(watch->host, 1);
    if (!set || !addr_from_ip(watch->host, 0, &set->addrs[set->count++])) {
        addr_set_unref(set);
        out_of_memory(watch);
        return;
    }
    learn(watch, set, NULL);
}

static void on_due(struct timer *timer)
{
    struct resolver_watch *watch = CONTAINER_OF(timer, struct resolver_watch, timer);
    struct resolver *resolver = watch->resolver;
    if (watch->is_literal) {
        judge_literal(watch);
        return;
    }
    watch->looked_ms = loop_now_ms(resolver->loop);
    watch->lookup = lookup_start(resolver->loop, resolver->servers, watch->host,
        resolver->options.timeout_ms, on_looked_up, watch);
    if (!watch->lookup)
        out_of_memory(watch);
}

// The look-up goes on; what was known is better than nothing.
static void on_patience_over(struct timer *timer)
{
    struct resolver_watch *watch = CONTAINER_OF(timer, struct resolver_watch, patience);
    struct err err;
    char name[TEXT_HOST_BYTES];
    err_set(&err, ERR_DNS_TIMEOUT, "no DNS answer for %s within a second of a change of networks",
        text_host(watch->host, name));
    learn(watch, NULL, &err);
}

// ---- watches ------------------------------------------------------------------------------------

static void bury(struct deferred *grave)
{
    struct resolver_watch *watch = CONTAINER_OF(grave, struct resolver_watch, grave);
    cache_done(&watch->cache);
    free(watch->host);
    free(watch);
}

struct resolver_watch *resolver_watch(
    struct resolver *resolver, const char *host, resolver_fn fn, void *arg)
{
    loop_assert_here(resolver->loop);
    struct resolver_watch *watch = calloc(1, sizeof(*watch));
    if (!watch)
        return NULL;
    struct addr literal;
    *watch = (struct resolver_watch){
        .resolver = resolver,
        .host = strdup(host),
        .is_literal = addr_from_ip(host, 0, &literal),
        .fn = fn,
        .arg = arg,
    };
    if (!watch->host) {
        free(watch);
        return NULL;
    }
    cache_init(&watch->cache, &resolver->options);
    timer_init(&watch->timer, resolver->loop, on_due);
    timer_init(&watch->patience, resolver->loop, on_patience_over);
    timer_start(&watch->timer, 0);
    return watch;
}

void resolver_unwatch(struct resolver_watch *watch)
{
    if (!watch)
        return;
    loop_assert_here(watch->resolver->loop);
    lookup_cancel(watch->lookup);
    timer_stop(&watch->timer);
    timer_stop(&watch->patience);
    loop_defer(watch->resolver->loop, &watch->grave, bury);
}

void resolver_refresh(struct resolver_watch *watch)
{
    loop_assert_here(watch->resolver->loop);
    if (watch->lookup || watch->is_literal || watch->looked_ms == 0)
        return; // on its way, or nothing to look up
    uint64_t soonest_ms = watch->looked_ms + LOOK_AGAIN_MIN_MS;
    if (soonest_ms < watch->cache.due_ms)
        schedule(watch, soonest_ms);
}

void resolver_hasten(struct resolver_watch *watch)
{
    cache_hasten(&watch->cache, loop_now_ms(watch->resolver->loop));
    resolver_refresh(watch);
}

bool resolver_renew(struct resolver *resolver, struct err *err)
{
    loop_assert_here(resolver->loop);
    return servers_rebuild(resolver->servers, err);
}

bool resolver_doubt(struct resolver_watch *watch, bool withhold)
{
    loop_assert_here(watch->resolver->loop);
    if (watch->is_literal)
        return false;
    uint64_t now_ms = loop_now_ms(watch->resolver->loop);
    lookup_cancel(watch->lookup);
    watch->lookup = NULL;
    cache_doubt(&watch->cache, now_ms);
    schedule(watch, now_ms);
    if (withhold && !watch->withholds)
        timer_start(&watch->patience, WITHHOLD_MS);
    watch->withholds = watch->withholds || withhold;
    return watch->withholds;
}

void resolver_judge_again(struct resolver_watch *watch)
{
    if (watch->is_literal)
        schedule(watch, loop_now_ms(watch->resolver->loop));
    else
        (void)resolver_doubt(watch, false);
}

// ---- life ---------------------------------------------------------------------------------------

static bool copy_list(const struct option_list *from, struct option_list *to, struct err *err)
{
    for (size_t i = 0; i < from->count; i++) {
        if (!option_list_add(to, from->items[i]))
            return err_set(err, ERR_MEMORY, "out of memory for the resolver's options");
    }
    return true;
}

static bool copy_options(
    struct resolver *resolver, const struct resolver_options *options, struct err *err)
{
    resolver->options = *options;
    resolver->options.servers = (struct option_list){ 0 };
    resolver->options.allowed_cidrs = (struct option_list){ 0 };
    resolver->options.resolv_conf =
        strdup(options->resolv_conf ? options->resolv_conf : "/etc/resolv.conf");
    if (!resolver->options.resolv_conf)
        return err_set(err, ERR_MEMORY, "out of memory for the resolver's options");
    return copy_list(&options->servers, &resolver->options.servers, err) &&
           copy_list(&options->allowed_cidrs, &resolver->options.allowed_cidrs, err);
}

static bool read_policy(struct resolver *resolver, struct err *err)
{
    const struct option_list *texts = &resolver->options.allowed_cidrs;
    resolver->allowed = calloc(texts->count + 1, sizeof(*resolver->allowed));
    if (!resolver->allowed)
        return err_set(err, ERR_MEMORY, "out of memory for allowed-cidrs");
    for (size_t i = 0; i < texts->count; i++) {
        if (!cidr_parse(texts->items[i], &resolver->allowed[i], err))
            return err_prefix(err, "allowed-cidrs");
    }
    resolver->policy = (struct policy){
        .allowed = resolver->allowed,
        .allowed_count = texts->count,
        .allow_loopback = resolver->options.allow_loopback,
    };
    return true;
}

bool resolver_adopt(
    struct resolver *resolver, const struct resolver_options *options, struct err *err)
{
    struct resolver fresh = { 0 };
    bool ok = copy_list(&options->allowed_cidrs, &fresh.options.allowed_cidrs, err);
    fresh.options.allow_loopback = options->allow_loopback;
    if (!ok || !read_policy(&fresh, err)) {
        option_list_free(&fresh.options.allowed_cidrs);
        free(fresh.allowed);
        return false;
    }
    option_list_free(&resolver->options.allowed_cidrs);
    free(resolver->allowed);
    resolver->options.allowed_cidrs = fresh.options.allowed_cidrs;
    resolver->options.allow_loopback = options->allow_loopback;
    resolver->options.timeout_ms = options->timeout_ms;
    resolver->allowed = fresh.allowed;
    resolver->policy = fresh.policy;
    return true;
}

static bool start_library(struct resolver *resolver, struct err *err)
{
    int status = ares_library_init(ARES_LIB_INIT_ALL);
    if (status != ARES_SUCCESS)
        return err_set(err, ERR_INTERNAL, "c-ares does not start: %s", ares_strerror(status));
    resolver->library_ready = true;
    return true;
}

struct resolver *resolver_new(
    struct loop *loop, const struct resolver_options *options, struct err *err)
{
    struct resolver *resolver = calloc(1, sizeof(*resolver));
    if (!resolver) {
        err_set(err, ERR_MEMORY, "out of memory for the resolver");
        return NULL;
    }
    resolver->loop = loop;
    if (!copy_options(resolver, options, err) || !read_policy(resolver, err) ||
        !start_library(resolver, err) ||
        !(resolver->servers = servers_new(loop, &resolver->options.servers,
              resolver->options.resolv_conf, resolver->options.timeout_ms, err))) {
        resolver_free(resolver);
        return NULL;
    }
    return resolver;
}

void resolver_free(struct resolver *resolver)
{
    if (!resolver)
        return;
    servers_free(resolver->servers);
    if (resolver->library_ready)
        ares_library_cleanup();
    option_list_free(&resolver->options.servers);
    option_list_free(&resolver->options.allowed_cidrs);
    free(resolver->options.resolv_conf);
    free(resolver->allowed);
    free(resolver);
}
