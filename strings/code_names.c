// SPDX-License-Identifier: Apache-2.0
//
// What the items of a source text are called by the client that is given them, and which of them
// are the host, the port, … Pure.
#include "strings/read_code.h"

#include "base/defs.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

const struct code_field_row code_fields[CODE_FIELD_NONE] = {
#define AT(name) offsetof(struct lint_reading, name)
    [CODE_FIELD_HOST] = { "host", "host hostname server", AT(host), LINT_HOST },
    [CODE_FIELD_PORT] = { "port", "port", AT(port), LINT_PORT },
    [CODE_FIELD_SOCKET] = { "socket",
        "socket socketPath unix_socket unixDomainSocketPath unix.socket", AT(socket), LINT_SOCKET },
    [CODE_FIELD_USER] = { "user", "user username", AT(user), LINT_USER },
    [CODE_FIELD_PASSWORD] = { "password", "password passwd pass pwd", AT(password), LINT_PASSWORD },
    [CODE_FIELD_DATABASE] = { "database", "database db dbname dbName", AT(database),
        LINT_DATABASE },
    [CODE_FIELD_URL] = { "url", "url uri jdbcUrl", 0, 0 },
#undef AT
};

// ---- what an item is called ---------------------------------------------------------------------

struct lint_text code_last_segment(struct lint_text name, const char *joints)
{
    size_t at = name.len;
    while (at > 0 && !strchr(joints, name.at[at - 1]))
        at--;
    return lint_part(name, at, name.len);
}

// "host user password" and the like; the word for the argument at this place, empty if none.
static const char *argument_word(const char *list, unsigned index, size_t *len)
{
    for (;; index--) {
        list += strspn(list, " ");
        *len = strcspn(list, " ;");
        if (index == 0 || *len == 0)
            return list;
        list += *len;
    }
}

// The places of the arguments of a call: "real_connect:host user …;define:@name @value".
static const char *places_of(const struct lint_code_client *client, struct lint_text call)
{
    struct lint_text word = code_last_segment(call, ".>:");
    for (const char *row = client->calls; row && *row; row += strspn(row, ";")) {
        size_t name = strcspn(row, ":");
        if (name == word.len && !memcmp(row, word.at, name))
            return row + name + 1;
        row += strcspn(row, ";");
    }
    return NULL;
}

static void set_name(char name[CODE_NAME_BYTES], const char *at, size_t len)
{
    len = len < CODE_NAME_BYTES ? len : CODE_NAME_BYTES - 1;
    memcpy(name, at, len);
    name[len] = '\0';
}

// setJdbcUrl("…") names jdbcUrl.
static bool name_of_setter(const struct code_item *item, char name[CODE_NAME_BYTES])
{
    struct lint_text word = code_last_segment(item->call, ".>:");
    if (item->index || word.len < 4 || memcmp(word.at, "set", 3) != 0 ||
        !isupper((unsigned char)word.at[3]))
        return false;
    set_name(name, word.at + 3, word.len - 3);
    name[0] = (char)tolower((unsigned char)name[0]);
    return true;
}

// A literal that stands for a name: 'DB_HOST', or a constant: OPT_HOSTNAME.
static void name_of_value(
    const struct code_reading *reading, const struct code_item *item, char name[CODE_NAME_BYTES])
{
    struct lint_text text = code_text_of(&reading->code, &reading->code.tokens[item->token]);
    text = code_last_segment(lint_trim(text, "\"'`"), ":");
    set_name(name, text.at, text.len);
}

static const struct code_item *neighbour(
    const struct code_reading *reading, const struct code_item *item, unsigned index)
{
    const struct code *code = &reading->code;
    for (size_t i = 0; i < code->item_count; i++) {
        const struct code_item *other = &code->items[i];
        if (other->group == item->group && !other->name.len && other->index == index)
            return other;
    }
    return NULL;
}

static const struct code_item *named_neighbour(
    const struct code_reading *reading, const struct code_item *item, const char *name)
{
    const struct code *code = &reading->code;
    for (size_t i = 0; i < code->item_count; i++) {
        const struct code_item *other = &code->items[i];
        if (other->group == item->group && other->name.len == strlen(name) &&
            !strncasecmp(other->name.at, name, other->name.len))
            return other;
    }
    return NULL;
}

// { OPT_HOSTNAME, "…" } and { "name": "DB_HOST", "value": "…" }.
static bool name_of_pair(
    const struct code_reading *reading, const struct code_item *item, char name[CODE_NAME_BYTES])
{
    const struct code_item *first = NULL;
    bool has_pairs = reading->client->code_flags & CODE_PAIRS;
    if (has_pairs && item->name.len == 5 && !memcmp(item->name.at, "value", 5))
        first = named_neighbour(reading, item, "name");
    else if (reading->client->language == LANGUAGE_C && item->bracket == '{' && !item->name.len &&
             item->index == 1)
        first = neighbour(reading, item, 0);
    if (first && (first->kind == CODE_TEXT || first->kind == CODE_WORD))
        name_of_value(reading, first, name);
    return first != NULL;
}

// The name under which the client reads an item; false: none, or one too many.
bool code_name_item(
    struct code_reading *reading, const struct code_item *item, char name[CODE_NAME_BYTES])
{
    const struct lint_code_client *client = reading->client;
    name[0] = '\0';
    if (name_of_pair(reading, item, name))
        return *name;
    if (item->name.len) {
        bool has_dots = client->language == LANGUAGE_R;
        struct lint_text word = code_last_segment(item->name, has_dots ? ":" : ".>:");
        set_name(name, word.at, word.len);
        return *name && !((client->code_flags & CODE_PAIRS) && !strcasecmp(name, "name"));
    }
    const char *places = item->call.len ? places_of(client, item->call) : NULL;
    if (!places)
        return item->call.len && client->calls && name_of_setter(item, name);
    size_t len;
    const char *word = argument_word(places, item->index, &len);
    if (len == 6 && !memcmp(word, "@value", 6)) {
        const struct code_item *first = neighbour(reading, item, item->index - 1);
        if (first)
            name_of_value(reading, first, name);
        return *name;
    }
    if (len == 0 && item->kind != CODE_OBJECT && item->kind != CODE_EXPRESSION)
        reading->is_bad = true; // an argument too many
    if (len && *word != '-' && *word != '@')
        set_name(name, word, len);
    return *name;
}

// Without what stands before the name in an environment or a constant.
static const char *bare_name(const char *name)
{
    static const char *const heads[] = { "$env:", "DB_", "OPT_", "MYSQL_", "db_" };
    for (size_t i = 0; i < ARRAY_LEN(heads); i++) {
        if (!strncmp(name, heads[i], strlen(heads[i])))
            name += strlen(heads[i]);
    }
    return name;
}

enum code_field code_field_of(
    const struct code_reading *reading, const struct code_item *item, const char *name)
{
    const struct lint_client *client = &reading->client->client;
    const char *bare = bare_name(name);
    size_t len = strlen(bare);
    if (item->path.len)
        return CODE_FIELD_NONE;
    for (const char *own = reading->client->names; own && *own; own += strspn(own, " ")) {
        size_t own_len = strcspn(own, "="), whole = strcspn(own, " ");
        for (size_t i = 0; own_len == len && !strncasecmp(own, bare, len) && i < CODE_FIELD_NONE;
             i++) {
            if (strlen(code_fields[i].word) == whole - len - 1 &&
                !memcmp(code_fields[i].word, own + len + 1, whole - len - 1))
                return (enum code_field)i;
        }
        own += whole;
    }
    for (size_t i = 0; i < CODE_FIELD_NONE; i++) {
        if (lint_knows_name(client, code_fields[i].names, bare))
            return (enum code_field)i;
    }
    return CODE_FIELD_NONE;
}

// ---- which items are the fields -----------------------------------------------------------------

bool code_is_literal(const struct code_item *item)
{
    return item->kind == CODE_TEXT || item->kind == CODE_NUMBER;
}

static bool is_nothing(const struct code_reading *reading, const struct code_item *item)
{
    struct lint_text word = code_text_of(&reading->code, &reading->code.tokens[item->token]);
    return item->kind == CODE_WORD && lint_list_has("null nil none undefined", word.at, word.len);
}

static bool is_port(const struct code_reading *reading, const struct code_item *item)
{
    struct lint_text text = code_text_of(&reading->code, &reading->code.tokens[item->token]);
    text = lint_trim(text, "\"'`");
    bool ok = text.len > 0;
    for (size_t i = 0; i < text.len; i++)
        ok = ok && (isdigit((unsigned char)text.at[i]) || text.at[i] == '_');
    return ok || !code_is_literal(item);
}

// Of a function: a { behind its arguments.
static bool is_body(const struct code *code, unsigned group)
{
    size_t start = group < CODE_GROUPS ? code->starts[group] : 0;
    return start && code->tokens[start].mark == '{' && code->tokens[start - 1].kind == TOKEN_MARK &&
           code->tokens[start - 1].mark == ')';
}

// Whether something does not fit between a literal and the end of its statement; what a program
// does elsewhere is not looked at. Brackets that do not close count anywhere.
static bool has_error_near(const struct code *code, const struct code_item *item)
{
    size_t end = item ? item->token : 0;
    unsigned group = item ? item->group : 0;
    while (group && group < CODE_GROUPS && code->parents[group] &&
           !is_body(code, code->parents[group]))
        group = code->parents[group];
    if (group)
        end = group < CODE_GROUPS ? code->ends[group] : code->token_count;
    while (!group && item && end < code->token_count && code->tokens[end].kind != TOKEN_LINE)
        end++;
    for (size_t i = 0; i < code->error_count; i++) {
        size_t at = code->errors[i];
        if (at >= code->token_count || (item && at >= item->token && at <= end))
            return true;
    }
    return false;
}

void code_find_fields(struct code_reading *reading)
{
    const struct code *code = &reading->code;
    reading->is_bad = code->is_full;
    memset(reading->found, 0, sizeof(reading->found));
    for (size_t i = 0; i < code->item_count; i++) {
        const struct code_item *item = &code->items[i];
        char name[CODE_NAME_BYTES];
        if (!code_name_item(reading, item, name) || item->kind == CODE_OBJECT)
            continue;
        enum code_field field = code_field_of(reading, item, name);
        if (field == CODE_FIELD_NONE || is_nothing(reading, item))
            continue;
        const struct code_item **found = &reading->found[field];
        bool is_better = *found && !code_is_literal(*found) && code_is_literal(item);
        if (*found && (*found)->group == item->group && item->group)
            reading->is_bad = true; // given twice
        if (!*found || is_better)
            *found = item;
    }
    const struct code_item *password = reading->found[CODE_FIELD_PASSWORD];
    const struct code_item *port = reading->found[CODE_FIELD_PORT];
    if (port && !is_port(reading, port))
        reading->is_bad = true;
    const struct code_item *secret = password ? password : reading->found[CODE_FIELD_URL];
    reading->is_bad = reading->is_bad || has_error_near(code, secret);
    static const enum code_field order[] = { CODE_FIELD_PASSWORD, CODE_FIELD_USER, CODE_FIELD_HOST,
        CODE_FIELD_URL };
    reading->main = 0;
    for (size_t i = ARRAY_LEN(order); i-- > 0;) {
        if (reading->found[order[i]])
            reading->main = reading->found[order[i]]->group;
    }
}
