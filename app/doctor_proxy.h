// SPDX-License-Identifier: Apache-2.0
//
// The last hop of doctor: what the running proxy of this configuration sees. Main thread.
#pragma once

#include "app/settings.h"
#include "guide/hop.h"

struct cJSON;

// Its status document, or NULL: none runs, or it does not answer; `why` says which.
struct cJSON *doctor_proxy_ask(const struct settings *settings, struct err *why);
// `status` as above; alias is the cluster's.
void doctor_proxy_look(
    const struct cJSON *status, const struct err *why, const char *alias, struct hop_view *out);
// Hands what was found about each cluster (doctor_json) to it, for its page. That it cannot take it
// is nobody's trouble.
void doctor_proxy_tell(const struct settings *settings, struct cJSON *findings);
