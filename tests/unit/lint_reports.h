// SPDX-License-Identifier: Apache-2.0
//
// Known strings with a trap, and what dsn lint must say of them. Every password in them holds the
// word HUNTER; no report may hold HUNT.
#pragma once

#include "strings/lint.h"

#include <stddef.h>

struct lint_trap {
    const char *client, *text, *code;
    enum lint_severity severity;
    unsigned column;       // 0: about the whole, or not the point
    const char *corrected; // what the corrected string holds; NULL: not the point
};

// Fails the test when there is none; the caller frees it.
struct lint_report *lint_report_of(const char *client, const char *text);
const struct lint_finding *lint_report_find(const struct lint_report *report, const char *code);
// Fails the test for each that is not found where it is.
void lint_traps_are_found(const struct lint_trap *traps, size_t count);
// What is corrected has no error; returns how many could be corrected whole.
size_t lint_traps_are_corrected(const struct lint_trap *traps, size_t count);
