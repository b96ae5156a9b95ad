// SPDX-License-Identifier: Apache-2.0
//
// The encoders of connection strings, one per format, and the table that names them. Pure; any
// thread. strings/template.c uses them; tests/unit/readers.c has the decoders that model what the
// clients do.
#include "strings/encode.h"

#include "base/text.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool put(struct buf *out, const char *bytes, size_t len, struct err *err)
{
    return buf_append(out, bytes, len) || err_set(err, ERR_MEMORY, "out of memory");
}

static bool put_text(struct buf *out, const char *text, struct err *err)
{
    return put(out, text, strlen(text), err);
}

static bool is_alnum(unsigned char byte)
{
    return (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z') ||
           (byte >= '0' && byte <= '9');
}

static bool is_ascii_control(unsigned char byte)
{
    return byte < 0x20 || byte == 0x7f;
}

static bool encode_raw(const char *text, struct buf *out, struct err *err)
{
    return put_text(out, text, err);
}

static bool encode_line(const char *text, struct buf *out, struct err *err)
{
    if (encode_has_control(text))
        return err_set(err, ERR_USAGE, "control characters cannot stand on a line of their own");
    return put_text(out, text, err);
}

// Encodes more than RFC 3986 section 2.3 asks for ('~' too): the set that WHATWG URL, Python's
// unquote, Java's URLDecoder, PHP's rawurldecode and Go's QueryUnescape all read back alike.
static bool percent(const char *text, const char *plain, struct buf *out, struct err *err)
{
    for (const char *at = text; *at; at++) {
        unsigned char byte = (unsigned char)*at;
        char code[4];
        if (is_alnum(byte) || strchr(plain, byte)) {
            if (!put(out, at, 1, err))
                return false;
            continue;
        }
        snprintf(code, sizeof(code), "%%%02X", byte);
        if (!put(out, code, 3, err))
            return false;
    }
    return true;
}

static bool encode_percent(const char *text, struct buf *out, struct err *err)
{
    return percent(text, "-._", out, err);
}

// Decoded twice by the client: once as a query value, once as a URL (RFC 8089). A plain path looks
// the same in both.
static bool encode_file_url(const char *text, struct buf *out, struct err *err)
{
    struct buf once;
    buf_init(&once, SIZE_MAX / 2);
    char *url = NULL;
    bool ok = percent(text, "-._/", &once, err);
    if (ok) {
        url = buf_take_text(&once);
        ok = url ? percent(url, "-._/", out, err) : err_set(err, ERR_MEMORY, "out of memory");
    }
    free(url);
    buf_done(&once);
    return ok;
}

// Words that no shell looks into stay bare. Single quotes otherwise: the only form in which a POSIX
// shell treats every byte but ' as itself (POSIX.1-2017, XCU 2.2.2).
static bool encode_shell(const char *text, struct buf *out, struct err *err)
{
    const char *at = text;
    while (is_alnum((unsigned char)*at) || (*at && strchr("-._/:", *at)))
        at++;
    if (*text && !*at)
        return put_text(out, text, err);
    if (!put(out, "'", 1, err))
        return false;
    for (at = text; *at; at++) {
        if (!(*at == '\'' ? put_text(out, "'\\''", err) : put(out, at, 1, err)))
            return false;
    }
    return put(out, "'", 1, err);
}

// A literal in double quotes; control characters as \xNN or \u00NN, whatever `control` prints.
// U+2028 and U+2029 end a line in JavaScript before ES2019, which a string literal may not hold.
static bool literal(const char *text, bool is_json, struct buf *out, struct err *err)
{
    if (!put(out, "\"", 1, err))
        return false;
    for (const char *at = text; *at; at++) {
        char code[8] = { *at };
        if (*at == '"' || *at == '\\') {
            snprintf(code, sizeof(code), "\\%c", *at);
        } else if (is_ascii_control((unsigned char)*at)) {
            snprintf(code, sizeof(code), is_json ? "\\u%04x" : "\\x%02x", (unsigned char)*at);
        } else if (is_json && (!strncmp(at, "\u2028", 3) || !strncmp(at, "\u2029", 3))) {
            snprintf(code, sizeof(code), "\\u202%c", at[2] == '\xa8' ? '8' : '9');
            at += 2;
        }
        if (!put_text(out, code, err))
            return false;
    }
    return put(out, "\"", 1, err);
}

static bool encode_json(const char *text, struct buf *out, struct err *err)
{
    return literal(text, true, out, err);
}

static bool encode_python(const char *text, struct buf *out, struct err *err)
{
    return literal(text, false, out, err);
}

static bool encode_python_bytes(const char *text, struct buf *out, struct err *err)
{
    return literal(text, false, out, err) &&
           (encode_is_ascii(text) || put_text(out, ".encode()", err));
}

struct encoding_row {
    const char *name;  // in templates
    const char *quote; // around a placeholder
    bool (*encode)(const char *text, struct buf *out, struct err *err);
    const char *advice;
};

#define PERCENT_ADVICE "percent-encoded: every byte of its UTF-8 except A-Z a-z 0-9 - . _ as %XX"

// clang-format off
static const struct encoding_row encodings[ENCODINGS] = {
    [ENCODING_RAW]          = { "raw",     "",   encode_raw,          "as it is" },
    [ENCODING_LINE]         = { "line",    "",   encode_line,         "as it is" },
    [ENCODING_PERCENT]      = { "percent", "",   encode_percent,      PERCENT_ADVICE },
    [ENCODING_FILE_URL]     = { "fileurl", "",   encode_file_url,     PERCENT_ADVICE ", twice" },
    [ENCODING_SHELL]        = { "shell",   "'",  encode_shell,        "with every ' written as '\\''" },
    [ENCODING_JSON]         = { "json",    "\"", encode_json,         "with every \\ and \" written as \\\\ and \\\"" },
    [ENCODING_PYTHON]       = { "python",  "\"", encode_python,       "with every \\ and \" written as \\\\ and \\\"" },
    [ENCODING_PYTHON_BYTES] = { "pybytes", "\"", encode_python_bytes, "with every \\ and \" written as \\\\ and \\\"; "
                                                                      "if it is not ASCII, with .encode() behind the quotes" },
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
    return put_text(out, quote, err) && put_text(out, text, err) && put_text(out, quote, err);
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
        if (is_ascii_control((unsigned char)*at) || c1)
            return true;
    }
    return false;
}
