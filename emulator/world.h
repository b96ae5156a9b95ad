// SPDX-License-Identifier: Apache-2.0
//
// The emulated cloud: objects of the kinds in schema.h, found by id, changed by PATCHes and by the
// steps that they were given ("then"). The loop's thread only.
#pragma once

#include "base/loop.h"
#include "emulator/schema.h"

#include <stdbool.h>
#include <stdint.h>

struct world;

struct object {
    TAILQ_ENTRY(object) link;
    struct world *world;
    const struct kind *kind;
    cJSON *fields;      // every field that has a value
    cJSON *then;        // the steps still to come, or NULL
    struct timer timer; // until the next of them
    uint64_t due_ms;
    int64_t created, changed; // wall clock
    uint64_t created_ms;      // monotonic
};

enum world_change { WORLD_ADDED = 0, WORLD_CHANGED, WORLD_REMOVED };

// Told of every change after it was made, whoever made it. May change the world itself.
struct world_watch {
    LIST_ENTRY(world_watch) link;
    void (*fn)(struct world_watch *watch, struct object *object, enum world_change change);
};

// Holds settings with their defaults and nothing else. NULL out of memory.
struct world *world_new(struct loop *loop) MUST_CHECK;
void world_free(struct world *world);

// Adds an object as the scenario or a POST describes it; `path` names it in errors.
struct object *world_add(struct world *world, enum kind_id kind, const cJSON *fields,
    const char *path, struct err *err) MUST_CHECK;
// Changes some fields. What was still to come is forgotten, unless `fields` has a new "then".
bool world_patch(struct object *object, const cJSON *fields, enum schema_mode mode,
    const char *path, struct err *err) MUST_CHECK;
// With everything that it owns. The memory stays until the end of the turn.
void world_remove(struct object *object);

// Changes one field and leaves the steps alone: for what the emulator does itself. Takes the value,
// which must be what the schema would let pass.
void object_set(struct object *object, const char *field, cJSON *value);

void world_watch(struct world *world, struct world_watch *watch);
void world_unwatch(struct world_watch *watch);

struct object *world_settings(struct world *world);
struct object *world_find(struct world *world, enum kind_id kind, const char *id); // or NULL
// The objects of a kind in the order in which they were added; after NULL comes the first.
struct object *world_next(struct world *world, enum kind_id kind, const struct object *after);
// The object that a FIELD_REF names; NULL if it is gone or there is no such.
struct object *world_follow(const struct object *object, const char *field);
// Whether the field `ref` of the object names `other`.
bool world_refers(const struct object *object, const char *ref, const struct object *other);

const char *object_id(const struct object *object);
const char *object_text(const struct object *object, const char *field); // "" if absent
bool object_has(const struct object *object, const char *field);
bool object_is(const struct object *object, const char *field, const char *text);
int object_choice(const struct object *object, const char *field); // index into its choices, or -1
bool object_flag(const struct object *object, const char *field);
unsigned object_uint(const struct object *object, const char *field); // 0 if absent
bool object_lists(const struct object *object, const char *field, const char *text);
int64_t object_int(const struct object *object, const char *field); // 0 if absent
uint64_t object_age_ms(const struct object *object);
uint64_t object_ms(const struct object *object, const char *field);       // of a FIELD_SECONDS
const cJSON *object_list(const struct object *object, const char *field); // its first item, or NULL

// As the scenario would say it now, without secrets. The caller deletes.
cJSON *object_show(const struct object *object);
cJSON *world_show(struct world *world);
