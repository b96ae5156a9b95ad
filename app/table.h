// SPDX-License-Identifier: Apache-2.0
//
// What the commands print for people: columns, and labelled paragraphs, within 80 columns. Pure.
#pragma once

#include "base/defs.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum { TABLE_COLUMNS_MAX = 8 };

struct err;

struct table {
    size_t columns;
    char **cells; // row after row, the heads first; owned
    size_t rows;
    bool failed; // out of memory: table_print says so
};

// The first row are the heads.
void table_init(struct table *table, size_t columns);
void table_add(struct table *table, const char *const *cells); // copies; NULL is an empty cell
// Columns as wide as they need; when they need more than 80 together, the first one is cut with
// "...". False out of memory.
bool table_print(const struct table *table, FILE *out) MUST_CHECK;
void table_done(struct table *table);

// "  label     text", wrapped at 80 columns under itself; nothing when text is empty.
void table_field(FILE *out, const char *label, const char *text);
// The text behind `lead`, wrapped at 80 columns, its further lines from `column` on.
void table_paragraph(FILE *out, const char *lead, size_t column, const char *text);

// Whether what was printed has arrived. ERR_FILE when nobody reads any more, as behind `| head`:
// what goes on printing must end then.
bool table_flush(FILE *out, struct err *err) MUST_CHECK;
