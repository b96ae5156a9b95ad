// SPDX-License-Identifier: Apache-2.0
//
// The check of a JSON object against the tables of kinds.c. Pure; scenario.c and control_port.c
// feed it through world.c.
#include "emulator/schema.h"

#include "base/cidr.h"
#include "base/err.h"
#include "base/net.h"
#include "emulator/rules.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { ID_BYTES_MAX = 253, PATH_BYTES = 128, CHOICES_BYTES = 320 };

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
    if (field->type == FIELD_RULES) {
        struct rule rule;
        return cJSON_IsString(item) && rule_parse(item->valuestring, &rule);
    }
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

static bool is_ipv4_block(const cJSON *value)
{
    struct cidr cidr;
    return cJSON_IsString(value) && cidr_parse(value->valuestring, &cidr, NULL) &&
           cidr.family == AF_INET;
}

static bool is_local_port(const cJSON *value)
{
    struct addr addr;
    return cJSON_IsString(value) && addr_parse(value->valuestring, &addr, NULL) &&
           addr_is_loopback(&addr);
}

static bool is_map(const cJSON *value)
{
    if (!cJSON_IsObject(value))
        return false;
    for (const cJSON *item = value->child; item; item = item->next) {
        if (!cJSON_IsString(item))
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
    case FIELD_RULES:
        return is_list(field, value);
    case FIELD_IPV4:
        return is_address(value, AF_INET);
    case FIELD_CIDR:
        return is_ipv4_block(value);
    case FIELD_ADDR:
        return is_local_port(value);
    case FIELD_MAP:
        return is_map(value);
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
        [FIELD_IPV4] = "an IPv4 address",
        [FIELD_CIDR] = "an IPv4 block such as 10.0.0.0/16",
        [FIELD_ADDR] = "a loopback address and port",
        [FIELD_RULES] = "a list of rules such as \"tcp 4000 from 10.0.0.0/16\"",
        [FIELD_MAP] = "an object of texts",
        [FIELD_REF] = "the id of one of " };
    char choices[CHOICES_BYTES] = "";
    for (size_t i = 0; field->choices && field->choices[i]; i++)
        join(choices, sizeof(choices), field->choices[i]);
    if (field->type == FIELD_INT)
        snprintf(out, CHOICES_BYTES, "a whole number from %.0f to %.0f", field->min, field->max);
    else if (field->type == FIELD_SECONDS)
        snprintf(out, CHOICES_BYTES, "seconds, 0 to %d", SECONDS_MAX);
    else if (field->type == FIELD_REF)
        snprintf(out, CHOICES_BYTES, "the id of one of %s", schema_kind(field->refers)->collection);
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
