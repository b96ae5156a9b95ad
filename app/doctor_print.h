// SPDX-License-Identifier: Apache-2.0
//
// What doctor shows: lines for people, each beginning with a word that says how it is, or JSON.
// Main thread.
#pragma once

#include "guide/doctor.h"

#include <stdio.h>

struct cJSON;

// "ok    private DNS: enabled on vpce-…", and below it why and fix.
void doctor_print_view(FILE *out, size_t hop, const struct hop_view *view);
// "First thing to fix: …", and how.
void doctor_print_end(FILE *out, const struct doctor *doctor);
// An object for one cluster; alias NULL: there is no configuration that has one.
struct cJSON *doctor_json(const struct doctor *doctor, const char *alias);
