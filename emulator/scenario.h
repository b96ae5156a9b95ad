// SPDX-License-Identifier: Apache-2.0
//
// The scenario file: a JSON object with one list per kind of object, as README.md beside this file
// describes it.
#pragma once

#include "base/defs.h"

#include <stdbool.h>

struct err;
struct world;

// Reads the file into an empty world. The error names the file and the JSON path (or, for broken
// JSON, line and column) and what was expected.
bool scenario_load(struct world *world, const char *path, struct err *err) MUST_CHECK;
