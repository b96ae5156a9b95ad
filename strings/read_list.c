// SPDX-License-Identifier: Apache-2.0
//
// Lists of name=value; ADO.NET's (System.Data.Common.DbConnectionOptions: quotes that are doubled
// inside), ODBC's (values in braces, } doubled), the data sources of PDO (; doubled) and of Perl's
// DBI (no way to write a ;). Pure.
#include "strings/lint_rows.h"

#include "base/err.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

struct style {
    const char *quotes;   // what may open a value
    bool has_braces;      // likewise { … }
    bool doubles;         // ;; is a ;
    const char *stop_why; // what a raw ; in a value does, and what to write
};

// Which names mean which field; the others are parameters.
static const struct {
    const char *names;
    size_t field;
} fields[] = {
#define FIELD(name) offsetof(struct lint_reading, name)
    { "server host data_source datasource address addr network_address hostname", FIELD(host) },
    { "port", FIELD(port) },
    { "user_id uid username user_name user userid", FIELD(user) },
    { "password pwd", FIELD(password) },
    { "database initial_catalog dbname db", FIELD(database) },
    { "socket unix_socket mariadb_socket mysql_socket", FIELD(socket) },
#undef FIELD
};

static struct lint_value *field_of(struct lint *lint, const char *name)
{
    char key[64];
    size_t len = strlen(name);
    if (len >= sizeof(key))
        return NULL;
    for (size_t i = 0; i <= len; i++)
        key[i] = (char)(name[i] == ' ' ? '_' : name[i]);
    for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
        if (lint_list_has(fields[i].names, key, len))
            return (struct lint_value *)(void *)((char *)&lint->reading + fields[i].field);
    }
    return NULL;
}

static bool is_known(struct lint *lint, const char *name)
{
    char key[64];
    size_t len = strlen(name);
    if (field_of(lint, name))
        return true;
    if (len >= sizeof(key))
        return false;
    for (size_t i = 0; i <= len; i++)
        key[i] = (char)(name[i] == ' ' ? '_' : name[i]);
    return lint_list_has(lint->client->known, key, len);
}

// Behind the closing quote only a ; may follow: else the quote was a part of the value.
static void check_closed(struct lint *lint, struct lint_text text, size_t *at, char quote)
{
    size_t end = lint_span(text, *at, ";");
    struct lint_text rest = lint_trim(lint_part(text, *at, end), " \t");
    if (rest.len && quote == '}')
        lint_say(lint, LINT_ERROR, "brace", text.from[*at - 1],
            "the first } ends a value in braces, and what follows is refused; a } is written }}",
            "a raw } in a value in braces");
    else if (rest.len)
        lint_say(lint, LINT_ERROR, "quote", text.from[*at - 1],
            "the quote ends the value, and what follows is refused; inside of quotes a quote is "
            "doubled",
            "a raw quote in a value in quotes");
    *at = end;
}

static struct lint_value take_quoted(
    struct lint *lint, struct lint_text text, size_t *at, char close)
{
    struct lint_text out = lint_copy(lint, text.len);
    uint32_t from = text.from[*at];
    for (++*at; *at < text.len; ++*at) {
        bool is_close = text.at[*at] == close;
        bool is_double = is_close && *at + 1 < text.len && text.at[*at + 1] == close;
        if (is_close && !is_double) {
            ++*at;
            check_closed(lint, text, at, close);
            return lint_take(lint, out);
        }
        lint_put(&out, text.at[*at], text.from[*at]);
        *at += is_double;
    }
    lint_say(lint, LINT_ERROR, close == '}' ? "brace" : "quote", from,
        "the client refuses the string, or takes all the rest of it for this value",
        "a value starts with %s and does not end with it", close == '}' ? "{" : "a quote");
    return lint_take(lint, out);
}

static struct lint_value take_bare(
    struct lint *lint, struct lint_text text, size_t *at, const struct style *style)
{
    struct lint_text out = lint_copy(lint, text.len);
    for (; *at < text.len; ++*at) {
        bool is_stop = text.at[*at] == ';';
        bool is_double = is_stop && style->doubles && *at + 1 < text.len && text.at[*at + 1] == ';';
        if (is_stop && !is_double)
            break;
        lint_put(&out, text.at[*at], text.from[*at]);
        *at += is_double;
    }
    return out.at && out.len ? lint_take(lint, lint_trim(out, " \t\n"))
                             : (struct lint_value){ "", 0 };
}

static void take_item(
    struct lint *lint, struct lint_value name, struct lint_value value, const struct style *style)
{
    struct lint_value *field = field_of(lint, name.text);
    if (field) {
        *field = value;
        return;
    }
    bool follows_secret = lint->reading.password.text || style->doubles || !style->quotes;
    if (!is_known(lint, name.text) && follows_secret && lint->client->known) {
        lint_say(lint, LINT_ERROR, "semicolon", name.from, style->stop_why,
            "what stands behind the ; is no parameter of this client");
        lint->reading.is_unwritten = true;
        return;
    }
    // "Ssl Mode" and SslMode are the same to .NET's builders.
    char *at = (char *)(uintptr_t)name.text; // its own copy
    for (const char *from = name.text; *from; from++) {
        if (*from != ' ')
            *at++ = *from;
    }
    *at = '\0';
    lint_add_pair(lint, name, value);
}

static void read_items(struct lint *lint, struct lint_text text, const struct style *style)
{
    for (size_t at = 0; at < text.len; at++) {
        size_t equals = lint_span(text, at, "=;");
        struct lint_text name = lint_trim(lint_part(text, at, equals), " \t\n");
        if (equals == text.len || text.at[equals] == ';') {
            if (name.len) // not even a name: shown by its place alone
                lint_say(lint, LINT_ERROR, "semicolon", name.from[0], style->stop_why,
                    "what stands behind the ; is no name=value");
            lint->reading.is_unwritten = lint->reading.is_unwritten || name.len;
            at = equals;
            continue;
        }
        at = equals + 1;
        while (at < text.len && text.at[at] == ' ')
            at++;
        struct lint_value value;
        bool is_open = at < text.len && style->quotes && strchr(style->quotes, text.at[at]);
        if (is_open)
            value = take_quoted(lint, text, &at, text.at[at]);
        else if (style->has_braces && at < text.len && text.at[at] == '{')
            value = take_quoted(lint, text, &at, '}');
        else
            value = take_bare(lint, text, &at, style);
        take_item(lint, lint_take(lint, name), value, style);
    }
    if (text.len)
        lint->reading.end = text.from[text.len];
}

static bool looks_like_list(struct lint *lint, struct lint_text text, struct err *err)
{
    size_t url = lint_find(text, "://");
    if (lint_span(text, 0, "=") < text.len && url > lint_span(text, 0, "="))
        return true;
    return err_set(err, ERR_USAGE,
        "no list of name=value: expected a string as tidblink dsn --client %s prints",
        lint->row->id);
}

static void check_host_list(struct lint *lint)
{
    const char *host = lint->reading.host.text;
    const char *comma = host ? strchr(host, ',') : NULL;
    if (comma)
        lint_say(lint, LINT_ERROR, "host-list", lint->reading.host.from + (uint32_t)(comma - host),
            "a comma makes a list of servers, between which the driver balances; write one",
            "a comma in the server");
    if (comma)
        *(char *)(uintptr_t)comma = '\0'; // its own copy
}

static void check_socket(struct lint *lint)
{
    struct lint_reading *reading = &lint->reading;
    struct lint_pair *pair = lint_find_pair(lint, "ConnectionProtocol");
    pair = pair ? pair : lint_find_pair(lint, "Protocol");
    bool is_unix = pair && (!strcasecmp(pair->value.text, "unix") ||
                               !strcasecmp(pair->value.text, "unixsocket"));
    if (!reading->host.text || *reading->host.text != '/')
        return;
    if (!is_unix)
        lint_say(lint, LINT_ERROR, "socket-host", reading->host.from,
            "the driver takes it for a host name unless the protocol is Unix: "
            "ConnectionProtocol=Unix for MySqlConnector, Protocol=unix for MySql.Data",
            "the server is the path of a unix socket");
    bool is_data = !strcmp(lint->row->id, "mysql-data");
    if (!is_unix)
        pair = lint_add_pair(lint,
            (struct lint_value){ is_data ? "Protocol" : "ConnectionProtocol", 0 },
            (struct lint_value){ "Unix", 0 });
    if (pair && !is_unix)
        pair->is_added = true;
    reading->socket = reading->host;
    reading->host = (struct lint_value){ 0 };
}

bool lint_read_ado(struct lint *lint, struct lint_text text, struct err *err)
{
    static const struct style style = { .quotes = "\"'",
        .stop_why =
            "a raw ; ends a value, and the driver refuses a name that it does not know; put "
            "the value in double quotes and double every double quote in it" };
    if (!looks_like_list(lint, text, err))
        return false;
    read_items(lint, text, &style);
    check_host_list(lint);
    check_socket(lint);
    return true;
}

bool lint_read_odbc(struct lint *lint, struct lint_text text, struct err *err)
{
    static const struct style style = { .has_braces = true,
        .stop_why = "a raw ; ends a value; put the value in braces and write every } in it as }}" };
    if (!looks_like_list(lint, text, err))
        return false;
    read_items(lint, text, &style);
    return true;
}

// ---- PDO and DBI: the data source, or the call with it ------------------------------------------

// A literal in single quotes: \' and \\ are the only escapes.
static struct lint_text read_literal(struct lint *lint, struct lint_text text, size_t *at)
{
    struct lint_text out = lint_copy(lint, text.len);
    for (++*at; *at < text.len && text.at[*at] != '\''; ++*at) {
        if (text.at[*at] == '\\' && *at + 1 < text.len && strchr("'\\", text.at[*at + 1]))
            ++*at;
        lint_put(&out, text.at[*at], text.from[*at]);
    }
    ++*at;
    return out;
}

static void read_arguments(struct lint *lint, struct lint_text text, size_t at)
{
    struct lint_value *const values[] = { &lint->reading.user, &lint->reading.password };
    for (size_t i = 0; i < ARRAY_LEN(values); i++) {
        at += at < text.len && text.at[at] == ',';
        at += at < text.len && text.at[at] == ' ';
        if (at >= text.len || text.at[at] != '\'')
            return;
        struct lint_text literal = read_literal(lint, text, &at);
        *values[i] = literal.len ? lint_take(lint, literal) : (struct lint_value){ "", 0 };
    }
    if (at > text.len)
        return;
    struct lint_text rest = lint_part(text, at, text.len);
    size_t ca = lint_find(rest, "SSL_CA =>");
    if (ca < rest.len)
        lint_add_pair(lint, (struct lint_value){ "SSL_CA", rest.from[ca] },
            (struct lint_value){ "", rest.from[ca] });
    size_t never = lint_find(rest, "SSL_VERIFY_SERVER_CERT => false");
    if (never < rest.len)
        lint_add_pair(lint, (struct lint_value){ "SSL_VERIFY_SERVER_CERT", rest.from[never] },
            (struct lint_value){ "false", rest.from[never] });
}

bool lint_read_pdo(struct lint *lint, struct lint_text text, struct err *err)
{
    static const struct style pdo = { .doubles = true,
        .stop_why = "a raw ; ends a value of the data source; it is written ;; there, and the "
                    "password is an argument of its own" };
    static const struct style dbi = { .stop_why =
                                          "a ; ends a value of the data source and cannot be "
                                          "written; the password is an argument of its own" };
    bool is_dbi = lint_list_has("dbi", lint->client->schemes, 3);
    size_t quote = lint_find(text, is_dbi ? "'dbi:" : "'mysql:");
    struct lint_text dsn = text;
    size_t at = quote;
    if (quote < text.len) {
        dsn = read_literal(lint, text, &at);
        read_arguments(lint, text, at);
    }
    size_t colon = lint_span(dsn, 0, ":");
    if (is_dbi && colon < dsn.len)
        colon = lint_span(dsn, colon + 1, ":");
    if (colon >= dsn.len || lint_find(dsn, "://") == colon)
        return err_set(err, ERR_USAGE, "no data source: expected %shost=...;port=...",
            is_dbi ? "dbi:DRIVER:" : "mysql:");
    lint->reading.scheme = lint_take(lint, lint_part(dsn, 0, colon));
    read_items(lint, lint_part(dsn, colon + 1, dsn.len), is_dbi ? &dbi : &pdo);
    return true;
}
