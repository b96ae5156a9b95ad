// SPDX-License-Identifier: Apache-2.0
//
// How the readers of .env files read a value: motdotla/dotenv and dotenv-expand, vlucas/phpdotenv
// with Laravel's env(), theskumar/python-dotenv. Pure; the table is in decode.c.
#include "strings/decode_rows.h"

#include "base/os.h"

#include <string.h>

static size_t line_len(const struct decoding *decoding)
{
    const char *end = memchr(decoding->at, '\n', decode_left(decoding));
    return end ? (size_t)(end - decoding->at) : decode_left(decoding);
}

// Behind a closing quote nothing may follow but the line's end.
static bool is_at_end(const struct decoding *decoding)
{
    return !decode_left(decoding) || *decoding->at == '\n';
}

// The end of '(?:\\'|[^'])*' as a backtracking regular expression finds it: the last quote before
// which every quote has a backslash, or else the first without. NULL: none.
static const char *find_quote(const struct decoding *decoding, char quote)
{
    const char *last = NULL;
    for (const char *at = decoding->at; at < decoding->end; at++) {
        if (*at != quote)
            continue;
        last = at;
        if (at == decoding->at || at[-1] != '\\')
            break;
    }
    return last;
}

// Without quotes: up to a comment, trimmed.
static bool read_bare(struct decoding *decoding)
{
    size_t len = line_len(decoding);
    const char *comment = memchr(decoding->at, '#', len);
    if (comment || memchr(decoding->at, ' ', len))
        return false;
    return decode_keep(decoding, len);
}

bool decode_dotenv(struct decoding *decoding)
{
    if (is_at_end(decoding))
        return true;
    char quote = *decoding->at;
    if (!strchr("'\"`", quote))
        return read_bare(decoding);
    decoding->at++;
    const char *end = find_quote(decoding, quote);
    if (!end)
        return false;
    size_t len = (size_t)(end - decoding->at);
    // \n and \r become control characters there.
    if (quote == '"' &&
        (os_memmem(decoding->at, len, "\\n", 2) || os_memmem(decoding->at, len, "\\r", 2)))
        return false;
    if (!decode_keep(decoding, len))
        return false;
    decoding->at++;
    return is_at_end(decoding);
}

static bool unescape_dollar(struct decoding *decoding)
{
    bool ok = !os_memmem(decoding->at, decode_left(decoding), "$(", 2); // a command
    while (ok && decode_left(decoding)) {
        ok = decode_take(decoding, "\\$") ? decode_put(decoding, "$", 1)
                                          : *decoding->at != '$' && decode_keep(decoding, 1);
    }
    return ok;
}

bool decode_dotenv_expand(struct decoding *decoding)
{
    return decode_again(decoding, decode_dotenv, unescape_dollar);
}

// EntryParser's states; Lines joins lines where it sees =" without a closing quote.
bool decode_dotenv_php(struct decoding *decoding)
{
    size_t len = line_len(decoding);
    if (is_at_end(decoding))
        return true;
    if (decode_take(decoding, "'")) {
        const char *end = memchr(decoding->at, '\'', len - 1);
        if (!end || os_memmem(decoding->at, (size_t)(end - decoding->at), "=\"", 2))
            return false;
        if (!decode_keep(decoding, (size_t)(end - decoding->at)))
            return false;
        decoding->at++;
        return is_at_end(decoding);
    }
    if (!decode_take(decoding, "\""))
        return decode_keep(decoding, decode_bare_len(decoding)) && is_at_end(decoding);
    while (decode_left(decoding) && *decoding->at != '"') {
        if (*decoding->at == '$')
            return false;
        if (decode_take(decoding, "\\") &&
            (!decode_left(decoding) || !strchr("\\\"$", *decoding->at)))
            return false;
        if (!decode_keep(decoding, 1))
            return false;
    }
    return decode_take(decoding, "\"") && is_at_end(decoding);
}

// parser.py; variables.py expands ${NAME} afterwards.
bool decode_dotenv_python(struct decoding *decoding)
{
    if (is_at_end(decoding))
        return true;
    if (os_memmem(decoding->at, line_len(decoding), "${", 2) || *decoding->at == '"')
        return false; // we do not write double quotes, which have more escapes
    if (!decode_take(decoding, "'"))
        return read_bare(decoding);
    const char *end = find_quote(decoding, '\'');
    if (!end)
        return false;
    while (decoding->at < end) {
        if (*decoding->at == '\\' && (decoding->at[1] == '\\' || decoding->at[1] == '\''))
            decoding->at++;
        if (!decode_keep(decoding, 1))
            return false;
    }
    decoding->at++;
    return is_at_end(decoding);
}
