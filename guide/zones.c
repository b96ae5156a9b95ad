// SPDX-License-Identifier: Apache-2.0
//
// Finds the private hosted zone that answers for the cluster's name. Used by hops_dns.c.
// Source: docs.aws.amazon.com/Route53/latest/DeveloperGuide, "Working with private hosted zones".
#include "guide/zones.h"

#include "guide/doctor.h"

#include <string.h>
#include <strings.h>

// "example.com." is above or equal to "db.example.com"; `exact`: equal.
static bool is_above(const char *zone, const char *host, bool exact)
{
    size_t zone_len = strlen(zone), host_len = strlen(host);
    zone_len -= zone_len > 0 && zone[zone_len - 1] == '.';
    host_len -= host_len > 0 && host[host_len - 1] == '.';
    if (zone_len == 0 || zone_len > host_len || (exact && zone_len < host_len))
        return false;
    const char *tail = host + host_len - zone_len;
    return strncasecmp(tail, zone, zone_len) == 0 && (tail == host || tail[-1] == '.');
}

// The longest one answers: with private DNS the endpoint itself has the whole name, so that no zone
// above it matters. What AWS made for endpoints is none of those that conflict.
static const struct ec2_zone *find_zone(
    const struct ec2_zone_list *zones, const char *host, bool exact)
{
    const struct ec2_zone *found = NULL;
    for (size_t i = 0; i < zones->count; i++) {
        const struct ec2_zone *zone = &zones->items[i];
        if (!zone->service && is_above(zone->name, host, exact) &&
            (!found || strlen(zone->name) > strlen(found->name)))
            found = zone;
    }
    return found;
}

// AWS takes no private zone from its last VPC (LastVPCAssociation), and most are in one VPC only.
// Returns in how many a zone is; 0: not told.
static size_t count_vpcs(const struct world *world, const struct ec2_zone *zone)
{
    size_t vpcs = 0;
    struct err ignored;
    return ec2_zone_vpcs(world->ec2, zone->id, &vpcs, &ignored) ? vpcs : 0;
}

// What else is in the zone only its owner knows. EC2 deletes one only when no record is left.
static void advise_removal(struct doctor *doctor, const struct ec2_zone *zone, struct hop_view *out)
{
    struct ec2_command command;
    char text[EC2_TEXT_BYTES];
    ec2_delete_zone(&command, &doctor->world.ec2_options, zone->id);
    hop_advise(out,
        "delete its record of %s (the console of Route 53, Hosted zones), or, once no other record "
        "is in it, the zone: %s",
        doctor_host(doctor), ec2_command_text(&command, text));
    ec2_command_done(&command);
}

static void tell_zone(struct doctor *doctor, const struct ec2_zone *zone, struct hop_view *out)
{
    struct ec2_command command;
    const struct world *world = &doctor->world;
    hop_why(
        out, ". It is the private hosted zone %s, %s, of %s", zone->name, zone->id, world->vpc_id);
    hop_detail(out, "hosted_zone", zone->id);
    const size_t vpcs = count_vpcs(world, zone);
    if (vpcs < 2) {
        hop_why(out, vpcs == 1 ? ", its only one, from which AWS does not take it"
                               : ", from which AWS takes it only if it is in another VPC as well");
        advise_removal(doctor, zone, out);
        return;
    }
    if (!is_above(zone->name, doctor_host(doctor), true))
        hop_why(out, "; without it that VPC does not know its other names either");
    ec2_leave_zone(&command, &world->ec2_options, zone->id, world->vpc_id);
    hop_ec2(out, &command);
}

enum found { FOUND_NONE, FOUND_ONE, FOUND_UNKNOWN };

static enum found find(struct doctor *doctor, struct hop_view *out)
{
    const struct world *world = &doctor->world;
    const char *host = doctor_host(doctor);
    struct ec2_zone_list zones;
    struct err err;
    if (!world->aws.seen || !*world->vpc_id || !*world->region || !host ||
        !ec2_zones_of_vpc(world->ec2, world->vpc_id, &zones, &err))
        return FOUND_UNKNOWN;
    const bool exact = doctor->endpoint && doctor->endpoint->private_dns;
    const struct ec2_zone *zone = find_zone(&zones, host, exact);
    if (zone)
        tell_zone(doctor, zone, out);
    ec2_zone_list_done(&zones);
    return zone ? FOUND_ONE : FOUND_NONE;
}

bool zones_find(struct doctor *doctor, struct hop_view *out)
{
    return find(doctor, out) == FOUND_ONE;
}

void zones_explain(struct doctor *doctor, struct hop_view *out)
{
    const struct world *world = &doctor->world;
    struct ec2_command command;
    char text[EC2_TEXT_BYTES];
    switch (find(doctor, out)) {
    case FOUND_ONE:
        break;
    case FOUND_NONE:
        hop_advise(out,
            "no private hosted zone of %s has the name: the DNS server itself, or one "
            "that it asks, has it",
            world->vpc_id);
        break;
    case FOUND_UNKNOWN:
        if (!*world->vpc_id || !*world->region) {
            hop_advise(out, "find who answers for the name: the DNS server's own zones, or a "
                            "private hosted zone of Route 53");
            break;
        }
        ec2_list_zones(&command, &world->ec2_options, world->vpc_id);
        hop_advise(
            out, "look for the zone that has the name: %s", ec2_command_text(&command, text));
        ec2_command_done(&command);
    }
}
