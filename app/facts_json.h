// SPDX-License-Identifier: Apache-2.0
//
// A cluster of the model as JSON, with the words for people beside the API's: what the admin's
// status and the commands' --json print. Pure.
#pragma once

#include "control/model.h"

#include <stdbool.h>

struct cJSON;
struct err;

// The caller owns the object. Members that are not known are left out, and so are those for which
// there was no memory; NULL if there was none at all.
// `alias` stands in the next steps.
struct cJSON *facts_json_cluster(const struct cluster *cluster, const char *alias);
// Adds a text, or nothing when it is NULL or empty. A byte that is not UTF-8 becomes a question
// mark.
void facts_json_text(struct cJSON *object, const char *name, const char *text);
// Prints it as the command's result, indented or on one line.
bool facts_json_print(const struct cJSON *json, bool on_one_line, struct err *err) MUST_CHECK;
// Adds a wall clock time as RFC 3339, or nothing when it is 0.
void facts_json_time(struct cJSON *object, const char *name, int64_t wall_s);
