// SPDX-License-Identifier: Apache-2.0
//
// The readers of strings that are source code: a call with keyword arguments in Python, one with an
// object in JavaScript. Pure; readers.c has the others.
#include "readers.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct code {
    const char *at;
    bool is_python;
};

static bool take(struct code *code, const char *text)
{
    size_t len = strlen(text);
    if (strncmp(code->at, text, len) != 0)
        return false;
    code->at += len;
    return true;
}

static bool read_name(struct code *code, char *out, size_t size)
{
    size_t len = strspn(code->at, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_");
    if (!len || len >= size)
        return false;
    memcpy(out, code->at, len);
    out[len] = '\0';
    code->at += len;
    return true;
}

static size_t put_code_point(char *out, uint32_t point)
{
    if (point < 0x80) {
        out[0] = (char)point;
        return 1;
    }
    if (point < 0x800) {
        out[0] = (char)(0xc0 | (point >> 6));
        out[1] = (char)(0x80 | (point & 0x3f));
        return 2;
    }
    out[0] = (char)(0xe0 | (point >> 12));
    out[1] = (char)(0x80 | ((point >> 6) & 0x3f));
    out[2] = (char)(0x80 | (point & 0x3f));
    return 3;
}

// \xNN is Python's, \uNNNN JavaScript's (no surrogate pairs: nobody here writes them).
static bool read_escape(struct code *code, char *out, size_t *to)
{
    char digits[5] = { 0 };
    char kind = *code->at++;
    if (kind == '\\' || kind == '"') {
        out[(*to)++] = kind;
        return true;
    }
    size_t count = code->is_python ? 2 : 4;
    if (kind != (code->is_python ? 'x' : 'u') || strlen(code->at) < count)
        return false;
    memcpy(digits, code->at, count);
    if (strspn(digits, "0123456789abcdefABCDEF") != count)
        return false;
    code->at += count;
    *to += put_code_point(out + *to, (uint32_t)strtoul(digits, NULL, 16));
    return true;
}

// No control character may stand in it, and in JavaScript (before ES2019) no U+2028 or U+2029.
static bool read_literal(struct code *code, char *out)
{
    size_t to = 0;
    if (!take(code, "\""))
        return false;
    while (*code->at != '"') {
        if ((unsigned char)*code->at < ' ' || *code->at == 0x7f || to + 4 > READING_BYTES)
            return false;
        if (!code->is_python &&
            (!strncmp(code->at, "\u2028", 3) || !strncmp(code->at, "\u2029", 3)))
            return false;
        if (*code->at == '\\') {
            code->at++;
            if (!read_escape(code, out, &to))
                return false;
            continue;
        }
        out[to++] = *code->at++;
    }
    out[to] = '\0';
    code->at++;
    return true;
}

// PyMySQL encodes a password that is a str as Latin-1: ASCII stays, U+0080..U+00FF becomes one
// byte, the rest is an exception.
static bool as_latin1(char *text)
{
    char *to = text;
    for (const char *at = text; *at;) {
        unsigned char lead = (unsigned char)*at;
        if (lead < 0x80) {
            *to++ = *at++;
            continue;
        }
        if (lead > 0xc3)
            return false;
        *to++ = (char)((lead & 3) << 6 | (at[1] & 0x3f));
        at += 2;
    }
    *to = '\0';
    return true;
}

static bool take_value(struct code *code, char *out)
{
    if (take(code, "fs.readFileSync("))
        return read_literal(code, out) && take(code, ")");
    if (*code->at == '"')
        return read_literal(code, out);
    size_t len = strspn(code->at, "abcdefghijklmnopqrstuvwxyzTF0123456789"); // True, false, 4000
    if (!len || len >= READING_BYTES)
        return false;
    memcpy(out, code->at, len);
    out[len] = '\0';
    code->at += len;
    return true;
}

static bool store(struct reading *out, const char *name, const char *value)
{
    const struct {
        const char *name;
        char *field;
        size_t size;
    } fields[] = { { "host", out->host, sizeof(out->host) },
        { "port", out->port, sizeof(out->port) }, { "user", out->user, sizeof(out->user) },
        { "unix_socket", out->socket, sizeof(out->socket) },
        { "socketPath", out->socket, sizeof(out->socket) },
        { "password", out->password, sizeof(out->password) },
        { "database", out->database, sizeof(out->database) } };
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        if (!strcmp(fields[i].name, name))
            return (size_t)snprintf(fields[i].field, fields[i].size, "%s", value) < fields[i].size;
    }
    if (out->param_count == READING_PARAMS)
        return false;
    struct reading_param *param = &out->params[out->param_count++];
    snprintf(param->name, sizeof(param->name), "%s", name);
    snprintf(param->value, sizeof(param->value), "%s", value);
    return true;
}

bool readers_pymysql(const char *text, struct reading *out)
{
    struct code code = { text, true };
    char name[64], value[READING_BYTES];
    if (!take(&code, "pymysql.connect("))
        return false;
    do {
        if (!read_name(&code, name, sizeof(name)) || !take(&code, "=") || !take_value(&code, value))
            return false;
        bool is_bytes = take(&code, ".encode()");
        if (!is_bytes && !strcmp(name, "password") && !as_latin1(value))
            return false;
        if (!store(out, name, value))
            return false;
    } while (take(&code, ", "));
    return take(&code, ")") && !*code.at;
}

// { name: value, … }; a nested object's names get its own in front: ssl.ca.
static bool read_object(struct code *code, const char *prefix, struct reading *out)
{
    char name[32], full[64], value[READING_BYTES];
    if (!take(code, "{ "))
        return false;
    do {
        if (!read_name(code, name, sizeof(name)) || !take(code, ": "))
            return false;
        snprintf(full, sizeof(full), "%s%s", prefix, name);
        if (*code->at == '{') {
            if (*prefix || !read_object(code, "ssl.", out))
                return false;
            continue;
        }
        if (!take_value(code, value) || !store(out, full, value))
            return false;
    } while (take(code, ", "));
    return take(code, " }");
}

bool readers_mysql2(const char *text, struct reading *out)
{
    struct code code = { text, false };
    return take(&code, "mysql.createConnection(") && read_object(&code, "", out) &&
           take(&code, ")") && !*code.at;
}
