// SPDX-License-Identifier: Apache-2.0
//
// The table that names the encoders of connection strings, and those of URLs and shells. Pure; any
// thread. strings/template.c uses them; decode.c models what the clients do with the result.
#include "strings/encode.h"

#include "base/text.h"
#include "strings/encode_rows.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool encode_put(struct buf *out, const char *bytes, size_t len, struct err *err)
{
    return buf_append(out, bytes, len) || err_set(err, ERR_MEMORY, "out of memory");
}

bool encode_put_text(struct buf *out, const char *text, struct err *err)
{
    return encode_put(out, text, strlen(text), err);
}

bool encode_put_quoted(struct buf *out, const char *text, const char *quote, const char *special,
    char escape, struct err *err)
{
    if (!encode_put_text(out, quote, err))
        return false;
    for (const char *at = text; *at; at++) {
        if (strchr(special, *at) && !encode_put(out, &escape, 1, err))
            return false;
        if (!encode_put(out, at, 1, err))
            return false;
    }
    return encode_put_text(out, quote, err);
}

bool encode_is_alnum(unsigned char byte)
{
    return (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z') ||
           (byte >= '0' && byte <= '9');
}

bool encode_is_ascii_control(unsigned char byte)
{
    return byte < 0x20 || byte == 0x7f;
}

bool encode_is_bare(const char *text)
{
    const char *at = text;
    while (encode_is_alnum((unsigned char)*at) || (*at && strchr("-._/:", *at)))
        at++;
    return *text && !*at;
}

uint32_t encode_code_point(const char *at, size_t *len)
{
    static const uint8_t masks[] = { 0, 0x7f, 0x1f, 0x0f, 0x07 };
    *len = text_utf8_len((const unsigned char *)at, strnlen(at, 4));
    uint32_t point = (unsigned char)*at & masks[*len];
    for (size_t i = 1; i < *len; i++)
        point = point << 6 | ((unsigned char)at[i] & 0x3f);
    return point;
}

bool encode_is_delicate(uint32_t point)
{
    return point < 0x20 || (point >= 0x7f && point < 0xa0) ||
           (point >= 0x2028 && point <= 0x202e) || (point >= 0x2066 && point <= 0x2069) ||
           point == 0xfeff || (point & 0xfffe) == 0xfffe;
}

bool encode_has_delicate(const char *text)
{
    for (size_t len; *text; text += len) {
        if (encode_is_delicate(encode_code_point(text, &len)))
            return true;
    }
    return false;
}

static bool encode_raw(const char *text, struct buf *out, struct err *err)
{
    return encode_put_text(out, text, err);
}

static bool encode_line(const char *text, struct buf *out, struct err *err)
{
    if (encode_has_control(text))
        return err_set(err, ERR_USAGE, "control characters cannot stand on a line of their own");
    return encode_put_text(out, text, err);
}

static bool encode_plain(const char *text, struct buf *out, struct err *err)
{
    for (const char *at = text; *at; at++) {
        if (!encode_is_alnum((unsigned char)*at) && !strchr("-._", *at))
            return err_set(err, ERR_USAGE,
                "this client does not decode that part of its URL: only A-Z a-z 0-9 - . _ can "
                "stand "
                "there");
    }
    return encode_put_text(out, text, err);
}

// Encodes more than RFC 3986 section 2.3 asks for ('~' too): the set that WHATWG URL, Python's
// unquote, Java's URLDecoder, PHP's rawurldecode and Go's QueryUnescape all read back alike.
static bool percent(const char *text, const char *plain, struct buf *out, struct err *err)
{
    for (const char *at = text; *at; at++) {
        unsigned char byte = (unsigned char)*at;
        char code[4];
        if (encode_is_alnum(byte) || strchr(plain, byte)) {
            if (!encode_put(out, at, 1, err))
                return false;
            continue;
        }
        snprintf(code, sizeof(code), "%%%02X", byte);
        if (!encode_put(out, code, 3, err))
            return false;
    }
    return true;
}

static bool encode_percent(const char *text, struct buf *out, struct err *err)
{
    return percent(text, "-._", out, err);
}

static bool percent_twice(const char *text, const char *plain, struct buf *out, struct err *err)
{
    struct buf once;
    buf_init(&once, SIZE_MAX / 2);
    char *url = NULL;
    bool ok = percent(text, plain, &once, err);
    if (ok) {
        url = buf_take_text(&once);
        ok = url ? percent(url, plain, out, err) : err_set(err, ERR_MEMORY, "out of memory");
    }
    free(url);
    buf_done(&once);
    return ok;
}

static bool encode_percent_twice(const char *text, struct buf *out, struct err *err)
{
    return percent_twice(text, "-._", out, err);
}

// PyMySQL sends a password as Latin-1: each byte of the UTF-8 becomes the character of its number.
static bool encode_percent_latin(const char *text, struct buf *out, struct err *err)
{
    for (; *text; text++) {
        unsigned char byte = (unsigned char)*text;
        char point[] = { (char)(byte < 0x80 ? byte : 0xc0 | byte >> 6),
            (char)(byte < 0x80 ? 0 : 0x80 | (byte & 0x3f)), 0 };
        if (!percent(point, "-._", out, err))
            return false;
    }
    return true;
}

// Decoded twice by the client: once as a query value, once as a URL (RFC 8089). A plain path looks
// the same in both.
static bool encode_file_url(const char *text, struct buf *out, struct err *err)
{
    return percent_twice(text, "-._/", out, err);
}

// Python's configparser.BasicInterpolation: "%%" is a percent sign.
static bool encode_percent_ini(const char *text, struct buf *out, struct err *err)
{
    struct buf once;
    buf_init(&once, SIZE_MAX / 2);
    char *url = NULL;
    bool ok = percent(text, "-._", &once, err);
    if (ok) {
        url = buf_take_text(&once);
        ok = url ? encode_put_quoted(out, url, "", "%", '%', err)
                 : err_set(err, ERR_MEMORY, "out of memory");
    }
    free(url);
    buf_done(&once);
    return ok;
}

static bool encode_base64(const char *text, struct buf *out, struct err *err)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t len = strlen(text); len; text += 3, len -= len < 3 ? len : 3) {
        const unsigned char *byte = (const unsigned char *)text;
        uint32_t bits = (uint32_t)byte[0] << 16;
        if (len > 1)
            bits |= (uint32_t)byte[1] << 8;
        if (len > 2)
            bits |= byte[2];
        char code[] = { digits[bits >> 18], digits[bits >> 12 & 63],
            len > 1 ? digits[bits >> 6 & 63] : '=', len > 2 ? digits[bits & 63] : '=' };
        if (!encode_put(out, code, sizeof(code), err))
            return false;
        if (len < 3)
            break;
    }
    return true;
}

static bool encode_shell_part(const char *text, struct buf *out, struct err *err)
{
    for (const char *at = text; *at; at++) {
        if (!(*at == '\'' ? encode_put_text(out, "'\\''", err) : encode_put(out, at, 1, err)))
            return false;
    }
    return true;
}

// Words that no shell looks into stay bare. Single quotes otherwise: the only form in which a POSIX
// shell treats every byte but ' as itself (POSIX.1-2017, XCU 2.2.2).
static bool encode_shell(const char *text, struct buf *out, struct err *err)
{
    if (encode_is_bare(text))
        return encode_put_text(out, text, err);
    return encode_put_text(out, "'", err) && encode_shell_part(text, out, err) &&
           encode_put_text(out, "'", err);
}

struct encoding_row {
    const char *name;  // in templates
    const char *quote; // around a placeholder
    encode_fn *encode;
    const char *advice;
};

#define PERCENT_ADVICE "percent-encoded: every byte of its UTF-8 except A-Z a-z 0-9 - . _ as %XX"
#define LITERAL_ADVICE "with every \\ and \" written as \\\\ and \\\""

// clang-format off
static const struct encoding_row encodings[ENCODINGS] = {
    [ENCODING_RAW]           = { "raw",          "",   encode_raw,           "as it is" },
    [ENCODING_LINE]          = { "line",         "",   encode_line,          "as it is" },
    [ENCODING_PLAIN]         = { "plain",        "",   encode_plain,         "as it is" },
    [ENCODING_PERCENT]       = { "percent",      "",   encode_percent,       PERCENT_ADVICE },
    [ENCODING_PERCENT_TWICE] = { "percenttwice", "",   encode_percent_twice, PERCENT_ADVICE ", twice" },
    [ENCODING_PERCENT_LATIN] = { "percentlatin", "",   encode_percent_latin, PERCENT_ADVICE "; if it is not ASCII, its UTF-8 taken for Latin-1 first" },
    [ENCODING_PERCENT_INI]   = { "percentini",   "",   encode_percent_ini,   PERCENT_ADVICE ", then every % doubled" },
    [ENCODING_FILE_URL]      = { "fileurl",      "",   encode_file_url,      PERCENT_ADVICE ", twice" },
    [ENCODING_BASE64]        = { "base",         "",   encode_base64,        "in Base64 (printf %s … | base64 -w0)" },
    [ENCODING_SHELL]         = { "shell",        "'",  encode_shell,         "with every ' written as '\\''" },
    [ENCODING_SHELL_PART]    = { "shellpart",    "",   encode_shell_part,    "with every ' written as '\\''" },
    [ENCODING_POWERSHELL]    = { "powershell",   "'",  encode_powershell,    "with every ' doubled" },
    [ENCODING_JSON]          = { "json",         "\"", encode_json,          LITERAL_ADVICE },
    [ENCODING_DOLLAR]        = { "dollar",       "\"", encode_dollar,        LITERAL_ADVICE ", and every $ as \\$" },
    [ENCODING_BRACES]        = { "braces",       "\"", encode_braces,        LITERAL_ADVICE ", and in Elixir # as \\#" },
    [ENCODING_OCTAL]         = { "octal",        "\"", encode_octal,         LITERAL_ADVICE },
    [ENCODING_PYTHON]        = { "python",       "\"", encode_python,        LITERAL_ADVICE },
    [ENCODING_PYTHON_BYTES]  = { "pybytes",      "\"", encode_python_bytes,  LITERAL_ADVICE "; if it is not ASCII, with .encode() behind the quotes" },
    [ENCODING_PYTHON_LATIN]  = { "pylatin",      "\"", encode_python_latin,  LITERAL_ADVICE "; if it is not ASCII, with .encode().decode(\"latin1\") behind the quotes" },
    [ENCODING_SINGLE]        = { "single",       "'",  encode_single,        "with every \\ and ' written as \\\\ and \\'" },
    [ENCODING_SINGLE_PART]   = { "singlepart",   "",   encode_single_part,   "with every \\ and ' written as \\\\ and \\'" },
    [ENCODING_PDO]           = { "pdo",          "",   encode_pdo,           "with every \\ and ' written as \\\\ and \\', and every ; doubled" },
    [ENCODING_SQL]           = { "sql",          "'",  encode_sql,           "with every ' doubled" },
    [ENCODING_OPTION]        = { "option",       "\"", encode_option,        LITERAL_ADVICE },
    [ENCODING_ADO]           = { "ado",          "\"", encode_ado,           "with every \" doubled" },
    [ENCODING_ODBC]          = { "odbc",         "",   encode_odbc,          "in { }, with every } doubled" },
    [ENCODING_XML]           = { "xml",          "",   encode_xml,           "with & < > \" ' written as &amp; &lt; &gt; &quot; &apos;" },
    [ENCODING_YAML]          = { "yaml",         "'",  encode_yaml,          "with every ' doubled" },
    [ENCODING_YAML_DOLLAR]   = { "yamldollar",   "'",  encode_yaml_dollar,   "with every ' and every $ doubled" },
    [ENCODING_PROPERTIES]    = { "properties",   "",   encode_properties,    "with every \\ doubled, and what is not ASCII as \\uXXXX" },
    [ENCODING_HCL]           = { "hcl",          "\"", encode_hcl,           LITERAL_ADVICE ", ${ and %{ as $${ and %%{" },
    [ENCODING_SYSTEMD]       = { "systemd",      "\"", encode_systemd,       "with a \\ before every \\, \", ` and $" },
    [ENCODING_SYSTEMD_PART]  = { "systemdpart",  "",   encode_systemd_part,  "with a \\ before every \\ and \", and every % doubled" },
    [ENCODING_DOTENV]        = { "dotenv",       "'",  encode_dotenv,        "as it is if it holds no '; else in \" or `, whichever it does not hold" },
    [ENCODING_DOTENV_EXPAND] = { "dotenvexpand", "'",  encode_dotenv_expand, "with a \\ before every $; if it holds a ' in \" or `, whichever it does not hold" },
    [ENCODING_DOTENV_PHP]    = { "dotenvphp",    "\"", encode_dotenv_php,    "with a \\ before every \\, \" and $" },
    [ENCODING_DOTENV_PYTHON] = { "dotenvpython", "'",  encode_dotenv_python, "with a \\ before every \\ and '" },
};
// clang-format on

bool encode_text(enum string_encoding encoding, const char *text, struct buf *out, struct err *err)
{
    return encodings[encoding].encode(text, out, err);
}

bool encode_placeholder(
    enum string_encoding encoding, const char *text, struct buf *out, struct err *err)
{
    const char *quote = encodings[encoding].quote;
    return encode_put_text(out, quote, err) && encode_put_text(out, text, err) &&
           encode_put_text(out, quote, err);
}

const char *encode_advice(enum string_encoding encoding)
{
    return encodings[encoding].advice;
}

bool encode_find(const char *name, size_t len, enum string_encoding *out)
{
    for (size_t i = 0; i < ENCODINGS; i++) {
        if (strlen(encodings[i].name) == len && !memcmp(encodings[i].name, name, len)) {
            *out = (enum string_encoding)i;
            return true;
        }
    }
    return false;
}

bool encode_is_utf8(const char *bytes, size_t len)
{
    for (size_t at = 0, step; at < len; at += step) {
        step = text_utf8_len((const unsigned char *)bytes + at, len - at);
        if (!step)
            return false;
    }
    return true;
}

bool encode_is_ascii(const char *text)
{
    while (*text && (unsigned char)*text < 0x80)
        text++;
    return !*text;
}

bool encode_has_control(const char *text)
{
    for (const char *at = text; *at; at++) {
        bool c1 = *at == '\xc2' && (unsigned char)at[1] >= 0x80 && (unsigned char)at[1] < 0xa0;
        if (encode_is_ascii_control((unsigned char)*at) || c1)
            return true;
    }
    return false;
}
