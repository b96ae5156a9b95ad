// SPDX-License-Identifier: Apache-2.0
//
// JDBC's URLs and go-sql-driver's DSN. Connector/J: com.mysql.cj.conf.ConnectionUrlParser, every
// part through URLDecoder. MariaDB Connector/J 3: org.mariadb.jdbc.Configuration, nothing decoded.
// go-sql-driver/mysql: dsn.go, ParseDSN. Pure.
#include "strings/lint_rows.h"

#include "base/err.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

// ---- what both JDBC drivers have ----------------------------------------------------------------

static void read_place(struct lint *lint, struct lint_text text)
{
    size_t comma = lint_span(text, 0, ",");
    lint->reading.end = text.from[text.len];
    if (comma < text.len) {
        lint_say(lint, LINT_ERROR, "host-list", text.from[comma],
            "a comma makes a list of hosts, between which the driver fails over or balances; write "
            "one host",
            "a comma in the host");
        text = lint_part(text, 0, comma);
    }
    size_t end = text.len && text.at[0] == '[' ? lint_span(text, 0, "]") : 0;
    size_t colon = lint_span(text, end, ":");
    struct lint_text host = lint_part(text, 0, colon);
    if (end > 0 && end < text.len)
        host = lint_part(text, 1, end);
    if (host.len)
        lint->reading.host = lint_take(lint, host);
    if (colon + 1 < text.len)
        lint->reading.port = lint_take(lint, lint_part(text, colon + 1, text.len));
}

static bool is_word(struct lint_value name, const char *word)
{
    return !strcmp(name.text, word);
}

// What stands behind the password may be a piece of it that a raw & has cut off.
static void check_cut(struct lint *lint, struct lint_pair *pair, char stop, const char *instead)
{
    const struct lint_client *client = lint->client;
    const char *name = pair->name.text;
    if (!lint->reading.password.text || lint->reading.password.from > pair->name.from ||
        lint_list_has(client->known, name, strlen(name)))
        return;
    pair->is_hidden = pair->is_dropped = true;
    lint_say(lint, LINT_ERROR, "raw-special", pair->name.from, instead,
        "a raw %c ends the password, and what follows is no parameter of this driver", stop);
}

static void take_pair(struct lint *lint, struct lint_value name, struct lint_value value)
{
    if (is_word(name, "user")) {
        lint->reading.user = value;
    } else if (is_word(name, "password")) {
        lint->reading.password = value;
    } else {
        bool is_decoded = !(lint->client->flags & QUERY_PLAIN);
        struct lint_pair *pair = lint_add_pair(lint, name, value);
        if (pair)
            check_cut(lint, pair, '&',
                is_decoded
                    ? "write it %26"
                    : "this driver decodes nothing, so a password with & cannot stand in its "
                      "URL: pass it by java.util.Properties");
        lint->reading.is_unwritten =
            lint->reading.is_unwritten || (pair && pair->is_hidden && !is_decoded);
    }
}

static void warn_not_decoded(struct lint *lint, struct lint_text value)
{
    for (size_t i = 0; i + 2 < value.len; i++) {
        if (value.at[i] == '%' && isxdigit((unsigned char)value.at[i + 1]) &&
            isxdigit((unsigned char)value.at[i + 2])) {
            lint_say(lint, LINT_WARNING, "not-decoded", value.from[i],
                "this driver takes the password as it stands: the server gets the percent signs",
                "the password holds %%XX, which is not decoded");
            return;
        }
    }
}

static void read_pairs(struct lint *lint, struct lint_text query)
{
    bool is_plain = lint->client->flags & QUERY_PLAIN;
    for (size_t start = 0; start < query.len;) {
        size_t end = lint_span(query, start, "&");
        struct lint_text pair = lint_part(query, start, end);
        size_t equals = lint_span(pair, 0, "=");
        struct lint_text value = lint_part(pair, equals < pair.len ? equals + 1 : equals, pair.len);
        struct lint_value name = lint_take(lint, lint_part(pair, 0, equals));
        bool is_password = is_word(name, "password");
        if (is_plain && is_password)
            warn_not_decoded(lint, value);
        bool as_is = is_plain || lint_is_placeholder(value);
        struct lint_text trimmed = as_is ? value : lint_trim(value, " \t");
        if (pair.len)
            take_pair(lint, name,
                as_is
                    ? lint_take(lint, trimmed)
                    : lint_decode(lint, trimmed, DECODE_PLUS, is_password ? "password" : "query"));
        start = end + 1;
    }
    lint_find_sockets(lint);
}

static bool check_jdbc(struct lint *lint, struct lint_text text, size_t *rest, struct err *err)
{
    size_t scheme = lint_find(text, "://");
    if (scheme == text.len || scheme > 40)
        return err_set(err, ERR_USAGE, "no JDBC URL: expected %.*s://host:port/database for %s",
            (int)strcspn(lint->client->schemes, " "), lint->client->schemes, lint->row->id);
    *rest = scheme + 3;
    lint->reading.scheme = lint_take(lint, lint_part(text, 0, scheme));
    if (lint_list_has(lint->client->schemes, text.at, scheme))
        return true;
    lint_say(lint, LINT_ERROR, "scheme", text.from[0],
        "each JDBC driver takes only URLs of its own; MariaDB's takes jdbc:mysql: only with "
        "permitMysqlScheme in it",
        "the URL starts with \"%.*s\" (this driver knows %s)",
        lint_is_scheme(lint_part(text, 0, scheme)) ? (int)scheme : 0, text.at,
        lint->client->schemes);
    lint->reading.scheme.text = NULL;
    return true;
}

// ---- Connector/J --------------------------------------------------------------------------------

static void read_jdbc_account(struct lint *lint, struct lint_text text)
{
    size_t colon = lint_span(text, 0, ":");
    lint->reading.user = lint_decode(lint, lint_part(text, 0, colon), DECODE_PLUS, "user");
    if (colon == text.len)
        return;
    struct lint_text password = lint_part(text, colon + 1, text.len);
    lint->reading.password = lint_is_placeholder(password)
                                 ? lint_take(lint, password)
                                 : lint_decode(lint, password, DECODE_PLUS, "password");
}

static size_t last_at(struct lint_text text, size_t end)
{
    while (end > 0 && text.at[end - 1] != '@')
        end--;
    return end;
}

bool lint_read_connector_j(struct lint *lint, struct lint_text text, struct err *err)
{
    size_t start = 0;
    if (!check_jdbc(lint, text, &start, err))
        return false;
    struct lint_text rest = lint_part(text, start, text.len);
    size_t end = lint_span(rest, 0, "/?#");
    size_t query = lint_span(rest, 0, "?");
    size_t last = last_at(rest, query);
    if (last > end) { // user:pa/ss@host
        lint_say(lint, LINT_ERROR, "raw-special", rest.from[end],
            "the driver ends the hosts there, and a part of the password is taken for the host or "
            "the database. Write it percent-encoded, or give user and password as parameters",
            "a raw %c in the password", rest.at[end]);
        lint->reading.is_misread = true;
        end = lint_span(rest, last, "/?#");
    }
    size_t at = last_at(rest, end);
    if (at)
        read_jdbc_account(lint, lint_part(rest, 0, at - 1));
    read_place(lint, lint_part(rest, at, end));
    size_t fragment = lint_span(rest, end, "#");
    query = lint_span(rest, end, "?#");
    if (query > end + 1)
        lint->reading.database = lint_decode(
            lint, lint_trim(lint_part(rest, end + 1, query), " "), DECODE_PLUS, "database");
    if (query < fragment)
        read_pairs(lint, lint_part(rest, query + 1, fragment));
    if (fragment < rest.len)
        lint_say(lint, LINT_ERROR, "fragment", rest.from[fragment],
            "the driver drops everything behind it; a # is written %23", "a raw # ends the string");
    return true;
}

bool lint_read_mariadb_j(struct lint *lint, struct lint_text text, struct err *err)
{
    size_t start = 0;
    bool permits = lint_find(text, "permitMysqlScheme") < text.len && text.len > 11 &&
                   !memcmp(text.at, "jdbc:mysql:", 11);
    if (permits) {
        start = lint_find(text, "://") + 3;
        lint->reading.scheme = lint_take(lint, lint_part(text, 0, start - 3));
    } else if (!check_jdbc(lint, text, &start, err)) {
        return false;
    }
    struct lint_text rest = lint_part(text, start, text.len);
    size_t lists = lint_find(rest, "address=(");
    if (lists < rest.len)
        lint_say(lint, LINT_ERROR, "host-list", rest.from[lists],
            "it is looked for in the whole URL, passwords included, and makes a list of hosts",
            "\"address=(\" in the URL");
    size_t end = lint_span(rest, 0, "/?");
    size_t query = lint_span(rest, end, "?");
    read_place(lint, lint_part(rest, 0, end));
    if (query > end + 1)
        lint->reading.database = lint_take(lint, lint_part(rest, end + 1, query));
    if (query < rest.len)
        read_pairs(lint, lint_part(rest, query + 1, rest.len));
    return true;
}

// ---- go-sql-driver ------------------------------------------------------------------------------

static size_t find_last(struct lint_text text, size_t end, char byte)
{
    while (end > 0 && text.at[end - 1] != byte)
        end--;
    return end;
}

static void read_go_account(struct lint *lint, struct lint_text text)
{
    size_t colon = lint_span(text, 0, ":");
    lint->reading.user = lint_take(lint, lint_part(text, 0, colon));
    if (lint_find(lint_part(text, 0, colon), "%3A") < colon)
        lint_say(lint, LINT_ERROR, "user-colon", text.from[0],
            "the DSN is not decoded and ends the user at the first colon: a user with a colon "
            "needs "
            "mysql.Config instead of a DSN",
            "an encoded : in the user");
    if (colon == text.len)
        return;
    struct lint_text password = lint_part(text, colon + 1, text.len);
    warn_not_decoded(lint, password);
    lint->reading.password = lint_take(lint, password);
}

static void read_go_address(struct lint *lint, struct lint_text text)
{
    size_t open = lint_span(text, 0, "(");
    lint->reading.end = text.from[text.len];
    if (open == text.len) {
        if (text.len)
            lint_say(lint, LINT_ERROR, "go-address", text.from[0],
                "the driver takes the word for a network, and refuses it; the address stands in "
                "brackets: tcp(host:port)",
                "no tcp(...) or unix(...) before the /");
        read_place(lint, text);
        return;
    }
    bool is_closed = text.at[text.len - 1] == ')';
    struct lint_text inner = lint_part(text, open + 1, text.len - is_closed);
    if (open == 4 && !memcmp(text.at, "unix", 4)) {
        lint->reading.socket = lint_take(lint, inner);
        return;
    }
    read_place(lint, inner);
    if (inner.len)
        lint->reading.end = inner.from[inner.len];
}

bool lint_read_go(struct lint *lint, struct lint_text text, struct err *err)
{
    const char *scheme = lint->client->schemes;
    size_t skip = scheme ? strlen(scheme) : 0;
    if (skip && (text.len < skip || memcmp(text.at, scheme, skip) != 0))
        return err_set(err, ERR_USAGE,
            "no DSN of %s: expected %suser:password@tcp(host:port)/database", lint->row->id,
            scheme);
    if (!skip && lint_starts(text, "mysql://"))
        return err_set(err, ERR_USAGE,
            "a URL, which %s refuses: expected user:password@tcp(host:port)/database",
            lint->row->id);
    struct lint_text dsn = lint_part(text, skip, text.len);
    size_t slash = find_last(dsn, lint_span(dsn, find_last(dsn, dsn.len, ')'), "?"), '/');
    size_t whole = find_last(dsn, dsn.len, '/');
    if (!slash)
        return err_set(err, ERR_USAGE,
            "no DSN: expected user:password@tcp(host:port)/database, and the / even without a "
            "database");
    if (whole > slash)
        lint_say(lint, LINT_ERROR, "path-segments", dsn.from[whole - 1],
            "the driver takes what is behind the last / for the database; in a parameter it is "
            "written %2F",
            "a raw / behind the database");
    size_t at = find_last(dsn, slash - 1, '@');
    if (at && skip) {
        struct lint_text account = lint_part(dsn, 0, at - 1);
        size_t colon = lint_span(account, 0, ":");
        lint->reading.user = lint_decode(lint, lint_part(account, 0, colon), 0, "user");
        struct lint_text password = lint_part(account, colon + (colon < account.len), account.len);
        if (colon < account.len)
            lint->reading.password = lint_is_placeholder(password)
                                         ? lint_take(lint, password)
                                         : lint_decode(lint, password, DECODE_PLUS, "password");
    } else if (at) {
        read_go_account(lint, lint_part(dsn, 0, at - 1));
    }
    read_go_address(lint, lint_part(dsn, at, slash - 1));
    size_t query = lint_span(dsn, slash, "?");
    if (query > slash)
        lint->reading.database = lint_decode(lint, lint_part(dsn, slash, query), 0, "database");
    for (size_t start = query + 1; start < dsn.len;) {
        size_t end = lint_span(dsn, start, "&");
        size_t equals = lint_span(dsn, start, "=");
        if (equals < end)
            lint_add_pair(lint, lint_take(lint, lint_part(dsn, start, equals)),
                lint_decode(lint, lint_part(dsn, equals + 1, end), DECODE_PLUS, "query"));
        start = end + 1;
    }
    return true;
}
