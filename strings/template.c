// SPDX-License-Identifier: Apache-2.0
//
// The reader of shapes (strings/client.h says what they look like). A shape that is malformed is a
// mistake in the catalogue: ERR_INTERNAL, and the tests fill in every one. Pure; strings.c calls
// it.
#include "strings/template.h"

#include <stdlib.h>
#include <string.h>

static const char *const field_names[STRING_FIELDS] = {
    [STRING_HOST] = "host",
    [STRING_PORT] = "port",
    [STRING_AUTHORITY] = "authority",
    [STRING_SOCKET] = "socket",
    [STRING_USER] = "user",
    [STRING_PASSWORD] = "password",
    [STRING_DATABASE] = "database",
    [STRING_CA] = "ca",
    [STRING_TLS_NAME] = "tls_name",
    [STRING_STRING] = "string",
    [STRING_SETUP] = "setup",
};

struct filling {
    const char *at; // in the shape
    enum string_encoding encoding;
    const struct template_values *values;
    struct buf *out;
    struct template_report *report;
};

const char *template_field_name(enum string_field field)
{
    return field_names[field];
}

static bool malformed(const struct filling *filling, struct err *err)
{
    return err_set(
        err, ERR_INTERNAL, "a shape of the catalogue is malformed at \"%.20s\"", filling->at);
}

static size_t name_len(const char *at)
{
    return strspn(at, "abcdefghijklmnopqrstuvwxyz_");
}

static bool find_field(const char *name, size_t len, enum string_field *out)
{
    for (size_t i = 0; i < STRING_FIELDS; i++) {
        if (strlen(field_names[i]) == len && !memcmp(field_names[i], name, len)) {
            *out = (enum string_field)i;
            return true;
        }
    }
    return false;
}

static bool put_field(struct filling *filling, enum string_field field,
    enum string_encoding encoding, struct err *err)
{
    const struct template_values *values = filling->values;
    const char *value = values->fields[field];
    if (!value)
        return err_set(
            err, ERR_INTERNAL, "a shape needs the %s, which has no value", field_names[field]);
    if (field == STRING_PASSWORD) {
        filling->report->has_password = true;
        filling->report->password_encoding = encoding;
    }
    if (field == STRING_CA)
        filling->report->has_ca = true;
    if (field == STRING_STRING)
        filling->report->has_string = true;
    if (field == STRING_STRING && encoding != ENCODING_RAW)
        filling->report->password_encoding = encoding; // a literal around the string
    if (values->is_placeholder[field])
        return encode_placeholder(encoding, value, filling->out, err);
    struct err why;
    if (encode_text(encoding, value, filling->out, &why))
        return true;
    return err_set(err, why.code, "the %s: %s", field_names[field], why.text);
}

// Behind "$?" or "$!": `database{`. Goes on behind the brace, or behind the closing `$}`.
static bool enter_optional(struct filling *filling, bool is_wanted, struct err *err)
{
    enum string_field field;
    size_t len = name_len(filling->at);
    if (!find_field(filling->at, len, &field) || filling->at[len] != '{')
        return malformed(filling, err);
    const char *end = strstr(filling->at, "$}");
    if (!end)
        return malformed(filling, err);
    bool has_value = filling->values->fields[field];
    filling->at = has_value == is_wanted ? filling->at + len + 1 : end + 2;
    return true;
}

static bool is_plain(enum string_field field)
{
    return field == STRING_PORT || field == STRING_AUTHORITY || field == STRING_STRING ||
           field == STRING_SETUP;
}

// Behind "$": `field` or `encoding(field)`.
static bool fill_name(struct filling *filling, struct err *err)
{
    enum string_field field;
    enum string_encoding encoding = filling->encoding;
    const char *name = filling->at;
    size_t len = name_len(name);
    const char *end = name + len;
    bool is_named = *end == '(' && encode_find(name, len, &encoding);
    if (is_named) {
        name = end + 1;
        len = name_len(name);
        end = name + len;
        if (*end++ != ')')
            return malformed(filling, err);
    }
    if (!find_field(name, len, &field))
        return malformed(filling, err);
    filling->at = end;
    if (is_plain(field) && !is_named)
        encoding = ENCODING_RAW;
    return put_field(filling, field, encoding, err);
}

static bool fill_tls(struct filling *filling, struct err *err)
{
    const char *shape = filling->values->tls;
    filling->at += strlen("tls");
    if (!shape)
        return true;
    struct template_values values = *filling->values;
    values.tls = NULL;
    return template_fill(shape, filling->encoding, &values, filling->out, filling->report, err);
}

static bool fill_dollar(struct filling *filling, struct err *err)
{
    switch (*filling->at) {
    case '$':
        filling->at++;
        return buf_append(filling->out, "$", 1) || err_set(err, ERR_MEMORY, "out of memory");
    case '?':
        filling->at++;
        return enter_optional(filling, true, err);
    case '!':
        filling->at++;
        return enter_optional(filling, false, err);
    case '}':
        filling->at++;
        return true;
    default:
        if (name_len(filling->at) == 3 && !memcmp(filling->at, "tls", 3))
            return fill_tls(filling, err);
        return fill_name(filling, err);
    }
}

bool template_fill(const char *shape, enum string_encoding encoding,
    const struct template_values *values, struct buf *out, struct template_report *report,
    struct err *err)
{
    struct filling filling = { shape, encoding, values, out, report };
    while (*filling.at) {
        size_t plain = strcspn(filling.at, "$");
        if (!buf_append(out, filling.at, plain))
            return err_set(err, ERR_MEMORY, "out of memory");
        filling.at += plain;
        if (!*filling.at)
            break;
        filling.at++;
        if (!fill_dollar(&filling, err))
            return false;
    }
    return true;
}
