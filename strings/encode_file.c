// SPDX-License-Identifier: Apache-2.0
//
// Values in files and in connection strings that are lists of name=value. Pure; the table is in
// encode.c.
#include "strings/encode_rows.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool encode_sql(const char *text, struct buf *out, struct err *err)
{
    return encode_put_quoted(out, text, "'", "'", '\'', err);
}

// PowerShell takes four curly quotes for single quotes too (tokenizer, IsSingleQuote).
bool encode_powershell(const char *text, struct buf *out, struct err *err)
{
    if (!encode_put_text(out, "'", err))
        return false;
    for (size_t len; *text; text += len) {
        uint32_t point = encode_code_point(text, &len);
        bool is_quote = point == '\'' || (point >= 0x2018 && point <= 0x201b);
        if ((is_quote && !encode_put(out, text, len, err)) || !encode_put(out, text, len, err))
            return false;
    }
    return encode_put_text(out, "'", err);
}

// dev.mysql.com, "Using Option Files": \b \t \n \r \\ \s, and \" inside of double quotes. A file of
// MySQL's is read line by line, so nothing else may end one.
bool encode_option(const char *text, struct buf *out, struct err *err)
{
    static const char controls[] = "\b\t\n\r", names[] = "btnr";
    if (!encode_put_text(out, "\"", err))
        return false;
    for (; *text; text++) {
        char code[3] = { *text };
        const char *control = strchr(controls, *text);
        if (control || *text == '"' || *text == '\\')
            snprintf(code, sizeof(code), "\\%c", control ? names[control - controls] : *text);
        if (!encode_put_text(out, code, err))
            return false;
    }
    return encode_put_text(out, "\"", err);
}

// DbConnectionStringBuilder: what stands in double quotes ends at a quote that is not doubled.
bool encode_ado(const char *text, struct buf *out, struct err *err)
{
    if (encode_is_bare(text))
        return encode_put_text(out, text, err);
    return encode_put_quoted(out, text, "\"", "\"", '"', err);
}

// ODBC, SQLDriverConnect: in braces a closing brace is doubled.
bool encode_odbc(const char *text, struct buf *out, struct err *err)
{
    if (encode_is_bare(text))
        return encode_put_text(out, text, err);
    return encode_put_text(out, "{", err) && encode_put_quoted(out, text, "", "}", '}', err) &&
           encode_put_text(out, "}", err);
}

// XML 1.0, 2.2 and 3.3.3: a parser makes blanks of line breaks unless they are references, and no
// reference can name the other control characters.
bool encode_xml(const char *text, struct buf *out, struct err *err)
{
    static const struct {
        char byte;
        const char *reference;
    } references[] = { { '&', "&amp;" }, { '<', "&lt;" }, { '>', "&gt;" }, { '"', "&quot;" },
        { '\'', "&apos;" }, { '\t', "&#9;" }, { '\n', "&#10;" }, { '\r', "&#13;" } };
    for (size_t len; *text; text += len) {
        uint32_t point = encode_code_point(text, &len);
        const char *reference = NULL;
        for (size_t i = 0; i < ARRAY_LEN(references); i++) {
            if (*text == references[i].byte)
                reference = references[i].reference;
        }
        if ((point < 0x20 && !reference) || point == 0xfffe || point == 0xffff)
            return err_set(err, ERR_USAGE, "XML has no way to write the character U+%04X", point);
        if (!(reference ? encode_put_text(out, reference, err) : encode_put(out, text, len, err)))
            return false;
    }
    return true;
}

static bool put_doubled(
    const char *text, const char *doubled, encode_fn *encode, struct buf *out, struct err *err)
{
    struct buf once;
    buf_init(&once, SIZE_MAX / 2);
    bool ok = encode(text, &once, err);
    for (size_t i = 0; ok && i < buf_len(&once); i++) {
        const char *at = buf_head(&once) + i;
        ok = (!strchr(doubled, *at) || encode_put(out, at, 1, err)) && encode_put(out, at, 1, err);
    }
    buf_done(&once);
    return ok;
}

// YAML 1.2: single quotes carry every printable character; JSON's double quotes the rest (5.7).
bool encode_yaml(const char *text, struct buf *out, struct err *err)
{
    return encode_has_delicate(text) ? encode_json(text, out, err) : encode_sql(text, out, err);
}

bool encode_yaml_dollar(const char *text, struct buf *out, struct err *err)
{
    return put_doubled(text, "$", encode_yaml, out, err);
}

static bool put_utf16(struct buf *out, uint32_t point, struct err *err)
{
    char code[16];
    if (point > 0xffff)
        snprintf(code, sizeof(code), "\\u%04X\\u%04X", 0xd800 + ((point - 0x10000) >> 10),
            0xdc00 + ((point - 0x10000) & 0x3ff));
    else
        snprintf(code, sizeof(code), "\\u%04X", point);
    return encode_put_text(out, code, err);
}

// java.util.Properties: Latin-1, or whatever the reader takes it for: ASCII only is safe. Blanks at
// the beginning are skipped unless escaped; Spring trims those at the end as well.
bool encode_properties(const char *text, struct buf *out, struct err *err)
{
    const char *begin = text;
    for (size_t len; *text; text += len) {
        uint32_t point = encode_code_point(text, &len);
        bool is_edge = point == ' ' && (text == begin || !text[1]);
        bool ok = true;
        if (is_edge || point < 0x20 || point >= 0x7f)
            ok = put_utf16(out, point, err);
        else
            ok = (point != '\\' || encode_put_text(out, "\\", err)) &&
                 encode_put(out, text, len, err);
        if (!ok)
            return false;
    }
    return true;
}

// Terraform: "$${" is "${" and "%%{" is "%{". Where another $ or % stands before that, its code
// keeps the two apart.
bool encode_hcl(const char *text, struct buf *out, struct err *err)
{
    struct buf json;
    buf_init(&json, SIZE_MAX / 2);
    bool ok = encode_json(text, &json, err);
    char *at = ok ? buf_take_text(&json) : NULL;
    char *begin = at;
    if (ok && !at)
        ok = err_set(err, ERR_MEMORY, "out of memory");
    for (; ok && at && *at; at++) {
        bool is_sign = *at == '$' || *at == '%';
        char code[8] = { *at };
        if (is_sign && at[1] == '{')
            snprintf(code, sizeof(code), "%c%c", *at, *at);
        else if (is_sign && (at[1] == '$' || at[1] == '%'))
            snprintf(code, sizeof(code), "\\u%04x", (unsigned char)*at);
        ok = encode_put_text(out, code, err);
    }
    free(begin);
    buf_done(&json);
    return ok;
}

// systemd, env-file.c: in double quotes a backslash before " \ ` $ goes, before anything else it
// stays; nothing is expanded.
bool encode_systemd(const char *text, struct buf *out, struct err *err)
{
    if (encode_has_control(text))
        return err_set(err, ERR_USAGE, "systemd takes no control characters in a variable");
    return encode_put_quoted(out, text, "\"", "\"\\`$", '\\', err);
}

// systemd.syntax(7), Quoting, and the specifiers of systemd.unit(5).
bool encode_systemd_part(const char *text, struct buf *out, struct err *err)
{
    if (encode_has_control(text))
        return err_set(err, ERR_USAGE, "systemd takes no control characters in a variable");
    for (; *text; text++) {
        const char escape = *text == '%' ? '%' : '\\';
        if ((strchr("\\\"%", *text) && !encode_put(out, &escape, 1, err)) ||
            !encode_put(out, text, 1, err))
            return false;
    }
    return true;
}
