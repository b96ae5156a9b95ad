// SPDX-License-Identifier: Apache-2.0
//
// The corrected string: what was meant, written as the client reads it, with the placeholder where
// the password belongs. Pure.
#include "base/buf.h"
#include "strings/lint_rows.h"
#include "strings/strings.h"

#include <stdio.h>
#include <string.h>

static bool put(struct buf *out, const char *text)
{
    return buf_append(out, text, strlen(text));
}

static bool put_as(struct buf *out, enum string_encoding encoding, const char *text)
{
    struct err err;
    return encode_text(encoding, text, out, &err);
}

static const char *text_or(struct lint_value value, const char *otherwise)
{
    return value.text && *value.text ? value.text : otherwise;
}

static bool put_account(struct lint *lint, struct buf *out, enum string_encoding encoding)
{
    const struct lint_reading *reading = &lint->reading;
    if (!reading->user.text && !reading->password.text)
        return true;
    return put_as(out, encoding, text_or(reading->user, "")) &&
           (!reading->password.text || (put(out, ":") && put(out, STRINGS_PASSWORD_PLACEHOLDER))) &&
           put(out, "@");
}

static bool put_place(struct lint *lint, struct buf *out)
{
    const struct lint_reading *reading = &lint->reading;
    const char *host = text_or(reading->host, reading->socket.text ? "localhost" : "127.0.0.1");
    bool is_v6 = strchr(host, ':');
    return (!is_v6 || put(out, "[")) && put(out, host) && (!is_v6 || put(out, "]")) &&
           (!reading->port.text || !reading->host.text ||
               (put(out, ":") && put(out, reading->port.text)));
}

// The characters that mean nothing in any query stay readable.
static bool put_query_value(struct lint *lint, struct buf *out, const char *text)
{
    if (lint->client->flags & QUERY_PLAIN)
        return put(out, text);
    return put_as(
        out, lint->client->flags & QUERY_TWICE ? ENCODING_PERCENT_TWICE : ENCODING_PERCENT, text);
}

static bool put_pairs(struct lint *lint, struct buf *out, const char *first)
{
    const char *between = first;
    bool ok = true;
    for (size_t i = 0; ok && i < lint->reading.pair_count; i++) {
        const struct lint_pair *pair = &lint->reading.pairs[i];
        if (pair->is_dropped || pair->is_inner || pair->is_hidden)
            continue;
        ok = put(out, between) && put(out, pair->name.text) && put(out, "=") &&
             put_query_value(lint, out, pair->value.text);
        between = "&";
    }
    return ok;
}

static bool put_scheme(struct lint *lint, struct buf *out)
{
    const char *schemes = lint->client->schemes ? lint->client->schemes : "mysql";
    const char *scheme = lint->reading.scheme.text;
    if (scheme)
        return put(out, scheme) && put(out, "://");
    return buf_append(out, schemes, strcspn(schemes, " ")) && put(out, "://");
}

// A socket in the place of the host, for who reads it there.
static bool put_host_path(struct lint *lint, struct buf *out)
{
    return put_as(out, ENCODING_PERCENT, lint->reading.socket.text);
}

bool lint_write_url(struct lint *lint, struct buf *out)
{
    const struct lint_reading *reading = &lint->reading;
    uint32_t flags = lint->client->flags;
    bool is_path = reading->socket.text && (flags & URL_HOST_PATH) && !reading->host.text;
    bool is_plain = flags & URL_DB_PLAIN;
    const char *database = text_or(reading->database, "");
    if (is_plain && strcspn(database, " /?#%") != strlen(database))
        return false; // its URL cannot name this database
    return put_scheme(lint, out) &&
           put_account(lint, out, flags & URL_NO_DECODE ? ENCODING_RAW : ENCODING_PERCENT) &&
           (is_path ? put_host_path(lint, out) : put_place(lint, out)) && put(out, "/") &&
           put_as(out, is_plain ? ENCODING_RAW : ENCODING_PERCENT, database) &&
           put_pairs(lint, out, "?");
}

bool lint_write_jdbc(struct lint *lint, struct buf *out)
{
    const struct lint_reading *reading = &lint->reading;
    bool is_plain = lint->client->flags & QUERY_PLAIN;
    enum string_encoding encoding = is_plain ? ENCODING_RAW : ENCODING_PERCENT;
    const char *between = "?";
    bool ok = put_scheme(lint, out) && put_place(lint, out) && put(out, "/") &&
              put_as(out, encoding, text_or(reading->database, ""));
    if (ok && reading->user.text) {
        ok = put(out, "?user=") && put_as(out, encoding, reading->user.text);
        between = "&";
    }
    if (ok && reading->password.text) {
        ok = put(out, between) && put(out, "password=" STRINGS_PASSWORD_PLACEHOLDER);
        between = "&";
    }
    return ok && put_pairs(lint, out, between);
}

bool lint_write_go(struct lint *lint, struct buf *out)
{
    const struct lint_reading *reading = &lint->reading;
    bool is_url = lint->client->schemes;
    const char *user = text_or(reading->user, "");
    if (!is_url && strchr(user, ':'))
        return false;
    bool ok = (!is_url || put(out, lint->client->schemes)) &&
              put_account(lint, out, is_url ? ENCODING_PERCENT : ENCODING_RAW);
    if (ok && reading->socket.text)
        ok = put(out, "unix(") && put(out, reading->socket.text);
    else
        ok = ok && put(out, "tcp(") && put_place(lint, out);
    return ok && put(out, ")/") && put_as(out, ENCODING_PERCENT, text_or(reading->database, "")) &&
           put_pairs(lint, out, "?");
}

// name=value; …, in the encoding of the client's row.
bool lint_write_list(struct lint *lint, struct buf *out)
{
    const struct lint_reading *reading = &lint->reading;
    enum string_encoding encoding = lint->row->encoding;
    bool is_odbc = encoding == ENCODING_ODBC;
    const struct {
        const char *name;
        const char *text;
    } items[] = { { is_odbc ? "SERVER" : "Server", reading->host.text },
        { is_odbc ? "SOCKET" : "Server", reading->socket.text },
        { is_odbc ? "PORT" : "Port", reading->socket.text ? NULL : reading->port.text },
        { is_odbc ? "UID" : "User ID", reading->user.text },
        { is_odbc ? "DATABASE" : "Database", reading->database.text } };
    bool ok = true;
    for (size_t i = 0; ok && i < reading->pair_count; i++) {
        const struct lint_pair *pair = &reading->pairs[i];
        if (!pair->is_dropped)
            ok = put(out, pair->name.text) && put(out, "=") &&
                 put_as(out, encoding, pair->value.text) && put(out, ";");
    }
    for (size_t i = 0; ok && i < ARRAY_LEN(items); i++) {
        if (items[i].text)
            ok = put(out, items[i].name) && put(out, "=") && put_as(out, encoding, items[i].text) &&
                 put(out, ";");
    }
    struct err err;
    return ok && (!reading->password.text ||
                     (put(out, is_odbc ? "PWD=" : "Password=") &&
                         encode_placeholder(encoding, STRINGS_PASSWORD_PLACEHOLDER, out, &err)));
}

static bool put_option(struct buf *out, const char *option, struct lint_value value)
{
    return !value.text || (put(out, option) && put_as(out, ENCODING_SHELL, value.text));
}

bool lint_write_command(struct lint *lint, struct buf *out)
{
    const struct lint_reading *reading = &lint->reading;
    bool is_socket = reading->socket.text;
    const struct lint_value none = { 0 };
    bool ok = put(out, text_or(reading->scheme, lint->row->id));
    for (size_t i = 0; ok && i < reading->pair_count; i++) {
        const struct lint_pair *pair = &reading->pairs[i];
        if (pair->is_dropped)
            continue;
        ok = put(out, " --") && put(out, pair->name.text) &&
             (!*pair->value.text ||
                 (put(out, "=") && put_as(out, ENCODING_SHELL, pair->value.text)));
    }
    return ok && put_option(out, " -u ", reading->user) &&
           put_option(out, " -h ", is_socket ? none : reading->host) &&
           put_option(out, " -P ", is_socket ? none : reading->port) &&
           put_option(out, " -S ", reading->socket) &&
           put_option(out, strstr(lint->row->id, "dump") ? " " : " -D ", reading->database) &&
           (!strcmp(lint->row->id, "mycli") || put(out, " -p"));
}

static bool says_unverified(const struct lint *lint)
{
    for (size_t i = 0; i < lint->report.finding_count; i++) {
        if (!strcmp(lint->report.findings[i].code, "tls-unverified"))
            return true;
    }
    return false;
}

static enum string_tls tls_of(struct lint *lint)
{
    static const enum string_tls modes[LINT_TLS_MODES] = {
        [LINT_TLS_CLIENT] = STRING_TLS_CLIENT,
        [LINT_TLS_OFF] = STRING_TLS_OFF,
        [LINT_TLS_IDENTITY] = STRING_TLS_VERIFY_IDENTITY,
        [LINT_TLS_CA] = STRING_TLS_VERIFY_CA,
    };
    enum lint_tls tls = lint->report.tls;
    if (lint_find_pair(lint, "skip-ssl")) // given, or a fix
        return STRING_TLS_OFF;
    if (lint->reading.socket.text)
        return STRING_TLS_CLIENT;
    // To another machine the name can be checked, to a proxy on this one only the issuer.
    if (tls == LINT_TLS_UNVERIFIED || tls == LINT_TLS_CUSTOM ||
        ((tls == LINT_TLS_CA || tls == LINT_TLS_OFF) && says_unverified(lint)))
        return lint_is_loopback(lint->reading.host.text) ? STRING_TLS_VERIFY_CA
                                                         : STRING_TLS_VERIFY_IDENTITY;
    return modes[tls];
}

// As tidblink dsn prints it.
bool lint_write_row(struct lint *lint, struct buf *out)
{
    const struct lint_reading *reading = &lint->reading;
    struct string_output output;
    struct err err;
    struct string_request request = {
        .host = text_or(reading->host, "127.0.0.1"),
        .port = (uint16_t)(lint_port(lint) ? lint_port(lint) : 4000),
        .socket = reading->socket.text,
        .user = text_or(reading->user, "root"),
        .database =
            reading->database.text && *reading->database.text ? reading->database.text : NULL,
        .direct = true,
        .tls = tls_of(lint),
        .ca_path = reading->ca.text,
    };
    const unsigned unknown = LINT_HOST | LINT_PORT | LINT_SOCKET | LINT_USER | LINT_DATABASE;
    if (lint->report.expressions & unknown)
        return false; // what the program puts there nobody can write down
    bool ok = strings_print(lint->row, &request, &output, &err);
    if (!ok && request.tls == STRING_TLS_VERIFY_IDENTITY &&
        lint->report.tls != LINT_TLS_IDENTITY) { // it cannot
        request.tls = STRING_TLS_VERIFY_CA;
        ok = strings_print(lint->row, &request, &output, &err);
    }
    if (!ok)
        return false;
    ok = put(out, output.text);
    strings_output_done(&output);
    return ok;
}
