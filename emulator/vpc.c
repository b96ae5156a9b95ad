// SPDX-License-Identifier: Apache-2.0
//
// The network as AWS would see it, computed from the world's objects whenever somebody asks. Used
// by the EC2 actions, the metadata service, DNS and the wires. The loop's thread only.
#include "emulator/vpc.h"

#include "base/addr.h"
#include "base/cidr.h"
#include "emulator/rules.h"
#include "emulator/world.h"

#include <arpa/inet.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// AWS keeps the first four addresses of a subnet and the last one
// (docs.aws.amazon.com/vpc/latest/userguide/subnet-sizing.html).
enum { ADDRESSES_KEPT = 4 };

// ---- where things are ---------------------------------------------------------------------------

struct object *vpc_of(const struct object *object)
{
    if (object->kind == schema_kind(KIND_VPC))
        return world_find(object->world, KIND_VPC, object_id(object));
    if (object->kind == schema_kind(KIND_INTERFACE)) {
        const struct object *subnet = world_follow(object, "subnet");
        return subnet ? vpc_of(subnet) : NULL;
    }
    return world_follow(object, "vpc");
}

struct object *vpc_machine(struct world *world)
{
    return world_next(world, KIND_MACHINE, NULL);
}

struct object *vpc_here(struct world *world)
{
    const struct object *machine = vpc_machine(world);
    struct object *first = world_next(world, KIND_VPC, NULL);
    if (machine)
        return vpc_of(machine);
    return first && !world_next(world, KIND_VPC, first) ? first : NULL;
}

const char *vpc_service_region(const struct object *service)
{
    const struct object *group = world_follow(service, "group");
    const struct object *cluster = group ? world_follow(group, "cluster") : NULL;
    const char *region = cluster ? object_text(cluster, "region") : "";
    return strncmp(region, "aws-", 4) == 0 ? region + 4 : region;
}

bool vpc_service_has_zone(const struct object *service, const char *zone_id)
{
    return !object_list(service, "zones") || object_lists(service, "zones", zone_id);
}

const char *vpc_zone_name(
    struct world *world, const char *region, const char *zone_id, char out[VPC_NAME_BYTES])
{
    struct object *subnet = NULL;
    while ((subnet = world_next(world, KIND_SUBNET, subnet))) {
        if (object_is(subnet, "zoneId", zone_id)) {
            snprintf(out, VPC_NAME_BYTES, "%s", object_text(subnet, "zone"));
            return out;
        }
    }
    size_t len = strlen(zone_id);
    char digit = len > 0 ? zone_id[len - 1] : '1';
    snprintf(out, VPC_NAME_BYTES, "%s%c", region,
        digit >= '1' && digit <= '9' ? digit - '1' + 'a' : 'a');
    return out;
}

// ---- addresses ----------------------------------------------------------------------------------

static bool is_taken(struct world *world, const char *ip)
{
    static const enum kind_id kinds[] = { KIND_INTERFACE, KIND_MACHINE };
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        struct object *object = NULL;
        while ((object = world_next(world, kinds[i], object))) {
            if (object_is(object, "address", ip))
                return true;
        }
    }
    return false;
}

// The subnet's first address as a number, and how many it has.
static uint32_t block_of(const struct object *subnet, uint64_t *out_size)
{
    struct cidr cidr;
    uint32_t first = 0;
    if (!cidr_parse(object_text(subnet, "cidr"), &cidr, NULL))
        abort(); // the schema checked it
    memcpy(&first, cidr.bytes, sizeof(first));
    *out_size = 1ULL << (32 - cidr.prefix);
    return ntohl(first);
}

bool vpc_free_address(const struct object *subnet, char out[VPC_IP_BYTES])
{
    uint64_t size;
    uint32_t first = block_of(subnet, &size);
    for (uint64_t i = ADDRESSES_KEPT; i + 1 < size; i++) {
        struct in_addr addr = { htonl(first + (uint32_t)i) };
        if (inet_ntop(AF_INET, &addr, out, VPC_IP_BYTES) && !is_taken(subnet->world, out))
            return true;
    }
    return false;
}

const char *vpc_mac(const struct object *object, char out[VPC_MAC_BYTES])
{
    unsigned char bytes[4] = { 0 };
    inet_pton(AF_INET, object_text(object, "address"), bytes);
    snprintf(
        out, VPC_MAC_BYTES, "02:00:%02x:%02x:%02x:%02x", bytes[0], bytes[1], bytes[2], bytes[3]);
    return out;
}

size_t vpc_free_count(const struct object *subnet)
{
    uint64_t size;
    block_of(subnet, &size);
    size_t count = size > ADDRESSES_KEPT + 1 ? (size_t)size - ADDRESSES_KEPT - 1 : 0;
    struct object *interface = NULL;
    while (count > 0 && (interface = world_next(subnet->world, KIND_INTERFACE, interface)))
        count -= world_refers(interface, "subnet", subnet);
    const struct object *machine = vpc_machine(subnet->world);
    if (count > 0 && machine && world_refers(machine, "subnet", subnet))
        count--;
    return count;
}

// ---- endpoints ----------------------------------------------------------------------------------

struct object *vpc_default_group(const struct object *vpc)
{
    struct object *group = NULL;
    while ((group = world_next(vpc->world, KIND_SECURITY_GROUP, group))) {
        if (world_refers(group, "vpc", vpc) && object_is(group, "name", "default"))
            return group;
    }
    return NULL;
}

bool vpc_endpoint_lives(const struct object *endpoint)
{
    return object_is(endpoint, "state", "pendingAcceptance") ||
           object_is(endpoint, "state", "pending") || object_is(endpoint, "state", "available");
}

const char *vpc_endpoint_name(
    const struct object *endpoint, const char *zone, char out[VPC_NAME_BYTES])
{
    const struct object *service = world_follow(endpoint, "service");
    const char *name = service ? object_text(service, "serviceName") : "";
    const char *service_id = strrchr(name, '.');
    const char *id = object_id(endpoint);
    size_t len = strlen(id);
    snprintf(out, VPC_NAME_BYTES, "%s-%s%s%s.%s.%s.vpce.amazonaws.com", id,
        len > 8 ? id + len - 8 : id, zone ? "-" : "", zone ? zone : "",
        service_id ? service_id + 1 : "unknown", service ? vpc_service_region(service) : "unknown");
    return out;
}

unsigned vpc_endpoint_port(const struct object *endpoint)
{
    const struct object *service = world_follow(endpoint, "service");
    const struct object *group = service ? world_follow(service, "group") : NULL;
    const struct object *cluster = group ? world_follow(group, "cluster") : NULL;
    unsigned port = group ? object_uint(group, "port") : 0;
    return port || !cluster ? port : object_uint(cluster, "port");
}

// ---- security groups ----------------------------------------------------------------------------

// Whether any of these groups has a rule that lets the peer through.
static bool any_admits(struct world *world, const cJSON *groups, const char *direction,
    unsigned port, const struct rule_peer *peer)
{
    for (const cJSON *id = groups; id; id = id->next) {
        const struct object *group = world_find(world, KIND_SECURITY_GROUP, id->valuestring);
        const cJSON *line = group ? object_list(group, direction) : NULL;
        for (; line; line = line->next) {
            struct rule rule;
            if (rule_parse(line->valuestring, &rule) && rule_admits(&rule, port, peer))
                return true;
        }
    }
    return false;
}

static bool read_address(const struct object *object, struct addr *out)
{
    return addr_from_ip(object_text(object, "address"), 0, out);
}

bool vpc_may_reach(const struct object *interface, unsigned port)
{
    struct world *world = interface->world;
    const struct object *endpoint = world_follow(interface, "endpoint");
    const struct object *machine = vpc_machine(world);
    const cJSON *groups = endpoint ? object_list(endpoint, "securityGroups") : NULL;
    struct addr addr;
    struct rule_peer here = { 0 }; // off EC2 anybody
    if (machine && read_address(machine, &addr))
        here.addr = &addr;
    if (machine)
        here.groups = object_list(machine, "securityGroups");
    if (!any_admits(world, groups, "ingress", port, &here))
        return false;
    if (!here.groups)
        return true;
    struct addr there_addr;
    struct rule_peer there = { .groups = groups };
    if (read_address(interface, &there_addr))
        there.addr = &there_addr;
    return any_admits(world, here.groups, "egress", port, &there);
}
