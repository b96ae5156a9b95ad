// SPDX-License-Identifier: Apache-2.0
//
// The verdict table: one constant row per state, and nothing that decides.
#pragma once

#include "control/verdict.h"

struct verdict_row {
    enum verdict_action action;
    enum err_code code; // ERR_NONE for VERDICT_ALLOW
    bool drain;
    struct state_words words;
};

const struct verdict_row *verdict_row_cluster(int state);
const struct verdict_row *verdict_row_group(int state);
const struct verdict_row *verdict_row_service(int state);
const struct verdict_row *verdict_row_endpoint(int state);
const struct verdict_row *verdict_row_no_endpoint(void);
const struct verdict_row *verdict_row_absent_cluster(void);
const struct verdict_row *verdict_row_absent_group(void);
