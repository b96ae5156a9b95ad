// SPDX-License-Identifier: Apache-2.0
//
// What the control thread says about answers, once: values that this version does not know, and a
// host or port of the configuration that the API contradicts.
#pragma once

#include "control/verdict.h"

// What has been said already, for one target. Zeroed: nothing.
struct control_log {
    char unknown[4][VERDICT_STATE_BYTES];
    char address[VERDICT_HOST_BYTES + 8];
};

void control_log_facts(struct control_log *said, const struct verdict_facts *facts);
