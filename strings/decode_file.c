// SPDX-License-Identifier: Apache-2.0
//
// How values in files and in lists of name=value are read. Pure; the table is in decode.c.
#include "strings/decode_rows.h"

#include "strings/encode_rows.h"

#include <string.h>

bool decode_sql(struct decoding *decoding)
{
    return decode_doubled(decoding, '\'');
}

// Any of the five quotes ends it, unless another one follows.
bool decode_powershell(struct decoding *decoding)
{
    if (!decode_take(decoding, "'"))
        return false;
    while (decode_left(decoding)) {
        size_t len, next;
        uint32_t point = encode_code_point(decoding->at, &len);
        if (point != '\'' && (point < 0x2018 || point > 0x201b)) {
            if (!decode_keep(decoding, len))
                return false;
            continue;
        }
        decoding->at += len;
        point = decode_left(decoding) ? encode_code_point(decoding->at, &next) : 0;
        if (point != '\'' && (point < 0x2018 || point > 0x201b))
            return true;
        if (!decode_keep(decoding, next))
            return false;
    }
    return false;
}

// my_default.c: the quotes go, then \ before one of these characters is an escape.
bool decode_option(struct decoding *decoding)
{
    static const char names[] = "btnrs\"'\\", means[] = "\b\t\n\r \"'\\";
    if (!decode_take(decoding, "\""))
        return false;
    while (decode_left(decoding) && *decoding->at != '"') {
        if (*decoding->at == '\n' || *decoding->at == '\r')
            return false;
        const char *name = NULL;
        if (*decoding->at == '\\' && decode_left(decoding) > 1)
            name = strchr(names, decoding->at[1]);
        if (!(name ? decode_put(decoding, &means[name - names], 1) : decode_keep(decoding, 1)))
            return false;
        decoding->at += name ? 2 : 0;
    }
    return decode_take(decoding, "\"");
}

// DbConnectionOptions: bare up to a semicolon, trimmed; or in quotes that are doubled inside.
bool decode_ado(struct decoding *decoding)
{
    if (decode_left(decoding) && *decoding->at == '"')
        return decode_doubled(decoding, '"');
    return decode_keep(decoding, decode_bare_len(decoding));
}

bool decode_odbc(struct decoding *decoding)
{
    if (!decode_take(decoding, "{"))
        return decode_keep(decoding, decode_bare_len(decoding));
    while (decode_left(decoding)) {
        if (decode_take(decoding, "}}")) {
            if (!decode_put(decoding, "}", 1))
                return false;
        } else if (decode_take(decoding, "}")) {
            return true;
        } else if (!decode_keep(decoding, 1)) {
            return false;
        }
    }
    return false;
}

static bool read_reference(struct decoding *decoding)
{
    static const struct {
        const char *reference;
        const char *text;
    } references[] = { { "&amp;", "&" }, { "&lt;", "<" }, { "&gt;", ">" }, { "&quot;", "\"" },
        { "&apos;", "'" }, { "&#9;", "\t" }, { "&#10;", "\n" }, { "&#13;", "\r" } };
    for (size_t i = 0; i < ARRAY_LEN(references); i++) {
        if (decode_take(decoding, references[i].reference))
            return decode_put(decoding, references[i].text, 1);
    }
    return false;
}

// Up to the quote of an attribute or the next tag; a line break or a tab would become a blank.
bool decode_xml(struct decoding *decoding)
{
    while (decode_left(decoding) && !strchr("<\"", *decoding->at)) {
        size_t len;
        uint32_t point = encode_code_point(decoding->at, &len);
        if (point < 0x20 || point == 0xfffe || point == 0xffff)
            return false;
        if (!(point == '&' ? read_reference(decoding) : decode_keep(decoding, len)))
            return false;
    }
    return true;
}

// Both quoted styles; a plain scalar would be a number, a truth or null as likely as text.
bool decode_yaml(struct decoding *decoding)
{
    const char *begin = decoding->at;
    if (decode_left(decoding) && *decoding->at == '"')
        return decode_json(decoding);
    if (!decode_sql(decoding))
        return false;
    for (size_t len; begin < decoding->at; begin += len) {
        if (encode_is_delicate(encode_code_point(begin, &len)))
            return false;
    }
    return true;
}

static bool halve_dollar(struct decoding *decoding)
{
    bool ok = true;
    while (ok && decode_left(decoding)) {
        ok = decode_take(decoding, "$$") ? decode_put(decoding, "$", 1)
                                         : *decoding->at != '$' && decode_keep(decoding, 1);
    }
    return ok;
}

bool decode_yaml_dollar(struct decoding *decoding)
{
    return decode_again(decoding, decode_yaml, halve_dollar);
}

// \uXXXX, in pairs beyond 16 bits; a file in Latin-1 or UTF-8, so nothing but ASCII is sure.
static bool read_properties_escape(struct decoding *decoding)
{
    uint32_t point, low;
    if (decode_take(decoding, "\\"))
        return decode_put(decoding, "\\", 1);
    if (!decode_take(decoding, "u") || !decode_number(decoding, 16, 4, 4, &point))
        return false;
    if (point >= 0xd800 && point < 0xdc00) {
        if (!decode_take(decoding, "\\u") || !decode_number(decoding, 16, 4, 4, &low))
            return false;
        point = 0x10000 + ((point - 0xd800) << 10) + (low - 0xdc00);
    }
    return decode_put_point(decoding, point);
}

// Blanks in front are skipped; the line's end is the value's.
bool decode_properties(struct decoding *decoding)
{
    while (decode_take(decoding, " ") || decode_take(decoding, "\t"))
        ;
    while (decode_left(decoding) && *decoding->at != '\n') {
        unsigned char byte = (unsigned char)*decoding->at;
        if (byte < 0x20 || byte >= 0x7f)
            return false;
        bool is_edge = byte == ' ' && (decode_left(decoding) == 1 || decoding->at[1] == '\n');
        if (is_edge || !(decode_take(decoding, "\\") ? read_properties_escape(decoding)
                                                     : decode_keep(decoding, 1)))
            return false;
    }
    return true;
}

bool decode_systemd(struct decoding *decoding)
{
    if (!decode_take(decoding, "\""))
        return false;
    while (decode_left(decoding) && *decoding->at != '"') {
        if (decode_left(decoding) > 1 && *decoding->at == '\\' && strchr("\"\\`$", decoding->at[1]))
            decoding->at++;
        if (!decode_keep(decoding, 1))
            return false;
    }
    return decode_take(decoding, "\"");
}

// The quotes' escapes first, the specifiers after that.
bool decode_systemd_part(struct decoding *decoding)
{
    while (decode_left(decoding) && *decoding->at != '"') {
        bool is_pair = decode_left(decoding) > 1 && strchr("\\%", *decoding->at);
        if (is_pair && *decoding->at == '%' && decoding->at[1] != '%')
            return false;
        if (is_pair && *decoding->at == '\\' && !strchr("\\\"", decoding->at[1]))
            return false;
        decoding->at += is_pair;
        if (!decode_keep(decoding, 1))
            return false;
    }
    return true;
}
