// SPDX-License-Identifier: Apache-2.0
//
// Literals of programming languages. What these escape beyond the quotes is what breaks compilers:
// U+2028 ends a line in JavaScript before ES2019 and U+0085 in C#, Go refuses a byte order mark and
// Rust what turns the direction of writing. Pure; the table is in encode.c.
#include "strings/encode_rows.h"

#include <stdio.h>
#include <string.h>

enum { CODE_BYTES = 16 };

// How a language writes the character `point`, whose UTF-8 is at `at`; an empty `code`: as it is.
typedef void escape_fn(const char *at, uint32_t point, char *code);

static bool literal(const char *text, escape_fn *escape, struct buf *out, struct err *err)
{
    if (!encode_put_text(out, "\"", err))
        return false;
    for (size_t len; *text; text += len) {
        char code[CODE_BYTES] = "";
        escape(text, encode_code_point(text, &len), code);
        if (!(*code ? encode_put_text(out, code, err) : encode_put(out, text, len, err)))
            return false;
    }
    return encode_put_text(out, "\"", err);
}

static bool escape_quote(uint32_t point, char *code)
{
    if (point != '"' && point != '\\')
        return false;
    snprintf(code, CODE_BYTES, "\\%c", (char)point);
    return true;
}

// Behind the 16 bits of \uNNNN only what ends no line and starts nothing is delicate: it may stay.
static void escape_json(const char *at, uint32_t point, char *code)
{
    (void)at;
    if (!escape_quote(point, code) && encode_is_delicate(point) && point <= 0xffff)
        snprintf(code, CODE_BYTES, "\\u%04x", point);
}

bool encode_json(const char *text, struct buf *out, struct err *err)
{
    return literal(text, escape_json, out, err);
}

static void escape_dollar(const char *at, uint32_t point, char *code)
{
    if (point == '$')
        snprintf(code, CODE_BYTES, "\\$");
    else
        escape_json(at, point, code);
}

bool encode_dollar(const char *text, struct buf *out, struct err *err)
{
    return literal(text, escape_dollar, out, err);
}

// "#{" starts an expression in Elixir; Rust and Swift have no \# but all three have \u{23}.
static void escape_braces(const char *at, uint32_t point, char *code)
{
    if (!escape_quote(point, code) && (encode_is_delicate(point) || !strncmp(at, "#{", 2)))
        snprintf(code, CODE_BYTES, "\\u{%x}", point);
}

bool encode_braces(const char *text, struct buf *out, struct err *err)
{
    return literal(text, escape_braces, out, err);
}

// Three octal digits end by themselves. The second of two question marks is escaped, because C
// before C23 reads "??/" and its like as one character (trigraphs).
static void escape_octal(const char *at, uint32_t point, char *code)
{
    bool is_trigraph = point == '?' && at[1] == '?';
    if (!escape_quote(point, code) && (point < 0x20 || point == 0x7f || is_trigraph))
        snprintf(code, CODE_BYTES, "\\%03o", point);
}

bool encode_octal(const char *text, struct buf *out, struct err *err)
{
    return literal(text, escape_octal, out, err);
}

static void escape_python(const char *at, uint32_t point, char *code)
{
    (void)at;
    if (!escape_quote(point, code) && (point < 0x20 || point == 0x7f))
        snprintf(code, CODE_BYTES, "\\x%02x", point);
}

bool encode_python(const char *text, struct buf *out, struct err *err)
{
    return literal(text, escape_python, out, err);
}

bool encode_python_bytes(const char *text, struct buf *out, struct err *err)
{
    return encode_python(text, out, err) &&
           (encode_is_ascii(text) || encode_put_text(out, ".encode()", err));
}

bool encode_python_latin(const char *text, struct buf *out, struct err *err)
{
    return encode_python(text, out, err) &&
           (encode_is_ascii(text) || encode_put_text(out, ".encode().decode(\"latin1\")", err));
}

// PHP, Perl and Ruby agree: \\ and \' only, every other backslash is one.
bool encode_single(const char *text, struct buf *out, struct err *err)
{
    return encode_put_quoted(out, text, "'", "\\'", '\\', err);
}

bool encode_single_part(const char *text, struct buf *out, struct err *err)
{
    return encode_put_quoted(out, text, "", "\\'", '\\', err);
}

// php_pdo_parse_data_source: ";;" is a semicolon.
bool encode_pdo(const char *text, struct buf *out, struct err *err)
{
    for (; *text; text++) {
        char part[2] = { *text };
        bool ok =
            *text == ';' ? encode_put_text(out, ";;", err) : encode_single_part(part, out, err);
        if (!ok)
            return false;
    }
    return true;
}
