// SPDX-License-Identifier: Apache-2.0
//
// The hops of what lies between this machine and the endpoint inside the VPC: zones and security
// groups. A judgement that the connection itself disproves is none.
// Source: docs.aws.amazon.com/vpc/latest/privatelink, "Subnets and Availability Zones"; ".../
// userguide", "Security group rules".
#include "guide/doctor.h"

#include <stdio.h>
#include <string.h>

// ---- zones --------------------------------------------------------------------------------------

static const struct ec2_subnet *find_subnet(const struct world *world, const char *id)
{
    for (size_t i = 0; id && i < world->subnet_list.count; i++)
        if (strcmp(world->subnet_list.items[i].id, id) == 0)
            return &world->subnet_list.items[i];
    return NULL;
}

static const char *zone_of(const struct ec2_subnet *subnet)
{
    return subnet->zone_id ? subnet->zone_id : subnet->zone ? subnet->zone : "a zone";
}

static bool has_zone(const struct doctor *doctor, const char *zone_id)
{
    const struct option_list *ids = &doctor->endpoint->subnet_ids;
    for (size_t i = 0; i < ids->count; i++) {
        const struct ec2_subnet *subnet = find_subnet(&doctor->world, ids->items[i]);
        if (subnet && strcmp(zone_of(subnet), zone_id) == 0)
            return true;
    }
    return false;
}

static bool list_zones(const struct doctor *doctor, struct hop_view *out)
{
    const struct option_list *ids = &doctor->endpoint->subnet_ids;
    bool any = false;
    hop_is(out, HOP_OK, "in ");
    for (size_t i = 0; i < ids->count; i++) {
        const struct ec2_subnet *subnet = find_subnet(&doctor->world, ids->items[i]);
        if (!subnet)
            continue;
        hop_saw_more(out, "%s%s", any ? ", " : "", zone_of(subnet));
        any = true;
    }
    return any;
}

// The machine's zone has no interface of the endpoint.
static void explain_other_zone(
    const struct doctor *doctor, const struct ec2_subnet *own, struct hop_view *out)
{
    struct ec2_command command;
    out->status = HOP_WARN;
    hop_saw_more(out, "; this machine is in %s", zone_of(own));
    hop_why(out, "traffic goes through another zone, which costs money and time, and ends with it");
    if (!world_serves_zone(&doctor->world, own))
        return; // nothing can be done: TiDB Cloud's service is not there
    ec2_command_begin(&command, &doctor->world.ec2_options, "modify-vpc-endpoint");
    ec2_command_add(&command, "--vpc-endpoint-id");
    ec2_command_add_value(&command, doctor->endpoint->id);
    ec2_command_add(&command, "--add-subnet-ids");
    ec2_command_add_value(&command, own->id);
    hop_ec2(out, &command);
}

static void warn_of_unserved(const struct doctor *doctor, struct hop_view *out)
{
    const struct option_list *ids = &doctor->endpoint->subnet_ids;
    for (size_t i = 0; i < ids->count; i++) {
        const struct ec2_subnet *subnet = find_subnet(&doctor->world, ids->items[i]);
        if (!subnet || world_serves_zone(&doctor->world, subnet))
            continue;
        out->status = HOP_WARN;
        hop_why(out, "%s%s is in %s, from which the private link service cannot be reached",
            *out->why ? "; " : "", subnet->id, zone_of(subnet));
        if (!*out->fix)
            hop_advise(out, "take %s out of the endpoint's subnets", subnet->id);
    }
}

void hop_subnets(struct doctor *doctor, struct hop_view *out)
{
    const struct world *world = &doctor->world;
    const struct ec2_subnet *own =
        world->machine.seen ? find_subnet(world, world->instance.subnet_id) : NULL;
    if (!world->subnets.seen) {
        hop_is(out, HOP_SKIP, "not looked at: %s", world->subnets.why.text);
        return;
    }
    if (!list_zones(doctor, out)) {
        hop_is(out, HOP_SKIP, "the endpoint's subnets are in another VPC");
        return;
    }
    hop_detail(out, "zone", own ? zone_of(own) : NULL);
    if (own && !has_zone(doctor, zone_of(own)))
        explain_other_zone(doctor, own, out);
    else if (own)
        hop_saw_more(out, "; this machine is in %s", zone_of(own));
    warn_of_unserved(doctor, out);
}

// ---- security groups ----------------------------------------------------------------------------

static void list_groups(const struct ec2_security_group_list *list, struct hop_view *out)
{
    for (size_t i = 0; i < list->count; i++)
        hop_saw_more(out, "%s%s", i > 0 ? ", " : "", list->items[i].id);
}

// What contradicts a group that seems closed: a prefix list, or peers that were not thought of.
static bool is_disproved(struct doctor *doctor, struct hop_view *out)
{
    if (!doctor_reaches(doctor))
        return false;
    out->status = HOP_OK;
    hop_saw_more(out, ", and connections pass nevertheless");
    return true;
}

// Only a prefix list may let this machine in.
static void explain_list(
    struct doctor *doctor, const char *list, const char *who, struct hop_view *out)
{
    struct ec2_command command;
    char text[EC2_TEXT_BYTES];
    const struct world *world = &doctor->world;
    hop_saw_more(out, " let%s port %u in from the prefix list %s",
        world->group_list.count == 1 ? "s" : "", world->port, list);
    if (doctor_reaches(doctor))
        return;
    out->status = HOP_WARN;
    hop_why(out, "what that list holds is not known, nor whether it holds %s", who);
    ec2_command_begin(&command, &world->ec2_options, "get-managed-prefix-list-entries");
    ec2_command_add(&command, "--prefix-list-id");
    ec2_command_add_value(&command, list);
    hop_advise(out, "look whether it does: %s", ec2_command_text(&command, text));
    ec2_command_done(&command);
}

void hop_ingress(struct doctor *doctor, struct hop_view *out)
{
    struct ec2_command command;
    const struct world *world = &doctor->world;
    const struct option_list *own = &world->instance.security_group_ids;
    const bool by_group = world_is_here(world) && own->count > 0;
    const char *peer = by_group ? own->items[0] : world_vpc_cidr(world);
    if (!world->groups.seen || world->group_list.count == 0 || !world->port || !peer) {
        hop_is(out, HOP_SKIP, "not looked at: %s",
            world->groups.seen ? "port or VPC is not known" : world->groups.why.text);
        return;
    }
    hop_detail_number(out, "port", world->port);
    list_groups(&world->group_list, out);
    const char *list = world_ingress_list(world);
    if (list) {
        explain_list(doctor, list, by_group ? "this machine" : peer, out);
        return;
    }
    if (world_lets_in(world)) {
        hop_saw_more(out, " let%s port %u in from %s", world->group_list.count == 1 ? "s" : "",
            world->port, by_group ? "this machine" : peer);
        return;
    }
    out->status = world_is_here(world) ? HOP_FAIL : HOP_WARN;
    hop_saw_more(out, " do%s not let port %u in from %s", world->group_list.count == 1 ? "es" : "",
        world->port, peer);
    if (is_disproved(doctor, out))
        return;
    hop_why(out, "the endpoint's security groups decide who may connect to it");
    ec2_allow_ingress(&command, &world->ec2_options, world->group_list.items[0].id, world->port,
        by_group ? peer : NULL, by_group ? NULL : peer);
    hop_ec2(out, &command);
}

// Where the endpoint is: the addresses of its interfaces; where those are not known the blocks of
// its subnets, else the VPC's. Returns how many of them there are; `out` is one of them.
static size_t place_of(const struct world *world, size_t index, const char **out)
{
    const struct ec2_interface_list *interfaces = &world->interface_list;
    const struct option_list *subnets = &world->endpoint->subnet_ids;
    const struct ec2_subnet *first =
        subnets->count > 0 ? find_subnet(world, subnets->items[0]) : NULL;
    if (interfaces->count > 0) {
        *out = index < interfaces->count ? interfaces->items[index].address : NULL;
        return interfaces->count;
    }
    if (first) {
        const struct ec2_subnet *subnet =
            index < subnets->count ? find_subnet(world, subnets->items[index]) : NULL;
        *out = subnet ? subnet->cidr : NULL;
        return subnets->count;
    }
    *out = index == 0 ? world_vpc_cidr(world) : NULL;
    return *out != NULL;
}

static bool lets_out(const struct world *world, const struct ec2_security_group *group)
{
    static const char everywhere[] = "0.0.0.0/0";
    const struct option_list *targets = &world->endpoint->security_group_ids;
    const char *place;
    bool any = world_allows_egress(group, world->port, targets, everywhere);
    for (size_t i = 0; !any && i < place_of(world, i, &place); i++)
        any = place && world_allows_egress(group, world->port, targets, place);
    return any;
}

static bool knows_place(const struct world *world)
{
    const char *ignored;
    return place_of(world, 0, &ignored) > 0;
}

void hop_egress(struct doctor *doctor, struct hop_view *out)
{
    struct ec2_command command;
    const struct world *world = &doctor->world;
    const struct ec2_security_group_list *own = &world->own_group_list;
    if (!world->own_groups.seen || own->count == 0 || !world->port || !world->endpoint) {
        hop_is(out, HOP_SKIP, "not looked at: %s",
            world->own_groups.seen ? "port or endpoint is not known" : world->own_groups.why.text);
        return;
    }
    hop_detail_number(out, "port", world->port);
    list_groups(own, out);
    for (size_t i = 0; i < own->count; i++) {
        if (!lets_out(world, &own->items[i]))
            continue;
        hop_saw_more(
            out, " let%s port %u out to the endpoint", own->count == 1 ? "s" : "", world->port);
        return;
    }
    if (!knows_place(world)) {
        hop_is(out, HOP_SKIP, "the endpoint's addresses are not known: %s",
            world->interfaces.why.text);
        return;
    }
    out->status = HOP_FAIL;
    hop_saw_more(
        out, " do%s not let port %u out to the endpoint", own->count == 1 ? "es" : "", world->port);
    if (is_disproved(doctor, out))
        return;
    hop_why(out, "this machine's security groups decide where it may connect to");
    const struct option_list *targets = &world->endpoint->security_group_ids;
    ec2_allow_egress(&command, &world->ec2_options, own->items[0].id, world->port,
        targets->count > 0 ? targets->items[0] : NULL,
        targets->count > 0 ? NULL : world_vpc_cidr(world));
    hop_ec2(out, &command);
}
