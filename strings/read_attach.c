// SPDX-License-Identifier: Apache-2.0
//
// DuckDB's ATTACH 'host=… user=… passwd=…' AS name (TYPE mysql): a literal of SQL that holds words
// name=value, a value in double quotes with backslashes. duckdb/duckdb-mysql, src/mysql_utils.cpp,
// ParseConnectionParameters. Pure.
#include "strings/lint_rows.h"

#include "base/err.h"

#include <string.h>

static const struct {
    const char *names;
    size_t offset;
} fields[] = {
#define FIELD(name) offsetof(struct lint_reading, name)
    { "host", FIELD(host) },
    { "port", FIELD(port) },
    { "socket unix_socket", FIELD(socket) },
    { "user", FIELD(user) },
    { "passwd password", FIELD(password) },
    { "db database", FIELD(database) },
#undef FIELD
};

static size_t read_value(struct lint *lint, struct lint_text text, size_t at, struct lint_text *out)
{
    bool is_quoted = at < text.len && text.at[at] == '"';
    uint32_t from = text.from[at];
    for (at += is_quoted; at < text.len; at++) {
        if (is_quoted ? text.at[at] == '"' : strchr(" \t\n", text.at[at]) != NULL)
            return at + is_quoted;
        if (is_quoted && text.at[at] == '\\' && at + 1 < text.len &&
            strchr("\"\\", text.at[at + 1]))
            at++;
        lint_put(out, text.at[at], text.from[at]);
    }
    if (is_quoted)
        lint_say(lint, LINT_ERROR, "quote", from, "the extension refuses the string",
            "a quote that is not closed");
    return at;
}

// What is no name=value behind the password may be a piece of it.
static void say_piece(struct lint *lint, struct lint_text text, size_t at)
{
    lint_say(lint, LINT_ERROR, "blank", text.from[at],
        "a blank ends a value, and the extension refuses what it does not know; put the value in "
        "double quotes, or use CREATE SECRET, which carries any password",
        "what stands behind a blank is no parameter");
    lint->reading.is_unwritten = true;
}

static void take(struct lint *lint, struct lint_text words, size_t at, struct lint_text name,
    struct lint_text value)
{
    static const char known[] = "flags compression ssl_mode ssl_ca ssl_capath ssl_cert ssl_cipher "
                                "ssl_crl ssl_crlpath ssl_key";
    for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
        if (!lint_list_has(fields[i].names, name.at, name.len))
            continue;
        struct lint_value *field =
            (struct lint_value *)(void *)((char *)&lint->reading + fields[i].offset);
        *field = value.len ? lint_take(lint, value) : (struct lint_value){ "", words.from[at] };
        lint->reading.end = field->from;
        return;
    }
    if (!lint_list_has(known, name.at, name.len) || !value.len)
        say_piece(lint, words, at);
    else
        (void)lint_add_pair(lint, lint_take(lint, name), lint_take(lint, value));
}

static struct lint_text literal_of(struct lint *lint, struct lint_text text, size_t at)
{
    struct lint_text out = lint_copy(lint, text.len);
    for (at++; at < text.len; at++) {
        bool is_quote = text.at[at] == '\'';
        bool is_double = is_quote && at + 1 < text.len && text.at[at + 1] == '\'';
        if (is_quote && !is_double)
            break;
        lint_put(&out, text.at[at], text.from[at]);
        at += is_double;
    }
    return out;
}

bool lint_read_attach(struct lint *lint, struct lint_text text, struct err *err)
{
    size_t start = lint_span(text, 0, "'");
    struct lint_text words = start < text.len ? literal_of(lint, text, start) : text;
    if (lint->failed)
        return true;
    for (size_t at = 0; at < words.len && !lint->failed;) {
        if (strchr(" \t\n", words.at[at])) {
            at++;
            continue;
        }
        size_t equals = lint_span(words, at, "= \t\n");
        struct lint_text name = lint_part(words, at, equals);
        if (equals == words.len || words.at[equals] != '=') {
            say_piece(lint, words, at);
            at = equals;
            continue;
        }
        struct lint_text value = lint_copy(lint, words.len);
        if (lint->failed)
            break;
        size_t end = read_value(lint, words, equals + 1, &value);
        take(lint, words, at, name, value);
        at = end;
    }
    const struct lint_reading *reading = &lint->reading;
    return reading->host.text || reading->socket.text || reading->user.text ||
           err_set(err, ERR_USAGE,
               "no host, socket or user in it: expected ATTACH 'host=... user=...'");
}
