// SPDX-License-Identifier: Apache-2.0
//
// One reader per struct of ec2.h, and one loop over a list for all of them. See ec2_json.h; used by
// ec2.c and aws.c.
#include "control/ec2_json.h"

#include "base/err.h"
#include "base/os.h"
#include "control/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// ---- lists --------------------------------------------------------------------------------------

typedef bool (*read_fn)(const struct json_place *place, void *item, struct err *err);

// One more zeroed element of `size` bytes behind *count others.
static void *grow(void **items, size_t *count, size_t size)
{
    char *grown = os_reallocarray(*items, *count + 1, size);
    if (grown == NULL)
        abort();
    *items = grown;
    memset(grown + *count * size, 0, size);
    return grown + (*count)++ * size;
}

// The objects of the member array `key`, read one by one; *items may grow although it fails.
static bool read_array(const struct json_place *place, const char *key, size_t size, read_fn read,
    void **items, size_t *count, struct err *err)
{
    const cJSON *array;
    const cJSON *element;
    size_t index = 0;
    if (!json_array(place, key, &array, err))
        return false;
    cJSON_ArrayForEach(element, array) {
        struct json_place item;
        if (!json_element(place, key, index++, element, &item, err) ||
            !read(&item, grow(items, count, size), err))
            return false;
    }
    return true;
}

static bool read_list(const char *text, size_t len, const char *key, size_t size, read_fn read,
    void **items, size_t *count, struct err *err)
{
    cJSON *document CLEANUP(json_free) = json_parse(text, len, err);
    if (document == NULL)
        return false;
    struct json_place top = json_top(document);
    return read_array(&top, key, size, read, items, count, err);
}

// Defines ec2_json_<name> for a list of struct kind, the array `key` of the answer.
#define LIST_READER(name, kind, key)                                                               \
    bool ec2_json_##name(const char *text, size_t len, struct kind##_list *out, struct err *err)   \
    {                                                                                              \
        void *items = NULL;                                                                        \
        *out = (struct kind##_list){ 0 };                                                          \
        bool read =                                                                                \
            read_list(text, len, key, sizeof(struct kind), read_##kind, &items, &out->count, err); \
        out->items = items;                                                                        \
        return read;                                                                               \
    }

// Defines kind_list_done.
#define LIST_DONE(kind)                                                                            \
    void kind##_list_done(struct kind##_list *list)                                                \
    {                                                                                              \
        for (size_t i = 0; i < list->count; i++)                                                   \
            done_##kind(&list->items[i]);                                                          \
        free(list->items);                                                                         \
        *list = (struct kind##_list){ 0 };                                                         \
    }

// Appends the text `member` of each object of the array `key`.
static bool read_members(const struct json_place *place, const char *key, const char *member,
    struct option_list *out, struct err *err)
{
    const cJSON *array;
    const cJSON *element;
    size_t index = 0;
    if (!json_array(place, key, &array, err))
        return false;
    cJSON_ArrayForEach(element, array) {
        struct json_place item;
        char *text = NULL;
        if (!json_element(place, key, index++, element, &item, err) ||
            !json_text(&item, member, &text, err))
            return false;
        if (text != NULL && !option_list_add(out, text))
            abort();
        free(text);
    }
    return true;
}

// The value of one of the "Tags", NULL if there is none of that key.
static bool read_tag(
    const struct json_place *place, const char *wanted, char **out, struct err *err)
{
    const cJSON *tags;
    const cJSON *element;
    size_t index = 0;
    if (!json_array(place, "Tags", &tags, err))
        return false;
    cJSON_ArrayForEach(element, tags) {
        struct json_place tag;
        char *key = NULL;
        if (!json_element(place, "Tags", index++, element, &tag, err) ||
            !json_text(&tag, "Key", &key, err))
            return false;
        bool is_it = key != NULL && strcmp(key, wanted) == 0;
        free(key);
        if (is_it)
            return json_text(&tag, "Value", out, err);
    }
    return true;
}

// ---- VPCs and subnets ---------------------------------------------------------------------------

// The main block is among the associations, and in older answers alone.
static bool read_cidrs(const struct json_place *place, struct option_list *out, struct err *err)
{
    char *main_block = NULL;
    if (!read_members(place, "CidrBlockAssociationSet", "CidrBlock", out, err) ||
        !json_text(place, "CidrBlock", &main_block, err))
        return false;
    if (main_block != NULL && out->count == 0 && !option_list_add(out, main_block))
        abort();
    free(main_block);
    return true;
}

static bool read_ec2_vpc(const struct json_place *place, void *item, struct err *err)
{
    struct ec2_vpc *out = item;
    return json_id(place, "VpcId", &out->id, err) && read_cidrs(place, &out->cidrs, err) &&
           read_tag(place, "Name", &out->name, err);
}

static void done_ec2_vpc(struct ec2_vpc *vpc)
{
    free(vpc->id);
    free(vpc->name);
    option_list_free(&vpc->cidrs);
}

LIST_READER(vpcs, ec2_vpc, "Vpcs")
LIST_DONE(ec2_vpc)

bool ec2_json_vpc_attribute(
    const char *text, size_t len, const char *attribute, bool *out, struct err *err)
{
    cJSON *document CLEANUP(json_free) = json_parse(text, len, err);
    if (document == NULL)
        return false;
    bool support = strcmp(attribute, "enableDnsSupport") == 0;
    struct json_place top = json_top(document);
    struct json_place value;
    *out = false;
    if (!json_member(&top, support ? "EnableDnsSupport" : "EnableDnsHostnames", &value, err))
        return false;
    if (value.object == NULL)
        return err_set(err, ERR_API_ANSWER, "%s: nothing is told about it", attribute);
    return json_bool(&value, "Value", out, err);
}

static bool read_ec2_subnet(const struct json_place *place, void *item, struct err *err)
{
    struct ec2_subnet *out = item;
    return json_id(place, "SubnetId", &out->id, err) &&
           json_text(place, "VpcId", &out->vpc_id, err) &&
           json_text(place, "CidrBlock", &out->cidr, err) &&
           json_text(place, "AvailabilityZone", &out->zone, err) &&
           json_text(place, "AvailabilityZoneId", &out->zone_id, err);
}

static void done_ec2_subnet(struct ec2_subnet *subnet)
{
    free(subnet->id);
    free(subnet->vpc_id);
    free(subnet->cidr);
    free(subnet->zone);
    free(subnet->zone_id);
}

LIST_READER(subnets, ec2_subnet, "Subnets")
LIST_DONE(ec2_subnet)

// ---- services and endpoints ---------------------------------------------------------------------

static bool read_ec2_service(const struct json_place *place, void *item, struct err *err)
{
    struct ec2_service *out = item;
    return json_id(place, "ServiceName", &out->name, err) &&
           json_text(place, "PrivateDnsName", &out->private_dns_name, err) &&
           json_texts(place, "AvailabilityZones", &out->zones, err) &&
           json_bool(place, "AcceptanceRequired", &out->acceptance_required, err);
}

static void done_ec2_service(struct ec2_service *service)
{
    free(service->name);
    free(service->private_dns_name);
    option_list_free(&service->zones);
}

LIST_READER(services, ec2_service, "ServiceDetails")
LIST_DONE(ec2_service)

static bool read_ec2_endpoint(const struct json_place *place, void *item, struct err *err)
{
    struct ec2_endpoint *out = item;
    struct json_place error;
    return json_id(place, "VpcEndpointId", &out->id, err) &&
           json_text(place, "VpcId", &out->vpc_id, err) &&
           json_text(place, "ServiceName", &out->service_name, err) &&
           json_text(place, "State", &out->state, err) &&
           json_bool(place, "PrivateDnsEnabled", &out->private_dns, err) &&
           json_texts(place, "SubnetIds", &out->subnet_ids, err) &&
           read_members(place, "Groups", "GroupId", &out->security_group_ids, err) &&
           json_texts(place, "NetworkInterfaceIds", &out->interface_ids, err) &&
           json_member(place, "LastError", &error, err) &&
           json_text(&error, "Message", &out->error, err) &&
           read_tag(place, "tidblink-cluster", &out->tag, err);
}

void ec2_endpoint_done(struct ec2_endpoint *endpoint)
{
    free(endpoint->id);
    free(endpoint->vpc_id);
    free(endpoint->service_name);
    free(endpoint->state);
    free(endpoint->error);
    free(endpoint->tag);
    option_list_free(&endpoint->subnet_ids);
    option_list_free(&endpoint->security_group_ids);
    option_list_free(&endpoint->interface_ids);
    *endpoint = (struct ec2_endpoint){ 0 };
}

#define done_ec2_endpoint ec2_endpoint_done
LIST_READER(endpoints, ec2_endpoint, "VpcEndpoints")
LIST_DONE(ec2_endpoint)

bool ec2_json_created(const char *text, size_t len, struct ec2_endpoint *out, struct err *err)
{
    cJSON *document CLEANUP(json_free) = json_parse(text, len, err);
    *out = (struct ec2_endpoint){ 0 };
    if (document == NULL)
        return false;
    struct json_place top = json_top(document);
    struct json_place endpoint;
    return json_member(&top, "VpcEndpoint", &endpoint, err) &&
           read_ec2_endpoint(&endpoint, out, err);
}

// ---- security groups and interfaces -------------------------------------------------------------

static bool read_permission(const struct json_place *place, void *item, struct err *err)
{
    struct ec2_permission *out = item;
    out->from_port = -1;
    out->to_port = -1;
    return json_text(place, "IpProtocol", &out->protocol, err) &&
           json_int(place, "FromPort", -1, UINT16_MAX, &out->from_port, err) &&
           json_int(place, "ToPort", -1, UINT16_MAX, &out->to_port, err) &&
           read_members(place, "IpRanges", "CidrIp", &out->cidrs, err) &&
           read_members(place, "Ipv6Ranges", "CidrIpv6", &out->cidrs, err) &&
           read_members(place, "UserIdGroupPairs", "GroupId", &out->groups, err) &&
           read_members(place, "PrefixListIds", "PrefixListId", &out->prefix_lists, err);
}

static bool read_permissions(const struct json_place *place, const char *key,
    struct ec2_permission **out, size_t *count, struct err *err)
{
    void *items = NULL;
    bool read = read_array(place, key, sizeof(**out), read_permission, &items, count, err);
    *out = items;
    return read;
}

static bool read_ec2_security_group(const struct json_place *place, void *item, struct err *err)
{
    struct ec2_security_group *out = item;
    return json_id(place, "GroupId", &out->id, err) &&
           json_text(place, "GroupName", &out->name, err) &&
           json_text(place, "VpcId", &out->vpc_id, err) &&
           read_permissions(place, "IpPermissions", &out->ingress, &out->ingress_count, err) &&
           read_permissions(place, "IpPermissionsEgress", &out->egress, &out->egress_count, err);
}

static void free_permissions(struct ec2_permission *permissions, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free(permissions[i].protocol);
        option_list_free(&permissions[i].cidrs);
        option_list_free(&permissions[i].groups);
        option_list_free(&permissions[i].prefix_lists);
    }
    free(permissions);
}

static void done_ec2_security_group(struct ec2_security_group *group)
{
    free(group->id);
    free(group->name);
    free(group->vpc_id);
    free_permissions(group->ingress, group->ingress_count);
    free_permissions(group->egress, group->egress_count);
}

LIST_READER(security_groups, ec2_security_group, "SecurityGroups")
LIST_DONE(ec2_security_group)

static bool read_ec2_interface(const struct json_place *place, void *item, struct err *err)
{
    struct ec2_interface *out = item;
    return json_id(place, "NetworkInterfaceId", &out->id, err) &&
           json_text(place, "SubnetId", &out->subnet_id, err) &&
           json_text(place, "AvailabilityZone", &out->zone, err) &&
           json_text(place, "PrivateIpAddress", &out->address, err);
}

static void done_ec2_interface(struct ec2_interface *interface)
{
    free(interface->id);
    free(interface->subnet_id);
    free(interface->zone);
    free(interface->address);
}

LIST_READER(interfaces, ec2_interface, "NetworkInterfaces")
LIST_DONE(ec2_interface)

// ---- hosted zones -------------------------------------------------------------------------------

static bool read_ec2_zone(const struct json_place *place, void *item, struct err *err)
{
    struct ec2_zone *out = item;
    struct json_place owner;
    return json_id(place, "HostedZoneId", &out->id, err) &&
           json_id(place, "Name", &out->name, err) && json_member(place, "Owner", &owner, err) &&
           json_text(&owner, "OwningService", &out->service, err);
}

static void done_ec2_zone(struct ec2_zone *zone)
{
    free(zone->id);
    free(zone->name);
    free(zone->service);
}

LIST_READER(zones, ec2_zone, "HostedZoneSummaries")
LIST_DONE(ec2_zone)

bool ec2_json_zone_vpcs(const char *text, size_t len, size_t *out_count, struct err *err)
{
    const cJSON *vpcs;
    cJSON *document CLEANUP(json_free) = json_parse(text, len, err);
    struct json_place top = json_top(document);
    *out_count = 0;
    if (document == NULL || !json_array(&top, "VPCs", &vpcs, err))
        return false;
    *out_count = (size_t)cJSON_GetArraySize(vpcs);
    return true;
}

// ---- success that is none -----------------------------------------------------------------------

static bool read_failure(const struct json_place *top, const cJSON *failure, char **code,
    char **message, struct err *err)
{
    struct json_place first;
    struct json_place error;
    return json_element(top, "Unsuccessful", 0, failure, &first, err) &&
           json_member(&first, "Error", &error, err) && json_text(&error, "Code", code, err) &&
           json_text(&error, "Message", message, err);
}

bool ec2_json_was_done(const char *text, size_t len, char **code, char **message)
{
    cJSON *document CLEANUP(json_free) = json_parse(text, len, NULL);
    struct json_place top = json_top(document);
    const cJSON *failures = NULL;
    bool returned = true;
    struct err err = { 0 };
    *code = NULL;
    *message = NULL;
    bool read = json_bool(&top, "Return", &returned, &err) &&
                json_array(&top, "Unsuccessful", &failures, &err);
    bool failed = failures != NULL && failures->child != NULL;
    if (read && returned && !failed)
        return true;
    if (failed)
        read = read_failure(&top, failures->child, code, message, &err);
    if (read)
        return false;
    free(*message);
    if (os_asprintf(message, "the answer cannot be read: %s", err.text) < 0)
        abort();
    return false;
}
