// SPDX-License-Identifier: Apache-2.0
//
// The public face of the library: finds clients, prints strings. request.c checks what is asked,
// template.c fills in the shape. Pure; any thread.
#include "strings/strings.h"

#include "strings/request.h"
#include "strings/template.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct string_shelf *const shelves[] = {
    &general_shelf,
    &jvm_shelf,
    &go_shelf,
    &python_shelf,
    &node_shelf,
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
    };
    return names[kind];
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

// The longest host, brackets, a colon and a port.
enum { AUTHORITY_BYTES = 272, PORT_BYTES = 8 };

struct place {
    char port[PORT_BYTES];
    char authority[AUTHORITY_BYTES];
};

static void describe_place(const struct string_request *request, struct place *place)
{
    const char *host = request->host ? request->host : "";
    bool is_ipv6 = strchr(host, ':');
    snprintf(place->port, sizeof(place->port), "%u", request->port);
    snprintf(place->authority, sizeof(place->authority), is_ipv6 ? "[%s]:%u" : "%s:%u", host,
        request->port);
}

static struct template_values values_of(const struct string_client *client,
    const struct string_request *request, const struct place *place)
{
    return (struct template_values){
        .fields = {
            [STRING_HOST] = request->host,
            [STRING_PORT] = place->port,
            [STRING_AUTHORITY] = place->authority,
            [STRING_SOCKET] = request->socket,
            [STRING_USER] = request->user,
            [STRING_PASSWORD] = request->password ? request->password : STRINGS_PASSWORD_PLACEHOLDER,
            [STRING_DATABASE] = request->database,
            [STRING_CA] = request->ca_path ? request->ca_path : STRINGS_CA_PLACEHOLDER,
            [STRING_TLS_NAME] = request->tls_name,
        },
        .is_placeholder = {
            [STRING_PASSWORD] = !request->password,
            [STRING_CA] = !request->ca_path,
        },
        .tls = client->tls[request->tls].piece,
    };
}

// NULL on failure.
static char *fill(const char *shape, const struct string_client *client,
    const struct template_values *values, struct template_report *report, struct err *err)
{
    struct buf out;
    char *text = NULL;
    buf_init(&out, SIZE_MAX / 2);
    if (template_fill(shape, client->encoding, values, &out, report, err)) {
        text = buf_take_text(&out);
        if (!text)
            err_set(err, ERR_MEMORY, "out of memory");
    }
    buf_done(&out);
    return text;
}

bool strings_print(const struct string_client *client, const struct string_request *request,
    struct string_output *out, struct err *err)
{
    struct string_output output = { 0 };
    struct template_report report = { 0 };
    struct place place;
    struct err why;
    if (!request_settle(request, &output.fields, err) ||
        !request_suits(client, &output.fields, err))
        return false;
    describe_place(&output.fields, &place);
    struct template_values values = values_of(client, &output.fields, &place);
    const char *shape = output.fields.socket ? client->socket : client->tcp;
    output.text = fill(shape, client, &values, &report, &why);
    if (!output.text)
        return err_set(err, why.code, "%s: %s", client->name, why.text);
    const char *setup = client->tls[output.fields.tls].setup;
    if (setup && !(output.setup = fill(setup, client, &values, &report, &why))) {
        strings_output_done(&output);
        return err_set(err, why.code, "%s: %s", client->name, why.text);
    }
    output.has_password = report.has_password;
    output.has_password_placeholder = report.has_password && !request->password;
    output.has_ca_placeholder = report.has_ca && !request->ca_path;
    if (output.has_password_placeholder)
        output.password_advice = encode_advice(report.password_encoding);
    *out = output;
    return true;
}

void strings_output_done(struct string_output *out)
{
    if (out->text)
        explicit_bzero(out->text, strlen(out->text));
    free(out->text);
    free(out->setup);
    *out = (struct string_output){ 0 };
}
