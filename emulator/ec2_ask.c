// SPDX-License-Identifier: Apache-2.0
//
// What all EC2 actions have in common: parameters, objects by ID, listings with filters, and the
// small elements that occur everywhere. The loop's thread only.
#include "base/clock.h"
#include "emulator/ec2.h"
#include "emulator/vpc.h"

#include <fnmatch.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

// ---- parameters ---------------------------------------------------------------------------------

const char *ec2_param(const struct ec2_ask *ask, const char *name)
{
    return evhttp_find_header(ask->form, name);
}

const char *ec2_item(const struct ec2_ask *ask, const char *name, unsigned number)
{
    char full[128];
    snprintf(full, sizeof(full), "%s.%u", name, number);
    return ec2_param(ask, full);
}

bool ec2_is_true(const struct ec2_ask *ask, const char *name)
{
    const char *text = ec2_param(ask, name);
    return text && strcasecmp(text, "true") == 0;
}

// ---- objects ------------------------------------------------------------------------------------

bool ec2_is_here(const struct ec2_ask *ask, const struct object *object)
{
    const struct object *vpc = vpc_of(object);
    return !*ask->region || (vpc && object_is(vpc, "region", ask->region));
}

struct object *ec2_find(const struct ec2_ask *ask, enum kind_id kind, const char *id)
{
    struct object *object = world_find(ask->world, kind, id);
    return object && ec2_is_here(ask, object) ? object : NULL;
}

// clang-format off
static const struct {
    enum kind_id kind;
    const char *code;
    const char *format;
} unknown_ids[] = {
    { KIND_VPC, "InvalidVpcID.NotFound", "The vpc ID '%s' does not exist" },
    { KIND_SUBNET, "InvalidSubnetID.NotFound", "The subnet ID '%s' does not exist" },
    { KIND_SECURITY_GROUP, "InvalidGroup.NotFound", "The security group '%s' does not exist" },
    { KIND_INTERFACE, "InvalidNetworkInterfaceID.NotFound", "The networkInterface ID '%s' does not exist" },
    { KIND_VPC_ENDPOINT, "InvalidVpcEndpointId.NotFound", "The Vpc Endpoint Id '%s' does not exist" },
};
// clang-format on

bool ec2_not_found(struct ec2_ask *ask, enum kind_id kind, const char *id)
{
    for (size_t i = 0; i < ARRAY_LEN(unknown_ids); i++) {
        if (unknown_ids[i].kind != kind)
            continue;
        char before[64];
        const char *format = unknown_ids[i].format;
        size_t len = (size_t)(strstr(format, "%s") - format);
        snprintf(before, sizeof(before), "%.*s", (int)len, format);
        return ec2_fail(ask, unknown_ids[i].code, "%s%s%s", before, id, format + len + 2);
    }
    return ec2_fail(ask, "InvalidParameterValue", "%s does not exist", id);
}

struct object *ec2_named(struct ec2_ask *ask, enum kind_id kind, const char *parameter)
{
    const char *id = ec2_param(ask, parameter);
    struct object *object = id ? ec2_find(ask, kind, id) : NULL;
    if (!id)
        ec2_missing(ask, parameter);
    else if (!object)
        ec2_not_found(ask, kind, id);
    return object;
}

// ---- filters ------------------------------------------------------------------------------------

static const struct ec2_filter *find_filter(const struct ec2_filter *filters, const char *name)
{
    for (; filters->name; filters++) {
        if (strcmp(filters->name, name) == 0)
            return filters;
    }
    return NULL;
}

static bool is_tag_filter(const char *name)
{
    return strncmp(name, "tag:", 4) == 0 || strcmp(name, "tag-key") == 0;
}

static const char *filter_name(const struct ec2_ask *ask, unsigned number)
{
    char name[32];
    snprintf(name, sizeof(name), "Filter.%u.Name", number);
    return ec2_param(ask, name);
}

bool ec2_check_filters(struct ec2_ask *ask, const struct ec2_filter *filters)
{
    const char *name;
    for (unsigned i = 1; (name = filter_name(ask, i)); i++) {
        if (!is_tag_filter(name) && !find_filter(filters, name))
            return ec2_fail(ask, "InvalidParameterValue", "The filter '%s' is invalid", name);
    }
    return true;
}

// Whether one of the filter's values, in which * and ? stand for anything, is this text.
static bool value_admits(const struct ec2_ask *ask, unsigned number, const char *text)
{
    char name[32];
    const char *wanted;
    snprintf(name, sizeof(name), "Filter.%u.Value", number);
    for (unsigned i = 1; (wanted = ec2_item(ask, name, i)); i++) {
        if (fnmatch(wanted, text, 0) == 0)
            return true;
    }
    return false;
}

static bool tag_admits(
    const struct ec2_ask *ask, unsigned number, const char *name, const struct object *object)
{
    const cJSON *tag = object_list(object, "tags");
    const char *key = name + strlen("tag:");
    const char *display = object_text(object, "name");
    if (strcmp(name, "tag-key") == 0) {
        for (; tag; tag = tag->next) {
            if (value_admits(ask, number, tag->string))
                return true;
        }
        return *display && value_admits(ask, number, "Name");
    }
    for (; tag; tag = tag->next) {
        if (strcmp(tag->string, key) == 0)
            return value_admits(ask, number, tag->valuestring);
    }
    return *display && strcmp(key, "Name") == 0 && value_admits(ask, number, display);
}

static bool field_admits(const struct ec2_ask *ask, unsigned number,
    const struct ec2_filter *filter, const struct object *object)
{
    if (!filter)
        return false; // ec2_check_filters refused it
    if (filter->constant)
        return value_admits(ask, number, filter->constant);
    if (filter->via)
        object = world_follow(object, filter->via);
    if (!object)
        return false;
    const cJSON *value = cJSON_GetObjectItemCaseSensitive(object->fields, filter->field);
    if (cJSON_IsBool(value))
        return value_admits(ask, number, cJSON_IsTrue(value) ? "true" : "false");
    if (cJSON_IsString(value))
        return value_admits(ask, number, value->valuestring);
    for (const cJSON *item = value ? value->child : NULL; item; item = item->next) {
        if (value_admits(ask, number, item->valuestring))
            return true;
    }
    return false;
}

bool ec2_admits(
    const struct ec2_ask *ask, const struct ec2_filter *filters, const struct object *object)
{
    const char *name;
    for (unsigned i = 1; (name = filter_name(ask, i)); i++) {
        bool admitted = is_tag_filter(name)
                            ? tag_admits(ask, i, name, object)
                            : field_admits(ask, i, find_filter(filters, name), object);
        if (!admitted)
            return false;
    }
    return true;
}

// ---- listings -----------------------------------------------------------------------------------

static bool is_asked(const struct ec2_ask *ask, const char *ids, const struct object *object)
{
    const char *id = NULL;
    if (!ids || !ec2_item(ask, ids, 1))
        return true;
    for (unsigned i = 1; (id = ec2_item(ask, ids, i)); i++) {
        if (strcmp(id, object_id(object)) == 0)
            return true;
    }
    return false;
}

static bool is_hidden(const struct ec2_listing *listing, const struct object *object)
{
    return listing->is_hidden && listing->is_hidden(object);
}

bool ec2_list(struct ec2_ask *ask, const struct ec2_listing *listing)
{
    const char *id;
    if (!ec2_check_filters(ask, listing->filters))
        return false;
    for (unsigned i = 1; listing->ids && (id = ec2_item(ask, listing->ids, i)); i++) {
        const struct object *object = ec2_find(ask, listing->kind, id);
        if (!object || is_hidden(listing, object))
            return ec2_not_found(ask, listing->kind, id);
    }
    xml_open(&ask->xml, listing->set);
    struct object *object = NULL;
    while ((object = world_next(ask->world, listing->kind, object))) {
        if (!ec2_is_here(ask, object) || !is_asked(ask, listing->ids, object) ||
            is_hidden(listing, object) || !ec2_admits(ask, listing->filters, object))
            continue;
        xml_open(&ask->xml, "item");
        listing->show(ask, object);
        xml_close(&ask->xml);
    }
    xml_close(&ask->xml);
    return true;
}

// ---- elements -----------------------------------------------------------------------------------

void ec2_show_groups(struct ec2_ask *ask, const char *name, const cJSON *ids)
{
    xml_open(&ask->xml, name);
    for (const cJSON *id = ids; id; id = id->next) {
        const struct object *group = world_find(ask->world, KIND_SECURITY_GROUP, id->valuestring);
        xml_open(&ask->xml, "item");
        xml_text(&ask->xml, "groupId", id->valuestring);
        xml_text(&ask->xml, "groupName", group ? object_text(group, "name") : "");
        xml_close(&ask->xml);
    }
    xml_close(&ask->xml);
}

static void show_tag(struct ec2_ask *ask, const char *key, const char *value)
{
    xml_open(&ask->xml, "item");
    xml_text(&ask->xml, "key", key);
    xml_text(&ask->xml, "value", value);
    xml_close(&ask->xml);
}

void ec2_show_tags(struct ec2_ask *ask, const struct object *object)
{
    xml_open(&ask->xml, "tagSet");
    for (const cJSON *tag = object_list(object, "tags"); tag; tag = tag->next)
        show_tag(ask, tag->string, tag->valuestring);
    if (*object_text(object, "name") && object->kind != schema_kind(KIND_SECURITY_GROUP))
        show_tag(ask, "Name", object_text(object, "name"));
    xml_close(&ask->xml);
}

void ec2_show_time(struct ec2_ask *ask, const char *name, int64_t wall_s)
{
    char text[CLOCK_TEXT_BYTES];
    xml_text(&ask->xml, name, clock_format(wall_s, text));
}

bool ec2_done(struct ec2_ask *ask)
{
    xml_bool(&ask->xml, "return", true);
    return true;
}
