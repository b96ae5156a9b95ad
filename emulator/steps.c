// SPDX-License-Identifier: Apache-2.0
//
// Writes the "then" that a scenario could have written. routes.c, link.c and the EC2 actions start
// things with it. The loop's thread only.
#include "emulator/steps.h"

#include "base/err.h"
#include "emulator/world.h"

#include <stdlib.h>

static cJSON *step_json(const struct object *settings, const struct step *step)
{
    cJSON *json = cJSON_CreateObject();
    cJSON_AddNumberToObject(
        json, "afterSeconds", (double)object_ms(settings, step->seconds) / 1000);
    if (step->state)
        cJSON_AddStringToObject(json, "state", step->state);
    else
        cJSON_AddTrueToObject(json, "remove");
    if (step->message)
        cJSON_AddStringToObject(json, "message", step->message);
    return json;
}

void steps_go(struct object *object, const char *state, const struct step *steps, size_t count)
{
    const struct object *settings = world_settings(object->world);
    cJSON *change = cJSON_CreateObject();
    cJSON_AddStringToObject(change, "state", state);
    cJSON *then = cJSON_AddArrayToObject(change, "then");
    for (size_t i = 0; i < count; i++)
        cJSON_AddItemToArray(then, step_json(settings, &steps[i]));
    struct err err;
    if (!world_patch(object, change, SCHEMA_PATCH, "$", &err))
        abort(); // states of the schema's own
    cJSON_Delete(change);
}
