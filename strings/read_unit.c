// SPDX-License-Identifier: Apache-2.0
//
// The lines Environment= and LoadCredential= of systemd's units: systemd.exec(5), systemd.syntax(7)
// "Quoting", systemd.unit(5) "Specifiers". Pure.
#include "strings/lint_rows.h"

#include "base/err.h"

#include <string.h>

// The specifiers that mean something in Environment=; %% is a percent sign.
static bool is_specifier(char byte)
{
    return byte && strchr("aAbBCdDEfgGhHiIjJlLmMnNopPqsStTuUvVwWyY", byte);
}

static void check_percent(struct lint *lint, struct lint_text text, size_t at)
{
    char next = at + 1 < text.len ? text.at[at + 1] : '\0';
    lint_say(lint, LINT_ERROR, "specifier", text.from[at],
        is_specifier(next) ? "systemd puts something else in its place; a % is written %%"
                           : "systemd refuses the line; a % is written %%",
        "a %% that is not doubled");
}

// One word of the line: quotes, the escapes of C, %%.
static size_t read_word(struct lint *lint, struct lint_text line, size_t at, struct lint_text *out)
{
    char quote = '\0';
    for (; at < line.len && (quote || !strchr(" \t", line.at[at])); at++) {
        char byte = line.at[at];
        bool has_next = at + 1 < line.len;
        if (quote ? byte == quote : (byte == '"' || byte == '\'') && !out->len) {
            quote = quote ? '\0' : byte;
            continue;
        }
        bool is_double = byte == '%' && has_next && line.at[at + 1] == '%';
        if (is_double || (byte == '\\' && has_next))
            at++;
        else if (byte == '%' && !lint_starts(lint_part(line, at, line.len), "%d/"))
            check_percent(lint, line, at);
        lint_put(out, line.at[at], line.from[at]);
    }
    if (quote)
        lint_say(lint, LINT_ERROR, "quote", line.from[0],
            "systemd ignores the line; a quote inside of quotes is written with a backslash",
            "a quote that is not closed");
    return at;
}

static void take(struct lint *lint, struct lint_text word)
{
    static const struct {
        const char *name;
        size_t offset;
    } fields[] = {
#define FIELD(name) offsetof(struct lint_reading, name)
        { "HOST", FIELD(host) }, { "PORT", FIELD(port) }, { "SOCKET", FIELD(socket) },
        { "DATABASE", FIELD(database) }, { "NAME", FIELD(database) }, { "USERNAME", FIELD(user) },
        { "USER", FIELD(user) }, { "PASSWORD", FIELD(password) }
#undef FIELD
    };
    size_t equals = lint_span(word, 0, "=");
    size_t tail = equals;
    while (tail > 0 && word.at[tail - 1] != '_')
        tail--;
    for (size_t i = 0; equals < word.len && i < ARRAY_LEN(fields); i++) {
        if (!lint_list_has(fields[i].name, word.at + tail, equals - tail))
            continue;
        struct lint_value *field =
            (struct lint_value *)(void *)((char *)&lint->reading + fields[i].offset);
        *field = lint_take(lint, lint_part(word, equals + 1, word.len));
        lint->reading.end = field->from;
    }
    if (lint->reading.password.text && lint_list_has("PASSWORD", word.at + tail, equals - tail) &&
        !lint_is_placeholder(lint_part(word, equals + 1, word.len)))
        lint_say(lint, LINT_ERROR, "plain-secret", word.from[0],
            "systemctl show prints the environment of a unit to every user; a credential goes to "
            "the service alone: LoadCredential=",
            "the password is in the unit's environment");
}

bool lint_read_unit(struct lint *lint, struct lint_text text, struct err *err)
{
    bool is_found = false;
    for (size_t at = 0; at < text.len && !lint->failed;) {
        size_t end = lint_span(text, at, "\n");
        struct lint_text line = lint_trim(lint_part(text, at, end), " \t\r");
        at = end + 1;
        if (lint_starts(line, "LoadCredential") || lint_starts(line, "SetCredential"))
            lint->report.expressions |= LINT_PASSWORD;
        if (!lint_starts(line, "Environment="))
            continue;
        is_found = true;
        for (size_t i = 12; i < line.len && !lint->failed;) {
            struct lint_text word = lint_copy(lint, line.len);
            i = read_word(lint, line, i, &word) + 1;
            if (word.len && !lint->failed)
                take(lint, word);
        }
    }
    return is_found || err_set(err, ERR_USAGE,
                           "no Environment= in it: expected the lines of a unit as tidblink dsn "
                           "--client %s prints",
                           lint->row->id);
}
