// SPDX-License-Identifier: Apache-2.0
//
// The URL-like strings and the command lines; readers_code.c has those that are source code. Pure;
// used by the tests of strings/.
#include "readers.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

static bool copy(char *out, size_t size, const char *from, size_t len)
{
    if (len >= size)
        return false;
    memcpy(out, from, len);
    out[len] = '\0';
    return true;
}

#define COPY(field, from, len) copy(field, sizeof(field), from, len)

static int hex_value(char digit)
{
    const char *digits = "0123456789abcdef";
    const char *at = digit ? strchr(digits, tolower((unsigned char)digit)) : NULL;
    return at ? (int)(at - digits) : -1;
}

// A percent-decoder that refuses what the strictest refuse: a % without two hex digits.
static bool decode(char *out, const char *from, size_t len, bool plus_is_blank)
{
    size_t to = 0;
    for (size_t at = 0; at < len && to + 1 < READING_BYTES; at++) {
        if (from[at] != '%') {
            out[to++] = plus_is_blank && from[at] == '+' ? ' ' : from[at];
            continue;
        }
        int high = len - at > 2 ? hex_value(from[at + 1]) : -1;
        int low = len - at > 2 ? hex_value(from[at + 2]) : -1;
        if (high < 0 || low < 0)
            return false;
        out[to++] = (char)(high * 16 + low);
        at += 2;
    }
    out[to] = '\0';
    return true;
}

static bool add_param(struct reading *out, const char *name, size_t name_len, const char *value)
{
    if (out->param_count == READING_PARAMS)
        return false;
    struct reading_param *param = &out->params[out->param_count++];
    return COPY(param->name, name, name_len) && COPY(param->value, value, strlen(value));
}

const char *readers_param(const struct reading *reading, const char *name)
{
    for (size_t i = 0; i < reading->param_count; i++) {
        if (!strcmp(reading->params[i].name, name))
            return reading->params[i].value;
    }
    return NULL;
}

// "host:port", "[v6]:port", "host".
static bool read_authority(const char *from, size_t len, struct reading *out)
{
    const char *end = from + len;
    const char *host_end;
    if (len && *from == '[') {
        host_end = memchr(from, ']', len);
        if (!host_end || !COPY(out->host, from + 1, (size_t)(host_end - from - 1)))
            return false;
        host_end++;
    } else {
        host_end = memchr(from, ':', len);
        host_end = host_end ? host_end : end;
        if (!COPY(out->host, from, (size_t)(host_end - from)))
            return false;
    }
    if (host_end == end)
        return true;
    return *host_end == ':' && COPY(out->port, host_end + 1, (size_t)(end - host_end - 1));
}

// Pairs between '&'; each goes to `take`.
static bool each_pair(const char *query, struct reading *out,
    bool (*take)(struct reading *out, const char *name, size_t name_len, const char *value,
        size_t value_len))
{
    while (*query) {
        size_t len = strcspn(query, "&");
        size_t name_len = strcspn(query, "=&");
        size_t skip = query[name_len] == '=';
        if (!take(out, query, name_len, query + name_len + skip, len - name_len - skip))
            return false;
        query += len + (query[len] == '&');
    }
    return true;
}

static bool take_url_pair(
    struct reading *out, const char *name, size_t name_len, const char *value, size_t value_len)
{
    char text[READING_BYTES];
    if (!decode(text, value, value_len, true))
        return false;
    static const char *const sockets[] = { "socketPath", "socket", "unix_socket" };
    for (size_t i = 0; i < sizeof(sockets) / sizeof(sockets[0]); i++) {
        if (strlen(sockets[i]) == name_len && !memcmp(name, sockets[i], name_len))
            return COPY(out->socket, text, strlen(text));
    }
    return add_param(out, name, name_len, text);
}

// WHATWG URL: the authority ends at the first of / ? #, the user's part at its last @, the user at
// the first colon of that; then decodeURIComponent for each.
bool readers_mysql_url(const char *text, struct reading *out)
{
    if (strncmp(text, "mysql://", 8) != 0)
        return false;
    const char *authority = text + 8;
    size_t len = strcspn(authority, "/?#");
    const char *at = authority + len;
    while (at > authority && at[-1] != '@')
        at--;
    if (at-- == authority)
        return false;
    const char *colon = memchr(authority, ':', (size_t)(at - authority));
    if (!colon || !decode(out->user, authority, (size_t)(colon - authority), false) ||
        !decode(out->password, colon + 1, (size_t)(at - colon - 1), false))
        return false;
    if (!read_authority(at + 1, (size_t)(authority + len - at - 1), out))
        return false;
    const char *path = authority + len;
    if (*path != '/')
        return false;
    size_t path_len = strcspn(path, "?#");
    if (!decode(out->database, path + 1, path_len - 1, false))
        return false;
    return path[path_len] != '?' || each_pair(path + path_len + 1, out, take_url_pair);
}

bool readers_params(const char *text, struct reading *out)
{
    enum { COLUMN = 10 };
    while (*text) {
        size_t len = strcspn(text, "\n");
        size_t name_len = COLUMN;
        if (len < COLUMN)
            return false;
        while (name_len && text[name_len - 1] == ' ')
            name_len--;
        const struct {
            const char *name;
            char *field;
            size_t size;
        } fields[] = { { "HOST", out->host, sizeof(out->host) },
            { "PORT", out->port, sizeof(out->port) },
            { "SOCKET", out->socket, sizeof(out->socket) },
            { "USERNAME", out->user, sizeof(out->user) },
            { "PASSWORD", out->password, sizeof(out->password) },
            { "DATABASE", out->database, sizeof(out->database) } };
        for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
            if (strlen(fields[i].name) == name_len && !memcmp(fields[i].name, text, name_len) &&
                !copy(fields[i].field, fields[i].size, text + COLUMN, len - COLUMN))
                return false;
        }
        text += len + (text[len] == '\n');
    }
    return true;
}

// One word of a POSIX shell: bare characters and '…'; everything else would be looked into.
static bool read_word(const char **at, char *out)
{
    size_t to = 0;
    bool quoted = false;
    for (; **at && (quoted || **at != ' '); ++*at) {
        if (**at == '\'') {
            quoted = !quoted;
            continue;
        }
        if (!quoted && **at == '\\')
            ++*at;
        else if (!quoted && strchr("|&;<>()$`\"\t\n*?[#~!{}", **at))
            return false;
        if (!**at || to + 1 >= READING_BYTES)
            return false;
        out[to++] = **at;
    }
    out[to] = '\0';
    *at += strspn(*at, " ");
    return !quoted;
}

// -u X and its like: the letter, then its value in the next word.
static bool read_short_option(const char **at, const char *word, struct reading *out)
{
    const char *letters = "uhPSD";
    char *const fields[] = { out->user, out->host, out->port, out->socket, out->database };
    const char *letter = strlen(word) == 2 ? strchr(letters, word[1]) : NULL;
    return letter && read_word(at, fields[letter - letters]);
}

// The options that our command lines use, as getopt_long reads them.
bool readers_command(const char *text, struct reading *out)
{
    char word[READING_BYTES];
    if (!read_word(&text, word) || (strcmp(word, "mysql") != 0 && strcmp(word, "mariadb") != 0))
        return false;
    while (*text) {
        if (!read_word(&text, word) || *word != '-')
            return false;
        size_t len = strcspn(word, "=");
        bool ok = true;
        if (!strcmp(word, "-p"))
            out->asks_password = true;
        else if (word[1] == '-')
            ok = add_param(out, word, len, word[len] ? word + len + 1 : "");
        else
            ok = read_short_option(&text, word, out);
        if (!ok)
            return false;
    }
    return true;
}

static bool take_account(struct reading *out, const char *name, size_t name_len, const char *value)
{
    if (name_len == 4 && !memcmp(name, "user", 4))
        return COPY(out->user, value, strlen(value));
    if (name_len == 8 && !memcmp(name, "password", 8))
        return COPY(out->password, value, strlen(value));
    if (name_len == 11 && !memcmp(name, "localSocket", 11))
        return COPY(out->socket, value, strlen(value));
    return add_param(out, name, name_len, value);
}

// java.net.URLDecoder on each value, trimmed before.
static bool take_connector_j_pair(
    struct reading *out, const char *name, size_t name_len, const char *value, size_t value_len)
{
    char text[READING_BYTES];
    while (value_len && (unsigned char)*value <= ' ')
        value++, value_len--;
    while (value_len && (unsigned char)value[value_len - 1] <= ' ')
        value_len--;
    return decode(text, value, value_len, true) && take_account(out, name, name_len, text);
}

// Connector/J, ConnectionUrlParser: //authority up to / ? #, path up to ? #, query up to #.
bool readers_connector_j(const char *text, struct reading *out)
{
    char path[READING_BYTES];
    if (strncmp(text, "jdbc:mysql://", 13) != 0)
        return false;
    text += 13;
    size_t len = strcspn(text, "/?#");
    if (memchr(text, ',', len) || memchr(text, '@', len) || !read_authority(text, len, out))
        return false;
    text += len;
    if (*text++ != '/')
        return false;
    len = strcspn(text, "?#");
    if (!decode(path, text, len, true))
        return false;
    const char *begin = path, *end = path + strlen(path);
    while (begin < end && (unsigned char)*begin <= ' ')
        begin++;
    while (begin < end && (unsigned char)end[-1] <= ' ')
        end--;
    if (!COPY(out->database, begin, (size_t)(end - begin)) || text[len] != '?')
        return false;
    return !strchr(text + len + 1, '#') && each_pair(text + len + 1, out, take_connector_j_pair);
}

static bool take_mariadb_j_pair(
    struct reading *out, const char *name, size_t name_len, const char *value, size_t value_len)
{
    char text[READING_BYTES];
    return COPY(text, value, value_len) && take_account(out, name, name_len, text);
}

// MariaDB Connector/J 3, Configuration.parseInternal: nothing is decoded; "address=(" is looked for
// everywhere.
bool readers_mariadb_j(const char *text, struct reading *out)
{
    if (strncmp(text, "jdbc:mariadb://", 15) != 0 || strstr(text, "address=("))
        return false;
    text += 15;
    size_t len = strcspn(text, "/?");
    if (text[len] != '/' || !read_authority(text, len, out))
        return false;
    const char *database = text + len + 1;
    size_t database_len = strcspn(database, "?");
    if (!COPY(out->database, database, database_len) || !database[database_len])
        return false;
    return each_pair(database + database_len + 1, out, take_mariadb_j_pair);
}

static bool take_go_pair(
    struct reading *out, const char *name, size_t name_len, const char *value, size_t value_len)
{
    char text[READING_BYTES];
    return decode(text, value, value_len, true) && add_param(out, name, name_len, text);
}

// go-sql-driver/mysql, ParseDSN: from the last / back to the last @; the address ends with a ).
bool readers_go(const char *text, struct reading *out)
{
    const char *slash = strrchr(text, '/');
    if (!slash)
        return false;
    const char *at = slash;
    while (at > text && *at != '@')
        at--;
    size_t account_len = (size_t)(at - text);
    size_t user_len = strcspn(text, ":");
    if (user_len >= account_len)
        return false; // no password: none of our strings
    if (!COPY(out->user, text, user_len) ||
        !COPY(out->password, text + user_len + 1, account_len - user_len - 1))
        return false;
    const char *open = memchr(at, '(', (size_t)(slash - at));
    if (!open || slash[-1] != ')')
        return false;
    size_t address_len = (size_t)(slash - 1 - open - 1);
    bool is_unix = !strncmp(at + 1, "unix(", 5);
    if (is_unix ? !COPY(out->socket, open + 1, address_len)
                : !read_authority(open + 1, address_len, out))
        return false;
    size_t database_len = strcspn(slash + 1, "?");
    if (!decode(out->database, slash + 1, database_len, false))
        return false;
    const char *query = slash + 1 + database_len;
    return !*query || each_pair(query + 1, out, take_go_pair);
}

reader_fn *readers_of(const char *client_id)
{
    static const struct {
        const char *id;
        reader_fn *read;
    } rows[] = { { "params", readers_params }, { "url", readers_mysql_url },
        { "mysql", readers_command }, { "mariadb", readers_command },
        { "jdbc", readers_connector_j }, { "jdbc-mariadb", readers_mariadb_j },
        { "go", readers_go }, { "pymysql", readers_pymysql }, { "mysql2", readers_mysql2 },
        { "mysql2-url", readers_mysql_url }, { "gorm", readers_go }, { "ent", readers_go },
        { "bun-go", readers_go }, { "xorm", readers_go }, { "sqlx", readers_mysql_url },
        { "seaorm", readers_mysql_url }, { "rust-mysql", readers_mysql_url },
        { "mysql-async", readers_mysql_url }, { "diesel", readers_mysql_url },
        { "atlas", readers_mysql_url } };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (!strcmp(rows[i].id, client_id))
            return rows[i].read;
    }
    return NULL;
}
