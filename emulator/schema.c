// SPDX-License-Identifier: Apache-2.0
//
// The tables of the emulated cloud and the check of a JSON object against them. Pure; scenario.c
// and control_port.c feed it through world.c. States are those of the TiDB Cloud Dedicated API
// v1beta1 (docs.pingcap.com/tidbcloud/api/v1beta1/dedicated).
#include "emulator/schema.h"

#include "base/err.h"
#include "base/net.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { SECONDS_MAX = 86400, ID_BYTES_MAX = 253, PATH_BYTES = 128, CHOICES_BYTES = 256 };

static const char *const cluster_states[] = { "CREATING", "DELETING", "ACTIVE", "RESTORING",
    "MAINTENANCE", "DELETED", "INACTIVE", "UPGRADING", "IMPORTING", "MODIFYING", "PAUSING",
    "PAUSED", "RESUMING", NULL };
static const char *const group_states[] = { "ACTIVE", "MODIFYING", "PAUSED", NULL };
static const char *const service_states[] = { "CREATING", "ACTIVE", "DELETING", NULL };
static const char *const endpoint_states[] = { "PENDING", "ACTIVE", "DELETING", "FAILED",
    "DISCOVERED", NULL };
static const char *const name_answers[] = { "addresses", "NXDOMAIN", "NODATA", "SERVFAIL",
    "silence", NULL };
static const char *const digests[] = { "MD5", "SHA-256", NULL };
static const char *const fault_deeds[] = { "status", "delay", "hang", "cut", "malformed", "huge",
    "contentType", "dropTls", "dnsSilence", "dnsServfail", "dnsDelay", NULL };

// clang-format off
static const struct field settings_fields[] = {
    { "requestsPerMinute", FIELD_INT, .fallback = "100", .min = 1, .max = 1000000 },
    { "nonceSeconds", FIELD_SECONDS, .fallback = "300" },
    { "digests", FIELD_CHOICES, .fallback = "[\"MD5\"]", .choices = digests },
    { "acceptSeconds", FIELD_SECONDS, .fallback = "5" },
    { "deleteSeconds", FIELD_SECONDS, .fallback = "3" },
    { "pauseSeconds", FIELD_SECONDS, .fallback = "3" },
    { "resumeSeconds", FIELD_SECONDS, .fallback = "3" },
};
static const struct field key_fields[] = {
    { "publicKey", FIELD_TEXT, .flags = FIELD_ID },
    { "privateKey", FIELD_TEXT, .flags = FIELD_REQUIRED | FIELD_SECRET },
    { "forbidden", FIELD_BOOL, .fallback = "false" },
};
static const struct field project_fields[] = {
    { "id", FIELD_TEXT, .flags = FIELD_ID },
    { "default", FIELD_BOOL, .fallback = "false" },
};
static const struct field region_fields[] = {
    { "id", FIELD_TEXT, .flags = FIELD_ID },
    { "displayName", FIELD_TEXT, .flags = FIELD_REQUIRED },
};
static const struct field cluster_fields[] = {
    { "id", FIELD_TEXT, .flags = FIELD_ID },
    { "displayName", FIELD_TEXT, .flags = FIELD_REQUIRED },
    { "project", FIELD_REF, .flags = FIELD_REQUIRED | FIELD_OWNER, .refers = KIND_PROJECT },
    { "region", FIELD_REF, .flags = FIELD_REQUIRED, .refers = KIND_REGION },
    { "state", FIELD_CHOICE, .flags = FIELD_OPEN, .fallback = "\"ACTIVE\"", .choices = cluster_states },
    { "port", FIELD_INT, .fallback = "4000", .min = 1024, .max = 65535 },
    { "version", FIELD_TEXT, .fallback = "\"v8.5.2\"" },
};
static const struct field group_fields[] = {
    { "id", FIELD_TEXT, .flags = FIELD_ID },
    { "cluster", FIELD_REF, .flags = FIELD_REQUIRED | FIELD_FIXED | FIELD_OWNER, .refers = KIND_CLUSTER },
    { "displayName", FIELD_TEXT, .fallback = "\"DefaultGroup\"" },
    { "default", FIELD_BOOL, .fallback = "true" },
    { "state", FIELD_CHOICE, .flags = FIELD_OPEN, .fallback = "\"ACTIVE\"", .choices = group_states },
    { "nodeCount", FIELD_INT, .fallback = "2", .min = 1, .max = 1000 },
    { "host", .type = FIELD_TEXT },
    { "port", FIELD_INT, .min = 1, .max = 65535 },
};
static const struct field service_fields[] = {
    { "group", FIELD_REF, .flags = FIELD_ID | FIELD_OWNER, .refers = KIND_GROUP },
    { "state", FIELD_CHOICE, .flags = FIELD_OPEN, .fallback = "\"ACTIVE\"", .choices = service_states },
    { "serviceName", FIELD_TEXT, .flags = FIELD_REQUIRED },
    { "dnsName", FIELD_TEXT, .flags = FIELD_REQUIRED },
    { "zones", FIELD_TEXTS, .fallback = "[]" },
};
static const struct field endpoint_fields[] = {
    { "id", FIELD_TEXT, .flags = FIELD_FIXED | FIELD_AUTO },
    { "group", FIELD_REF, .flags = FIELD_REQUIRED | FIELD_FIXED | FIELD_OWNER, .refers = KIND_GROUP },
    { "endpointId", FIELD_TEXT, .flags = FIELD_REQUIRED },
    { "state", FIELD_CHOICE, .flags = FIELD_OPEN, .fallback = "\"PENDING\"", .choices = endpoint_states },
    { "message", FIELD_TEXT, .fallback = "\"\"" },
    { "host", .type = FIELD_TEXT },
    { "port", FIELD_INT, .min = 1, .max = 65535 },
};
static const struct field name_fields[] = {
    { "name", FIELD_TEXT, .flags = FIELD_ID },
    { "a", FIELD_IPV4S, .fallback = "[]" },
    { "aaaa", FIELD_IPV6S, .fallback = "[]" },
    { "ttlSeconds", FIELD_INT, .fallback = "30", .min = 0, .max = SECONDS_MAX },
    { "privateDns", FIELD_BOOL, .fallback = "true" },
    { "answer", FIELD_CHOICE, .fallback = "\"addresses\"", .choices = name_answers },
    { "delaySeconds", FIELD_SECONDS, .fallback = "0" },
};
static const struct field fault_fields[] = {
    { "id", FIELD_TEXT, .flags = FIELD_FIXED | FIELD_AUTO },
    { "does", FIELD_CHOICE, .flags = FIELD_REQUIRED, .choices = fault_deeds },
    { "match", FIELD_TEXT, .fallback = "\"\"" },
    { "count", FIELD_INT, .fallback = "0", .min = 0, .max = 1000000 },
    { "delaySeconds", FIELD_SECONDS, .fallback = "0" },
    { "status", FIELD_INT, .fallback = "500", .min = 200, .max = 599 },
    { "body", .type = FIELD_TEXT },
    { "megabytes", FIELD_INT, .fallback = "16", .min = 1, .max = 4096 },
};

#define KIND(name, rows) { name, rows, ARRAY_LEN(rows) }
static const struct kind kinds[KINDS] = {
    [KIND_SETTINGS] = KIND("settings", settings_fields),
    [KIND_KEY] = KIND("keys", key_fields),
    [KIND_PROJECT] = KIND("projects", project_fields),
    [KIND_REGION] = KIND("regions", region_fields),
    [KIND_CLUSTER] = KIND("clusters", cluster_fields),
    [KIND_GROUP] = KIND("groups", group_fields),
    [KIND_SERVICE] = KIND("services", service_fields),
    [KIND_ENDPOINT] = KIND("endpoints", endpoint_fields),
    [KIND_NAME] = KIND("names", name_fields),
    [KIND_FAULT] = KIND("faults", fault_fields),
};
// clang-format on

const struct kind *schema_kind(enum kind_id id)
{
    return &kinds[id];
}

enum kind_id schema_kind_named(const char *collection)
{
    enum kind_id id = 0;
    while (id < KINDS && strcmp(kinds[id].collection, collection) != 0)
        id++;
    return id;
}

const struct field *schema_field(const struct kind *kind, const char *name)
{
    for (size_t i = 0; i < kind->count; i++) {
        if (strcmp(kind->fields[i].name, name) == 0)
            return &kind->fields[i];
    }
    return NULL;
}

// ---- one value ----------------------------------------------------------------------------------

static bool is_choice(const struct field *field, const cJSON *value)
{
    for (const char *const *choice = field->choices; cJSON_IsString(value) && *choice; choice++) {
        if (strcmp(*choice, value->valuestring) == 0)
            return true;
    }
    return false;
}

static bool is_address(const cJSON *value, int family)
{
    struct addr addr;
    return cJSON_IsString(value) && addr_from_ip(value->valuestring, 0, &addr) &&
           addr.any.sa_family == family;
}

// An id is a segment of paths, here and in the API.
static bool is_id(const char *text)
{
    return *text && strlen(text) <= ID_BYTES_MAX && !strpbrk(text, "/?#% ");
}

static bool is_item(const struct field *field, const cJSON *item)
{
    if (field->type == FIELD_CHOICES)
        return is_choice(field, item);
    if (field->type == FIELD_IPV4S)
        return is_address(item, AF_INET);
    if (field->type == FIELD_IPV6S)
        return is_address(item, AF_INET6);
    return cJSON_IsString(item);
}

static bool is_list(const struct field *field, const cJSON *value)
{
    if (!cJSON_IsArray(value) || (field->type == FIELD_CHOICES && !value->child))
        return false;
    for (const cJSON *item = value->child; item; item = item->next) {
        if (!is_item(field, item))
            return false;
    }
    return true;
}

static bool is_number(const cJSON *value, double min, double max)
{
    return cJSON_IsNumber(value) && value->valuedouble >= min && value->valuedouble <= max;
}

static bool value_fits(const struct field *field, const cJSON *value, enum schema_mode mode)
{
    switch (field->type) {
    case FIELD_TEXT:
    case FIELD_REF:
        return cJSON_IsString(value) &&
               (!(field->flags & FIELD_FIXED) || is_id(value->valuestring));
    case FIELD_BOOL:
        return cJSON_IsBool(value);
    case FIELD_INT:
        return is_number(value, field->min, field->max) &&
               (double)(int64_t)value->valuedouble == value->valuedouble;
    case FIELD_SECONDS:
        return is_number(value, 0, SECONDS_MAX);
    case FIELD_CHOICE:
        if (mode == SCHEMA_OPEN && field->flags & FIELD_OPEN)
            return cJSON_IsString(value);
        return is_choice(field, value);
    case FIELD_CHOICES:
    case FIELD_TEXTS:
    case FIELD_IPV4S:
    case FIELD_IPV6S:
        return is_list(field, value);
    }
    return false;
}

// ---- errors -------------------------------------------------------------------------------------

static void join(char *out, size_t size, const char *text)
{
    size_t used = strlen(out);
    snprintf(out + used, size - used, "%s%s", used ? ", " : "", text);
}

static void expect(const struct field *field, char out[CHOICES_BYTES])
{
    static const char *const words[] = { [FIELD_TEXT] = "a text",
        [FIELD_BOOL] = "true or false",
        [FIELD_CHOICE] = "one of ",
        [FIELD_CHOICES] = "a list of ",
        [FIELD_TEXTS] = "a list of texts",
        [FIELD_IPV4S] = "a list of IPv4 addresses",
        [FIELD_IPV6S] = "a list of IPv6 addresses",
        [FIELD_REF] = "the id of one of " };
    char choices[CHOICES_BYTES] = "";
    for (size_t i = 0; field->choices && field->choices[i]; i++)
        join(choices, sizeof(choices), field->choices[i]);
    if (field->type == FIELD_INT)
        snprintf(out, CHOICES_BYTES, "a whole number from %.0f to %.0f", field->min, field->max);
    else if (field->type == FIELD_SECONDS)
        snprintf(out, CHOICES_BYTES, "seconds, 0 to %d", SECONDS_MAX);
    else if (field->type == FIELD_REF)
        snprintf(out, CHOICES_BYTES, "the id of one of %s", kinds[field->refers].collection);
    else if (field->type == FIELD_TEXT && field->flags & FIELD_FIXED)
        snprintf(out, CHOICES_BYTES, "a text without blanks and slashes");
    else
        snprintf(out, CHOICES_BYTES, "%s%s", words[field->type], choices);
}

static bool refuse_value(
    const struct field *field, const cJSON *value, const char *path, struct err *err)
{
    char expected[CHOICES_BYTES];
    expect(field, expected);
    char *seen = field->flags & FIELD_SECRET ? NULL : cJSON_PrintUnformatted(value);
    err_set(err, ERR_OPTION, "%s.%s: expected %s, found %.60s", path, field->name, expected,
        seen ? seen : "something else");
    cJSON_free(seen);
    return false;
}

static bool refuse_name(
    const struct kind *kind, const cJSON *member, const char *path, struct err *err)
{
    char names[CHOICES_BYTES] = "";
    for (size_t i = 0; i < kind->count; i++)
        join(names, sizeof(names), kind->fields[i].name);
    return err_set(err, ERR_OPTION, "%s.%.60s: no such field; expected one of %s, then", path,
        member->string, names);
}

// ---- an object ----------------------------------------------------------------------------------

// A step: when it comes, then what it changes, as in a PATCH; or that the object goes.
static bool step_check(const struct kind *kind, const cJSON *step, enum schema_mode mode,
    const char *path, struct err *err)
{
    if (!cJSON_IsObject(step))
        return err_set(err, ERR_OPTION, "%s: expected an object", path);
    if (!is_number(cJSON_GetObjectItemCaseSensitive(step, "afterSeconds"), 0, SECONDS_MAX))
        return err_set(
            err, ERR_OPTION, "%s.afterSeconds: expected seconds, 0 to %d", path, SECONDS_MAX);
    cJSON *changes = cJSON_Duplicate(step, true);
    cJSON_DeleteItemFromObjectCaseSensitive(changes, "afterSeconds");
    const cJSON *removal = cJSON_GetObjectItemCaseSensitive(changes, "remove");
    bool fits;
    if (removal && (!cJSON_IsTrue(removal) || cJSON_GetArraySize(changes) != 1))
        fits = err_set(err, ERR_OPTION, "%s.remove: expected true and no other change", path);
    else if (cJSON_GetObjectItemCaseSensitive(changes, "then"))
        fits = err_set(err, ERR_OPTION, "%s.then: a step has no steps of its own", path);
    else
        fits = removal ||
               schema_check(kind, changes, mode == SCHEMA_NEW ? SCHEMA_PATCH : mode, path, err);
    cJSON_Delete(changes);
    return fits;
}

static bool then_check(const struct kind *kind, const cJSON *then, enum schema_mode mode,
    const char *path, struct err *err)
{
    if (!cJSON_IsArray(then))
        return err_set(err, ERR_OPTION, "%s.then: expected a list of steps", path);
    int index = 0;
    for (const cJSON *step = then->child; step; step = step->next) {
        char where[PATH_BYTES];
        snprintf(where, sizeof(where), "%s.then[%d]", path, index++);
        if (!step_check(kind, step, mode, where, err))
            return false;
    }
    return true;
}

static bool member_check(const struct kind *kind, const cJSON *member, enum schema_mode mode,
    const char *path, struct err *err)
{
    if (strcmp(member->string, "then") == 0)
        return then_check(kind, member, mode, path, err);
    const struct field *field = schema_field(kind, member->string);
    if (!field)
        return refuse_name(kind, member, path, err);
    if (mode != SCHEMA_NEW && field->flags & FIELD_FIXED)
        return err_set(err, ERR_OPTION, "%s.%s: cannot be changed", path, field->name);
    for (const cJSON *other = member->next; other; other = other->next) {
        if (strcmp(other->string, member->string) == 0)
            return err_set(err, ERR_OPTION, "%s.%s: given twice", path, field->name);
    }
    return value_fits(field, member, mode) || refuse_value(field, member, path, err);
}

bool schema_check(const struct kind *kind, const cJSON *fields, enum schema_mode mode,
    const char *path, struct err *err)
{
    if (!cJSON_IsObject(fields))
        return err_set(err, ERR_OPTION, "%s: expected an object", path);
    for (const cJSON *member = fields->child; member; member = member->next) {
        if (!member_check(kind, member, mode, path, err))
            return false;
    }
    for (size_t i = 0; mode == SCHEMA_NEW && i < kind->count; i++) {
        const struct field *field = &kind->fields[i];
        if (field->flags & FIELD_REQUIRED && !cJSON_GetObjectItemCaseSensitive(fields, field->name))
            return err_set(err, ERR_OPTION, "%s.%s: missing", path, field->name);
    }
    return true;
}
