// SPDX-License-Identifier: Apache-2.0
//
// The steps on this machine: the private name resolves, the cluster answers through the endpoint,
// the configuration knows it.
#include "base/clock.h"
#include "base/net.h"
#include "guide/probe.h"
#include "guide/setup.h"

#include <stdio.h>
#include <string.h>

static const char *host_of(const struct setup *setup)
{
    const struct world *world = &setup->world;
    if (world->connection && world->connection->host)
        return world->connection->host;
    return world->group && world->group->host ? world->group->host : "";
}

// Whether the steps on the clouds' sides are done, as far as they can be seen.
static bool clouds_are_done(const struct setup *setup)
{
    const struct world *world = &setup->world;
    return world->connection && world->connection->state.value == ENDPOINT_ACTIVE &&
           (!world->endpoint || world->endpoint->private_dns);
}

// Elsewhere the name means nothing: it is the VPC's resolver that knows it.
static bool is_elsewhere(const struct setup *setup)
{
    const struct world *world = &setup->world;
    return world->endpoint && world->machine.seen && world->instance.vpc_id &&
           strcmp(world->endpoint->vpc_id, world->instance.vpc_id) != 0;
}

static bool has_settled(struct setup *setup)
{
    if (setup->settled_ms == 0)
        setup->settled_ms = clock_ms();
    return clock_ms() - setup->settled_ms >= setup->plan->settle_ms;
}

// Not yet, or after a while: not at all. Outside the VPC it is nothing to wait for.
static void not_yet(struct setup *setup, struct step_view *out, const struct err *err)
{
    if (!setup->world.machine.seen) {
        view_is(out, STEP_SKIPPED, "not from here (%.300s); in the VPC run tidblink doctor %.60s",
            err->text, setup_alias(setup));
        return;
    }
    view_is(out, STEP_WAIT, "%.500s", err->text);
    if (has_settled(setup)) {
        out->status = STEP_BLOCKED;
        out->code = err->code;
        snprintf(out->command, sizeof(out->command), "tidblink doctor %s", setup_alias(setup));
    }
}

// Looks once and for all: an answer that was good stays good for this run.
static bool resolve(struct setup *setup, struct addr_set **out, struct err *err)
{
    return probe_name(setup->loop, setup->plan->resolver, host_of(setup), out, err);
}

static bool comes_too_early(struct setup *setup, struct step_view *out)
{
    if (!clouds_are_done(setup) || !*host_of(setup))
        return view_is(out, STEP_LATER, "follows the steps above");
    if (is_elsewhere(setup))
        return view_is(out, STEP_SKIPPED,
            "this machine is in %.40s, the endpoint in %.40s; run tidblink doctor there",
            setup->world.instance.vpc_id, setup->world.endpoint->vpc_id);
    return false;
}

void step_name_look(struct setup *setup, struct step_view *out)
{
    struct addr_set *addrs = NULL;
    struct err err;
    if (comes_too_early(setup, out))
        return;
    if (!resolve(setup, &addrs, &err)) {
        not_yet(setup, out, &err);
        return;
    }
    view_is(out, STEP_DONE, "%.255s is", host_of(setup));
    for (size_t i = 0; i < addrs->count; i++) {
        char text[ADDR_TEXT_BYTES];
        size_t len = strlen(out->text);
        snprintf(out->text + len, sizeof(out->text) - len, "%s %s", i > 0 ? "," : "",
            addr_format_ip(&addrs->addrs[i], text));
    }
    addr_set_unref(addrs);
}

// The first address that answers; the others are doctor's business.
static bool try_addresses(struct setup *setup, struct addr_set *addrs, struct step_view *out,
    struct err *err)
{
    for (size_t i = 0; i < addrs->count; i++) {
        struct probe_answer answer;
        struct addr addr = addrs->addrs[i];
        char text[ADDR_TEXT_BYTES];
        addr_set_port(&addr, setup->world.port);
        if (probe_address(&addr, setup->plan->connect_ms, setup->plan->greeting_ms, NULL,
                host_of(setup), &answer, err))
            return view_is(out, STEP_DONE, "%s greets: %.64s, %.1f ms away",
                addr_format(&addr, text), answer.greeting.version,
                (double)answer.connect_us / 1000);
    }
    return false;
}

void step_test_look(struct setup *setup, struct step_view *out)
{
    struct addr_set *addrs = NULL;
    struct err err = { 0 };
    if (comes_too_early(setup, out))
        return;
    if (!resolve(setup, &addrs, &err) || !try_addresses(setup, addrs, out, &err))
        not_yet(setup, out, &err);
    addr_set_unref(addrs);
}

// ---- the configuration --------------------------------------------------------------------------

void step_configuration_look(struct setup *setup, struct step_view *out)
{
    const struct setup_place *place = &setup->plan->place;
    const char *id = setup_endpoint_id(setup);
    if (!*id)
        view_is(out, STEP_LATER, "gets endpoint-id once there is an endpoint");
    else if (place->endpoint_id && strcmp(place->endpoint_id, id) == 0)
        view_is(out, STEP_DONE, "has endpoint-id = %.80s", id);
    else if (place->write)
        view_is(out, STEP_TODO, "gets endpoint-id = %.80s", id);
    else
        view_is(out, STEP_SKIPPED, "%.500s endpoint-id = %.80s", place->advice, id);
}

bool step_configuration_take(struct setup *setup, struct err *err)
{
    return setup->plan->place.write(setup->plan->place.arg, setup_endpoint_id(setup), err);
}
