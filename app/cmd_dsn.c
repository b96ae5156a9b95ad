// SPDX-License-Identifier: Apache-2.0
//
// tidblink dsn: connection strings, through the proxy or straight to the private endpoint. What a
// string looks like is strings/'s business, where it leads dsn_place.c's; here is what the options
// mean and how the result is printed.
#include "app/command.h"
#include "app/dsn_place.h"
#include "app/facts_json.h"
#include "app/secret.h"
#include "app/settings.h"
#include "app/suggest.h"
#include "app/table.h"
#include "base/err.h"
#include "strings/strings.h"

#include <cjson/cJSON.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct dsn_values {
    char *client, *user, *database, *tls, *ca, *host, *socket, *password_file, *password_env;
    uint64_t port;
    bool direct, reveal, list, json;
};

// clang-format off
#define AT(field) offsetof(struct dsn_values, field)
static const struct option_row own_rows[] = {
    { "client",        OPTION_TEXT, AT(client),        "params", 0, 0, 0, NULL, "NAME", "client or driver to print for (dsn --list shows them), or all" },
    { "direct",        OPTION_BOOL, AT(direct),        NULL, 0, 0, 0, NULL, NULL, "straight to the private endpoint, not through the proxy" },
    { "user",          OPTION_TEXT, AT(user),          "root", 0, 0, 0, NULL, "NAME", "database user" },
    { "database",      OPTION_TEXT, AT(database),      NULL, 0, 0, 0, NULL, "NAME", "database" },
    { "tls",           OPTION_TEXT, AT(tls),           NULL, 0, 0, 0, NULL, "MODE", "off, client (whatever it does by itself), verify-ca or verify-identity (default verify-identity with --direct, verify-ca with --ca or through tls = passthrough with a tls-ca, else client)" },
    { "ca",            OPTION_TEXT, AT(ca),            NULL, 0, 0, 0, NULL, "PATH", "CA file in the string (default the cluster's tls-ca)" },
    { "host",          OPTION_TEXT, AT(host),          NULL, 0, 0, 0, NULL, "NAME", "instead of the host that is known" },
    { "port",          OPTION_UINT, AT(port),          NULL, 0, 65535, 0, NULL, NULL, "instead of the port that is known" },
    { "socket",        OPTION_TEXT, AT(socket),        NULL, 0, 0, 0, NULL, "PATH", "through this unix socket of the proxy" },
    { "password-file", OPTION_TEXT, AT(password_file), NULL, 0, 0, 0, NULL, "PATH", "file with the password, for --reveal" },
    { "password-env",  OPTION_TEXT, AT(password_env),  NULL, 0, 0, 0, NULL, "NAME", "variable with the password, for --reveal" },
    { "reveal",        OPTION_BOOL, AT(reveal),        NULL, 0, 0, 0, NULL, NULL, "print the password; otherwise a placeholder stands in its place" },
    { "list",          OPTION_BOOL, AT(list),          NULL, 0, 0, 0, NULL, NULL, "list the clients" },
    { "json",          OPTION_BOOL, AT(json),          NULL, 0, 0, 0, NULL, NULL, "print JSON" },
};
// clang-format on
static const struct option_table own_table = { own_rows, ARRAY_LEN(own_rows) };

// ---- the catalogue ------------------------------------------------------------------------------

static bool list_clients(bool json)
{
    static const char *const heads[] = { "CLIENT", "NAME", "LANGUAGE", "KIND", "TEST" };
    const struct string_client *client = NULL;
    struct table table;
    cJSON *list = cJSON_CreateArray();
    table_init(&table, ARRAY_LEN(heads));
    table_add(&table, heads);
    for (size_t i = 0; (client = strings_at(i)); i++) {
        const char *kind = strings_kind_name(client->kind);
        const char *proof = strings_proof_name(client->proof);
        table_add(&table,
            (const char *const[]){ client->id, client->name, client->language, kind, proof });
        cJSON *object = cJSON_CreateObject();
        facts_json_text(object, "client", client->id);
        facts_json_text(object, "name", client->name);
        facts_json_text(object, "language", client->language);
        facts_json_text(object, "kind", kind);
        facts_json_text(object, "test", proof);
        cJSON_AddItemToArray(list, object);
    }
    char *text = json ? cJSON_Print(list) : NULL;
    if (text)
        puts(text);
    bool ok = json ? text != NULL : table_print(&table, stdout);
    free(text);
    cJSON_Delete(list);
    table_done(&table);
    return ok;
}

// *out stays NULL for "all".
static bool find_client(const char *name, const struct string_client **out, struct err *err)
{
    const struct string_client *client = NULL;
    struct suggest suggest = suggest_for(name ? name : "");
    if (name && strcmp(name, "all") == 0)
        return true;
    *out = name ? strings_find(name) : strings_at(0);
    if (*out)
        return true;
    for (size_t i = 0; (client = strings_at(i)); i++)
        suggest_offer(&suggest, client->id);
    return err_set(err, ERR_USAGE, "--client: no client \"%.60s\": dsn --list shows them%s", name,
        suggest_text(&suggest));
}

// ---- printing -----------------------------------------------------------------------------------

// Each line of `text` as a comment, so that a terminal's contents can be pasted as a whole.
static void print_comment(FILE *out, const char *text)
{
    while (text && *text) {
        size_t len = strcspn(text, "\n");
        fprintf(out, "# %.*s\n", (int)len, text);
        text += len + (text[len] == '\n');
    }
}

// The string alone on standard output; what to know about it on standard error.
static void print_one(const struct string_client *client, const struct string_output *output)
{
    puts(output->text);
    fflush(stdout);
    if (output->setup)
        fprintf(stderr, "# first:\n%s\n", output->setup);
    if (output->has_password_placeholder)
        fprintf(stderr, "# " STRINGS_PASSWORD_PLACEHOLDER ": %s\n", output->password_advice);
    if (output->has_ca_placeholder)
        print_comment(stderr, STRINGS_CA_PLACEHOLDER ": the CA file that TiDB Cloud's Connect "
                                                     "dialog offers; or set tls-ca");
    print_comment(stderr, client->notes);
}

static void print_of_many(const struct string_client *client, const struct string_output *output,
    const struct err *failure)
{
    printf("# %s (%s)\n", client->name, client->id);
    if (!output) {
        print_comment(stdout, failure->text);
    } else {
        if (output->setup)
            printf("%s\n", output->setup);
        puts(output->text);
    }
    putchar('\n');
}

static void add_json(cJSON *list, const struct string_client *client,
    const struct string_output *output, const struct err *failure)
{
    cJSON *object = cJSON_CreateObject();
    facts_json_text(object, "client", client->id);
    facts_json_text(object, "name", client->name);
    if (output) {
        facts_json_text(object, "text", output->text);
        facts_json_text(object, "setup", output->setup);
        cJSON_AddBoolToObject(object, "password_placeholder", output->has_password_placeholder);
        cJSON_AddBoolToObject(object, "ca_placeholder", output->has_ca_placeholder);
        if (output->has_password_placeholder)
            facts_json_text(object, "password_advice", output->password_advice);
    } else {
        facts_json_text(object, "error", failure->text);
    }
    facts_json_text(object, "notes", client->notes);
    cJSON_AddItemToArray(list, object);
}

// One client's string. What this client cannot do is an error only if it was the only one asked.
static bool print_client(const struct string_client *client, const struct string_request *request,
    bool alone, cJSON *list, struct err *err)
{
    struct string_output output;
    bool ok = strings_print(client, request, &output, err);
    if (!ok && (alone || err->code != ERR_USAGE))
        return false;
    if (list)
        add_json(list, client, ok ? &output : NULL, err);
    else if (alone)
        print_one(client, &output);
    else
        print_of_many(client, ok ? &output : NULL, err);
    if (ok)
        strings_output_done(&output);
    return true;
}

static bool print_clients(const struct string_client *only, const struct string_request *request,
    bool json, struct err *err)
{
    const struct string_client *client = NULL;
    cJSON *list = json ? cJSON_CreateArray() : NULL;
    bool ok = !only || print_client(only, request, true, list, err);
    for (size_t i = 0; ok && !only && (client = strings_at(i)); i++)
        ok = print_client(client, request, false, list, err);
    char *text = ok && list ? cJSON_Print(list) : NULL;
    if (text)
        puts(text);
    else if (ok && json)
        ok = err_set(err, ERR_MEMORY, "out of memory");
    secret_free(text);
    cJSON_Delete(list);
    return ok;
}

// ---- the command --------------------------------------------------------------------------------

static bool choose_tls(
    const struct dsn_values *own, struct string_request *request, struct err *err)
{
    if (own->tls && !strings_tls_find(own->tls, &request->tls))
        return err_set(err, ERR_USAGE,
            "--tls: \"%.60s\" is not valid: expected off, client, verify-ca or verify-identity",
            own->tls);
    if (own->tls)
        return true;
    request->tls = STRING_TLS_CLIENT;
    if (own->direct)
        request->tls = STRING_TLS_VERIFY_IDENTITY;
    else if (request->ca_path && !request->socket)
        request->tls = STRING_TLS_VERIFY_CA;
    return true;
}

static bool print(const struct dsn_values *own, const struct settings *settings, struct err *err)
{
    const struct string_client *only = NULL;
    struct dsn_place place = { 0 };
    char *password = NULL;
    const struct dsn_wish wish = {
        .host = own->host, .port = (uint16_t)own->port, .socket = own->socket, .direct = own->direct
    };
    if (!find_client(own->client, &only, err) || !dsn_place_find(settings, &wish, &place, err))
        return false;
    struct string_request request = {
        .host = place.host,
        .port = place.port,
        .socket = *place.socket ? place.socket : NULL,
        .user = own->user,
        .database = own->database,
        .direct = own->direct,
        .ca_path = own->ca ? own->ca : place.ca,
    };
    if (!choose_tls(own, &request, err))
        return false;
    if (own->reveal && !own->password_file && !own->password_env)
        return err_set(err, ERR_USAGE,
            "--reveal: there is no password to show: expected --password-file or --password-env");
    // Without --reveal it is not even read.
    if (own->reveal && !secret_read(own->password_file, own->password_env, &password, err))
        return false;
    request.password = password;
    bool ok = print_clients(only, &request, own->json, err);
    secret_free(password);
    return ok;
}

static bool run(const struct command_line *line, int *exit_code, struct err *err)
{
    (void)exit_code;
    struct dsn_values own = { 0 };
    const struct settings_request request = {
        .line = line, .own = &own_table, .own_values = &own, .clusters_max = 1
    };
    struct settings *settings = settings_build(&request, err);
    bool ok = settings;
    if (ok && own.list)
        ok = list_clients(own.json) || err_set(err, ERR_MEMORY, "out of memory");
    else if (ok)
        ok = print(&own, settings, err);
    settings_free(settings);
    option_free(&own_table, &own);
    return ok;
}

const struct command cmd_dsn = {
    .name = "dsn",
    .usage = "[CLUSTER] [--client NAME|all] [--direct] [options]",
    .summary = "print connection strings, ready for a client or driver",
    .help = "Prints the string that this client accepts as it stands, for the proxy of this\n"
            "configuration or (--direct) for the private endpoint itself. The string is all\n"
            "of standard output; what to do before it works and what to know about the\n"
            "client goes to standard error. The password never comes from the command line,\n"
            "and is printed only with --reveal.",
    .own = &own_table,
    .run = run,
};
