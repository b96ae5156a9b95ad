// SPDX-License-Identifier: Apache-2.0
//
// See resolver_world.h.
#include "resolver_world.h"

#include "base/clock.h"

#include <stdio.h>

enum { PATIENCE_MS = 8000 };

static struct world world_of_test;

static void on_watchdog(struct timer *timer)
{
    struct world *world = CONTAINER_OF(timer, struct world, watchdog);
    loop_stop(world->loop);
}

static void stop_if_done(struct world *world)
{
    bool reports = world->wanted_reports && world->reported >= world->wanted_reports;
    bool queries = world->wanted_queries && world->dns.a_queries >= world->wanted_queries;
    if (reports || queries)
        loop_stop(world->loop);
}

static void on_query(void *arg)
{
    stop_if_done(arg);
}

static void on_resolution(void *arg, const struct resolution *resolution)
{
    struct world *world = arg;
    assert_in_range(world->reported, 0, WORLD_REPORTS - 1);
    struct report *report = &world->reports[world->reported++];
    const struct addr_set *addrs = resolution->addrs;
    size_t len = 0;
    *report = (struct report){
        .answered_ms = resolution->answered_ms,
        .at_ms = clock_ms(),
        .ttl_s = addrs ? addrs->ttl_s : 0,
        .count = addrs ? addrs->count : 0,
    };
    for (size_t i = 0; i < report->count && i < 8; i++) {
        char ip[ADDR_TEXT_BYTES];
        len += (size_t)snprintf(report->text + len, sizeof(report->text) - len, "%s%s",
            len ? " " : "", addr_format_ip(&addrs->addrs[i], ip));
    }
    if (resolution->failure) {
        report->failure = *resolution->failure;
        snprintf(report->text + len, sizeof(report->text) - len, "%s(%s)", len ? " " : "",
            err_row(resolution->failure->code)->key);
    }
    stop_if_done(world);
    if (world->on_report)
        world->on_report(world);
}

int world_setup(void **state)
{
    struct world *world = &world_of_test;
    struct err err;
    *world = (struct world){ .loop = loop_new("test", &err) };
    assert_non_null(world->loop);
    timer_init(&world->watchdog, world->loop, on_watchdog);
    assert_true(fake_dns_open(&world->dns, world->loop, "127.0.0.1", 0));
    assert_true(fake_dns_open(&world->other, world->loop, "127.0.0.1", 0));
    world->dns.on_query = on_query;
    world->dns.arg = world;
    // Whatever the TTL of an answer, it is kept for 200 ms: the tests see refreshes without
    // waiting.
    world->options = (struct resolver_options){
        .timeout_ms = WORLD_TIMEOUT_MS,
        .ttl_min_ms = 200,
        .ttl_max_ms = 200,
        .negative_ms = 100,
    };
    assert_true(option_list_add(&world->options.servers, world->dns.address));
    *state = world;
    return 0;
}

int world_teardown(void **state)
{
    struct world *world = *state;
    resolver_unwatch(world->watch);
    resolver_free(world->resolver);
    option_list_free(&world->options.servers);
    option_list_free(&world->options.allowed_cidrs);
    fake_dns_close(&world->dns);
    fake_dns_close(&world->other);
    timer_stop(&world->watchdog);
    loop_free(world->loop);
    return 0;
}

void world_ask_both(struct world *world)
{
    assert_true(option_list_add(&world->options.servers, world->other.address));
}

void world_watch(struct world *world, const char *host)
{
    struct err err = { 0 };
    if (!world->resolver)
        world->resolver = resolver_new(world->loop, &world->options, &err);
    if (!world->resolver)
        fail_msg("%s", err.text);
    unsigned before = world->reported;
    world->watch = resolver_watch(world->resolver, host, on_resolution, world);
    assert_non_null(world->watch);
    assert_int_equal(world->reported, before); // never from inside the call
}

static void run(struct world *world, uint64_t ms)
{
    timer_start(&world->watchdog, ms);
    loop_run(world->loop);
    timer_stop(&world->watchdog);
    world->wanted_reports = world->wanted_queries = 0;
}

const struct report *world_report(struct world *world, unsigned number)
{
    world->wanted_reports = number;
    if (world->reported < number)
        run(world, PATIENCE_MS);
    if (world->reported < number)
        fail_msg("only %u reports came, the last: %s", world->reported,
            world->reported ? world->reports[world->reported - 1].text : "none");
    world->wanted_reports = 0;
    return &world->reports[number - 1];
}

void world_queries(struct world *world, unsigned number)
{
    world->wanted_queries = number;
    if (world->dns.a_queries < number)
        run(world, PATIENCE_MS);
    assert_in_range(world->dns.a_queries, number, UINT32_MAX);
    world->wanted_queries = 0;
}

void world_pass(struct world *world, uint64_t ms)
{
    run(world, ms);
}
