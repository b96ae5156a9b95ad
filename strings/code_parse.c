// SPDX-License-Identifier: Apache-2.0
//
// Brackets, calls and named values in a row of tokens. It understands as much of a program as
// stands around the values of a connection: an element is what commas, semicolons and, outside of
// brackets, line ends separate; a name with : = or => in front makes it a named one. Pure.
#include "strings/lint_code.h"

#include "base/defs.h"

#include <string.h>

struct place {
    struct lint_text call;
    struct lint_text path;
    char bracket;
    unsigned group;
    unsigned depth;
};

static const struct token *token_at(const struct code *code, size_t at)
{
    return &code->tokens[at < code->token_count ? at : code->token_count];
}

struct lint_text code_text_of(const struct code *code, const struct token *token)
{
    return lint_part(code->source.text, token->start, token->end);
}

static bool is_mark(const struct code *code, size_t at, const char *marks)
{
    const struct token *token = token_at(code, at);
    return token->kind == TOKEN_MARK && token->mark && strchr(marks, token->mark);
}

static bool is_kind(const struct code *code, size_t at, enum token_kind kind)
{
    return token_at(code, at)->kind == kind;
}

static void note_error(struct code *code, size_t at)
{
    if (code->error_count == CODE_ERRORS)
        at = code->token_count; // too many: as if the text did not end
    size_t index = code->error_count < CODE_ERRORS ? code->error_count++ : CODE_ERRORS - 1;
    code->errors[index] = (uint32_t)at;
}

static struct code_item *add_item(struct code *code, const struct place *place, size_t at)
{
    static struct code_item spare;
    code->is_full = code->is_full || code->item_count == CODE_ITEMS;
    struct code_item *item = code->is_full ? &spare : &code->items[code->item_count++];
    *item = (struct code_item){ .kind = CODE_EXPRESSION,
        .call = place->call,
        .path = place->path,
        .group = place->group,
        .bracket = place->bracket,
        .token = at };
    return item;
}

// The name of a named element, and where its value starts; false: it has none.
static bool take_name(struct code *code, const struct place *place, size_t *at,
    struct lint_text *name, size_t *name_token)
{
    size_t start = *at;
    while (is_kind(code, start, TOKEN_WORD) && is_kind(code, start + 1, TOKEN_WORD))
        start++; // const conn, await f
    const struct token *token = token_at(code, start);
    bool is_sql = code->source.language == LANGUAGE_SQL && place->bracket == '(';
    *name_token = start;
    if (is_kind(code, start, TOKEN_WORD) && is_mark(code, start + 1, "[") &&
        is_kind(code, start + 2, TOKEN_TEXT) && is_mark(code, start + 3, "]") &&
        is_mark(code, start + 4, "=")) { // options["host"] =
        *name_token = start + 2;
        *at = start + 5;
    } else if ((token->kind == TOKEN_WORD || token->kind == TOKEN_TEXT) &&
               is_mark(code, start + 1, "=:")) {
        *at = start + 2;
    } else if (is_sql && token->kind == TOKEN_WORD && !is_mark(code, start + 1, ",)")) {
        *at = start + 1; // HOST 'name'
    } else if (is_sql && start > *at) {
        *name_token = *at; // TYPE mysql: two words
        *at = start;
    } else {
        return false;
    }
    token = token_at(code, *name_token);
    *name = code_text_of(code, token);
    if (token->kind == TOKEN_TEXT)
        *name = lint_trim(*name, "\"'`");
    return true;
}

static bool is_opaque(struct lint_text name)
{
    return lint_list_has("ssl tls", name.at, name.len) && name.len;
}

static size_t parse_elements(struct code *code, size_t at, char close, struct place place);

static size_t parse_group(
    struct code *code, size_t at, const struct place *outer, struct lint_text call)
{
    char open = token_at(code, at)->mark;
    char close = open == '(' ? ')' : open == '[' ? ']' : '}';
    struct place place = *outer;
    place.bracket = open;
    place.call = call;
    place.group = ++code->group_count;
    place.depth++;
    if (place.group < CODE_GROUPS)
        code->starts[place.group] = (uint32_t)at;
    if (place.group < CODE_GROUPS)
        code->parents[place.group] = (uint16_t)(outer->group < CODE_GROUPS ? outer->group : 0);
    if (place.depth > CODE_DEPTH) {
        note_error(code, code->token_count);
        return code->token_count;
    }
    size_t end = parse_elements(code, at + 1, close, place);
    if (place.group < CODE_GROUPS)
        code->ends[place.group] = (uint32_t)end;
    return end;
}

struct value {
    size_t start, count; // tokens at this level, groups not counted
    size_t groups;
    size_t last_group;     // where the last one starts, and
    size_t last_group_end; // behind its closing bracket
    bool has_operator;
    bool has_text;
    bool is_encoded;
};

// A literal that stands beside something without a comma: its quotes are not where they seem.
static void check_neighbours(struct code *code, size_t at)
{
    const struct token *one = token_at(code, at), *next = token_at(code, at + 1);
    bool is_text = one->kind == TOKEN_TEXT || next->kind == TOKEN_TEXT;
    bool are_both = one->kind == TOKEN_TEXT && next->kind == TOKEN_TEXT;
    bool is_next =
        next->kind == TOKEN_TEXT || next->kind == TOKEN_WORD || next->kind == TOKEN_NUMBER;
    bool is_one = one->kind == TOKEN_TEXT || one->kind == TOKEN_WORD || one->kind == TOKEN_NUMBER;
    if (!is_text || !is_next || !is_one || (are_both && code_joins_literals(code->source.language)))
        return;
    struct lint_text joint = code_text_of(code, next);
    bool is_method = one->kind == TOKEN_TEXT && next->kind == TOKEN_WORD &&
                     (joint.at[0] == '.' || joint.at[0] == '-');
    bool is_sql = code->source.language == LANGUAGE_SQL &&
                  (one->kind == TOKEN_WORD || lint_list_has("as", joint.at, joint.len));
    // variable "name" { … }
    bool is_block = code->source.language == LANGUAGE_HCL && one->kind == TOKEN_WORD;
    if (!is_method && !is_sql && !is_block)
        note_error(code, at);
}

static bool is_end_of_value(const struct code *code, size_t at, const struct place *place)
{
    const struct token *token = token_at(code, at);
    if (token->kind == TOKEN_END || is_mark(code, at, ",;)]}"))
        return true;
    bool ends =
        !place->bracket || (place->bracket == '{' && code_ends_at_lines(code->source.language));
    return token->kind == TOKEN_LINE && ends;
}

// "….encode()": the bytes of the text, whatever the client makes of texts.
static bool is_encoding(const struct code *code, size_t at)
{
    struct lint_text word = code_text_of(code, token_at(code, at));
    return word.len >= 7 && (!memcmp(word.at, ".encode", 7) || !memcmp(word.at, ".decode", 7));
}

static size_t scan_value(
    struct code *code, size_t at, const struct place *place, struct value *value)
{
    struct lint_text callee = { code->source.text.at, 0, code->source.text.from };
    while (!is_end_of_value(code, at, place)) {
        const struct token *token = token_at(code, at);
        if (is_mark(code, at, "([{")) {
            value->groups++;
            value->last_group = at;
            at = parse_group(code, at, place, callee);
            value->last_group_end = at;
            callee.len = 0;
            continue;
        }
        callee = token->kind == TOKEN_WORD ? code_text_of(code, token)
                                           : (struct lint_text){ callee.at, 0, callee.from };
        if (token->kind == TOKEN_TEXT && token->is_open)
            note_error(code, code->token_count);
        check_neighbours(code, at);
        value->has_operator = value->has_operator || token->kind == TOKEN_MARK;
        value->has_text = value->has_text || token->kind == TOKEN_TEXT;
        value->is_encoded = value->is_encoded || (value->count && is_encoding(code, at));
        value->count += token->kind != TOKEN_LINE;
        at++;
    }
    return at;
}

static bool is_constant(struct lint_text word)
{
    bool is_upper = word.len > 0;
    for (size_t i = 0; i < word.len; i++)
        is_upper = is_upper && (!strchr("abcdefghijklmnopqrstuvwxyz", word.at[i]) || i < 1);
    size_t tail = word.len;
    while (tail > 0 && word.at[tail - 1] != ':' && word.at[tail - 1] != '.')
        tail--;
    struct lint_text last = lint_part(word, tail, word.len);
    return is_upper || (word.len && word.at[0] == ':') ||
           lint_list_has("true false null nil none undefined", word.at, word.len) ||
           lint_find(word, "SSL_") < word.len || lint_find(word, "VERIFY_") < word.len ||
           lint_list_has("mysql verify_none verify_peer", last.at, last.len);
}

static void judge_value(
    struct code *code, struct code_item *item, const struct value *value, size_t end)
{
    const struct token *first = token_at(code, value->start);
    size_t joined = value->start;
    while (is_kind(code, joined, TOKEN_TEXT))
        joined++;
    bool is_all_text = joined > value->start && (size_t)(joined - value->start) == value->count;
    size_t inner = value->last_group + 1;
    bool is_single = value->last_group_end == value->last_group + 3; // (WORD)
    if (is_all_text && !value->groups && !first->is_expression) {
        item->kind = CODE_TEXT;
    } else if (first->kind == TOKEN_TEXT && value->is_encoded && !value->has_operator) {
        item->kind = CODE_TEXT;
        item->is_encoded = true;
    } else if (value->count == 1 && !value->groups && first->kind == TOKEN_NUMBER) {
        item->kind = CODE_NUMBER;
    } else if (value->count == 1 && !value->groups && first->kind == TOKEN_WORD) {
        item->kind = is_constant(code_text_of(code, first)) ? CODE_WORD : CODE_EXPRESSION;
    } else if (value->groups && value->count == 0) {
        item->kind = CODE_OBJECT;
        item->is_empty = value->last_group_end == value->last_group + 2;
    } else if (code->source.language == LANGUAGE_C && is_single && value->last_group_end == end &&
               is_mark(code, value->last_group, "{")) { // &(bool){true}
        item->token = inner;
        item->kind = is_kind(code, inner, TOKEN_NUMBER) ? CODE_NUMBER : CODE_WORD;
    }
}

static size_t parse_element(
    struct code *code, size_t at, struct place place, unsigned *index, bool *has_names)
{
    struct lint_text name = { code->source.text.at, 0, code->source.text.from };
    size_t name_token = at;
    bool is_named = take_name(code, &place, &at, &name, &name_token);
    while (is_kind(code, at, TOKEN_LINE) && is_named && place.bracket)
        at++;
    // Before its members, so that a rule about the object is first.
    struct code_item *item = add_item(code, &place, at);
    item->name = name;
    item->index = *index;
    struct value value = { .start = at };
    struct place inner = place;
    if (is_named && is_opaque(name))
        inner.path = name;
    size_t end = scan_value(code, at, &inner, &value);
    bool is_here = item->token == at;
    if (is_here)
        judge_value(code, item, &value, end);
    bool is_value = item->kind == CODE_TEXT || item->kind == CODE_NUMBER;
    if (!is_named && *has_names && is_value && place.bracket)
        note_error(code, value.start);
    *has_names = *has_names || is_named;
    *index += !is_named;
    return end;
}

static size_t parse_elements(struct code *code, size_t at, char close, struct place place)
{
    unsigned index = 0;
    bool has_names = false;
    for (;;) {
        const struct token *token = token_at(code, at);
        if (token->kind == TOKEN_END) {
            if (close)
                note_error(code, code->token_count);
            return at;
        }
        if (token->kind == TOKEN_MARK && token->mark == close)
            return at + 1;
        if (is_mark(code, at, ";") || (token->kind == TOKEN_LINE && place.bracket != '(')) {
            has_names = has_names && token->kind == TOKEN_LINE;
            index = is_mark(code, at, ";") && place.bracket != '(' ? 0 : index;
            at++;
        } else if (is_mark(code, at, ",") || token->kind == TOKEN_LINE) {
            at++;
        } else if (is_mark(code, at, ")]}")) {
            note_error(code, code->token_count);
            at++;
        } else {
            size_t next = parse_element(code, at, place, &index, &has_names);
            at = next > at ? next : at + 1;
        }
    }
}

bool code_parse(struct code *code)
{
    struct lint *lint = code->source.lint;
    size_t len = code->source.text.len;
    code->tokens = lint_alloc(lint, (len + 1) * sizeof(*code->tokens));
    code->items = lint_alloc(lint, CODE_ITEMS * sizeof(*code->items));
    if (lint->failed)
        return false;
    code->token_count = code_tokens(&code->source, code->tokens);
    code->item_count = code->group_count = 0;
    code->is_full = false;
    code->error_count = 0;
    struct place place = { .call = lint_part(code->source.text, 0, 0),
        .path = lint_part(code->source.text, 0, 0) };
    (void)parse_elements(code, 0, '\0', place);
    return true;
}
