// SPDX-License-Identifier: Apache-2.0
//
// The state document as text. Any thread.
#pragma once

#include "control/model.h"

struct err;

// The caller frees. now 0: without the times of the document and of the answers, for comparing.
char *state_json_print(const struct model *model, int64_t now);
// ERR_FILE when it is none: broken, foreign, or written by a newer version.
bool state_json_parse(const char *text, size_t len, struct model **out, struct err *err) MUST_CHECK;
