// SPDX-License-Identifier: Apache-2.0
//
// The table of decoders, what they share, and those of URLs and shells. Pure; any thread.
#include "strings/decode.h"

#include "strings/decode_rows.h"

#include <string.h>

size_t decode_left(const struct decoding *decoding)
{
    return (size_t)(decoding->end - decoding->at);
}

bool decode_take(struct decoding *decoding, const char *text)
{
    size_t len = strlen(text);
    if (decode_left(decoding) < len || memcmp(decoding->at, text, len) != 0)
        return false;
    decoding->at += len;
    return true;
}

bool decode_put(struct decoding *decoding, const char *bytes, size_t len)
{
    return buf_append(decoding->out, bytes, len);
}

bool decode_keep(struct decoding *decoding, size_t len)
{
    if (decode_left(decoding) < len || !decode_put(decoding, decoding->at, len))
        return false;
    decoding->at += len;
    return true;
}

bool decode_put_point(struct decoding *decoding, uint32_t point)
{
    static const uint8_t leads[] = { 0, 0x00, 0xc0, 0xe0, 0xf0 };
    char bytes[4];
    size_t len = point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
    if (!point || point > 0x10ffff || (point >= 0xd800 && point < 0xe000))
        return false;
    for (size_t i = len - 1; i > 0; i--) {
        bytes[i] = (char)(0x80 | (point & 0x3f));
        point >>= 6;
    }
    bytes[0] = (char)(leads[len] | point);
    return decode_put(decoding, bytes, len);
}

static uint32_t digit_value(char digit)
{
    if (digit >= '0' && digit <= '9')
        return (uint32_t)(digit - '0');
    if (digit >= 'a' && digit <= 'f')
        return (uint32_t)(digit - 'a') + 10;
    return digit >= 'A' && digit <= 'F' ? (uint32_t)(digit - 'A') + 10 : 16;
}

bool decode_number(
    struct decoding *decoding, uint32_t base, size_t least, size_t most, uint32_t *out)
{
    size_t count = 0;
    for (*out = 0; count < most && decode_left(decoding); count++, decoding->at++) {
        uint32_t digit = digit_value(*decoding->at);
        if (digit >= base)
            break;
        *out = *out * base + digit;
    }
    return count >= least;
}

bool decode_doubled(struct decoding *decoding, char quote)
{
    const char open[] = { quote, '\0' }, doubled[] = { quote, quote, '\0' };
    if (!decode_take(decoding, open))
        return false;
    while (decode_left(decoding)) {
        if (*decoding->at != quote) {
            if (!decode_keep(decoding, 1))
                return false;
        } else if (decode_take(decoding, doubled)) {
            if (!decode_put(decoding, open, 1))
                return false;
        } else {
            return decode_take(decoding, open);
        }
    }
    return false;
}

size_t decode_bare_len(const struct decoding *decoding)
{
    size_t len = 0;
    while (len < decode_left(decoding) && decoding->at[len] > ' ' &&
           !strchr("'\"`#$;,&<>(){}[]|*?!~\\=", decoding->at[len]))
        len++;
    return len;
}

static bool decode_raw(struct decoding *decoding)
{
    return decode_keep(decoding, decode_left(decoding));
}

static bool decode_line(struct decoding *decoding)
{
    const char *end = memchr(decoding->at, '\n', decode_left(decoding));
    return decode_keep(decoding, end ? (size_t)(end - decoding->at) : decode_left(decoding));
}

// Refuses what the strictest refuse: a % without two hexadecimal digits, and a raw character that
// means something in a URL.
static bool decode_percent(struct decoding *decoding)
{
    while (decode_left(decoding)) {
        uint32_t byte;
        if (decode_take(decoding, "%")) {
            if (!decode_number(decoding, 16, 2, 2, &byte) ||
                !decode_put(decoding, &(char){ (char)byte }, 1))
                return false;
        } else if (*decoding->at <= ' ' || strchr("@:?#[]&=+;\"<>\\^`{|}", *decoding->at) ||
                   !decode_keep(decoding, 1)) {
            return false;
        }
    }
    return true;
}

bool decode_again(struct decoding *decoding, decode_fn *first, decode_fn *second)
{
    struct buf once;
    buf_init(&once, SIZE_MAX / 2);
    struct decoding outer = { decoding->at, decoding->end, &once };
    bool ok = first(&outer);
    if (ok && !buf_is_empty(&once)) {
        struct decoding inner = { buf_head(&once), buf_head(&once) + buf_len(&once),
            decoding->out };
        ok = second(&inner);
    }
    decoding->at = outer.at;
    buf_done(&once);
    return ok;
}

static bool decode_percent_twice(struct decoding *decoding)
{
    return decode_again(decoding, decode_percent, decode_percent);
}

// Characters up to U+00FF to the bytes of their numbers.
static bool to_latin(struct decoding *decoding)
{
    while (decode_left(decoding)) {
        unsigned char lead = (unsigned char)*decoding->at;
        char byte = (char)lead;
        if (lead >= 0x80) {
            if (lead > 0xc3 || decode_left(decoding) < 2)
                return false;
            byte = (char)((lead & 3) << 6 | (decoding->at[1] & 0x3f));
            decoding->at++;
        }
        decoding->at++;
        if (!decode_put(decoding, &byte, 1))
            return false;
    }
    return true;
}

static bool decode_percent_latin(struct decoding *decoding)
{
    return decode_again(decoding, decode_percent, to_latin);
}

// Python's configparser: a % that is not doubled must start a name in brackets.
static bool halve_percent(struct decoding *decoding)
{
    while (decode_left(decoding)) {
        bool ok = decode_take(decoding, "%%") ? decode_put(decoding, "%", 1)
                                              : *decoding->at != '%' && decode_keep(decoding, 1);
        if (!ok)
            return false;
    }
    return true;
}

static bool decode_percent_ini(struct decoding *decoding)
{
    return decode_again(decoding, halve_percent, decode_percent);
}

static bool decode_base64(struct decoding *decoding)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (; decode_left(decoding) >= 4; decoding->at += 4) {
        uint32_t bits = 0;
        size_t count = 0;
        for (size_t i = 0; i < 4; i++) {
            const char *digit = decoding->at[i] ? strchr(digits, decoding->at[i]) : NULL;
            if (!digit && (i < 2 || decoding->at[i] != '='))
                return false;
            count += digit != NULL;
            bits = bits << 6 | (digit ? (uint32_t)(digit - digits) : 0);
        }
        const char bytes[] = { (char)(bits >> 16), (char)(bits >> 8), (char)bits };
        if (!decode_put(decoding, bytes, count - 1))
            return false;
    }
    return !decode_left(decoding);
}

static bool decode_shell_part(struct decoding *decoding)
{
    while (decode_left(decoding)) {
        if (decode_take(decoding, "'\\''")) {
            if (!decode_put(decoding, "'", 1))
                return false;
        } else if (*decoding->at == '\'') {
            return true;
        } else if (!decode_keep(decoding, 1)) {
            return false;
        }
    }
    return true;
}

// One word: bare characters, '…' and \'. Everything else a shell would look into.
static bool decode_shell(struct decoding *decoding)
{
    while (decode_left(decoding) && !strchr(" \t\n", *decoding->at)) {
        size_t bare = decode_bare_len(decoding);
        if (bare) {
            if (!decode_keep(decoding, bare))
                return false;
        } else if (decode_take(decoding, "\\'")) {
            if (!decode_put(decoding, "'", 1))
                return false;
        } else if (decode_take(decoding, "'")) {
            const char *end = memchr(decoding->at, '\'', decode_left(decoding));
            if (!end || !decode_keep(decoding, (size_t)(end - decoding->at)))
                return false;
            decoding->at++;
        } else {
            return false;
        }
    }
    return true;
}

// clang-format off
static decode_fn *const decoders[ENCODINGS] = {
    [ENCODING_RAW]           = decode_raw,
    [ENCODING_LINE]          = decode_line,
    [ENCODING_PLAIN]         = decode_raw,
    [ENCODING_PERCENT]       = decode_percent,
    [ENCODING_PERCENT_TWICE] = decode_percent_twice,
    [ENCODING_PERCENT_LATIN] = decode_percent_latin,
    [ENCODING_PERCENT_INI]   = decode_percent_ini,
    [ENCODING_FILE_URL]      = decode_percent_twice,
    [ENCODING_BASE64]        = decode_base64,
    [ENCODING_SHELL]         = decode_shell,
    [ENCODING_SHELL_PART]    = decode_shell_part,
    [ENCODING_POWERSHELL]    = decode_powershell,
    [ENCODING_JSON]          = decode_json,
    [ENCODING_DOLLAR]        = decode_dollar,
    [ENCODING_BRACES]        = decode_braces,
    [ENCODING_OCTAL]         = decode_octal,
    [ENCODING_PYTHON]        = decode_python,
    [ENCODING_PYTHON_BYTES]  = decode_python_bytes,
    [ENCODING_PYTHON_LATIN]  = decode_python_latin,
    [ENCODING_SINGLE]        = decode_single,
    [ENCODING_SINGLE_PART]   = decode_single_part,
    [ENCODING_PDO]           = decode_pdo,
    [ENCODING_SQL]           = decode_sql,
    [ENCODING_OPTION]        = decode_option,
    [ENCODING_ADO]           = decode_ado,
    [ENCODING_ODBC]          = decode_odbc,
    [ENCODING_XML]           = decode_xml,
    [ENCODING_YAML]          = decode_yaml,
    [ENCODING_YAML_DOLLAR]   = decode_yaml_dollar,
    [ENCODING_PROPERTIES]    = decode_properties,
    [ENCODING_HCL]           = decode_hcl,
    [ENCODING_SYSTEMD]       = decode_systemd,
    [ENCODING_SYSTEMD_PART]  = decode_systemd_part,
    [ENCODING_DOTENV]        = decode_dotenv,
    [ENCODING_DOTENV_EXPAND] = decode_dotenv_expand,
    [ENCODING_DOTENV_PHP]    = decode_dotenv_php,
    [ENCODING_DOTENV_PYTHON] = decode_dotenv_python,
};
// clang-format on

bool decode_text(
    enum string_encoding encoding, const char *text, size_t len, struct buf *out, size_t *used)
{
    struct decoding decoding = { text, text + len, out };
    bool ok = decoders[encoding](&decoding);
    *used = (size_t)(decoding.at - text);
    return ok;
}
