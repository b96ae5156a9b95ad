// SPDX-License-Identifier: Apache-2.0
//
// Source code and files with a syntax of their own: which of their named values, arguments and
// members are the host, the port, … of a client. Where the password's literal ends too early for
// its language, what was meant is the first end with which the rest makes sense. Pure.
#include "strings/read_code.h"

#include "base/err.h"
#include "base/os.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { ENDS = 64 };

static bool parse(struct code_reading *reading, struct code_fix fix)
{
    reading->code.source.fix = fix;
    reading->code.source.lint->arena_used = reading->arena;
    if (!code_parse(&reading->code))
        return false;
    code_find_fields(reading);
    return true;
}

// ---- a literal that ends too early --------------------------------------------------------------

// What the natural end was, and what its finding says.
static void say_quote(struct lint *lint, struct lint_text text, uint32_t natural, uint32_t meant)
{
    bool is_escaped = meant < natural;
    uint32_t at = is_escaped ? meant : natural;
    lint_say(lint, LINT_ERROR, is_escaped ? "backslash" : "quote", text.from[at ? at - 1 : 0],
        is_escaped ? "the language takes the quote behind it for a part of the text, and the rest "
                     "of the line as well; a backslash is written \\\\"
                   : "the literal ends there, and what follows is not the language's: it refuses "
                     "the text, or reads other values; a quote inside of the literal is escaped",
        is_escaped ? "a backslash at the end of the password" : "a raw quote in the password");
}

// Tries each later quote, and the escaped ones, as the end of the password.
static bool find_end(struct code_reading *reading, struct lint_text text, struct code_fix natural)
{
    struct lint *lint = reading->code.source.lint;
    const struct token token = reading->code.tokens[reading->found[CODE_FIELD_PASSWORD]->token];
    unsigned tries = 0;
    for (uint32_t at = natural.start + 1; at < text.len && tries < ENDS; at++) {
        if (text.at[at] != token.mark || at + 1 == natural.end || at == natural.start)
            continue;
        tries++;
        if (!parse(reading, (struct code_fix){ natural.start, at + 1 }))
            return false;
        const struct code_item *password = reading->found[CODE_FIELD_PASSWORD];
        if (reading->is_bad || !password ||
            reading->code.tokens[password->token].start != natural.start)
            continue;
        say_quote(lint, text, natural.end, at + 1);
        lint->reading.is_misread = true;
        return true;
    }
    return false;
}

static bool recover(struct code_reading *reading, struct lint_text text)
{
    struct lint *lint = reading->code.source.lint;
    const struct code_item *password = reading->found[CODE_FIELD_PASSWORD];
    bool is_text = password && password->kind == CODE_TEXT;
    // A literal with an early end has neighbours, and is then no longer one.
    const struct token *token = password ? &reading->code.tokens[password->token] : NULL;
    if (token && (is_text || token->kind == TOKEN_TEXT) &&
        find_end(reading, text, (struct code_fix){ token->start, token->end }))
        return true;
    if (lint->failed)
        return false;
    lint->reading.is_misread = lint->reading.is_unwritten = lint->reading.is_unread = true;
    lint_say(lint, LINT_ERROR, "syntax", token ? text.from[token->start] : LINT_NOWHERE,
        "brackets, quotes or commas do not fit together, so that nobody can tell what belongs to "
        "the password: check its quotes first",
        "this is not well-formed %s", code_language_name(reading->client->language));
    return false;
}

// ---- the values ---------------------------------------------------------------------------------

static struct lint_value take_text(
    struct code_reading *reading, const struct code_item *item, const char *what)
{
    const struct code *code = &reading->code;
    struct lint *lint = code->source.lint;
    const struct token *token = &code->tokens[item->token];
    struct lint_value value = { "", code->source.text.from[token->start] };
    if (item->kind != CODE_TEXT)
        return lint_take(lint, code_text_of(code, token));
    for (; token->kind == TOKEN_TEXT && !lint->failed; token++) {
        struct lint_text part = code_literal(&code->source, token, what);
        size_t before = strlen(value.text);
        char *joined = lint_alloc(lint, before + part.len + 1);
        if (lint->failed)
            break;
        memcpy(joined, value.text, before);
        if (part.len)
            memcpy(joined + before, part.at, part.len);
        joined[before + part.len] = '\0';
        value.text = joined;
    }
    return value;
}

static bool is_filled(
    const struct code_reading *reading, const struct code_item *item, bool is_password)
{
    if (item->kind != CODE_TEXT)
        return !code_is_literal(item);
    enum code_fill fill = code_filled(&reading->code.source, &reading->code.tokens[item->token]);
    return fill == CODE_FILL_ALL || (fill == CODE_FILL_PART && !is_password);
}

static void check_password(struct code_reading *reading, const struct code_item *item)
{
    struct lint *lint = reading->code.source.lint;
    const char *text = lint->reading.password.text;
    uint32_t from = lint->reading.password.from;
    bool is_ascii = true, is_base64 = *text && strlen(text) % 4 == 0;
    for (const char *at = text; *at; at++) {
        is_ascii = is_ascii && (unsigned char)*at < 0x80;
        is_base64 = is_base64 && (isalnum((unsigned char)*at) || strchr("+/=", *at));
    }
    bool is_placeholder = !strcmp(text, "<PASSWORD>");
    if ((reading->client->code_flags & CODE_LATIN) && !is_ascii && !item->is_encoded)
        lint_say(lint, LINT_ERROR, "latin-1", from,
            "this client sends a text as Latin-1, and the server compares UTF-8: give it bytes, "
            "\"...\".encode()",
            "the password is not ASCII");
    if ((reading->client->code_flags & CODE_BASE64) && !is_base64 && !is_placeholder)
        lint_say(lint, LINT_WARNING, "base64", from,
            "it is taken as it stands until one happens to be Base64 and is decoded; write it in "
            "Base64",
            "the password is in plain text");
    if ((reading->client->code_flags & CODE_FILE) && *text && !is_placeholder)
        lint_say(lint, LINT_ERROR, "plain-secret", from,
            "whoever may read the file or the definition reads it; keep it where this client gets "
            "secrets from, as tidblink dsn prints it",
            "the password stands in plain text");
}

static void check_port(struct code_reading *reading, const struct code_item *item)
{
    struct lint *lint = reading->code.source.lint;
    char *out = (char *)(uintptr_t)lint->reading.port.text; // its own copy
    for (const char *at = lint->reading.port.text; *at; at++) {
        if (*at != '_')
            *out++ = *at;
    }
    *out = '\0';
    if (item->kind == CODE_TEXT && (reading->client->code_flags & CODE_PORT_NUMBER))
        lint_say(lint, LINT_ERROR, "port-text", lint->reading.port.from,
            "this client wants a number and refuses a text: leave the quotes out",
            "the port is a text");
}

// "host:port", "localhost:/path" (WordPress), a path where a host is expected.
static void split_host(struct code_reading *reading)
{
    struct lint *lint = reading->code.source.lint;
    const char *host = lint->reading.host.text;
    uint32_t flags = reading->client->client.flags;
    const char *colon =
        host && (reading->client->code_flags & CODE_HOST_PORT) ? strchr(host, ':') : NULL;
    if (colon && colon[1]) {
        uint32_t from = lint->reading.host.from + (uint32_t)(colon - host);
        *(colon[1] == '/' ? &lint->reading.socket : &lint->reading.port) =
            (struct lint_value){ colon + 1, from };
        *(char *)(uintptr_t)colon = '\0'; // its own copy
    }
    if (lint->reading.socket.text)
        lint->reading.host = (struct lint_value){ 0 };
    if (!host || *host != '/' || !(flags & URL_HOST_PATH))
        return;
    lint->reading.socket = lint->reading.host;
    lint->reading.host = (struct lint_value){ 0 };
}

// Connector/C++: tcp://host:port, unix://path.
static bool take_cpp_place(struct lint *lint, struct lint_text text)
{
    size_t start = lint_find(text, "://") + 3;
    struct lint_text place = lint_part(text, start, text.len);
    size_t colon = lint_span(place, 0, ":");
    if (text.at[0] == 'u') {
        lint->reading.socket = lint_take(lint, place);
        return true;
    }
    size_t slash = lint_span(place, colon, "/");
    lint->reading.end = place.from[place.len];
    lint->reading.host = lint_take(lint, lint_part(place, 0, colon));
    if (colon + 1 < slash)
        lint->reading.port = lint_take(lint, lint_part(place, colon + 1, slash));
    return true;
}

static bool read_inner(struct code_reading *reading, const struct code_item *item, struct err *err)
{
    struct lint *lint = reading->code.source.lint;
    struct lint_text text =
        code_literal(&reading->code.source, &reading->code.tokens[item->token], "url");
    const struct lint_client *own = lint_client_find(lint->row->id);
    bool is_source = own && own->read == lint_read_pdo;
    if (lint_find(text, "://") == text.len && !is_source)
        return true;
    if (lint_starts(text, "tcp://") || lint_starts(text, "unix://"))
        return take_cpp_place(lint, text);
    const char *id = lint_starts(text, "jdbc:mariadb:") ? "jdbc-mariadb" : "jdbc";
    bool is_own = own && own->schemes && !lint_starts(text, "jdbc:");
    const struct lint_client *inner = is_own ? own : lint_client_find(id);
    if (!is_own && !lint_starts(text, "jdbc:"))
        inner = lint_client_find("url");
    lint->file = lint->client;
    lint->client = inner;
    return inner->read(lint, text, err);
}

// Another driver's word for the field, which this one does not know.
static void check_name(
    struct code_reading *reading, enum code_field field, const struct code_item *item)
{
    struct lint *lint = reading->code.source.lint;
    const struct lint_client *client = &reading->client->client;
    struct lint_text name = item->name;
    if (!client->known || !name.len || lint_list_has(client->known, name.at, name.len))
        return;
    const char *right = code_fields[field].names;
    size_t len = strcspn(right, " ");
    bool throws = client->flags & UNKNOWN_THROWS;
    lint->reading.misnamed |= code_fields[field].bit;
    lint_say(lint, throws ? LINT_ERROR : LINT_WARNING, "unknown-parameter", name.from[0],
        throws ? "this client refuses a parameter that it does not know"
               : "this client ignores what it does not know, so it has no effect",
        "it has no parameter of this name for the %s; did you mean \"%.*s\"?",
        code_fields[field].word, (int)len, right);
}

static void take_field(struct code_reading *reading, enum code_field field)
{
    struct lint *lint = reading->code.source.lint;
    const struct code_item *item = reading->found[field];
    struct lint_value *value =
        (struct lint_value *)(void *)((char *)&lint->reading + code_fields[field].offset);
    if (!item)
        return;
    if (is_filled(reading, item, field == CODE_FIELD_PASSWORD)) {
        lint->report.expressions |= code_fields[field].bit;
        return;
    }
    *value = take_text(reading, item, code_fields[field].word);
    lint->reading.end = value->from;
    check_name(reading, field, item);
    if (field == CODE_FIELD_PASSWORD)
        check_password(reading, item);
    if (field == CODE_FIELD_PORT)
        check_port(reading, item);
    bool is_name =
        field == CODE_FIELD_HOST || field == CODE_FIELD_SOCKET || field == CODE_FIELD_DATABASE;
    if (is_name && !*value->text)
        *value = (struct lint_value){ 0 };
}

// ---- parameters ---------------------------------------------------------------------------------

static bool is_below(const struct code_reading *reading, const struct code_item *item)
{
    unsigned group = item->group;
    if (item->bracket == '(' && group != reading->main)
        return false;
    while (group && group != reading->main)
        group = group < CODE_GROUPS ? reading->code.parents[group] : 0;
    return group && group == reading->main;
}

static struct lint_value value_of(struct code_reading *reading, const struct code_item *item)
{
    static const char *const words[][2] = { { "True", "true" }, { "TRUE", "true" },
        { "False", "false" }, { "FALSE", "false" } };
    struct lint *lint = reading->code.source.lint;
    uint32_t from = reading->code.source.text.from[reading->code.tokens[item->token].start];
    if (item->kind == CODE_OBJECT)
        return (struct lint_value){ item->is_empty ? "{}" : "{...}", from };
    if (item->kind == CODE_EXPRESSION || is_filled(reading, item, item->kind == CODE_WORD))
        if (item->kind != CODE_WORD && item->kind != CODE_NUMBER)
            return (struct lint_value){ "(expression)", from };
    struct lint_value value = take_text(reading, item, "value");
    if (item->kind != CODE_WORD)
        return value;
    struct lint_text word =
        code_last_segment(code_text_of(&reading->code, &reading->code.tokens[item->token]), ".:");
    value = lint_take(lint, word);
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        if (!strcmp(value.text, words[i][0]))
            value.text = words[i][1];
    }
    return value;
}

static void take_parameter(
    struct code_reading *reading, const struct code_item *item, const char *bare)
{
    struct lint *lint = reading->code.source.lint;
    const struct code_item *password = reading->found[CODE_FIELD_PASSWORD];
    char full[2 * CODE_NAME_BYTES];
    snprintf(full, sizeof(full), "%.*s%s%s", (int)item->path.len, item->path.at,
        item->path.len ? "." : "", bare);
    char *name = lint_alloc(lint, strlen(full) + 1);
    if (lint->failed)
        return;
    memcpy(name, full, strlen(full) + 1);
    uint32_t from = reading->code.source.text.from[reading->code.tokens[item->token].start];
    struct lint_pair *pair =
        lint_add_pair(lint, (struct lint_value){ name, from }, value_of(reading, item));
    if (!pair)
        return;
    static const char *const falses[] = { "False", "false", "no", "off", "0" };
    for (size_t i = 0; item->kind == CODE_TEXT && i < ARRAY_LEN(falses); i++) {
        if (reading->client->language <= LANGUAGE_RUBY && !strcmp(pair->value.text, falses[i]))
            lint_say(lint, LINT_ERROR, "truthy", from,
                "a text is true, whatever it says: leave the quotes out",
                "%s is a text, and no truth value", falses[i]);
    }
    bool is_direct = item->group == reading->main && !item->path.len && item->name.len;
    pair->is_foreign = !is_direct || lint->file;
    // A piece of a password that its own quotes have cut off would be a name behind it.
    const char *known = reading->client->client.known;
    bool is_known = !known || lint_list_has(known, name, strlen(name));
    pair->is_hidden = password && item->token > password->token && is_direct && !is_known;
    if (!strcmp(bare, "ca") || !strcasecmp(bare, "ssl_ca") || !strcmp(bare, "sslca"))
        lint->reading.ca = item->kind == CODE_TEXT ? pair->value : lint->reading.ca;
}

static void take_parameters(struct code_reading *reading)
{
    const struct code *code = &reading->code;
    for (size_t i = 0; i < code->item_count; i++) {
        const struct code_item *item = &code->items[i];
        char name[CODE_NAME_BYTES];
        bool is_field = false;
        for (size_t j = 0; j < CODE_FIELD_NONE; j++)
            is_field = is_field || reading->found[j] == item;
        if (is_field || !code_name_item(reading, item, name) ||
            code_field_of(reading, item, name) != CODE_FIELD_NONE)
            continue;
        bool is_argument = item->call.len && !item->name.len;
        bool is_pair = item->bracket == '{' && !item->name.len;
        if (item->group == reading->main || item->path.len || is_argument || is_pair ||
            is_below(reading, item))
            take_parameter(reading, item, name);
    }
}

// ---- the reader ---------------------------------------------------------------------------------

bool lint_is_code(const char *text, size_t len)
{
    const char *url = os_memmem(text, len, "://", 3);
    size_t end = url ? (size_t)(url - text) : len;
    for (size_t i = 0; i < end; i++) {
        if (text[i] && strchr("({,", text[i]))
            return true;
    }
    return !url;
}

static bool take_all(struct code_reading *reading, struct err *err)
{
    struct lint *lint = reading->code.source.lint;
    const struct code_item *url = reading->found[CODE_FIELD_URL];
    if (url && url->kind == CODE_TEXT && !is_filled(reading, url, false) &&
        !read_inner(reading, url, err))
        return false;
    for (size_t i = 0; i < CODE_FIELD_URL; i++)
        take_field(reading, (enum code_field)i);
    split_host(reading);
    if (!lint->reading.is_misread || !lint->file)
        take_parameters(reading);
    return true;
}

bool lint_read_code(struct lint *lint, struct lint_text text, struct err *err)
{
    // The first member of one: lint_code_find
    const struct lint_code_client *client =
        (const struct lint_code_client *)(const void *)lint->client;
    size_t attach = lint_find(text, "ATTACH '");
    bool is_words = client->language == LANGUAGE_SQL && attach + 8 < text.len &&
                    text.at[attach + 8] != '\'' && lint_find(text, "SECRET") > attach;
    if (is_words)
        return lint_read_attach(lint, lint_part(text, attach + 7, text.len), err);
    struct code_reading *reading = lint_alloc(lint, sizeof(*reading));
    if (lint->failed)
        return true;
    *reading = (struct code_reading){ .client = client,
        .code.source = { .lint = lint, .language = client->language, .text = text } };
    reading->arena = lint->arena_used;
    if (!parse(reading, (struct code_fix){ 0 }))
        return true;
    bool is_nothing = true;
    for (size_t i = 0; i < CODE_FIELD_NONE; i++)
        is_nothing = is_nothing && !reading->found[i];
    if (is_nothing)
        return err_set(err, ERR_USAGE,
            "no host, user or password in it: expected what tidblink dsn --client %s prints",
            lint->row->id);
    if (reading->is_bad && !recover(reading, text))
        return true;
    return take_all(reading, err);
}
