// SPDX-License-Identifier: Apache-2.0
//
// How values are written in what carries them: .env files (motdotla/dotenv lib/main.js and
// dotenv-expand, vlucas/phpdotenv EntryParser, theskumar/python-dotenv parser.py), option files
// (mysys/my_default.c), .properties, YAML, systemd. Pure.
#include "strings/lint_rows.h"

#include <ctype.h>
#include <string.h>

struct style {
    const char *quotes;     // that may open a value
    const char *escapes[3]; // per quote of these: what a backslash escapes; NULL: nothing
    const char *comment;    // what starts one in a bare value
    bool comment_blank;     // only behind a blank
    bool doubles;           // a single quote is doubled in single quotes
    bool is_multiline;
    const char *expand;  // what starts something to be replaced
    bool single_is_safe; // but not in single quotes
    const char *dollar;  // how a $ is written
    const char *first;   // what a bare value may not begin with
};

// clang-format off
static const struct style styles[CARRIERS] = {
    [CARRIER_ENV]         = { .quotes = "'\"`", .comment = "#", .is_multiline = true },
    [CARRIER_EXPAND]      = { .quotes = "'\"`", .comment = "#", .is_multiline = true, .expand = "$", .dollar = "\\$" },
    [CARRIER_PHP]         = { .quotes = "'\"", .escapes = { NULL, "\\\"$" }, .comment = "#", .is_multiline = true, .expand = "$", .single_is_safe = true, .dollar = "\\$ in double quotes, or $ in single ones" },
    [CARRIER_PYTHON]      = { .quotes = "'\"", .escapes = { "\\'", "\\'\"abfnrtv" }, .comment = "#", .comment_blank = true, .is_multiline = true, .expand = "${" },
    [CARRIER_DOCKER]      = { .quotes = "" },
    [CARRIER_INI]         = { .quotes = "" },
    [CARRIER_CNF]         = { .quotes = "\"'", .escapes = { "btnrs\"'\\", "btnrs\"'\\" }, .comment = "#" },
    [CARRIER_PROPERTIES]  = { .quotes = "" },
    [CARRIER_YAML]        = { .quotes = "'\"", .escapes = { NULL, "0abefnrtuvx\"/\\ " }, .comment = "#", .comment_blank = true, .doubles = true, .first = "@&*!|>%`{[,#?" },
    [CARRIER_YAML_DOLLAR] = { .quotes = "'\"", .escapes = { NULL, "0abefnrtuvx\"/\\ " }, .comment = "#", .comment_blank = true, .doubles = true, .expand = "$", .dollar = "$$", .first = "@&*!|>%`{[,#?" },
    [CARRIER_SYSTEMD]     = { .quotes = "\"'", .escapes = { "\"\\`$", NULL } },
    [CARRIER_COLUMNS]     = { .quotes = "" },
};
// clang-format on

static char meaning_of(char name)
{
    static const char names[] = "btnrs", means[] = "\b\t\n\r ";
    const char *at = strchr(names, name);
    return at && *at ? means[at - names] : name;
}

static bool ends_value(const struct style *style, struct lint_text text, size_t at, char quote)
{
    return at >= text.len || (!style->is_multiline && text.at[at] == '\n') || text.at[at] == quote;
}

static void check_behind(
    struct lint *lint, const struct style *style, struct lint_text text, size_t at, size_t *end)
{
    *end = lint_span(text, at, "\n");
    struct lint_text rest = lint_trim(lint_part(text, at, *end), " \t\r");
    if (!rest.len || (style->comment && rest.at[0] == *style->comment))
        return;
    lint_say(lint, LINT_ERROR, "quote", text.from[at - 1],
        "the value ends at this quote, or the whole line is read without its quotes; choose "
        "another "
        "quote, or write it as this file wants it",
        "a raw quote in a value in quotes");
}

static void say_letter(struct lint *lint, struct lint_text text, size_t at)
{
    if (text.at[at] && strchr("abefnrstv", text.at[at]))
        lint_say(lint, LINT_WARNING, "escape", text.from[at - 1],
            "the file's reader puts a control character or a blank in its place; a backslash is "
            "written \\\\",
            "a backslash before %c", text.at[at]);
}

static struct lint_text read_quoted(
    struct lint *lint, const struct style *style, struct lint_text text, size_t at, size_t *end)
{
    char quote = text.at[at];
    const char *escapes = style->escapes[strchr(style->quotes, quote) - style->quotes];
    struct lint_text out = lint_copy(lint, text.len);
    for (at++;; at++) {
        bool is_double = style->doubles && quote == '\'' && at + 1 < text.len &&
                         text.at[at] == '\'' && text.at[at + 1] == '\'';
        if (is_double)
            at++;
        else if (ends_value(style, text, at, quote))
            break;
        else if (text.at[at] == '\\' && escapes && at + 1 < text.len &&
                 strchr(escapes, text.at[at + 1])) {
            at++;
            say_letter(lint, text, at);
            lint_put(&out, style->comment ? meaning_of(text.at[at]) : text.at[at], text.from[at]);
            continue;
        }
        lint_put(&out, text.at[at], text.from[at]);
    }
    check_behind(lint, style, text, at < text.len && text.at[at] == quote ? at + 1 : at, end);
    return out;
}

static struct lint_text read_bare(
    struct lint *lint, const struct style *style, struct lint_text text, size_t *end)
{
    *end = lint_span(text, 0, "\n");
    struct lint_text line = lint_part(text, 0, *end);
    for (size_t i = 0; style->comment && i < line.len; i++) {
        if (line.at[i] != *style->comment || (style->comment_blank && i && line.at[i - 1] != ' '))
            continue;
        lint_say(lint, LINT_ERROR, "comment", line.from[i],
            "without quotes it starts a comment, and the rest of the value is lost; put the value "
            "in "
            "quotes",
            "an unquoted #");
        // Of a URL: what is left of the password stands where a port would.
        lint->reading.is_misread = lint->reading.is_misread || lint_find(line, "://") < i;
        line = lint_part(line, 0, i);
        lint->reading.is_unwritten = true;
        break;
    }
    bool is_yaml = style->doubles;
    size_t colon = lint_find(line, ": ");
    if (is_yaml && colon < line.len && lint_find(line, "://") == line.len)
        lint_say(lint, LINT_ERROR, "quote", line.from[colon],
            "without quotes it starts another name and value, and the file is refused; put the "
            "value in quotes",
            "an unquoted : before a blank");
    if (style->first && line.len && strchr(style->first, line.at[0]) && !lint_is_placeholder(line))
        lint_say(lint, LINT_ERROR, "quote", line.from[0],
            "the file gives it a meaning at the beginning of a value; put the value in quotes",
            "an unquoted value that starts with %c", line.at[0]);
    return lint_trim(line, " \t\r");
}

// \\, \n and their like; a backslash before anything else is dropped.
static struct lint_text read_properties(struct lint *lint, struct lint_text line)
{
    struct lint_text out = lint_copy(lint, line.len);
    for (size_t i = 0; i < line.len; i++) {
        bool is_escape = line.at[i] == '\\' && i + 1 < line.len;
        if (is_escape && !strchr("\\utnrf:=#! ", line.at[i + 1]))
            lint_say(lint, LINT_ERROR, "backslash", line.from[i],
                "it is dropped; a backslash is written \\\\", "a raw \\ before a character");
        if (is_escape &&
            line.at[i + 1] == 'u') { // the placeholder of a character: shown, not judged
            lint_put(&out, '?', line.from[i]);
            i += 5;
            continue;
        }
        i += is_escape;
        lint_put(&out, is_escape ? meaning_of(line.at[i]) : line.at[i], line.from[i]);
    }
    return out;
}

static struct lint_text read_ini(struct lint *lint, struct lint_text line)
{
    struct lint_text out = lint_copy(lint, line.len);
    for (size_t i = 0; i < line.len; i++) {
        bool is_double = line.at[i] == '%' && i + 1 < line.len && line.at[i + 1] == '%';
        if (line.at[i] == '%' && !is_double)
            lint_say(lint, LINT_ERROR, "percent-ini", line.from[i],
                "configparser takes it for the start of %(name)s and refuses the file; every % of "
                "the "
                "URL is doubled there",
                "a %% that is not doubled");
        lint_put(&out, line.at[i], line.from[i]);
        i += is_double;
    }
    return out;
}

// What is replaced before the program sees it, and how it is written to stay.
// ${NAME}, or $NAME in capitals: that it is meant nobody doubts.
static bool is_variable(struct lint_text text)
{
    bool ok = text.len > 2 && text.at[0] == '$';
    if (ok && text.at[1] == '{')
        return lint_span(text, 0, "}") == text.len - 1;
    for (size_t i = 1; ok && i < text.len; i++)
        ok = isupper((unsigned char)text.at[i]) || text.at[i] == '_' ||
             (i > 1 && isdigit((unsigned char)text.at[i]));
    return ok;
}

static struct lint_text expand(
    struct lint *lint, const struct style *style, struct lint_text text, enum lint_carrier carrier)
{
    struct lint_text out = lint_copy(lint, text.len);
    lint->is_filled = is_variable(text);
    if (lint->is_filled)
        return text;
    for (size_t i = 0; i < text.len; i++) {
        bool is_escaped = carrier == CARRIER_EXPAND
                              ? text.at[i] == '\\' && i + 1 < text.len && text.at[i + 1] == '$'
                              : carrier == CARRIER_YAML_DOLLAR && text.at[i] == '$' &&
                                    i + 1 < text.len && text.at[i + 1] == '$';
        i += is_escaped;
        char next = i + 1 < text.len ? text.at[i + 1] : '\0';
        bool is_name =
            carrier == CARRIER_PYTHON ? next == '{'
            : carrier == CARRIER_YAML_DOLLAR
                ? next != '\0'
                : isalpha((unsigned char)next) || next == '_' || next == '{' || next == '(';
        if (text.at[i] == '$' && !is_escaped && is_name)
            lint_say(lint, LINT_ERROR, "expansion", text.from[i],
                style->dollar
                    ? "a variable's value takes its place, mostly nothing; write the $ "
                      "with an escape, or %24 where the value is a URL"
                    : "a variable's value takes its place, and nothing can escape it; write "
                      "%24 where the value is a URL",
                "a $ that starts a variable's name");
        lint_put(&out, text.at[i], text.from[i]);
    }
    return out;
}

// my_default.c knows the escapes without quotes as well.
static struct lint_text read_option(struct lint *lint, struct lint_text line)
{
    struct lint_text out = lint_copy(lint, line.len);
    for (size_t i = 0; i < line.len; i++) {
        bool is_escape =
            line.at[i] == '\\' && i + 1 < line.len && strchr("btnrs\"'\\", line.at[i + 1]);
        i += is_escape;
        if (is_escape)
            say_letter(lint, line, i);
        lint_put(&out, is_escape ? meaning_of(line.at[i]) : line.at[i], line.from[i]);
    }
    return out;
}

// What is special to one reader of files.
static void check_carrier(struct lint *lint, enum lint_carrier carrier, struct lint_text value,
    bool is_quoted, char quote)
{
    size_t blank = lint_span(value, 0, " \t"), hash = lint_find(value, " #");
    size_t newline = lint_find(value, "\\n");
    if (carrier == CARRIER_PHP && !is_quoted && blank < value.len)
        lint_say(lint, LINT_ERROR, "blank", value.from[blank],
            "phpdotenv refuses the whole file; put the value in quotes", "an unquoted blank");
    if (carrier == CARRIER_DOCKER && hash < value.len)
        lint_say(lint, LINT_WARNING, "comment-kept", value.from[hash],
            "docker takes it, and what follows, for a part of the value", "a # behind the value");
    bool is_node = carrier == CARRIER_ENV || carrier == CARRIER_EXPAND;
    if (is_node && is_quoted && quote == '"' && newline < value.len)
        lint_say(lint, LINT_ERROR, "escape", value.from[newline],
            "dotenv makes a line end of it in double quotes; take single ones",
            "a backslash before n");
    if (carrier == CARRIER_CNF && value.len > 4000)
        lint_say(lint, LINT_ERROR, "line-length", value.from[0],
            "a line of an option file holds at most 4,096 bytes, the rest is another line",
            "the line is too long");
}

struct lint_text lint_read_value(
    struct lint *lint, struct lint_text text, enum lint_carrier carrier, size_t *end)
{
    const struct style *style = &styles[carrier];
    size_t start = 0;
    while (start < text.len && (text.at[start] == ' ' || text.at[start] == '\t'))
        start++;
    text = lint_part(text, start, text.len);
    char open = text.len && style->quotes ? text.at[0] : '\0';
    bool is_quoted = open && strchr(style->quotes, open) &&
                     lint_span(text, 1, (char[]){ open, '\0' }) < text.len;
    struct lint_text value =
        is_quoted ? read_quoted(lint, style, text, 0, end) : read_bare(lint, style, text, end);
    *end += start;
    if (lint->failed)
        return text;
    if (carrier == CARRIER_PROPERTIES)
        return read_properties(lint, value);
    if (carrier == CARRIER_INI)
        return read_ini(lint, value);
    lint->is_bare = !is_quoted;
    check_carrier(lint, carrier, value, is_quoted, open);
    if (carrier == CARRIER_CNF && !is_quoted)
        return read_option(lint, value);
    if (carrier == CARRIER_DOCKER && value.len && strchr("'\"", value.at[0]))
        lint_say(lint, LINT_ERROR, "quote", value.from[0],
            "docker keeps quotes: they become a part of the value", "quotes around the value");
    bool escaped_php = carrier == CARRIER_PHP && is_quoted && lint_find(text, "\\$") < text.len;
    if (style->expand && !(style->single_is_safe && open == '\'') && !escaped_php)
        return expand(lint, style, value, carrier);
    return value;
}
