// SPDX-License-Identifier: Apache-2.0
//
// What follows from what was seen: the pure judgements. look.c does the seeing.
#include "guide/world.h"

#include "base/addr.h"
#include "base/cidr.h"
#include "base/cursor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

// ---- clouds -------------------------------------------------------------------------------------

static const struct {
    const char *id, *name;
} clouds[] = {
    { "aws", "AWS" },
    { "gcp", "Google Cloud" },
    { "azure", "Azure" },
    { "alicloud", "Alibaba Cloud" },
};

static bool begins_with(const char *text, const char *word, char end)
{
    size_t len = strlen(word);
    return text && strncasecmp(text, word, len) == 0 && text[len] == end;
}

static size_t cloud_of(const struct cluster *cluster)
{
    for (size_t i = 0; i < ARRAY_LEN(clouds); i++)
        if (begins_with(cluster->provider, clouds[i].id, '\0'))
            return i;
    size_t i = 0;
    while (i < ARRAY_LEN(clouds) && !begins_with(cluster->region, clouds[i].id, '-'))
        i++;
    return i;
}

const char *world_provider(const struct cluster *cluster)
{
    size_t cloud = cloud_of(cluster);
    return cloud < ARRAY_LEN(clouds) ? clouds[cloud].id : "";
}

const char *world_provider_name(const struct cluster *cluster)
{
    size_t cloud = cloud_of(cluster);
    return cloud < ARRAY_LEN(clouds) ? clouds[cloud].name : "another cloud";
}

const char *world_state_text(const struct observed_state *state, const struct state_words *words,
    char out[WORLD_STATE_BYTES])
{
    const char *text = state->text ? state->text : "not known";
    snprintf(out, WORLD_STATE_BYTES, "%.40s%s%.40s%s", text, *words->console ? " (" : "",
        words->console, *words->console ? ")" : "");
    return out;
}

// ---- endpoints ----------------------------------------------------------------------------------

// The API spells them "available", the CLI's reference in places "Available".
bool world_endpoint_lives(const struct ec2_endpoint *endpoint)
{
    static const char *const ends[] = { "deleted", "deleting", "rejected", "failed", "expired" };
    for (size_t i = 0; endpoint->state && i < ARRAY_LEN(ends); i++)
        if (strcasecmp(endpoint->state, ends[i]) == 0)
            return false;
    return true;
}

const struct ec2_endpoint *world_find_endpoint(
    const struct ec2_endpoint_list *list, const char *endpoint_id)
{
    for (size_t i = 0; endpoint_id && i < list->count; i++)
        if (list->items[i].id && strcmp(list->items[i].id, endpoint_id) == 0)
            return &list->items[i];
    return NULL;
}

const struct endpoint *world_find_connection(
    const struct node_group *group, const char *endpoint_id)
{
    for (size_t i = 0; group && endpoint_id && i < group->endpoint_count; i++) {
        const struct endpoint *endpoint = &group->endpoints[i];
        if (endpoint->endpoint_id && strcmp(endpoint->endpoint_id, endpoint_id) == 0)
            return endpoint;
    }
    return NULL;
}

static bool is_candidate(const struct ec2_endpoint *endpoint, const char *vpc_id)
{
    return world_endpoint_lives(endpoint) &&
           (!*vpc_id || (endpoint->vpc_id && strcmp(endpoint->vpc_id, vpc_id) == 0));
}

// One that TiDB Cloud knows is worth more than one that we have made, and that more than any.
static unsigned rank_of(const struct ec2_endpoint *endpoint, const struct node_group *group)
{
    return world_find_connection(group, endpoint->id) ? 3 : endpoint->tag ? 2 : 1;
}

const struct ec2_endpoint *world_pick_endpoint(const struct ec2_endpoint_list *list,
    const struct node_group *group, const char *endpoint_id, const char *vpc_id)
{
    const struct ec2_endpoint *found = NULL;
    size_t count = 0;
    if (endpoint_id)
        return world_find_endpoint(list, endpoint_id);
    for (size_t i = 0; i < list->count; i++) {
        const struct ec2_endpoint *candidate = &list->items[i];
        if (!is_candidate(candidate, vpc_id))
            continue;
        count++;
        if (!found || rank_of(candidate, group) > rank_of(found, group))
            found = candidate;
    }
    return *vpc_id || count == 1 ? found : NULL;
}

// ---- zones --------------------------------------------------------------------------------------

static bool has_zone_ids(const struct world *world)
{
    return world->group && world->group->zone_count > 0;
}

struct option_list world_zones(const struct world *world)
{
    if (has_zone_ids(world))
        return (struct option_list){ world->group->zones, world->group->zone_count };
    if (world->service.seen && world->service_list.count > 0)
        return world->service_list.items[0].zones;
    return (struct option_list){ 0 };
}

const char *world_zone_of(const struct world *world, const struct ec2_subnet *subnet)
{
    return has_zone_ids(world) || world_zones(world).count == 0 ? subnet->zone_id : subnet->zone;
}

bool world_serves_zone(const struct world *world, const struct ec2_subnet *subnet)
{
    const struct option_list zones = world_zones(world);
    const char *zone = world_zone_of(world, subnet);
    if (zones.count == 0 || !zone)
        return true;
    for (size_t i = 0; i < zones.count; i++)
        if (strcmp(zones.items[i], zone) == 0)
            return true;
    return false;
}

// ---- security groups ----------------------------------------------------------------------------

// TCP or everything; protocols come as names or as IANA's numbers.
static bool covers_port(const struct ec2_permission *permission, uint16_t port)
{
    const char *protocol = permission->protocol ? permission->protocol : "";
    if (strcmp(protocol, "-1") == 0 || strcasecmp(protocol, "all") == 0)
        return true;
    if (strcasecmp(protocol, "tcp") != 0 && strcmp(protocol, "6") != 0)
        return false;
    return permission->from_port < 0 ||
           (permission->from_port <= port && port <= permission->to_port);
}

// A block's first address and its length; a lone address is a block of one.
static bool read_block(const char *text, struct addr *out_first, unsigned *out_prefix)
{
    char ip[ADDR_TEXT_BYTES];
    const char *slash = strchr(text, '/');
    int len = slash ? (int)(slash - text) : (int)strlen(text);
    snprintf(ip, sizeof(ip), "%.*s", len, text);
    if (!addr_from_ip(ip, 0, out_first))
        return false;
    unsigned whole = out_first->any.sa_family == AF_INET ? 32 : 128;
    uint64_t prefix = whole;
    if (slash && !parse_uint(slash + 1, 0, whole, &prefix))
        return false;
    *out_prefix = (unsigned)prefix;
    return true;
}

static bool block_contains(const char *outer_text, const char *inner_text)
{
    struct cidr outer;
    struct addr first;
    unsigned prefix = 0;
    struct err ignored;
    return read_block(inner_text, &first, &prefix) && cidr_parse(outer_text, &outer, &ignored) &&
           outer.family == first.any.sa_family && prefix >= outer.prefix &&
           cidr_contains(&outer, &first);
}

static bool lists_share(const struct option_list *a, const struct option_list *b)
{
    for (size_t i = 0; b && i < a->count; i++)
        for (size_t k = 0; k < b->count; k++)
            if (strcmp(a->items[i], b->items[k]) == 0)
                return true;
    return false;
}

// by_lists: what a managed prefix list holds is not known, and taken for what is looked for.
static bool admits_peer(const struct ec2_permission *permission, const struct option_list *groups,
    const char *cidr, bool by_lists)
{
    bool is_any = !cidr && (!groups || groups->count == 0);
    if (is_any || (by_lists && permission->prefix_lists.count > 0) ||
        lists_share(&permission->groups, groups))
        return true;
    for (size_t i = 0; cidr && i < permission->cidrs.count; i++)
        if (block_contains(permission->cidrs.items[i], cidr))
            return true;
    return false;
}

static bool any_admits(const struct ec2_permission *permissions, size_t count, uint16_t port,
    const struct option_list *groups, const char *cidr, bool by_lists)
{
    for (size_t i = 0; i < count; i++)
        if (covers_port(&permissions[i], port) &&
            admits_peer(&permissions[i], groups, cidr, by_lists))
            return true;
    return false;
}

bool world_allows_ingress(const struct ec2_security_group *group, uint16_t port,
    const struct option_list *from_groups, const char *cidr)
{
    return any_admits(group->ingress, group->ingress_count, port, from_groups, cidr, true);
}

bool world_allows_egress(const struct ec2_security_group *group, uint16_t port,
    const struct option_list *to_groups, const char *cidr)
{
    return any_admits(group->egress, group->egress_count, port, to_groups, cidr, true);
}

const char *world_own_vpc(const struct world *world)
{
    const char *machine = world->machine.seen ? world->instance.vpc_id : NULL;
    return world->plan->vpc_id ? world->plan->vpc_id : machine;
}

bool world_is_here(const struct world *world)
{
    return world->machine.seen && world->instance.vpc_id &&
           strcmp(world->instance.vpc_id, world->vpc_id) == 0;
}

const char *world_vpc_cidr(const struct world *world)
{
    const struct ec2_vpc_list *vpcs = &world->vpcs;
    return vpcs->count > 0 && vpcs->items[0].cidrs.count > 0 ? vpcs->items[0].cidrs.items[0] : NULL;
}

static bool lets_in(const struct world *world, bool by_lists)
{
    const bool is_here = world_is_here(world);
    const struct option_list *groups = is_here ? &world->instance.security_group_ids : NULL;
    const char *from = is_here ? world->instance.address : world_vpc_cidr(world);
    for (size_t i = 0; i < world->group_list.count; i++) {
        const struct ec2_security_group *group = &world->group_list.items[i];
        if (any_admits(group->ingress, group->ingress_count, world->port, groups, from, by_lists))
            return true;
    }
    return false;
}

bool world_lets_in(const struct world *world)
{
    return lets_in(world, true);
}

const char *world_ingress_list(const struct world *world)
{
    for (size_t i = 0; !lets_in(world, false) && i < world->group_list.count; i++) {
        const struct ec2_security_group *group = &world->group_list.items[i];
        for (size_t k = 0; k < group->ingress_count; k++)
            if (covers_port(&group->ingress[k], world->port) &&
                group->ingress[k].prefix_lists.count > 0)
                return group->ingress[k].prefix_lists.items[0];
    }
    return NULL;
}
