// SPDX-License-Identifier: Apache-2.0
//
// Checks and effects of CreateVpcEndpoint and ModifyVpcEndpoint. Where EC2's own text is known from
// reports of its users it is used as it is. ec2_endpoints.c calls it. The loop's thread only.
#include "emulator/ec2_plan.h"

#include "base/err.h"
#include "base/hash.h"
#include "emulator/ec2.h"
#include "emulator/vpc.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

// ---- the fingerprint of a request ---------------------------------------------------------------

static bool counts(const char *name)
{
    return strcasecmp(name, "ClientToken") != 0 && strcasecmp(name, "DryRun") != 0;
}

// A sum of hashes (FNV-1a), so that the order does not matter.
void ec2_fingerprint(const struct ec2_ask *ask, char out[EC2_PRINT_BYTES])
{
    uint64_t sum = 0;
    const struct evkeyval *pair;
    TAILQ_FOREACH(pair, ask->form, next) {
        if (!counts(pair->key))
            continue;
        uint64_t hash = HASH_START;
        bool is_tag = strncmp(pair->key, "TagSpecification", strlen("TagSpecification")) == 0;
        for (const char *at = pair->key; *at; at++) {
            if (is_tag || !(*at >= '0' && *at <= '9'))
                hash = hash_bytes(hash, at, 1);
        }
        sum += hash_text(hash_text(hash, "="), pair->value);
    }
    snprintf(out, EC2_PRINT_BYTES, "%016" PRIx64, sum);
}

// ---- what both check ----------------------------------------------------------------------------

bool ec2_unknown_service(struct ec2_ask *ask, const char *name)
{
    return ec2_fail(
        ask, "InvalidServiceName", "The Vpc Endpoint Service '%s' does not exist", name);
}

static bool has_text(const cJSON *list, const char *text)
{
    const cJSON *item;
    cJSON_ArrayForEach(item, list) {
        if (strcmp(item->valuestring, text) == 0)
            return true;
    }
    return false;
}

static bool check_subnet(struct ec2_ask *ask, const struct object *vpc,
    const struct object *service, const char *id, const cJSON *others)
{
    const struct object *subnet = ec2_find(ask, KIND_SUBNET, id);
    if (!subnet)
        return ec2_fail(ask, "InvalidSubnetId.NotFound", "The subnet ID '%s' does not exist", id);
    if (!world_refers(subnet, "vpc", vpc))
        return ec2_fail(ask, "InvalidParameter", "Subnet %s is not in VPC %s", id, object_id(vpc));
    if (!vpc_service_has_zone(service, object_text(subnet, "zoneId")))
        return ec2_fail(ask, "InvalidParameter",
            "The VPC endpoint service %s does not support the availability zone of the subnet: %s.",
            object_text(service, "serviceName"), id);
    const cJSON *other;
    cJSON_ArrayForEach(other, others) {
        const struct object *taken = world_find(ask->world, KIND_SUBNET, other->valuestring);
        if (taken && object_is(taken, "zoneId", object_text(subnet, "zoneId")))
            return ec2_fail(ask, "DuplicateSubnetsInSameZone",
                "Found another VPC endpoint subnet in the availability zone of %s. VPC endpoint "
                "subnets should be in different availability zones supported by the VPC endpoint "
                "service.",
                id);
    }
    char ip[VPC_IP_BYTES];
    if (!vpc_free_address(subnet, ip))
        return ec2_fail(
            ask, "InsufficientFreeAddressesInSubnet", "Not enough free addresses in subnet %s", id);
    return true;
}

static bool check_group(struct ec2_ask *ask, const struct object *vpc, const char *id)
{
    const struct object *group = ec2_find(ask, KIND_SECURITY_GROUP, id);
    if (!group)
        return ec2_not_found(ask, KIND_SECURITY_GROUP, id);
    if (!world_refers(group, "vpc", vpc))
        return ec2_fail(ask, "InvalidParameter", "Security group %s does not belong to VPC %s", id,
            object_id(vpc));
    return true;
}

// Adds what "NAME.N" lists to the list, each checked against those before it.
static bool add_subnets(struct ec2_ask *ask, const struct object *vpc, const struct object *service,
    const char *name, cJSON *list)
{
    const char *id;
    for (unsigned i = 1; (id = ec2_item(ask, name, i)); i++) {
        if (has_text(list, id))
            continue;
        if (!check_subnet(ask, vpc, service, id, list))
            return false;
        cJSON_AddItemToArray(list, cJSON_CreateString(id));
    }
    return true;
}

static bool add_groups(struct ec2_ask *ask, const struct object *vpc, const char *name, cJSON *list)
{
    const char *id;
    for (unsigned i = 1; (id = ec2_item(ask, name, i)); i++) {
        if (!check_group(ask, vpc, id))
            return false;
        if (!has_text(list, id))
            cJSON_AddItemToArray(list, cJSON_CreateString(id));
    }
    return true;
}

static void remove_items(const struct ec2_ask *ask, const char *name, cJSON *list)
{
    const char *id;
    for (unsigned i = 1; (id = ec2_item(ask, name, i)); i++) {
        for (int at = cJSON_GetArraySize(list) - 1; at >= 0; at--) {
            if (strcmp(cJSON_GetArrayItem(list, at)->valuestring, id) == 0)
                cJSON_DeleteItemFromArray(list, at);
        }
    }
}

// ---- private DNS --------------------------------------------------------------------------------

// Whether something in the VPC answers for this name already.
static bool has_domain(const struct object *vpc, const char *name, const struct object *endpoint)
{
    struct object *zone = NULL, *other = NULL;
    while ((zone = world_next(vpc->world, KIND_HOSTED_ZONE, zone))) {
        if (world_refers(zone, "vpc", vpc) && strcasecmp(object_text(zone, "name"), name) == 0)
            return true;
    }
    while ((other = world_next(vpc->world, KIND_VPC_ENDPOINT, other))) {
        const struct object *service = world_follow(other, "service");
        if (other != endpoint && !object_is(other, "state", "deleted") &&
            world_refers(other, "vpc", vpc) && object_flag(other, "privateDns") && service &&
            object_is(service, "dnsName", name))
            return true;
    }
    return false;
}

static bool refuse_not_accepted(struct ec2_ask *ask, const struct object *service)
{
    return ec2_fail(ask, "InvalidParameter",
        "Private DNS can only be enabled after the endpoint connection is accepted by the owner "
        "of %s.",
        object_text(service, "serviceName"));
}

static bool check_private_dns(
    struct ec2_ask *ask, const struct object *endpoint, const struct object *service)
{
    const struct object *vpc = vpc_of(endpoint);
    const char *name = object_text(service, "dnsName");
    if (!*name)
        return ec2_fail(ask, "InvalidParameter",
            "Private DNS can't be enabled because the service %s does not provide a private DNS "
            "name.",
            object_text(service, "serviceName"));
    if (object_is(endpoint, "state", "pendingAcceptance"))
        return refuse_not_accepted(ask, service);
    if (!object_flag(vpc, "dnsSupport") || !object_flag(vpc, "dnsHostnames"))
        return ec2_fail(ask, "InvalidParameter",
            "Enabling private DNS requires both enableDnsSupport and enableDnsHostnames VPC "
            "attributes set to true for %s",
            object_id(vpc));
    if (has_domain(vpc, name, endpoint))
        return ec2_fail(ask, "InvalidParameter",
            "private-dns-enabled cannot be set because there is already a conflicting DNS domain "
            "for %s in the VPC %s",
            name, object_id(vpc));
    return true;
}

// ---- creating -----------------------------------------------------------------------------------

static cJSON *read_tags(const struct ec2_ask *ask)
{
    cJSON *tags = cJSON_CreateObject();
    for (unsigned i = 1;; i++) {
        char key[64], value[64];
        snprintf(key, sizeof(key), "TagSpecification.1.Tag.%u.Key", i);
        snprintf(value, sizeof(value), "TagSpecification.1.Tag.%u.Value", i);
        const char *name = ec2_param(ask, key), *text = ec2_param(ask, value);
        if (!name)
            return tags;
        cJSON_DeleteItemFromObjectCaseSensitive(tags, name);
        cJSON_AddStringToObject(tags, name, text ? text : "");
    }
}

static bool check_service(struct ec2_ask *ask, struct object **out)
{
    const char *name = ec2_param(ask, "ServiceName");
    const char *type = ec2_param(ask, "VpcEndpointType");
    if (!name)
        return ec2_missing(ask, "ServiceName");
    *out = ec2_service_named(ask, name);
    if (!*out)
        return ec2_unknown_service(ask, name);
    if (!type || strcmp(type, "Interface") != 0)
        return ec2_fail(ask, "InvalidParameter",
            "Endpoint type (%s) does not match available service types ([Interface]).",
            type ? type : "Gateway");
    return true;
}

static bool fill_in(struct ec2_ask *ask, const struct object *vpc, const struct object *service,
    cJSON *subnets, cJSON *groups)
{
    if (!add_subnets(ask, vpc, service, "SubnetId", subnets) ||
        !add_groups(ask, vpc, "SecurityGroupId", groups))
        return false;
    if (ec2_is_true(ask, "PrivateDnsEnabled"))
        return refuse_not_accepted(ask, service);
    const struct object *group = vpc_default_group(vpc);
    if (!groups->child && group)
        cJSON_AddItemToArray(groups, cJSON_CreateString(object_id(group)));
    return true;
}

struct object *ec2_plan_create(struct ec2_ask *ask, const char *print)
{
    struct object *service = NULL;
    const struct object *vpc = ec2_named(ask, KIND_VPC, "VpcId");
    if (!vpc || !check_service(ask, &service))
        return NULL;
    const char *token = ec2_param(ask, "ClientToken");
    cJSON *fields = cJSON_CreateObject();
    cJSON *subnets = cJSON_AddArrayToObject(fields, "subnets");
    cJSON *groups = cJSON_AddArrayToObject(fields, "securityGroups");
    struct object *endpoint = NULL;
    if (fill_in(ask, vpc, service, subnets, groups)) {
        struct err err;
        cJSON_AddStringToObject(fields, "vpc", object_id(vpc));
        cJSON_AddStringToObject(fields, "service", object_id(service));
        cJSON_AddStringToObject(fields, "clientToken", token ? token : "");
        cJSON_AddStringToObject(fields, "request", print);
        cJSON_AddItemToObject(fields, "tags", read_tags(ask));
        endpoint = world_add(ask->world, KIND_VPC_ENDPOINT, fields, "$", &err);
        if (!endpoint)
            abort(); // all of it was checked
    }
    cJSON_Delete(fields);
    return endpoint;
}

// ---- modifying ----------------------------------------------------------------------------------

static cJSON *copy_list(const struct object *object, const char *field)
{
    cJSON *copy = cJSON_CreateArray();
    for (const cJSON *item = object_list(object, field); item; item = item->next)
        cJSON_AddItemToArray(copy, cJSON_Duplicate(item, true));
    return copy;
}

static bool is_same(const cJSON *list, const struct object *object, const char *field)
{
    return cJSON_Compare(list, cJSON_GetObjectItemCaseSensitive(object->fields, field), true);
}

static bool check_changes(struct ec2_ask *ask, const struct object *endpoint,
    const struct object *service, cJSON *subnets, cJSON *groups)
{
    const struct object *vpc = vpc_of(endpoint);
    remove_items(ask, "RemoveSubnetId", subnets);
    remove_items(ask, "RemoveSecurityGroupId", groups);
    if (!add_subnets(ask, vpc, service, "AddSubnetId", subnets) ||
        !add_groups(ask, vpc, "AddSecurityGroupId", groups))
        return false;
    if (!groups->child && ec2_item(ask, "RemoveSecurityGroupId", 1))
        return ec2_fail(ask, "InvalidParameter",
            "At least one security group is required for the VPC endpoint %s", object_id(endpoint));
    return !ec2_is_true(ask, "PrivateDnsEnabled") || check_private_dns(ask, endpoint, service);
}

bool ec2_plan_modify(struct ec2_ask *ask, struct object *endpoint)
{
    const struct object *service = world_follow(endpoint, "service");
    if (!service)
        return ec2_unknown_service(ask, "");
    cJSON *subnets = copy_list(endpoint, "subnets");
    cJSON *groups = copy_list(endpoint, "securityGroups");
    if (!check_changes(ask, endpoint, service, subnets, groups)) {
        cJSON_Delete(subnets);
        cJSON_Delete(groups);
        return false;
    }
    if (is_same(groups, endpoint, "securityGroups"))
        cJSON_Delete(groups);
    else
        object_set(endpoint, "securityGroups", groups);
    if (is_same(subnets, endpoint, "subnets"))
        cJSON_Delete(subnets);
    else
        object_set(endpoint, "subnets", subnets);
    if (ec2_param(ask, "PrivateDnsEnabled"))
        object_set(endpoint, "privateDns", cJSON_CreateBool(ec2_is_true(ask, "PrivateDnsEnabled")));
    return true;
}
