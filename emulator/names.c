// SPDX-License-Identifier: Apache-2.0
//
// In the order in which a VPC's resolver goes: what the scenario says outright, private hosted
// zones (the most specific one), endpoints with private DNS, and then what is public. dns.c asks.
// The loop's thread only.
#include "emulator/names.h"

#include "emulator/vpc.h"
#include "emulator/world.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { ENDPOINT_TTL_S = 60 };

static void set(struct name_result *out, const struct object *object)
{
    out->answer = ANSWER_ADDRESSES;
    out->a = cJSON_Duplicate(cJSON_GetObjectItemCaseSensitive(object->fields, "a"), true);
    out->aaaa = cJSON_Duplicate(cJSON_GetObjectItemCaseSensitive(object->fields, "aaaa"), true);
    out->ttl_s = object_uint(object, "ttlSeconds");
}

// ---- the scenario's own word --------------------------------------------------------------------

// A name without private DNS leaves it to the rest of the world what it resolves to.
static bool look_at_names(struct world *world, const char *asked, struct name_result *out)
{
    const struct object *name = world_find(world, KIND_NAME, asked);
    if (!name)
        return false;
    out->delay_ms = object_ms(name, "delaySeconds");
    if (!object_flag(name, "privateDns"))
        return false;
    set(out, name);
    out->answer = (enum name_answer)object_choice(name, "answer");
    return true;
}

// ---- private hosted zones -----------------------------------------------------------------------

static size_t name_len(const char *name)
{
    size_t len = strlen(name);
    return len > 0 && name[len - 1] == '.' ? len - 1 : len;
}

// How many bytes of the zone's name end the asked one, whole labels; 0: it is not in the zone.
static size_t overlap(const struct object *zone, const char *asked)
{
    const char *name = object_text(zone, "name");
    size_t len = name_len(name), asked_len = strlen(asked);
    if (len == 0 || asked_len < len || strncasecmp(asked + asked_len - len, name, len) != 0)
        return 0;
    return asked_len == len || asked[asked_len - len - 1] == '.' ? len : 0;
}

static const struct object *zone_for(const struct object *vpc, const char *asked)
{
    const struct object *best = NULL;
    struct object *zone = NULL;
    while ((zone = world_next(vpc->world, KIND_HOSTED_ZONE, zone))) {
        if (world_refers(zone, "vpc", vpc) && overlap(zone, asked) > 0 &&
            (!best || overlap(zone, asked) > overlap(best, asked)))
            best = zone;
    }
    return best;
}

// ---- endpoints ----------------------------------------------------------------------------------

static void add_addresses(const struct object *endpoint, const char *zone, struct name_result *out)
{
    struct object *interface = NULL;
    out->answer = ANSWER_ADDRESSES;
    out->ttl_s = ENDPOINT_TTL_S;
    if (!out->a)
        out->a = cJSON_CreateArray();
    while ((interface = world_next(endpoint->world, KIND_INTERFACE, interface))) {
        const struct object *subnet = world_follow(interface, "subnet");
        if (world_refers(interface, "endpoint", endpoint) && object_has(interface, "address") &&
            (!zone || object_is(subnet, "zone", zone)))
            cJSON_AddItemToArray(out->a, cJSON_CreateString(object_text(interface, "address")));
    }
}

static bool look_at_private_dns(
    const struct object *vpc, const char *asked, struct name_result *out)
{
    struct object *endpoint = NULL;
    while ((endpoint = world_next(vpc->world, KIND_VPC_ENDPOINT, endpoint))) {
        const struct object *service = world_follow(endpoint, "service");
        if (!service || !world_refers(endpoint, "vpc", vpc) ||
            !object_flag(endpoint, "privateDns") || !object_is(endpoint, "state", "available") ||
            strcasecmp(object_text(service, "dnsName"), asked) != 0)
            continue;
        add_addresses(endpoint, NULL, out);
        return true;
    }
    return false;
}

// The endpoints' own names, which resolve anywhere.
static bool look_at_endpoints(struct world *world, const char *asked, struct name_result *out)
{
    char name[VPC_NAME_BYTES];
    struct object *endpoint = NULL;
    while ((endpoint = world_next(world, KIND_VPC_ENDPOINT, endpoint))) {
        if (strncasecmp(asked, object_id(endpoint), strlen(object_id(endpoint))) != 0)
            continue;
        if (strcasecmp(vpc_endpoint_name(endpoint, NULL, name), asked) == 0) {
            add_addresses(endpoint, NULL, out);
            return true;
        }
        for (const cJSON *id = object_list(endpoint, "subnets"); id; id = id->next) {
            const struct object *subnet = world_find(world, KIND_SUBNET, id->valuestring);
            const char *zone = subnet ? object_text(subnet, "zone") : "";
            if (strcasecmp(vpc_endpoint_name(endpoint, zone, name), asked) == 0) {
                add_addresses(endpoint, zone, out);
                return true;
            }
        }
    }
    return false;
}

// ---- in order -----------------------------------------------------------------------------------

// The most specific zone answers, and private DNS makes one of the service's name. A zone answers
// for everything below its name, and it has only addresses of its own name.
static bool look_in_vpc(const struct object *vpc, const char *asked, struct name_result *out)
{
    const struct object *zone = zone_for(vpc, asked);
    if (zone && overlap(zone, asked) == strlen(asked)) {
        set(out, zone);
        return true;
    }
    return look_at_private_dns(vpc, asked, out) || zone;
}

static bool look_in_public(struct world *world, const char *asked, struct name_result *out)
{
    const struct object *name = world_find(world, KIND_PUBLIC_NAME, asked);
    if (!name)
        return look_at_endpoints(world, asked, out);
    set(out, name);
    return true;
}

void names_look(struct world *world, const char *asked, bool is_public, struct name_result *out)
{
    *out = (struct name_result){ .answer = ANSWER_NXDOMAIN };
    const struct object *vpc = is_public ? NULL : vpc_here(world);
    if (!is_public && look_at_names(world, asked, out))
        return;
    if (vpc && !object_flag(vpc, "dnsSupport")) {
        out->answer = ANSWER_SERVFAIL; // Amazon's resolver is not there
        return;
    }
    if (!vpc || !look_in_vpc(vpc, asked, out))
        look_in_public(world, asked, out);
}

void names_done(struct name_result *result)
{
    cJSON_Delete(result->a);
    cJSON_Delete(result->aaaa);
    *result = (struct name_result){ .answer = ANSWER_NXDOMAIN };
}
