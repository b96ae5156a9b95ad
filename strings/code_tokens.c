// SPDX-License-Identifier: Apache-2.0
//
// The tokens of a source text: where a literal, a name, a comment ends. Pure.
#include "strings/code_rows.h"

#include "base/defs.h"

#include <ctype.h>
#include <string.h>

// Behind the literal whose quote is at `at`.
static size_t end_of_literal(const struct code_source *source, const struct code_quote *quote,
    size_t at, struct token *token)
{
    struct lint_text text = source->text;
    char triple[4] = { quote->mark, quote->mark, quote->mark, '\0' };
    bool is_triple = code_languages[source->language].has_triple && code_starts(text, at, triple);
    for (at += is_triple ? 3 : 1; at < text.len; at++) {
        if (quote->escape && !token->is_raw && text.at[at] == quote->escape) {
            at++;
            continue;
        }
        if (text.at[at] != quote->mark || (is_triple && !code_starts(text, at, triple)))
            continue;
        if (quote->doubles && code_starts(text, at + 1, (char[]){ quote->mark, '\0' })) {
            at++;
            continue;
        }
        return at + (is_triple ? 3 : 1);
    }
    token->is_open = true;
    return text.len;
}

static size_t end_of_word(const struct code_source *source, size_t at)
{
    struct lint_text text = source->text;
    bool has_dashes = code_languages[source->language].has_dashes;
    bool is_variable = code_starts(text, at, "$env:");
    while (at < text.len) {
        bool is_php = source->language == LANGUAGE_PHP && text.at[at] == '\\';
        size_t joint = code_starts(text, at, "::") || code_starts(text, at, "->") ||
                               code_starts(text, at, "?.")
                           ? 2
                       : text.at[at] == '.' || is_php || (has_dashes && text.at[at] == '-') ||
                               (is_variable && text.at[at] == ':')
                           ? 1
                           : 0;
        if (joint && at + joint < text.len && code_is_word_byte(text.at[at + joint]))
            at += joint;
        else if (!code_is_word_byte(text.at[at]))
            break;
        else
            at++;
    }
    return at;
}

static size_t skip_comment(const struct code_source *source, size_t at)
{
    const struct code_language *language = &code_languages[source->language];
    struct lint_text text = source->text;
    for (const char *word = language->comments; *word; word += strspn(word, " ")) {
        size_t len = strcspn(word, " ");
        if (at + len <= text.len && !memcmp(text.at + at, word, len))
            return lint_span(text, at, "\n");
        word += len;
    }
    if (!language->has_block_comments || !code_starts(text, at, "/*"))
        return at;
    size_t end = at + 2 + lint_find(lint_part(text, at + 2, text.len), "*/");
    return end < text.len ? end + 2 : text.len;
}

// A literal with its prefix at `at`; false: there is none.
static bool take_literal(const struct code_source *source, size_t at, struct token *token)
{
    const struct code_language *language = &code_languages[source->language];
    struct lint_text text = source->text;
    size_t open = at;
    while (language->prefixes && open < text.len && open < at + 3 && text.at[open] &&
           strchr(language->prefixes, text.at[open]))
        open++;
    const struct code_quote *quote =
        open < text.len ? code_quote_find(source->language, text.at[open]) : NULL;
    if (!quote)
        return false;
    for (size_t i = at; i < open; i++) {
        token->is_raw = token->is_raw || (language->raw && strchr(language->raw, text.at[i]));
        token->is_expression =
            token->is_expression || (language->formats && strchr(language->formats, text.at[i]));
    }
    *token = (struct token){ .kind = TOKEN_TEXT,
        .mark = quote->mark,
        .is_raw = token->is_raw,
        .is_expression = token->is_expression,
        .start = (uint32_t)at };
    bool is_fixed = source->fix.end && source->fix.start == at;
    token->end = is_fixed ? source->fix.end : (uint32_t)end_of_literal(source, quote, open, token);
    return true;
}

static bool is_symbol(const struct code_source *source, size_t at)
{
    struct lint_text text = source->text;
    return code_languages[source->language].has_symbols && text.at[at] == ':' &&
           at + 1 < text.len && code_is_word_byte(text.at[at + 1]) &&
           (at == 0 || !code_is_word_byte(text.at[at - 1])) &&
           (at == 0 || !strchr("\"'", text.at[at - 1]));
}

static struct token take_token(const struct code_source *source, size_t at)
{
    struct lint_text text = source->text;
    struct token token = { .kind = TOKEN_MARK, .mark = text.at[at], .start = (uint32_t)at };
    char byte = text.at[at];
    bool joins = (code_starts(text, at, "->") || code_starts(text, at, "::") || byte == '.') &&
                 end_of_word(source, at) > at;
    if (byte == '\n') {
        token.kind = TOKEN_LINE;
        token.end = (uint32_t)at + 1;
    } else if (lint_is_placeholder(lint_part(text, at, at + 10 < text.len ? at + 10 : text.len))) {
        token.kind = TOKEN_WORD;
        token.end = (uint32_t)at + 10;
    } else if (take_literal(source, at, &token)) {
        return token;
    } else if (isdigit((unsigned char)byte)) {
        token.kind = TOKEN_NUMBER;
        while (at < text.len && (isalnum((unsigned char)text.at[at]) || strchr("._", text.at[at])))
            at++;
        token.end = (uint32_t)at;
    } else if (code_is_word_byte(byte) || joins || is_symbol(source, at)) {
        token.kind = TOKEN_WORD;
        token.end = (uint32_t)end_of_word(source, at + is_symbol(source, at));
    } else {
        bool is_arrow = code_starts(text, at, "=>") || code_starts(text, at, ":=");
        bool is_compared = strchr("=!<>", byte) && code_starts(text, at + 1, "=");
        token.mark = is_arrow ? '=' : is_compared ? '~' : byte;
        token.end = (uint32_t)(at + (is_arrow || is_compared ? 2 : 1));
    }
    return token;
}

size_t code_tokens(const struct code_source *source, struct token *out)
{
    struct lint_text text = source->text;
    size_t count = 0;
    for (size_t at = 0; at < text.len;) {
        size_t behind = skip_comment(source, at);
        if (behind > at || !text.at[at] || strchr(" \t\r", text.at[at])) {
            at = behind > at ? behind : at + 1;
            continue;
        }
        out[count] = take_token(source, at);
        at = out[count].end > at ? out[count].end : at + 1;
        count++;
    }
    out[count] =
        (struct token){ .kind = TOKEN_END, .start = (uint32_t)text.len, .end = (uint32_t)text.len };
    return count;
}
