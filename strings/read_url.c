// SPDX-License-Identifier: Apache-2.0
//
// URLs, as the parsers of many clients take them apart; how they differ is in the flags of a
// client's row. From the sources:
//   WHATWG's URL (mysql2 lib/connection_config.js, Knex
//   lib/knex-builder/internal/parse-connection.js,
//     Sequelize, Bun, Rust's url: sqlx sqlx-mysql/src/options/parse.rs, Diesel
//     diesel/src/mysql/connection/url.rs): the authority ends at / ? #, the user's part at the last
//     @
//   MariaDB Connector/Node.js (lib/config/connection-options.js): a regular expression, only / ends
//   it TypeORM (src/driver/DriverUtils.ts): likewise; the query is cut off; the host splits at
//   every : SQLAlchemy (lib/sqlalchemy/engine/url.py): the first @ ends the password, whatever
//   stands before dj-database-url (dj_database_url/__init__.py), Rails
//   (connection_url_resolver.rb), Doctrine
//     (src/Tools/DsnParser.php, which decodes the query as a whole before parse_str does), Ecto
//     (lib/ecto/repo/supervisor.ex)
// Pure.
#include "strings/lint_rows.h"

#include "base/err.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { SCHEME_BYTES = 32 };

static bool has(const struct lint *lint, enum lint_flags flag)
{
    return (lint->client->flags & (uint32_t)flag) != 0;
}

// text.len: not there
static size_t find_last(struct lint_text text, size_t end, char byte)
{
    while (end > 0 && text.at[end - 1] != byte)
        end--;
    return end ? end - 1 : text.len;
}

// ---- user and password --------------------------------------------------------------------------

static unsigned account_decoding(const struct lint *lint)
{
    return has(lint, LONE_PERCENT_OK) ? DECODE_LONE_OK : 0;
}

static bool has_code(struct lint_text text)
{
    for (size_t i = 0; i + 2 < text.len; i++) {
        if (text.at[i] == '%' && isxdigit((unsigned char)text.at[i + 1]) &&
            isxdigit((unsigned char)text.at[i + 2]))
            return true;
    }
    return false;
}

// Raw characters that the driver takes are still wrong for the next tool that reads the URL.
static void check_raw(struct lint *lint, struct lint_text text, const char *what)
{
    static const char special[] = "@:/?#[] ";
    for (size_t i = 0; i < text.len; i++) {
        char byte = text.at[i];
        bool is_refused = lint->client->refused && strchr(lint->client->refused, byte);
        if (!byte || (!is_refused && !strchr(special, byte)))
            continue;
        lint_say(lint, is_refused ? LINT_ERROR : LINT_WARNING, "raw-special", text.from[i],
            is_refused ? "this driver's URL parser refuses the string because of it; write it "
                         "percent-encoded"
                       : "this driver takes it, other readers of the same URL do not; write it "
                         "percent-encoded",
            "a raw %s in the %s", byte == ' ' ? "blank" : (char[]){ byte, '\0' }, what);
    }
}

static struct lint_value take_account(struct lint *lint, struct lint_text text, const char *what)
{
    if (lint_is_placeholder(text))
        return lint_take(lint, text);
    check_raw(lint, text, what);
    if (!has(lint, URL_NO_DECODE))
        return lint_decode(lint, text, account_decoding(lint), what);
    if (has_code(text))
        lint_say(lint, LINT_WARNING, "not-decoded", text.from[0],
            "this driver sends what stands there, the percent signs included",
            "the %s holds %%XX, which is not decoded", what);
    return lint_take(lint, text);
}

static void read_account(struct lint *lint, struct lint_text text)
{
    size_t colon = lint_span(text, 0, ":");
    lint->reading.user = take_account(lint, lint_part(text, 0, colon), "user");
    if (colon == text.len)
        return;
    struct lint_text password = lint_part(text, colon + 1, text.len);
    size_t second = lint_span(password, 0, ":");
    if (has(lint, URL_COLONS_CUT) && second < password.len && !lint_is_placeholder(password))
        lint_say(lint, LINT_ERROR, "raw-special", password.from[second],
            "older versions split the user's part at every colon, and the rest of the password is "
            "lost; write %3A",
            "a raw : in the password ends it");
    lint->reading.password = take_account(lint, password, "password");
}

// ---- host and port ------------------------------------------------------------------------------

static void read_port(struct lint *lint, struct lint_text text)
{
    unsigned long port = 0;
    bool ok = text.len > 0 && text.len <= 5;
    for (size_t i = 0; ok && i < text.len; i++) {
        ok = isdigit((unsigned char)text.at[i]);
        port = port * 10 + (unsigned long)(text.at[i] - '0');
    }
    if (text.len == 0)
        return; // as if it were missing
    if (ok && port <= 65535) {
        lint->reading.port = lint_take(lint, text);
        return;
    }
    lint_say(lint, LINT_ERROR, "bad-port", text.from[0],
        "a port is a number up to 65535; this driver refuses the string",
        "what stands behind the host's colon is no port");
}

static void read_bracketed(struct lint *lint, struct lint_text text, size_t end)
{
    bool stays = has(lint, URL_BRACKETS_STAY);
    lint->reading.host = lint_take(lint, lint_part(text, 1, end));
    if (stays || has(lint, URL_NO_IPV6))
        lint_say(lint, LINT_ERROR, "ipv6", text.from[0],
            stays ? "this driver looks the address up with its brackets; use a name or an IPv4 "
                    "address, or give host as an option of its own"
                  : "this driver splits the host at the first colon, inside of the brackets; use a "
                    "name or an IPv4 address, or give host as an option of its own",
            "an IPv6 address in brackets");
    if (end + 1 < text.len && text.at[end + 1] == ':')
        read_port(lint, lint_part(text, end + 2, text.len));
}

// For the corrected string: where this client has a parameter for it.
static void add_socket(struct lint *lint)
{
    const char *names = lint->client->sockets;
    char *name = names ? lint_alloc(lint, strlen(names) + 1) : NULL;
    lint->reading.is_unwritten = !names;
    if (!name || lint->failed)
        return;
    size_t len = strcspn(names, " ");
    memcpy(name, names, len);
    name[len] = '\0';
    struct lint_pair *pair =
        lint_add_pair(lint, (struct lint_value){ name, 0 }, lint->reading.socket);
    if (pair)
        pair->is_added = true;
}

static void read_host(struct lint *lint, struct lint_text text)
{
    size_t end = text.len && text.at[0] == '[' ? lint_span(text, 0, "]") : text.len;
    lint->reading.end = text.from[text.len];
    if (end < text.len) {
        read_bracketed(lint, text, end);
        return;
    }
    size_t colon = lint_span(text, 0, ":");
    struct lint_text host = lint_part(text, 0, colon);
    if (colon < text.len)
        read_port(lint, lint_part(text, colon + 1, text.len));
    if (!host.len)
        return;
    bool is_path = host.len > 3 && !strncasecmp(host.at, "%2F", 3);
    lint->reading.host =
        is_path ? lint_decode(lint, host, DECODE_LONE_OK, "host") : lint_take(lint, host);
    if (!is_path)
        return;
    if (has(lint, URL_HOST_PATH)) {
        lint->reading.socket = lint->reading.host;
        lint->reading.host = (struct lint_value){ 0 };
        return;
    }
    lint_say(lint, LINT_ERROR, "socket-host", host.from[0],
        "this driver looks it up as a host name; a unix socket has a parameter or an option of its "
        "own",
        "the host is the path of a unix socket");
    lint->reading.socket = lint->reading.host;
    lint->reading.host = (struct lint_value){ 0 };
    add_socket(lint);
}

// ---- path and query -----------------------------------------------------------------------------

static void read_path(struct lint *lint, struct lint_text path)
{
    if (!path.len)
        return;
    size_t slash = lint_span(path, 0, "/");
    if (has(lint, URL_ONE_SEGMENT) && slash < path.len)
        lint_say(lint, LINT_ERROR, "path-segments", path.from[slash],
            "this driver takes a path of one segment, the database, and refuses the string",
            "a second / in the path");
    if (has(lint, URL_DB_PLAIN) && has_code(path))
        lint_say(lint, LINT_ERROR, "database-encoded", path.from[0],
            "this driver does not decode the path: it asks for a database with percent signs in "
            "its "
            "name. Give the database as an option of its own",
            "the database is percent-encoded");
    // What is meant by it, for the corrected string.
    unsigned how = account_decoding(lint) | (has(lint, URL_DB_PLAIN) ? DECODE_LONE_OK : 0);
    lint->reading.database = lint_decode(lint, path, how, "database");
}

static void read_pair(struct lint *lint, struct lint_text pair)
{
    size_t equals = lint_span(pair, 0, "=");
    unsigned how = account_decoding(lint) | (has(lint, QUERY_PLUS) ? DECODE_PLUS : 0) |
                   (has(lint, QUERY_TWICE) ? DECODE_TWICE : 0);
    struct lint_text value = lint_part(pair, equals < pair.len ? equals + 1 : equals, pair.len);
    struct lint_value name = lint_take(lint, lint_part(pair, 0, equals));
    char what[96];
    (void)snprintf(what, sizeof(what), "value of %.60s", name.text);
    lint_add_pair(lint, name,
        has(lint, QUERY_PLAIN) ? lint_take(lint, value) : lint_decode(lint, value, how, what));
}

// { "name": value, … } on one level, as names of their own: ssl.ca. Enough for what the rules ask.
static void read_members(struct lint *lint, const struct lint_pair *whole)
{
    const struct lint_value name = whole->name;
    const char *at = whole->value.text;
    if (!at || *at != '{')
        return;
    while ((at = strchr(at, '"'))) {
        size_t len = strcspn(++at, "\"");
        char full[80];
        int full_len = snprintf(full, sizeof(full), "%.20s.%.*s", name.text, (int)len, at);
        at += len;
        at += *at == '"';
        at += strspn(at, " \t:");
        bool is_text = *at == '"';
        at += is_text;
        size_t value_len = strcspn(at, is_text ? "\"" : " ,}");
        char *texts = lint_alloc(lint, (size_t)full_len + value_len + 2);
        if (lint->failed || full_len >= (int)sizeof(full))
            return;
        memcpy(texts, full, (size_t)full_len + 1);
        memcpy(texts + full_len + 1, at, value_len);
        texts[(size_t)full_len + 1 + value_len] = '\0';
        struct lint_pair *member = lint_add_pair(lint, (struct lint_value){ texts, name.from },
            (struct lint_value){ texts + full_len + 1, name.from });
        if (!member)
            return;
        member->is_inner = true;
        at += value_len;
        at += is_text && *at == '"';
    }
}

static void read_query(struct lint *lint, struct lint_text query)
{
    for (size_t start = 0; start < query.len;) {
        size_t end = lint_span(query, start, "&");
        if (end > start)
            read_pair(lint, lint_part(query, start, end));
        start = end + 1;
    }
    size_t count = lint->reading.pair_count;
    for (size_t i = 0; i < count && has(lint, QUERY_JSON); i++)
        read_members(lint, &lint->reading.pairs[i]);
    lint_find_sockets(lint);
}

// ---- the whole ----------------------------------------------------------------------------------

static void check_scheme(struct lint *lint, struct lint_text scheme)
{
    const char *schemes = lint->client->schemes;
    lint->reading.scheme = lint_take(lint, scheme);
    if (!schemes || lint_list_has(schemes, scheme.at, scheme.len))
        return;
    lint_say(lint, LINT_ERROR, "scheme", scheme.from[0],
        "this client looks at the scheme first: it takes the string for another database's, or "
        "refuses it",
        "the scheme is \"%.*s\" (this client knows %s)", (int)(scheme.len > 40 ? 40 : scheme.len),
        scheme.at, schemes);
    lint->reading.scheme.text = NULL;
}

// The user's part, when the driver ends it early: what is behind that is no host, but what was
// meant is what stands before the last @. Nothing of it may be shown as a field.
static size_t meant_at(struct lint *lint, struct lint_text text, size_t end)
{
    static const char why[] =
        "this driver ends the user's part there: a part of the password is taken for the host, the "
        "port or the database, or the string is refused. Write it percent-encoded";
    lint_say(lint, LINT_ERROR, "raw-special", text.from[end], why, "a raw %c in the password",
        text.at[end]);
    lint->reading.is_misread = true;
    return find_last(text, text.len, '@');
}

static void split_after_account(struct lint *lint, struct lint_text rest)
{
    size_t end = lint_span(rest, 0, has(lint, NO_FRAGMENT) ? "/?" : "/?#");
    read_host(lint, lint_part(rest, 0, end));
    size_t query = lint_span(rest, end, has(lint, NO_FRAGMENT) ? "?" : "?#");
    size_t fragment = has(lint, NO_FRAGMENT) ? rest.len : lint_span(rest, end, "#");
    if (end < query)
        read_path(lint, lint_part(rest, end + 1, query));
    if (query < fragment)
        read_query(lint, lint_part(rest, query + 1, fragment));
    if (fragment < rest.len)
        lint_say(lint, LINT_ERROR, "fragment", rest.from[fragment],
            "everything behind it is the URL's fragment, which no driver looks at; a # is written "
            "%23",
            "a raw # ends the string");
}

static bool is_number(struct lint_text text, size_t start, size_t end)
{
    bool ok = start < end;
    for (size_t i = start; ok && i < end; i++)
        ok = isdigit((unsigned char)text.at[i]);
    return ok;
}

// Whether an @ behind the authority is a part of a parameter's value, as in ?mail=a@b, and not the
// one that was meant to end the user's part.
static bool is_in_query(struct lint_text text, size_t stop, size_t last, bool has_account)
{
    size_t query = lint_span(text, stop, "?");
    if (query > last || lint_span(text, query, "=") > last)
        return false;
    size_t colon = lint_span(text, 0, ":");
    bool is_place = colon >= stop || is_number(text, colon + 1, stop);
    return has_account || (is_place && lint_span(text, last, "/:") == text.len);
}

// Where the user's part ends for this client, or text.len if it has none.
static size_t find_account(struct lint *lint, struct lint_text text)
{
    size_t stop = lint_span(text, 0, has(lint, URL_SLASH_ENDS) ? "/" : "/?#");
    size_t first = lint_span(text, 0, "@");
    size_t last = find_last(text, text.len, '@');
    if (first == text.len)
        return text.len;
    if (has(lint, URL_FIRST_AT)) {
        size_t end = lint_span(text, first, "/?");
        bool is_meant = last > first && (last < end || !is_in_query(text, end, last, true));
        return is_meant ? meant_at(lint, text, first) : first;
    }
    size_t at = find_last(text, stop, '@');
    if (last > stop && !is_in_query(text, stop, last, at < text.len))
        return meant_at(lint, text, stop);
    return at;
}

bool lint_read_url(struct lint *lint, struct lint_text text, struct err *err)
{
    size_t scheme = lint_find(text, "://");
    if (scheme == text.len || scheme == 0 || scheme > SCHEME_BYTES)
        return err_set(err, ERR_USAGE,
            "no URL: expected %.*s://user:password@host:port/database for %s",
            (int)strcspn(lint->client->schemes, " "), lint->client->schemes, lint->row->id);
    check_scheme(lint, lint_part(text, 0, scheme));
    struct lint_text rest = lint_part(text, scheme + 3, text.len);
    size_t at = find_account(lint, rest);
    if (at < rest.len)
        read_account(lint, lint_part(rest, 0, at));
    split_after_account(lint, at < rest.len ? lint_part(rest, at + 1, rest.len) : rest);
    return true;
}
