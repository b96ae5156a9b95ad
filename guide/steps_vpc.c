// SPDX-License-Identifier: Apache-2.0
//
// The steps about the VPC: which one and which subnets, and its DNS attributes. Without the AWS CLI
// each step is still told as the command that it takes.
// Source: docs.aws.amazon.com/vpc/latest/privatelink, "Create an interface endpoint",
// "Subnets and Availability Zones".
#include "guide/setup.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

bool setup_applies(const struct setup *setup, struct step_view *out)
{
    const struct world *world = &setup->world;
    if (!world->cluster || !world->group || !world->group->service_name) {
        view_is(out, STEP_LATER, "follows the private link service");
        return false;
    }
    if (setup_is_aws(setup))
        return true;
    view_is(out, STEP_SKIPPED, "the cluster is on %s", world_provider_name(world->cluster));
    return false;
}

// ---- VPC and subnets ----------------------------------------------------------------------------

static const struct ec2_subnet *find_subnet(const struct setup *setup, const char *id)
{
    const struct ec2_subnet_list *list = &setup->world.subnet_list;
    for (size_t i = 0; i < list->count; i++)
        if (strcmp(list->items[i].id, id) == 0)
            return &list->items[i];
    return NULL;
}

static void add(char *text, size_t size, const char *format, ...) PRINTF_LIKE(3, 4);
static void add(char *text, size_t size, const char *format, ...)
{
    size_t len = strlen(text);
    va_list args;
    va_start(args, format);
    vsnprintf(text + len, size - len, format, args);
    va_end(args);
}

// "subnet-1 (use1-az1), subnet-2 (use1-az4)": those that the service can be reached from.
static void list_served(const struct setup *setup, char *text, size_t size)
{
    enum { SHOWN_MAX = 6 };
    const struct world *world = &setup->world;
    size_t count = 0;
    for (size_t i = 0; i < world->subnet_list.count; i++) {
        const struct ec2_subnet *subnet = &world->subnet_list.items[i];
        if (!world_serves_zone(world, subnet))
            continue;
        if (count < SHOWN_MAX)
            add(text, size, "%s%.40s (%.20s)", count > 0 ? ", " : "", subnet->id,
                subnet->zone_id ? subnet->zone_id : "zone not told");
        count++;
    }
    if (count == 0)
        add(text, size, "none: ask TiDB Cloud support");
    else if (count > SHOWN_MAX)
        add(text, size, " and %zu more", count - SHOWN_MAX);
}

static void list_zones(const struct world *world, char *text, size_t size)
{
    const struct option_list zones = world_zones(world);
    for (size_t i = 0; i < zones.count; i++)
        add(text, size, "%s%.20s", i > 0 ? ", " : "", zones.items[i]);
}

// A subnet that cannot be used: why, and what to use instead.
static void refuse_zone(const struct setup *setup, const struct ec2_subnet *subnet,
    const struct option_list *ids, struct step_view *out)
{
    view_blocked(out, ERR_OPTION, "%.40s is in %.20s, and the service is only in ", subnet->id,
        world_zone_of(&setup->world, subnet));
    list_zones(&setup->world, out->text, sizeof(out->text));
    bool any = false;
    for (size_t i = 0; i < ids->count; i++) {
        const struct ec2_subnet *other = find_subnet(setup, ids->items[i]);
        if (!other || !world_serves_zone(&setup->world, other))
            continue;
        add(out->text, sizeof(out->text), "%s%.40s", any ? " " : ". Leave it out: --subnet-ids \"",
            other->id);
        any = true;
    }
    add(out->text, sizeof(out->text), any ? "\"" : ". Subnets of this VPC that can be used: ");
    if (!any)
        list_served(setup, out->text, sizeof(out->text));
}

static bool check_subnet(
    const struct setup *setup, const struct option_list *ids, size_t index, struct step_view *out)
{
    const struct ec2_subnet *subnet = find_subnet(setup, ids->items[index]);
    if (!subnet) {
        view_blocked(out, ERR_OPTION,
            "%.60s is no subnet of %.40s in %.40s. Subnets that can be used: ", ids->items[index],
            setup->world.vpc_id, setup->world.region);
        list_served(setup, out->text, sizeof(out->text));
        if (setup->plan->is_of_many)
            add(out->text, sizeof(out->text),
                ". Clusters in different VPCs are set up one by one, each with its subnets");
        return false;
    }
    if (!world_serves_zone(&setup->world, subnet)) {
        refuse_zone(setup, subnet, ids, out);
        return false;
    }
    for (size_t i = 0; i < index; i++) {
        const struct ec2_subnet *other = find_subnet(setup, ids->items[i]);
        if (other && other->zone_id && subnet->zone_id &&
            strcmp(other->zone_id, subnet->zone_id) == 0) {
            view_blocked(out, ERR_OPTION,
                "%.40s and %.40s are both in %.20s: an endpoint has one subnet in each zone. "
                "Leave one of them out",
                other->id, subnet->id, subnet->zone_id);
            return false;
        }
    }
    return true;
}

struct option_list setup_subnets(struct setup *setup)
{
    const struct option_list *ids = setup->plan->world.subnet_ids;
    struct imds_facts *instance = &setup->world.instance;
    if (ids && ids->count > 0)
        return *ids;
    if (!world_is_here(&setup->world) || !instance->subnet_id)
        return (struct option_list){ 0 };
    return (struct option_list){ &instance->subnet_id, 1 };
}

static void tell_subnets(const struct setup *setup, const char *vpc_id,
    const struct option_list *ids, struct step_view *out)
{
    view_is(out, STEP_DONE, "%.40s:", vpc_id ? vpc_id : "in a VPC that is not told");
    for (size_t i = 0; i < ids->count; i++) {
        const struct ec2_subnet *subnet = find_subnet(setup, ids->items[i]);
        add(out->text, sizeof(out->text), "%s %.40s (%.20s)", i > 0 ? "," : "", ids->items[i],
            subnet && subnet->zone_id ? subnet->zone_id : "zone not told");
    }
}

static void look_at_subnets(struct setup *setup, struct step_view *out)
{
    const struct option_list wanted = setup_subnets(setup);
    const struct option_list *ids = &wanted;
    if (ids->count == 0) {
        view_blocked(out, ERR_USAGE, "which subnets of %.40s? --subnet-ids \"...\"; they can be ",
            setup->world.vpc_id);
        list_served(setup, out->text, sizeof(out->text));
        return;
    }
    for (size_t i = 0; i < ids->count; i++)
        if (!check_subnet(setup, ids, i, out))
            return;
    tell_subnets(setup, setup->world.vpc_id, ids, out);
}

// Both sides must be in one region.
static bool has_right_region(const struct setup *setup, struct step_view *out)
{
    const struct world *world = &setup->world;
    const char *theirs = model_aws_region(world->cluster->region);
    const char *mine =
        setup->plan->world.vpc_id || !world->machine.seen ? NULL : world->instance.region;
    if (theirs && strcmp(world->region, theirs) != 0) {
        view_blocked(out, ERR_OPTION,
            "--region is %.40s and the cluster is in %.40s: a private endpoint must be in the "
            "cluster's region. Leave --region out",
            world->region, theirs);
        return false;
    }
    if (mine && theirs && strcmp(mine, theirs) != 0) {
        view_blocked(out, ERR_OPTION,
            "this machine is in %.40s and the cluster in %.40s: a private endpoint must be in the "
            "cluster's region. Name a VPC there: --vpc-id, --subnet-ids",
            mine, theirs);
        return false;
    }
    return true;
}

// An endpoint that is named serves its own VPC, and no step may be taken in two of them.
static bool has_right_vpc(const struct setup *setup, struct step_view *out)
{
    const struct world *world = &setup->world;
    const struct ec2_endpoint *endpoint = setup_endpoint(setup);
    const char *own = world_own_vpc(world), *alias = world->plan->target->alias;
    char word[SHELL_WORD_BYTES];
    if (!endpoint || !endpoint->vpc_id || !own || strcmp(endpoint->vpc_id, own) == 0)
        return true;
    if (world->plan->vpc_id)
        view_blocked(out, ERR_OPTION,
            "endpoint-id %.60s is in %.40s, and vpc-id is %.40s: leave out the one that is not "
            "meant",
            endpoint->id, endpoint->vpc_id, own);
    else
        view_blocked(out, ERR_OPTION,
            "endpoint-id %.60s is in %.40s, and this machine in %.40s. For an endpoint here: "
            "tidblink setup %s --vpc-id %.40s; to go on with that one: --vpc-id %.40s",
            endpoint->id, endpoint->vpc_id, own, shell_word(alias, word), own, endpoint->vpc_id);
    return false;
}

static bool is_unknown_vpc(const struct world *world)
{
    return world->vpc.seen ? world->vpcs.count == 0
                           : strstr(world->vpc.why.text, "InvalidVpcID") != NULL;
}

void step_vpc_look(struct setup *setup, struct step_view *out)
{
    const struct world *world = &setup->world;
    const struct ec2_endpoint *endpoint = setup_endpoint(setup);
    const char *named = setup->plan->world.target->endpoint_id;
    if (!setup_applies(setup, out) || !has_right_region(setup, out) || !has_right_vpc(setup, out) ||
        !setup_open_token(setup, out))
        return;
    if (endpoint)
        tell_subnets(setup, endpoint->vpc_id, &endpoint->subnet_ids, out);
    else if (!setup_sees_aws(setup))
        view_is(out, STEP_SKIPPED, "not looked at: %.400s", setup_no_aws(setup)->text);
    else if (named)
        view_blocked(out, ERR_OPTION,
            "AWS shows no endpoint %.60s of this service that lives, in any VPC of this account. "
            "Leave endpoint-id out to have one created",
            named);
    else if (!*world->vpc_id)
        view_blocked(out, ERR_USAGE,
            "which VPC? This machine is no EC2 instance that tells its own: expected --vpc-id and "
            "--subnet-ids");
    else if (is_unknown_vpc(world))
        view_blocked(out, ERR_OPTION,
            "%.60s: there is no such VPC in %.40s, the cluster's region, or it is another "
            "account's",
            world->vpc_id, world->region);
    else if (!world->vpc.seen)
        view_blocked(out, world->vpc.why.code, "%.500s", world->vpc.why.text);
    else if (!world->subnets.seen)
        view_blocked(out, world->subnets.why.code, "%.500s", world->subnets.why.text);
    else
        look_at_subnets(setup, out);
}

// ---- DNS attributes -----------------------------------------------------------------------------

const char *setup_vpc_word(const struct setup *setup)
{
    return *setup->world.vpc_id ? setup->world.vpc_id : "VPC_ID";
}

static void attribute_command(struct setup *setup, const char *attribute, struct step_view *out)
{
    struct ec2_command command;
    char text[EC2_TEXT_BYTES];
    ec2_enable_vpc_attribute(&command, &setup->world.ec2_options, setup_vpc_word(setup), attribute);
    shell_print(&command, text);
    add(out->command, sizeof(out->command), "%s%s", *out->command ? "\n" : "", text);
}

void step_attributes_look(struct setup *setup, struct step_view *out)
{
    const struct world *world = &setup->world;
    if (!setup_applies(setup, out))
        return;
    bool unseen = !world->attributes.seen;
    if (!unseen && world->dns_support && world->dns_hostnames) {
        view_is(out, STEP_DONE, "DNS resolution and DNS hostnames are on");
        return;
    }
    if (unseen)
        view_is(out, STEP_SKIPPED, "could not be looked at (%.480s); private DNS needs both",
            world->attributes.why.text);
    else
        view_is(out, STEP_TODO, "private DNS needs %s",
            world->dns_support     ? "DNS hostnames, which are off"
            : world->dns_hostnames ? "DNS resolution, which is off"
                                   : "DNS resolution and DNS hostnames, which are off");
    // AWS turns hostnames on only where resolution is.
    if (unseen || !world->dns_support)
        attribute_command(setup, "enableDnsSupport", out);
    if (unseen || !world->dns_hostnames)
        attribute_command(setup, "enableDnsHostnames", out);
}

static bool enable(struct setup *setup, const char *attribute, struct err *err)
{
    struct ec2_command command;
    ec2_enable_vpc_attribute(&command, &setup->world.ec2_options, setup->world.vpc_id, attribute);
    bool done = ec2_run(setup->world.ec2, &command, err);
    ec2_command_done(&command);
    return done;
}

bool step_attributes_take(struct setup *setup, struct err *err)
{
    return (setup->world.dns_support || enable(setup, "enableDnsSupport", err)) &&
           (setup->world.dns_hostnames || enable(setup, "enableDnsHostnames", err));
}
