// SPDX-License-Identifier: Apache-2.0
//
// The store of the emulated cloud: one list of objects, whatever their kind, because tests have
// dozens of them and not millions. scenario.c and control_port.c fill and change it; api.c, dns.c
// and faults.c read it. The loop's thread only.
#include "emulator/world.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/os.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

TAILQ_HEAD(object_list, object);

struct world {
    struct loop *loop;
    struct object_list objects;
    struct object_list removed; // until the end of the turn
    struct deferred burial;
    uint64_t last_id; // of those made up
    LIST_HEAD(, world_watch) watches;
};

static void arm(struct object *object);

// ---- reading ------------------------------------------------------------------------------------

static const cJSON *value(const struct object *object, const char *field)
{
    return cJSON_GetObjectItemCaseSensitive(object->fields, field);
}

const char *object_text(const struct object *object, const char *field)
{
    const char *text = cJSON_GetStringValue(value(object, field));
    return text ? text : "";
}

const char *object_id(const struct object *object)
{
    return object_text(object, object->kind->fields[0].name);
}

bool object_has(const struct object *object, const char *field)
{
    return value(object, field) != NULL;
}

bool object_is(const struct object *object, const char *field, const char *text)
{
    return strcmp(object_text(object, field), text) == 0;
}

int object_choice(const struct object *object, const char *field)
{
    const char *const *choices = schema_field(object->kind, field)->choices;
    for (int i = 0; choices[i]; i++) {
        if (object_is(object, field, choices[i]))
            return i;
    }
    return -1;
}

bool object_flag(const struct object *object, const char *field)
{
    return cJSON_IsTrue(value(object, field));
}

unsigned object_uint(const struct object *object, const char *field)
{
    const cJSON *number = value(object, field);
    return number ? (unsigned)number->valuedouble : 0;
}

uint64_t object_ms(const struct object *object, const char *field)
{
    const cJSON *number = value(object, field);
    return number ? (uint64_t)(number->valuedouble * 1000) : 0;
}

const cJSON *object_list(const struct object *object, const char *field)
{
    const cJSON *list = value(object, field);
    return list ? list->child : NULL;
}

bool object_lists(const struct object *object, const char *field, const char *text)
{
    for (const cJSON *item = object_list(object, field); item; item = item->next) {
        if (strcmp(item->valuestring, text) == 0)
            return true;
    }
    return false;
}

int64_t object_int(const struct object *object, const char *field)
{
    const cJSON *number = value(object, field);
    return cJSON_IsNumber(number) ? (int64_t)number->valuedouble : 0;
}

uint64_t object_age_ms(const struct object *object)
{
    return clock_ms() - object->created_ms;
}

// ---- watching -----------------------------------------------------------------------------------

void world_watch(struct world *world, struct world_watch *watch)
{
    LIST_INSERT_HEAD(&world->watches, watch, link);
}

void world_unwatch(struct world_watch *watch)
{
    LIST_REMOVE(watch, link);
}

static void tell(struct object *object, enum world_change change)
{
    struct world_watch *watch;
    LIST_FOREACH(watch, &object->world->watches, link)
        watch->fn(watch, object, change);
}

// ---- finding ------------------------------------------------------------------------------------

struct object *world_next(struct world *world, enum kind_id kind, const struct object *after)
{
    struct object *object = after ? TAILQ_NEXT(after, link) : TAILQ_FIRST(&world->objects);
    while (object && object->kind != schema_kind(kind))
        object = TAILQ_NEXT(object, link);
    return object;
}

struct object *world_find(struct world *world, enum kind_id kind, const char *id)
{
    // DNS names have no case (RFC 4343); no other id differs from another in case alone.
    struct object *object = NULL;
    while ((object = world_next(world, kind, object))) {
        if (strcasecmp(object_id(object), id) == 0)
            return object;
    }
    return NULL;
}

struct object *world_settings(struct world *world)
{
    return world_next(world, KIND_SETTINGS, NULL);
}

struct object *world_follow(const struct object *object, const char *field)
{
    const struct field *ref = schema_field(object->kind, field);
    return world_find(object->world, ref->refers, object_text(object, field));
}

bool world_refers(const struct object *object, const char *ref, const struct object *other)
{
    return strcasecmp(object_text(object, ref), object_id(other)) == 0;
}

// ---- changing -----------------------------------------------------------------------------------

static bool refs_check(struct world *world, const struct kind *kind, const cJSON *fields,
    const char *path, struct err *err)
{
    for (size_t i = 0; i < kind->count; i++) {
        const struct field *field = &kind->fields[i];
        const cJSON *ref = cJSON_GetObjectItemCaseSensitive(fields, field->name);
        if (!ref || field->type != FIELD_REF)
            continue;
        if (!*ref->valuestring && !(field->flags & FIELD_REQUIRED))
            continue;
        if (!world_find(world, field->refers, ref->valuestring))
            return err_set(err, ERR_OPTION, "%s.%s: expected the id of one of %s, found \"%.60s\"",
                path, field->name, schema_kind(field->refers)->collection, ref->valuestring);
    }
    return true;
}

// The fields were checked.
static void apply(struct object *object, const cJSON *fields)
{
    for (const cJSON *member = fields->child; member; member = member->next) {
        if (!schema_field(object->kind, member->string))
            continue; // "then", "afterSeconds"
        cJSON *copy = cJSON_Duplicate(member, true);
        if (value(object, member->string))
            cJSON_ReplaceItemInObjectCaseSensitive(object->fields, member->string, copy);
        else
            cJSON_AddItemToObject(object->fields, member->string, copy);
    }
    object->changed = clock_wall_s();
}

static void plan(struct object *object, const cJSON *then)
{
    timer_stop(&object->timer);
    cJSON_Delete(object->then);
    object->then = then && then->child ? cJSON_Duplicate(then, true) : NULL;
    arm(object);
}

static void on_due(struct timer *timer)
{
    struct object *object = CONTAINER_OF(timer, struct object, timer);
    cJSON *step = cJSON_DetachItemFromArray(object->then, 0);
    bool removal = cJSON_GetObjectItemCaseSensitive(step, "remove") != NULL;
    if (!removal)
        apply(object, step);
    cJSON_Delete(step);
    if (removal) {
        world_remove(object);
        return;
    }
    arm(object);
    tell(object, WORLD_CHANGED);
}

static void arm(struct object *object)
{
    if (!object->then || !object->then->child)
        return;
    const cJSON *after = cJSON_GetObjectItemCaseSensitive(object->then->child, "afterSeconds");
    uint64_t after_ms = (uint64_t)(after->valuedouble * 1000);
    object->due_ms = clock_ms() + after_ms;
    timer_start(&object->timer, after_ms);
}

bool world_patch(struct object *object, const cJSON *fields, enum schema_mode mode,
    const char *path, struct err *err)
{
    if (!schema_check(object->kind, fields, mode, path, err) ||
        !refs_check(object->world, object->kind, fields, path, err))
        return false;
    apply(object, fields);
    plan(object, cJSON_GetObjectItemCaseSensitive(fields, "then"));
    tell(object, WORLD_CHANGED);
    return true;
}

void object_set(struct object *object, const char *field, cJSON *new_value)
{
    cJSON_DeleteItemFromObjectCaseSensitive(object->fields, field);
    cJSON_AddItemToObject(object->fields, field, new_value);
    object->changed = clock_wall_s();
    tell(object, WORLD_CHANGED);
}

static void object_free(struct object *object)
{
    timer_stop(&object->timer);
    cJSON_Delete(object->fields);
    cJSON_Delete(object->then);
    free(object);
}

static void on_burial(struct deferred *burial)
{
    struct world *world = CONTAINER_OF(burial, struct world, burial);
    struct object *object;
    while ((object = TAILQ_FIRST(&world->removed))) {
        TAILQ_REMOVE(&world->removed, object, link);
        object_free(object);
    }
}

static bool owns(const struct object *owner, const struct object *object)
{
    for (size_t i = 0; i < object->kind->count; i++) {
        const struct field *field = &object->kind->fields[i];
        if (field->flags & FIELD_OWNER && schema_kind(field->refers) == owner->kind)
            return world_refers(object, field->name, owner);
    }
    return false;
}

static void unlink_one(struct object *object)
{
    struct world *world = object->world;
    timer_stop(&object->timer);
    TAILQ_REMOVE(&world->objects, object, link);
    TAILQ_INSERT_TAIL(&world->removed, object, link);
}

void world_remove(struct object *object)
{
    struct world *world = object->world;
    unlink_one(object);
    // `removed` grows while it is walked, until everything owned is in it.
    for (struct object *doomed = object; doomed; doomed = TAILQ_NEXT(doomed, link)) {
        struct object *other, *next;
        TAILQ_FOREACH_SAFE(other, &world->objects, link, next) {
            if (owns(doomed, other))
                unlink_one(other);
        }
    }
    loop_defer(world->loop, &world->burial, on_burial);
    struct object *last = TAILQ_LAST(&world->removed, object_list);
    for (struct object *gone = object;; gone = TAILQ_NEXT(gone, link)) {
        tell(gone, WORLD_REMOVED); // may remove more, behind `last`
        if (gone == last)
            break;
    }
}

// ---- adding -------------------------------------------------------------------------------------

// As AWS's are: 17 hexadecimal digits.
static cJSON *made_up_id(const char *prefix)
{
    uint64_t number = 0;
    char id[64];
    if (!os_random(&number, sizeof(number)))
        abort();
    snprintf(id, sizeof(id), "%s0%016llx", prefix, (unsigned long long)number);
    return cJSON_CreateString(id);
}

static void fill_in(struct object *object, const cJSON *fields)
{
    for (size_t i = 0; i < object->kind->count; i++) {
        const struct field *field = &object->kind->fields[i];
        const cJSON *given = cJSON_GetObjectItemCaseSensitive(fields, field->name);
        cJSON *item = NULL;
        if (given) {
            item = cJSON_Duplicate(given, true);
        } else if (field->fallback) {
            item = cJSON_Parse(field->fallback);
        } else if (field->flags & FIELD_AUTO && field->prefix) {
            item = made_up_id(field->prefix);
        } else if (field->flags & FIELD_AUTO) {
            char id[32];
            snprintf(
                id, sizeof(id), "19200000000%08llu", (unsigned long long)++object->world->last_id);
            item = cJSON_CreateString(id);
        }
        if (item)
            cJSON_AddItemToObject(object->fields, field->name, item);
    }
}

static struct object *insert(struct world *world, const struct kind *kind, const cJSON *fields)
{
    struct object *object = calloc(1, sizeof(*object));
    if (!object)
        abort();
    object->world = world;
    object->kind = kind;
    object->fields = cJSON_CreateObject();
    object->created = object->changed = clock_wall_s();
    object->created_ms = clock_ms();
    timer_init(&object->timer, world->loop, on_due);
    fill_in(object, fields);
    TAILQ_INSERT_TAIL(&world->objects, object, link);
    return object;
}

struct object *world_add(struct world *world, enum kind_id kind_id, const cJSON *fields,
    const char *path, struct err *err)
{
    const struct kind *kind = schema_kind(kind_id);
    if (!schema_check(kind, fields, SCHEMA_NEW, path, err) ||
        !refs_check(world, kind, fields, path, err))
        return NULL;
    const char *id_name = kind->fields[0].name;
    const char *id = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(fields, id_name));
    if (id && world_find(world, kind_id, id)) {
        err_set(err, ERR_OPTION, "%s.%s: \"%.60s\" is already one of %s", path, id_name, id,
            kind->collection);
        return NULL;
    }
    if (kind_id == KIND_MACHINE && world_next(world, kind_id, NULL)) {
        err_set(err, ERR_OPTION, "%s: there is an instance, and only one is emulated", path);
        return NULL;
    }
    struct object *object = insert(world, kind, fields);
    plan(object, cJSON_GetObjectItemCaseSensitive(fields, "then"));
    tell(object, WORLD_ADDED);
    return object;
}

struct world *world_new(struct loop *loop)
{
    struct world *world = calloc(1, sizeof(*world));
    cJSON *nothing = cJSON_CreateObject();
    if (!world || !nothing)
        abort();
    world->loop = loop;
    TAILQ_INIT(&world->objects);
    TAILQ_INIT(&world->removed);
    LIST_INIT(&world->watches);
    insert(world, schema_kind(KIND_SETTINGS), nothing);
    cJSON_Delete(nothing);
    return world;
}

void world_free(struct world *world)
{
    if (!world)
        return;
    struct object *object;
    while ((object = TAILQ_FIRST(&world->objects)))
        unlink_one(object);
    on_burial(&world->burial);
    free(world);
}

// ---- showing ------------------------------------------------------------------------------------

cJSON *object_show(const struct object *object)
{
    cJSON *shown = cJSON_CreateObject();
    for (const cJSON *member = object->fields->child; member; member = member->next) {
        const struct field *field = schema_field(object->kind, member->string);
        if (!(field->flags & FIELD_SECRET))
            cJSON_AddItemToObject(shown, member->string, cJSON_Duplicate(member, true));
    }
    if (!object->then || !object->then->child)
        return shown;
    cJSON *then = cJSON_Duplicate(object->then, true);
    uint64_t now_ms = clock_ms();
    double left_s = object->due_ms > now_ms ? (double)(object->due_ms - now_ms) / 1000 : 0;
    cJSON_SetNumberValue(cJSON_GetObjectItemCaseSensitive(then->child, "afterSeconds"), left_s);
    cJSON_AddItemToObject(shown, "then", then);
    return shown;
}

cJSON *world_show(struct world *world)
{
    cJSON *shown = cJSON_CreateObject();
    cJSON_AddItemToObject(shown, "settings", object_show(world_settings(world)));
    for (enum kind_id kind = KIND_SETTINGS + 1; kind < KINDS; kind++) {
        cJSON *list = cJSON_AddArrayToObject(shown, schema_kind(kind)->collection);
        struct object *object = NULL;
        while ((object = world_next(world, kind, object)))
            cJSON_AddItemToArray(list, object_show(object));
    }
    return shown;
}
