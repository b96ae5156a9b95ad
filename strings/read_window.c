// SPDX-License-Identifier: Apache-2.0
//
// What the windows of programs say about TLS, as tidblink dsn prints their fields: a label, blanks,
// the choice. Pure.
#include "strings/lint_rows.h"

#include "base/defs.h"
#include "base/os.h"

#include <string.h>
#include <strings.h>

bool lint_has_label(const char *labels, const char *name)
{
    size_t len = strlen(name);
    for (const char *at = labels; *at; at += strspn(at, ";")) {
        size_t item = strcspn(at, ";");
        if (item == len && !strncasecmp(at, name, len))
            return true;
        at += item;
    }
    return false;
}

// The first that the choice holds counts.
static const char *mode_of(const char *choice)
{
    static const struct {
        const char *words;
        const char *mode;
    } modes[] = { { "identity", "VERIFY_IDENTITY" }, { "host name", "VERIFY_IDENTITY" },
        { "against CA", "VERIFY_IDENTITY" }, { "verify_ca", "VERIFY_CA" },
        { "verify ca", "VERIFY_CA" }, { "verify certificate", "VERIFY_CA" },
        { "if available", "PREFERRED" }, { "prefer", "PREFERRED" }, { "require", "REQUIRED" },
        { "disable", "DISABLED" }, { "off", "DISABLED" }, { "no", "DISABLED" },
        { "on", "REQUIRED" } };
    for (size_t i = 0; i < ARRAY_LEN(modes); i++) {
        if (os_strcasestr(choice, modes[i].words))
            return modes[i].mode;
    }
    return NULL;
}

static void take_options(struct lint *lint, struct lint_text value)
{
    for (size_t at = 0; at < value.len;) {
        size_t end = lint_span(value, at, "&");
        size_t equals = lint_span(value, at, "=");
        if (equals < end)
            lint_add_pair(lint, lint_take(lint, lint_part(value, at, equals)),
                lint_take(lint, lint_part(value, equals + 1, end)));
        at = end + 1;
    }
}

bool lint_take_choice(struct lint *lint, struct lint_value name, struct lint_text value)
{
    if (lint_has_label("JDBC options", name.text)) {
        take_options(lint, value);
        return true;
    }
    if (lint_has_label("CA Cert;SSL CA File;CA Certificate;CA", name.text)) {
        struct lint_value path = lint_take(lint, value);
        lint->reading.ca = path;
        (void)lint_add_pair(lint, (struct lint_value){ "ca", name.from }, path);
        return true;
    }
    if (!lint_has_label("Use SSL;SSL mode;Require SSL", name.text))
        return false;
    struct lint_value choice = lint_take(lint, value);
    const char *mode = mode_of(choice.text);
    if (mode)
        (void)lint_add_pair(lint, (struct lint_value){ "ssl-mode", name.from },
            (struct lint_value){ mode, choice.from });
    return true;
}
