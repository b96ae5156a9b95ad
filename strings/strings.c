// SPDX-License-Identifier: Apache-2.0
//
// The public face of the library: finds clients, prints strings. request.c checks what is asked,
// template.c fills in the shape. Pure; any thread.
#include "strings/strings.h"

#include "base/os.h"
#include "strings/request.h"
#include "strings/template.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const struct string_shelf *const shelves[] = {
    &general_shelf,
    &commands_shelf,
    &tools_shelf,
    &jvm_shelf,
    &jvm_config_shelf,
    &go_shelf,
    &go_tools_shelf,
    &python_shelf,
    &python_orm_shelf,
    &node_shelf,
    &node_orm_shelf,
    &php_shelf,
    &ruby_shelf,
    &rust_shelf,
    &dotnet_shelf,
    &native_shelf,
    &carriers_shelf,
};

static const char *const tls_names[STRING_TLS_MODES] = {
    [STRING_TLS_OFF] = "off",
    [STRING_TLS_VERIFY_IDENTITY] = "verify-identity",
    [STRING_TLS_VERIFY_CA] = "verify-ca",
    [STRING_TLS_CLIENT] = "client",
};

const struct string_client *strings_at(size_t index)
{
    for (size_t i = 0; i < ARRAY_LEN(shelves); i++) {
        if (index < shelves[i]->count)
            return &shelves[i]->clients[index];
        index -= shelves[i]->count;
    }
    return NULL;
}

static bool is_listed(const char *list, const char *word)
{
    size_t len = strlen(word);
    for (const char *at = list; *at; at += strspn(at, " ")) {
        size_t item = strcspn(at, " ");
        if (item == len && !strncasecmp(at, word, len))
            return true;
        at += item;
    }
    return false;
}

const struct string_client *strings_find(const char *id)
{
    const struct string_client *client;
    for (size_t i = 0; (client = strings_at(i)); i++) {
        if (!strcasecmp(client->id, id) || is_listed(client->also, id))
            return client;
    }
    return NULL;
}

const char *strings_kind_name(enum string_kind kind)
{
    static const char *const names[STRING_KINDS] = {
        [STRING_GENERAL] = "general",
        [STRING_COMMAND] = "command line",
        [STRING_DRIVER] = "driver",
        [STRING_ORM] = "ORM",
        [STRING_FRAMEWORK] = "framework",
        [STRING_TOOL] = "tool",
        [STRING_CARRIER] = "carrier",
    };
    return names[kind];
}

const char *strings_proof_name(enum string_proof proof)
{
    static const char *const names[STRING_PROOFS] = {
        [STRING_UNPROVEN] = "no",
        [STRING_GUI] = "GUI",
        [STRING_PROVEN] = "yes",
    };
    return names[proof];
}

const char *strings_tls_name(enum string_tls mode)
{
    return tls_names[mode];
}

bool strings_tls_find(const char *name, enum string_tls *out)
{
    for (size_t i = 0; i < STRING_TLS_MODES; i++) {
        if (!strcmp(tls_names[i], name)) {
            *out = (enum string_tls)i;
            return true;
        }
    }
    return false;
}

bool strings_check_password(const char *bytes, size_t len, struct err *err)
{
    if (memchr(bytes, '\0', len))
        return err_set(
            err, ERR_USAGE, "the password holds a NUL byte: no MySQL client can send one");
    if (!encode_is_utf8(bytes, len))
        return err_set(err, ERR_USAGE,
            "the password is not valid UTF-8: every client would send something else");
    return true;
}

enum { PORT_BYTES = 8 };

struct place {
    char port[PORT_BYTES];
    char authority[REQUEST_AUTHORITY_BYTES];
};

static void describe_place(const struct string_request *request, struct place *place)
{
    snprintf(place->port, sizeof(place->port), "%u", request->port);
    request_authority(request, place->authority);
}

static struct template_values values_of(const struct string_client *client,
    const struct string_request *request, const struct place *place)
{
    bool is_verified = request->tls_name; // request_settle gives it to the verifying modes only
    return (struct template_values){
        .fields = {
            [STRING_HOST] = request->host,
            [STRING_PORT] = place->port,
            [STRING_AUTHORITY] = place->authority,
            [STRING_SOCKET] = request->socket,
            [STRING_USER] = request->user,
            [STRING_PASSWORD] = request->password ? request->password : STRINGS_PASSWORD_PLACEHOLDER,
            [STRING_DATABASE] = request->database,
            [STRING_CA] = is_verified && !request->ca_path ? STRINGS_CA_PLACEHOLDER : request->ca_path,
            [STRING_TLS_NAME] = request->tls_name,
        },
        .is_placeholder = {
            [STRING_PASSWORD] = !request->password,
            [STRING_CA] = is_verified && !request->ca_path,
        },
        .tls = client->tls[request->tls].piece,
    };
}

static void secret_text_free(char *text)
{
    if (text)
        os_wipe(text, strlen(text));
    free(text);
}

// NULL on failure.
static char *fill(const char *shape, const struct string_client *client,
    const struct template_values *values, struct template_report *report, struct err *err)
{
    struct buf out;
    char *text = NULL;
    buf_init_secret(&out, SIZE_MAX / 2);
    if (template_fill(shape, client->encoding, values, &out, report, err)) {
        text = buf_take_text(&out);
        if (!text)
            err_set(err, ERR_MEMORY, "out of memory");
    }
    buf_done(&out);
    return text;
}

// The string and its setup, and from them the example if that is wanted instead.
static bool fill_output(const struct string_client *client, const struct string_request *request,
    const char *example, struct string_output *out, struct err *err)
{
    struct template_report report = { 0 };
    struct place place;
    describe_place(&out->fields, &place);
    struct template_values values = values_of(client, &out->fields, &place);
    const char *shape = out->fields.socket ? client->socket : client->tcp;
    const char *setup = client->tls[out->fields.tls].setup;
    out->text = fill(shape, client, &values, &report, err);
    if (!out->text || (setup && !(out->setup = fill(setup, client, &values, &report, err))))
        return false;
    if (example) {
        values.fields[STRING_STRING] = out->text;
        values.fields[STRING_SETUP] = out->setup;
        char *program = fill(example, client, &values, &report, err);
        if (!program)
            return false;
        if (!report.has_string) { // the program reads it from a file
            report.has_password = false;
            report.has_ca = report.has_ca && out->setup;
        }
        secret_text_free(out->text);
        out->text = program;
    }
    out->has_password = report.has_password;
    out->has_password_placeholder = report.has_password && !request->password;
    out->has_ca_placeholder = report.has_ca && !request->ca_path;
    if (out->has_password_placeholder)
        out->password_advice = encode_advice(report.password_encoding);
    return true;
}

static bool print(const struct string_client *client, const struct string_request *request,
    const char *example, struct string_output *out, struct err *err)
{
    struct string_output output = { 0 };
    struct err why;
    if (!request_settle(request, &output.fields, err) ||
        !request_suits(client, &output.fields, err))
        return false;
    if (!fill_output(client, request, example, &output, &why)) {
        strings_output_done(&output);
        return err_set(err, why.code, "%s: %s", client->name, why.text);
    }
    *out = output;
    return true;
}

bool strings_print(const struct string_client *client, const struct string_request *request,
    struct string_output *out, struct err *err)
{
    return print(client, request, NULL, out, err);
}

bool strings_example(const struct string_client *client, const struct string_request *request,
    struct string_output *out, struct err *err)
{
    if (!client->example)
        return err_set(err, ERR_USAGE,
            "%s: there is no example program for it: tidblink dsn prints its string without "
            "--example",
            client->name);
    return print(client, request, client->example, out, err);
}

// ---- the URL alone ------------------------------------------------------------------------------

// The part of a shape that is the line's value; the caller's. An encoded URL holds no quotes.
static char *value_shape(const char *shape, const char *name)
{
    size_t len = name ? strlen(name) : 0;
    while (name && !(!strncmp(shape, name, len) && shape[len] == '=')) {
        shape = strchr(shape, '\n');
        if (!shape++)
            return NULL;
    }
    const char *value = name ? shape + len + 1 : shape;
    bool is_quoted = *value == '"';
    value += is_quoted;
    return strndup(value, strcspn(value, is_quoted ? "\"" : "\n"));
}

bool strings_url_has_tls(const struct string_client *client, enum string_tls mode)
{
    return !client->tls[mode].why_not && !client->tls[mode].setup;
}

bool strings_url(const struct string_client *client, const char *name,
    const struct string_request *request, char **out, struct err *err)
{
    struct template_report report = { 0 };
    struct string_request fields;
    struct place place;
    struct err why;
    struct string_request asked = *request;
    if (!strings_url_has_tls(client, asked.tls))
        asked.tls = STRING_TLS_CLIENT;
    if (!request_settle(&asked, &fields, err) || !request_suits(client, &fields, err))
        return false;
    describe_place(&fields, &place);
    struct template_values values = values_of(client, &fields, &place);
    values.fields[STRING_PASSWORD] = fields.password;
    char *shape = value_shape(fields.socket ? client->socket : client->tcp, name);
    *out = shape ? fill(shape, client, &values, &report, &why) : NULL;
    bool has_shape = shape;
    free(shape);
    if (*out)
        return true;
    return has_shape ? err_set(err, why.code, "%s: %s", client->name, why.text)
                     : err_set(err, ERR_INTERNAL, "%s has no line \"%s\"", client->name, name);
}

void strings_output_done(struct string_output *out)
{
    secret_text_free(out->text);
    free(out->setup);
    *out = (struct string_output){ 0 };
}
