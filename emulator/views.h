// SPDX-License-Identifier: Apache-2.0
//
// Objects of the world as the TiDB Cloud Dedicated API v1beta1 shows them. The caller deletes.
#pragma once

#include <cjson/cJSON.h>

struct object;

cJSON *views_region(const struct object *region);
cJSON *views_cluster(const struct object *cluster);
cJSON *views_group(const struct object *group);
cJSON *views_service(const struct object *service);
cJSON *views_endpoint(const struct object *endpoint);
