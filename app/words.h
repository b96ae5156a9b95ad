// SPDX-License-Identifier: Apache-2.0
//
// Words that logs, metrics and JSON share, so that one can be searched for in the other. Pure.
#pragma once

#include "control/verdict.h"

// What a new connection gets: "wait", "allow", "allow-unchecked", "hold", "refuse".
const char *words_action(const struct verdict *verdict);
const char *words_action_at(size_t index); // all of them; NULL behind the last one
