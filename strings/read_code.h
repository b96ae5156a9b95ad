// SPDX-License-Identifier: Apache-2.0
//
// What read_code.c and code_names.c share: a text that is being read for a client. Pure.
#pragma once

#include "strings/lint_code.h"

enum { CODE_NAME_BYTES = 80 };

enum code_field {
    CODE_FIELD_HOST = 0,
    CODE_FIELD_PORT,
    CODE_FIELD_SOCKET,
    CODE_FIELD_USER,
    CODE_FIELD_PASSWORD,
    CODE_FIELD_DATABASE,
    CODE_FIELD_URL,
    CODE_FIELD_NONE
};

struct code_field_row {
    const char *word; // in findings
    const char *names;
    size_t offset; // in struct lint_reading
    unsigned bit;  // of enum lint_field
};
extern const struct code_field_row code_fields[CODE_FIELD_NONE];

struct code_reading {
    struct code code;
    const struct lint_code_client *client;
    const struct code_item *found[CODE_FIELD_NONE];
    unsigned main; // the group in which the account stands
    bool is_bad;   // what stands behind the password cannot be meant
    size_t arena;  // before the tokens
};

// The name under which the client reads an item; false: none, or one too many.
bool code_name_item(
    struct code_reading *reading, const struct code_item *item, char name[CODE_NAME_BYTES]);
// CODE_FIELD_NONE: a parameter.
enum code_field code_field_of(
    const struct code_reading *reading, const struct code_item *item, const char *name);
// Fills found and main, and says in is_bad whether what stands behind the password makes sense.
void code_find_fields(struct code_reading *reading);
bool code_is_literal(const struct code_item *item);
// Behind the last of these characters.
struct lint_text code_last_segment(struct lint_text name, const char *joints);
