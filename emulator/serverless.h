// SPDX-License-Identifier: Apache-2.0
//
// The one path of the TiDB Cloud Starter and Essential API v1beta1 that is served: what an ID is.
// The loop's thread only.
#pragma once

#include <cjson/cJSON.h>

struct ask;

// As routes_answer.
cJSON *serverless_answer(struct ask *ask);
