// SPDX-License-Identifier: Apache-2.0
//
// How compilers and interpreters read string literals. Stricter than some of them: a character that
// one language of a family refuses in its source is refused here. Pure; the table is in decode.c.
#include "strings/decode_rows.h"

#include "strings/encode_rows.h"

#include <string.h>

// What stands behind a backslash, `at` being behind it.
typedef bool escape_fn(struct decoding *decoding);

static bool read_quote(struct decoding *decoding)
{
    return decode_left(decoding) && (*decoding->at == '"' || *decoding->at == '\\') &&
           decode_keep(decoding, 1);
}

// Up to the quote. `starts`: what would start an expression; `may_hold`: whether the language's
// source may hold the character as it is.
static bool read_literal(struct decoding *decoding, escape_fn *escape, const char *const *starts,
    bool (*may_hold)(uint32_t point))
{
    if (!decode_take(decoding, "\""))
        return false;
    while (decode_left(decoding) && *decoding->at != '"') {
        for (size_t i = 0; starts && starts[i]; i++) {
            size_t len = strlen(starts[i]);
            if (decode_left(decoding) > len && !memcmp(decoding->at, starts[i], len))
                return false;
        }
        size_t len;
        bool ok;
        if (decode_take(decoding, "\\"))
            ok = escape(decoding);
        else
            ok = may_hold(encode_code_point(decoding->at, &len)) && decode_keep(decoding, len);
        if (!ok)
            return false;
    }
    return decode_take(decoding, "\"");
}

static bool is_plain(uint32_t point)
{
    return !encode_is_delicate(point) || point > 0xffff; // beyond there are no line ends
}

static bool is_no_control(uint32_t point)
{
    return point >= 0x20 && point != 0x7f;
}

static bool is_printable(uint32_t point)
{
    return !encode_is_delicate(point);
}

static bool escape_json(struct decoding *decoding)
{
    uint32_t point;
    if (read_quote(decoding))
        return true;
    return decode_take(decoding, "u") && decode_number(decoding, 16, 4, 4, &point) &&
           decode_put_point(decoding, point);
}

bool decode_json(struct decoding *decoding)
{
    return read_literal(decoding, escape_json, NULL, is_plain);
}

static bool escape_dollar(struct decoding *decoding)
{
    return decode_take(decoding, "$") ? decode_put(decoding, "$", 1) : escape_json(decoding);
}

bool decode_dollar(struct decoding *decoding)
{
    static const char *const starts[] = { "$", NULL };
    return read_literal(decoding, escape_dollar, starts, is_plain);
}

static bool escape_braces(struct decoding *decoding)
{
    uint32_t point;
    if (read_quote(decoding))
        return true;
    return decode_take(decoding, "u{") && decode_number(decoding, 16, 1, 6, &point) &&
           decode_take(decoding, "}") && decode_put_point(decoding, point);
}

bool decode_braces(struct decoding *decoding)
{
    static const char *const starts[] = { "#{", NULL };
    return read_literal(decoding, escape_braces, starts, is_printable);
}

static bool escape_octal(struct decoding *decoding)
{
    uint32_t byte;
    if (read_quote(decoding))
        return true;
    return decode_number(decoding, 8, 3, 3, &byte) && byte < 0x80 &&
           decode_put_point(decoding, byte);
}

bool decode_octal(struct decoding *decoding)
{
    static const char *const trigraphs[] = { "??", NULL };
    return read_literal(decoding, escape_octal, trigraphs, is_no_control);
}

static bool escape_python(struct decoding *decoding)
{
    uint32_t byte;
    if (read_quote(decoding))
        return true;
    return decode_take(decoding, "x") && decode_number(decoding, 16, 2, 2, &byte) &&
           decode_put_point(decoding, byte);
}

bool decode_python(struct decoding *decoding)
{
    return read_literal(decoding, escape_python, NULL, is_no_control);
}

// A literal that turns itself into bytes, which every client sends as they are, if `call` follows;
// else a str, which these clients send as Latin-1: only ASCII is the same in both.
static bool read_called(struct decoding *decoding, const char *call)
{
    size_t before = buf_len(decoding->out);
    if (!decode_python(decoding))
        return false;
    if (decode_left(decoding) >= strlen(call) && !memcmp(decoding->at, call, strlen(call))) {
        decoding->at += strlen(call);
        return true;
    }
    const char *value = buf_head(decoding->out);
    for (size_t i = before; i < buf_len(decoding->out); i++) {
        if ((unsigned char)value[i] >= 0x80)
            return false;
    }
    return true;
}

bool decode_python_bytes(struct decoding *decoding)
{
    return read_called(decoding, ".encode()");
}

bool decode_python_latin(struct decoding *decoding)
{
    return read_called(decoding, ".encode().decode(\"latin1\")");
}

// In single quotes of PHP, Perl and Ruby a backslash is one unless a quote or another one follows.
static bool read_single(struct decoding *decoding)
{
    while (decode_left(decoding) && *decoding->at != '\'') {
        if (decode_take(decoding, "\\\\")) {
            if (!decode_put(decoding, "\\", 1))
                return false;
        } else if (decode_take(decoding, "\\'")) {
            if (!decode_put(decoding, "'", 1))
                return false;
        } else if (!decode_keep(decoding, 1)) {
            return false;
        }
    }
    return true;
}

bool decode_single_part(struct decoding *decoding)
{
    return read_single(decoding);
}

bool decode_single(struct decoding *decoding)
{
    return decode_take(decoding, "'") && read_single(decoding) && decode_take(decoding, "'");
}

// A value of PDO's DSN inside of the literal: it ends at a semicolon that is not doubled.
bool decode_pdo(struct decoding *decoding)
{
    while (decode_left(decoding) && *decoding->at != '\'') {
        bool ok;
        if (decode_take(decoding, ";;"))
            ok = decode_put(decoding, ";", 1);
        else if (*decoding->at == ';')
            return true;
        else if (decode_take(decoding, "\\\\"))
            ok = decode_put(decoding, "\\", 1);
        else if (decode_take(decoding, "\\'"))
            ok = decode_put(decoding, "'", 1);
        else
            ok = decode_keep(decoding, 1);
        if (!ok)
            return false;
    }
    return true;
}

// hcl, scan_tokens.rl: ${ and %{ start a template, doubled they are themselves.
bool decode_hcl(struct decoding *decoding)
{
    if (!decode_take(decoding, "\""))
        return false;
    while (decode_left(decoding) && *decoding->at != '"') {
        bool ok;
        size_t len;
        if (decode_take(decoding, "$${"))
            ok = decode_put(decoding, "${", 2);
        else if (decode_take(decoding, "%%{"))
            ok = decode_put(decoding, "%{", 2);
        else if (decode_take(decoding, "${") || decode_take(decoding, "%{"))
            return false;
        else if (decode_take(decoding, "\\"))
            ok = escape_json(decoding);
        else
            ok = is_plain(encode_code_point(decoding->at, &len)) && decode_keep(decoding, len);
        if (!ok)
            return false;
    }
    return decode_take(decoding, "\"");
}
