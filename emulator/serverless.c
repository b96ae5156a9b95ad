// SPDX-License-Identifier: Apache-2.0
//
// Instances of Starter and Essential in the words of their API's swagger document
// (tidbcloud/tidbcloud-cli, pkg/tidbcloud/v1beta1/serverless/cluster.swagger.json). api.c calls it
// after authentication. The loop's thread only.
#include "emulator/serverless.h"

#include "base/clock.h"
#include "emulator/http.h"
#include "emulator/routes.h"
#include "emulator/world.h"

#include <stdio.h>
#include <string.h>

static cJSON *show(const struct object *instance)
{
    char name[300], created[CLOCK_TEXT_BYTES], provider[32];
    const char *region_id = object_text(instance, "region");
    snprintf(name, sizeof(name), "clusters/%s", object_id(instance));
    snprintf(provider, sizeof(provider), "%.*s", (int)strcspn(region_id, "-"), region_id);
    cJSON *view = cJSON_CreateObject();
    cJSON_AddStringToObject(view, "name", name);
    cJSON_AddStringToObject(view, "clusterId", object_id(instance));
    cJSON_AddStringToObject(view, "displayName", object_text(instance, "displayName"));
    cJSON *region = cJSON_AddObjectToObject(view, "region");
    snprintf(name, sizeof(name), "regions/%s", region_id);
    cJSON_AddStringToObject(region, "name", name);
    cJSON_AddStringToObject(region, "regionId", region_id);
    cJSON_AddStringToObject(region, "cloudProvider", provider);
    cJSON_AddStringToObject(view, "state", object_text(instance, "state"));
    cJSON_AddStringToObject(view, "clusterPlan", object_text(instance, "plan"));
    cJSON_AddStringToObject(view, "version", "v7.5.2");
    cJSON_AddStringToObject(view, "createdBy", "emulator@example.com");
    cJSON_AddStringToObject(view, "createTime", clock_format(instance->created, created));
    return view;
}

cJSON *serverless_answer(struct ask *ask)
{
    const struct http_target *target = ask->target;
    const struct object *instance = NULL;
    if (target->count == 3 && strcmp(ask->method, "GET") == 0 &&
        strcmp(target->segments[0], "v1beta1") == 0 && strcmp(target->segments[1], "clusters") == 0)
        instance = world_find(ask->world, KIND_INSTANCE, target->segments[2]);
    ask->status = instance ? 200 : 404;
    return instance ? show(instance) : routes_error(404, "the resource does not exist");
}
