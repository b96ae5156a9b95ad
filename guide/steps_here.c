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
    const struct endpoint *connection = setup_connection(setup);
    const struct node_group *group = setup->world.group;
    if (connection && connection->host)
        return connection->host;
    return group && group->host ? group->host : "";
}

// Whether the steps on the clouds' sides are done, as far as they can be seen.
static bool clouds_are_done(const struct setup *setup)
{
    const struct endpoint *connection = setup_connection(setup);
    const struct ec2_endpoint *endpoint = setup_endpoint(setup);
    return connection && connection->state.value == ENDPOINT_ACTIVE &&
           (!endpoint || endpoint->private_dns);
}

// Elsewhere the name means nothing: it is the VPC's resolver that knows it.
static bool is_elsewhere(const struct setup *setup)
{
    const struct ec2_endpoint *endpoint = setup_endpoint(setup);
    const struct world *world = &setup->world;
    return endpoint && endpoint->vpc_id && world->machine.seen && world->instance.vpc_id &&
           strcmp(endpoint->vpc_id, world->instance.vpc_id) != 0;
}

static void skip(struct setup *setup, struct step_view *out, const char *why)
{
    char alias[SHELL_WORD_BYTES];
    if (!*setup->untested)
        snprintf(setup->untested, sizeof(setup->untested), "%s", why);
    view_is(out, STEP_SKIPPED,
        "not from this machine (%.300s). On one in the VPC: tidblink doctor %.80s", why,
        setup_alias(setup, alias));
}

// Names take their time to spread, so a first answer is none. A plan does not wait.
static bool may_settle(struct setup *setup)
{
    bool knows_where = setup->world.machine.seen;
    if (!knows_where && !setup->acts)
        return false;
    if (setup->settled_ms == 0)
        setup->settled_ms = clock_ms();
    return clock_ms() - setup->settled_ms <
           (knows_where ? setup->plan->settle_ms : setup->plan->settle_elsewhere_ms);
}

// Not yet, or after a while: not at all. A machine that does not tell where it is may be outside
// the VPC, where that is no failure.
static void not_yet(struct setup *setup, struct step_view *out, const struct err *err)
{
    char alias[SHELL_WORD_BYTES];
    if (may_settle(setup)) {
        view_is(out, STEP_WAIT, "%.500s", err->text);
        return;
    }
    if (!setup->world.machine.seen) {
        skip(setup, out, err->text);
        return;
    }
    view_blocked(out, err->code, "%.500s", err->text);
    snprintf(out->command, sizeof(out->command), "tidblink doctor %s", setup_alias(setup, alias));
}

// True when there is nothing to try.
static bool settle_without_trying(struct setup *setup, struct step_view *out)
{
    char why[ERR_TEXT_BYTES];
    if (!clouds_are_done(setup) || !*host_of(setup)) {
        view_is(out, STEP_LATER, "follows the steps above");
        return true;
    }
    if (!is_elsewhere(setup))
        return false;
    snprintf(why, sizeof(why), "this machine is in %.60s, the endpoint in %.60s",
        setup->world.instance.vpc_id, setup_endpoint(setup)->vpc_id);
    skip(setup, out, why);
    return true;
}

static bool resolve(struct setup *setup, struct addr_set **out, struct err *err)
{
    return probe_name(setup->loop, setup->plan->resolver, host_of(setup), out, err);
}

void step_name_look(struct setup *setup, struct step_view *out)
{
    struct addr_set *addrs = NULL;
    struct err err;
    if (settle_without_trying(setup, out))
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

// The first address that answers is enough here; doctor looks at each.
static bool greet(
    struct setup *setup, const struct addr_set *addrs, struct step_view *out, struct err *err)
{
    const struct setup_plan *plan = setup->plan;
    for (size_t i = 0; i < addrs->count; i++) {
        struct probe_answer answer;
        struct addr addr = addr_with_port(&addrs->addrs[i], setup->world.port);
        char text[ADDR_TEXT_BYTES];
        if (!probe_address(
                &addr, plan->connect_ms, plan->greeting_ms, NULL, host_of(setup), &answer, err))
            continue;
        view_is(out, STEP_DONE, "%s greets, %.1f ms away: %.64s", addr_format(&addr, text),
            (double)answer.connect_us / 1000, answer.greeting.version);
        setup->untested[0] = '\0';
        return true;
    }
    return false;
}

void step_test_look(struct setup *setup, struct step_view *out)
{
    struct addr_set *addrs = NULL;
    struct err err = { 0 };
    if (settle_without_trying(setup, out))
        return;
    if (!resolve(setup, &addrs, &err)) {
        err_set(&err, err.code, "the name does not resolve"); // the step before has told why
        not_yet(setup, out, &err);
    } else if (!greet(setup, addrs, out, &err)) {
        not_yet(setup, out, &err);
    }
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
        view_is(out, STEP_DONE, "%.200s has endpoint-id = %.400s",
            place->name ? place->name : "the file", id);
    else if (place->write)
        view_is(out, STEP_TODO, "%.200s gets endpoint-id = %.400s", place->name, id);
    else if (place->hint)
        view_is(out, STEP_SKIPPED, "%.300s, endpoint-id = %.300s", place->hint, id);
    else
        view_is(out, STEP_SKIPPED, "no file to write to; add to yours: endpoint-id = %.400s", id);
}

bool step_configuration_take(struct setup *setup, struct err *err)
{
    return setup->plan->place.write(setup->plan->place.arg, setup_endpoint_id(setup), err);
}
