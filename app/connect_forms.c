// SPDX-License-Identifier: Apache-2.0
//
// The table of forms, and how a row is filled in. Values stand in the environment as they are; what
// is a URL is the catalogue's. Used by cmd_connect.c and connect_run.c.
#include "app/connect_forms.h"

#include "app/secret.h"
#include "base/err.h"
#include "base/suggest.h"
#include "strings/request.h"
#include "strings/template.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { VARIABLES_MAX = 10, PORT_BYTES = 8, NAMES_BYTES = 160 };

// Shapes of strings/client.h; NULL: the variable is removed, "": it is set to nothing. What comes
// out empty otherwise is left as it was. With a row there are no shapes: the variable is the URL of
// that client of the catalogue.
struct variable {
    const char *name;
    const char *tcp, *socket;
    const char *row, *line; // strings_url
};

struct connect_form {
    const char *name;
    const char *no_socket;   // why it cannot name a unix socket; NULL: it can
    bool has_file, has_ca;   // of forms without a row
    const char *no_password; // a text that its password may not hold; NULL: none
    const char *no_password_why;
    struct variable variables[VARIABLES_MAX]; // a NULL name ends them
};

#define DATABASE "$?database{$database$}"
#define PASSWORD "$?password{$password$}"
#define URL_OF(ROW)                                                                                \
    {                                                                                              \
        "DATABASE_URL", .row = (ROW), .line = "DATABASE_URL"                                       \
    }

static const struct connect_form forms[] = {
    {
        .name = "url",
        .no_socket = "URLs have no common form for a unix socket",
        .variables = { { "DATABASE_URL", .row = "url" } },
    },
    // dev.mysql.com, "Environment Variables"; MYSQL_HOST, which connect_file.c fills, beside them.
    {
        .name = "mysql",
        .has_file = true,
        .has_ca = true,
        .variables = {
            { "MYSQL_HOST", "$host", NULL },
            { "MYSQL_TCP_PORT", "$port", NULL },
            { "MYSQL_UNIX_PORT", NULL, "$socket" },
            { "MYSQL_PWD", PASSWORD, PASSWORD },
        },
    },
    // config/database.php. What is empty there counts as not set, and beats the .env file, where a
    // URL or a socket would win over the rest.
    {
        .name = "laravel",
        .has_ca = true,
        .variables = {
            { "DB_CONNECTION", "mysql", "mysql" },
            { "DB_URL", "", "" },
            { "DATABASE_URL", "", "" },
            { "DB_HOST", "$host", "localhost" },
            { "DB_PORT", "$port", "" },
            { "DB_SOCKET", "", "$socket" },
            { "DB_DATABASE", DATABASE, DATABASE },
            { "DB_USERNAME", "$user", "$user" },
            { "DB_PASSWORD", PASSWORD, PASSWORD },
            { "MYSQL_ATTR_SSL_CA", "$?ca{$ca$}", NULL },
        },
    },
    {
        .name = "spring",
        .no_socket = "Connector/J has no unix sockets of its own",
        .no_password = "${",
        .no_password_why = "Spring replaces ${...} in its properties",
        .variables = {
            { "SPRING_DATASOURCE_URL", .row = "spring-boot", .line = "spring.datasource.url" },
            { "SPRING_DATASOURCE_USERNAME", "$user", NULL },
            { "SPRING_DATASOURCE_PASSWORD", PASSWORD, NULL },
        },
    },
    { .name = "rails", .variables = { URL_OF("rails-url") } },
    { .name = "django", .variables = { URL_OF("django-url") } },
    { .name = "prisma", .variables = { URL_OF("prisma") } },
    { .name = "symfony", .variables = { URL_OF("symfony") } },
    // The names of TiDB Cloud's own .env.
    {
        .name = "dotenv",
        .no_socket = "it has no name for one",
        .variables = {
            { "DB_HOST", "$host", NULL },
            { "DB_PORT", "$port", NULL },
            { "DB_USERNAME", "$user", NULL },
            { "DB_PASSWORD", PASSWORD, NULL },
            { "DB_DATABASE", DATABASE, NULL },
        },
    },
};

const char *connect_forms_names(void)
{
    static char names[NAMES_BYTES];
    size_t len = 0;
    for (size_t i = 0; i < ARRAY_LEN(forms) && len < sizeof(names); i++)
        len += (size_t)snprintf(
            names + len, sizeof(names) - len, "%s%s", i ? ", " : "", forms[i].name);
    return names;
}

const struct connect_form *connect_forms_find(const char *name, struct err *err)
{
    struct suggest suggest = suggest_for(name);
    for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
        if (strcmp(forms[i].name, name) == 0)
            return &forms[i];
        suggest_offer(&suggest, forms[i].name);
    }
    err_set(err, ERR_USAGE, "--env: no form \"%.60s\": expected %s%s", name, connect_forms_names(),
        suggest_text(&suggest));
    return NULL;
}

bool connect_forms_has_file(const struct connect_form *form)
{
    return form->has_file;
}

bool connect_forms_has_ca(const struct connect_form *form)
{
    const char *row = form->variables[0].row;
    return form->has_ca || (row && strings_url_has_tls(strings_find(row), STRING_TLS_VERIFY_CA));
}

const char *connect_forms_name(const struct connect_form *form)
{
    return form->name;
}

// ---- filling in ---------------------------------------------------------------------------------

struct place {
    char port[PORT_BYTES];
    char authority[REQUEST_AUTHORITY_BYTES];
};

static struct template_values values_of(const struct string_request *request, struct place *place)
{
    snprintf(place->port, sizeof(place->port), "%u", request->port);
    request_authority(request, place->authority);
    return (struct template_values){
        .fields = {
            [STRING_HOST] = request->host,
            [STRING_PORT] = place->port,
            [STRING_SOCKET] = request->socket,
            [STRING_USER] = request->user,
            [STRING_PASSWORD] = request->password,
            [STRING_DATABASE] = request->database,
            [STRING_CA] = request->ca_path,
        },
    };
}

static bool set(struct connect_env *env, const char *name, const char *value, struct err *err)
{
    return connect_env_set(env, name, value) || err_set(err, ERR_MEMORY, "out of memory");
}

static bool apply_url(const struct variable *variable, const struct string_request *request,
    struct connect_env *env, struct err *err)
{
    char *url;
    if (!strings_url(strings_find(variable->row), variable->line, request, &url, err))
        return false;
    bool ok = set(env, variable->name, url, err);
    secret_free(url);
    return ok;
}

static bool apply_shape(const struct variable *variable, const char *shape,
    const struct template_values *values, struct connect_env *env, struct err *err)
{
    struct template_report report = { 0 };
    struct buf out;
    if (!shape || !*shape)
        return set(env, variable->name, shape, err);
    buf_init_secret(&out, SIZE_MAX / 2);
    char *text = NULL;
    bool ok = template_fill(shape, ENCODING_RAW, values, &out, &report, err);
    if (ok && !buf_is_empty(&out)) {
        text = buf_take_text(&out);
        ok = text ? set(env, variable->name, text, err) : err_set(err, ERR_MEMORY, "out of memory");
    }
    secret_free(text);
    buf_done(&out);
    return ok;
}

bool connect_forms_apply(const struct connect_form *form, const struct string_request *request,
    struct connect_env *env, struct err *err)
{
    struct place place;
    const struct template_values values = values_of(request, &place);
    if (request->socket && form->no_socket)
        return err_set(err, ERR_USAGE, "--env %s: %s: leave --socket out, or use another form",
            form->name, form->no_socket);
    if (form->no_password && request->password && strstr(request->password, form->no_password))
        return err_set(err, ERR_USAGE,
            "--env %s: the password holds \"%s\", and %s: use another form, or another password",
            form->name, form->no_password, form->no_password_why);
    for (size_t i = 0; i < VARIABLES_MAX && form->variables[i].name; i++) {
        const struct variable *variable = &form->variables[i];
        const char *shape = request->socket ? variable->socket : variable->tcp;
        if (variable->row ? !apply_url(variable, request, env, err)
                          : !apply_shape(variable, shape, &values, env, err))
            return false;
    }
    return true;
}

// Not TIDBLINK_HOST and TIDBLINK_PORT: those are options, which a tidblink that the program starts
// would take for the cluster's.
bool connect_forms_apply_place(
    const struct string_request *request, struct connect_env *env, struct err *err)
{
    struct place place;
    const bool is_tcp = !request->socket;
    (void)values_of(request, &place);
    return set(env, "TIDBLINK_CONNECT_ADDRESS", is_tcp ? place.authority : request->socket, err) &&
           set(env, "TIDBLINK_CONNECT_HOST", is_tcp ? request->host : NULL, err) &&
           set(env, "TIDBLINK_CONNECT_PORT", is_tcp ? place.port : NULL, err) &&
           set(env, "TIDBLINK_CONNECT_SOCKET", request->socket, err);
}
