// SPDX-License-Identifier: Apache-2.0
//
// Foreign text made harmless. Pure; strings/encode.c has shell words of its own, since they go into
// buffers that are wiped.
#include "base/text.h"

#include <stdbool.h>
#include <string.h>

enum { SECRET_MIN = 8, STARS = 3 };

size_t text_utf8_len(const unsigned char *bytes, size_t left)
{
    if (left == 0)
        return 0;
    unsigned char lead = bytes[0];
    if (lead < 0x80)
        return 1;
    size_t len = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
    if (lead < 0xc2 || lead > 0xf4 || left < len)
        return 0;
    unsigned char low = 0x80, high = 0xbf; // of the second byte: no overlong forms, no surrogates
    if (lead == 0xe0)
        low = 0xa0;
    if (lead == 0xf0)
        low = 0x90;
    if (lead == 0xed)
        high = 0x9f;
    if (lead == 0xf4)
        high = 0x8f;
    if (bytes[1] < low || bytes[1] > high)
        return 0;
    for (size_t i = 2; i < len; i++)
        if ((bytes[i] & 0xc0) != 0x80)
            return 0;
    return len;
}

void text_mend(char *text)
{
    size_t left = strlen(text), step;
    for (char *at = text; left > 0; at += step, left -= step) {
        size_t len = text_utf8_len((const unsigned char *)at, left);
        step = len ? len : 1;
        if (!len)
            *at = '?';
    }
}

void text_clean(char *text)
{
    text_mend(text);
    for (unsigned char *at = (unsigned char *)text; *at; at++) {
        // U+0080 to U+009F are control characters as well.
        if (at[0] == 0xc2 && at[1] < 0xa0)
            at[0] = at[1] = '?';
        else if (*at < 0x20 || *at == 0x7f)
            *at = ' ';
    }
}

// Returns what is behind it.
static char *put_stars(char *at, size_t len)
{
    memset(at, '*', STARS);
    memmove(at + STARS, at + len, strlen(at + len) + 1);
    return at + STARS;
}

void text_hide(char *text, const char *secret)
{
    const size_t len = strlen(secret);
    if (len < SECRET_MIN)
        return;
    // On behind the stars: a secret may be made of them.
    for (char *at = text; (at = strstr(at, secret));)
        at = put_stars(at, len);
    for (size_t left = len - 1; left >= SECRET_MIN; left--)
        if (strncmp(text, secret + len - left, left) == 0) {
            put_stars(text, left);
            return;
        }
}

static bool is_bare(const char *word)
{
    static const char bare[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                               "-._/:=";
    // "=" would make an assignment of a word in front of a command; of an option it does not.
    return *word && word[strspn(word, bare)] == '\0' && (*word == '-' || !strchr(word, '='));
}

size_t text_shell_word(const char *word, char *out, size_t size)
{
    static const char quote[] = "'\\''"; // a quote between two quoted parts
    bool bare = is_bare(word);
    size_t len = strlen(word) + (bare ? 0 : strlen("''"));
    for (const char *at = word; (at = strchr(at, '\'')); at++)
        len += strlen(quote) - 1;
    if (size > 0)
        *out = '\0';
    if (len >= size)
        return len;
    char *end = out;
    if (!bare)
        *end++ = '\'';
    for (; *word; word++) {
        size_t step = *word == '\'' ? strlen(quote) : 1;
        memcpy(end, step > 1 ? quote : word, step);
        end += step;
    }
    if (!bare)
        *end++ = '\'';
    *end = '\0';
    return len;
}
