// SPDX-License-Identifier: Apache-2.0
//
// Fills in the shapes of strings/client.h. Pure.
#pragma once

#include "strings/client.h"

struct template_values {
    const char *fields[STRING_FIELDS]; // NULL: no value
    bool is_placeholder[STRING_FIELDS];
    const char *tls; // the shape for $tls, NULL for nothing
};

// What a shape was found to hold.
struct template_report {
    bool has_password;
    bool has_ca;
    bool has_string;                        // what the client's own shape made
    enum string_encoding password_encoding; // if has_password
};

// Appends the filled-in shape to `out` and adds to `report`.
bool template_fill(const char *shape, enum string_encoding encoding,
    const struct template_values *values, struct buf *out, struct template_report *report,
    struct err *err) MUST_CHECK;
// "user", "password", …: what a shape calls the field.
const char *template_field_name(enum string_field field);
