// SPDX-License-Identifier: Apache-2.0
//
// The dialects of .env files, which differ in quotes, escapes and variables. None carries every
// value: what one cannot carry is refused. Pure; the table is in encode.c.
#include "strings/encode_rows.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

static bool on_one_line(const char *text, struct err *err)
{
    return !encode_has_control(text) ||
           err_set(err, ERR_USAGE, "control characters cannot stand in a .env file");
}

// Without quotes a # starts a comment, a quote a literal, and blanks at the edges go. JavaScript's
// and Python's blanks are more than ASCII's, so only ASCII stays bare.
static bool may_stay_bare(const char *text)
{
    return *text && encode_is_ascii(text) && !strpbrk(text, " #'\"`$");
}

// motdotla/dotenv, lib/main.js: a value ends at the quote it began with, which has no escape; in
// double quotes \n and \r become control characters; and its regular expression takes \' for a
// quote inside of the value if another quote follows anywhere, so no value may end with a
// backslash.
bool encode_dotenv(const char *text, struct buf *out, struct err *err)
{
    static const char *const quotes[] = { "'", "\"", "`" };
    if (!on_one_line(text, err))
        return false;
    if (may_stay_bare(text))
        return encode_put_text(out, text, err);
    size_t len = strlen(text);
    for (size_t i = 0; (!len || text[len - 1] != '\\') && i < ARRAY_LEN(quotes); i++) {
        bool is_special = strchr(text, *quotes[i]) || (*quotes[i] == '"' && strchr(text, '\\'));
        if (!is_special)
            return encode_put_quoted(out, text, quotes[i], "", '\\', err);
    }
    return err_set(err, ERR_USAGE,
        "dotenv has no escapes: it cannot carry all of ' \" ` in one value, nor a \\ at the end of "
        "one that needs quotes: keep it in a secret file");
}

// motdotla/dotenv-expand: \$ is a dollar sign in all its versions; before 11 it handles what stands
// before a dollar sign in ways of its own, so no backslash may stand there; version 1000 runs the
// command in $(…) whatever stands before it.
bool encode_dotenv_expand(const char *text, struct buf *out, struct err *err)
{
    struct buf once;
    if (strstr(text, "\\$") || strstr(text, "$$") || strstr(text, "$("))
        return err_set(err, ERR_USAGE,
            "dotenv-expand's versions differ in what they make of \\$, $$ and $(: keep it in a "
            "secret "
            "file");
    // In double quotes dotenv does nothing to \$.
    if (strchr(text, '$') && strchr(text, '\'') && strchr(text, '`') && !strchr(text, '\\') &&
        !strchr(text, '"'))
        return on_one_line(text, err) && encode_put_quoted(out, text, "\"", "$", '\\', err);
    buf_init(&once, SIZE_MAX / 2);
    bool ok = encode_put_quoted(&once, text, "", "$", '\\', err);
    char *escaped = ok ? buf_take_text(&once) : NULL;
    if (ok && !escaped)
        ok = err_set(err, ERR_MEMORY, "out of memory");
    ok = ok && escaped && encode_dotenv(escaped, out, err);
    free(escaped);
    buf_done(&once);
    return ok;
}

// Laravel's env() turns these words into other values, and strips a pair of quotes that is left.
static bool is_laravel_word(const char *text)
{
    static const char *const words[] = { "true", "(true)", "false", "(false)", "empty", "(empty)",
        "null", "(null)" };
    size_t len = strlen(text);
    if (len >= 2 && (*text == '"' || *text == '\'') && text[len - 1] == *text)
        return true;
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        if (!strcasecmp(text, words[i]))
            return true;
    }
    return false;
}

// vlucas/phpdotenv, EntryParser and Lines: in single quotes everything is literal, but ="
// anywhere in a line opens a value of several lines; in double quotes \\ \" \$ are escapes.
bool encode_dotenv_php(const char *text, struct buf *out, struct err *err)
{
    if (!on_one_line(text, err))
        return false;
    if (is_laravel_word(text))
        return err_set(err, ERR_USAGE,
            "Laravel takes it for something else than text: set it in the environment's secret");
    if (encode_is_bare(text))
        return encode_put_text(out, text, err);
    if (!strpbrk(text, "'\""))
        return encode_put_quoted(out, text, "'", "", '\\', err);
    return encode_put_quoted(out, text, "\"", "\\\"$", '\\', err);
}

// theskumar/python-dotenv, parser.py and variables.py: \\ and \' are escapes in single quotes; its
// regular expression takes the \' at the end of '…\\' for a quote inside if another one follows in
// the file. ${NAME} is a variable whatever the quotes.
bool encode_dotenv_python(const char *text, struct buf *out, struct err *err)
{
    size_t len = strlen(text);
    if (!on_one_line(text, err))
        return false;
    if (strstr(text, "${"))
        return err_set(err, ERR_USAGE,
            "python-dotenv expands ${…} in all quotes and has no escape for it: keep it in a "
            "secret "
            "file");
    if (may_stay_bare(text))
        return encode_put_text(out, text, err);
    if (len && text[len - 1] == '\\')
        return err_set(err, ERR_USAGE,
            "python-dotenv may read on behind a value in quotes that ends with a \\: keep it in a "
            "secret file");
    return encode_put_quoted(out, text, "'", "\\'", '\\', err);
}
