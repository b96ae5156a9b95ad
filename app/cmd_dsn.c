// SPDX-License-Identifier: Apache-2.0
//
// tidblink dsn: connection strings, through the proxy or straight to the private endpoint. What a
// string looks like is strings/'s business, where it leads dsn_place.c's; here is what the options
// mean and how the result is printed.
#include "app/cli.h"
#include "app/clients.h"
#include "app/command.h"
#include "app/dsn_lint.h"
#include "app/dsn_place.h"
#include "app/dsn_print.h"
#include "app/secret.h"
#include "app/settings.h"
#include "base/err.h"

#include <stddef.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct dsn_values {
    struct option_list clients;
    char *user, *database, *tls, *ca, *host, *socket, *password_file, *password_env;
    uint64_t port;
    int format;
    bool direct, password_prompt, reveal, list, example, json;
};

enum { FORMAT_TEXT = 0, FORMAT_JSON };
static const char *const formats[] = { "text", "json", NULL };

// clang-format off
#define AT(field) offsetof(struct dsn_values, field)
static const struct option_row own_rows[] = {
    { "client",          OPTION_LIST,   AT(clients),         "params", 0, 0, 0, NULL, "NAME[,NAME]", "clients or drivers to print for (dsn --list shows them), or all; may be repeated" },
    { "direct",          OPTION_BOOL,   AT(direct),          NULL, 0, 0, 0, NULL, NULL, "straight to the private endpoint, not through the proxy" },
    { "user",            OPTION_TEXT,   AT(user),            "root", 0, 0, 0, NULL, "NAME", "database user" },
    { "database",        OPTION_TEXT,   AT(database),        NULL, 0, 0, 0, NULL, "NAME", "database" },
    { "tls",             OPTION_TEXT,   AT(tls),             NULL, 0, 0, 0, NULL, "MODE", "off, client (whatever it does by itself), verify-ca or verify-identity (default verify-identity with --direct, verify-ca with --ca or through tls = passthrough with a tls-ca, off to a proxy on this machine that takes plaintext, else client)" },
    { "ca",              OPTION_TEXT,   AT(ca),              NULL, 0, 0, 0, NULL, "PATH", "CA file in the string (default the cluster's tls-ca)" },
    { "host",            OPTION_TEXT,   AT(host),            NULL, 0, 0, 0, NULL, "NAME", "instead of the host that is known" },
    { "port",            OPTION_UINT,   AT(port),            NULL, 0, 65535, 0, NULL, NULL, "instead of the port that is known" },
    { "socket",          OPTION_TEXT,   AT(socket),          NULL, 0, 0, 0, NULL, "PATH", "through this unix socket of the proxy" },
    { "password-file",   OPTION_TEXT,   AT(password_file),   NULL, 0, 0, 0, NULL, "PATH", "file with the password, for --reveal" },
    { "password-env",    OPTION_TEXT,   AT(password_env),    NULL, 0, 0, 0, NULL, "NAME", "variable with the password, for --reveal" },
    { "password-prompt", OPTION_BOOL,   AT(password_prompt), NULL, 0, 0, 0, NULL, NULL, "ask for the password on the terminal, for --reveal" },
    { "reveal",          OPTION_BOOL,   AT(reveal),          NULL, 0, 0, 0, NULL, NULL, "print the password; otherwise a placeholder stands in its place" },
    { "example",         OPTION_BOOL,   AT(example),         NULL, 0, 0, 0, NULL, NULL, "print a small program with the string in it" },
    { "list",            OPTION_BOOL,   AT(list),            NULL, 0, 0, 0, NULL, NULL, "list the clients" },
    { "format",          OPTION_CHOICE, AT(format),          "text", 0, 0, 0, formats, NULL, "how the result is printed" },
    { "json",            OPTION_BOOL,   AT(json),            NULL, 0, 0, 0, NULL, NULL, "the same as --format json" },
};
// clang-format on
static const struct option_table own_table = { own_rows, ARRAY_LEN(own_rows) };

// ---- which clients ------------------------------------------------------------------------------

// An option that is given again replaces what it was before; --client adds to it.
static bool gather_clients(const struct command_line *line, struct dsn_values *own, struct err *err)
{
    const struct option_table *const tables[] = { &own_table, &settings_cluster_table,
        &settings_source_table, &settings_global_table };
    struct cli cli = { 0 };
    bool first = true;
    bool ok = cli_split(&cli, line->argc, line->argv, tables, ARRAY_LEN(tables), err);
    for (size_t i = 0; ok && i < cli.count; i++) {
        struct option_list more = { 0 };
        if (cli.items[i].row != &own_rows[0])
            continue;
        if (first)
            option_list_free(&own->clients);
        first = false;
        ok = option_assign(&(const struct option_row){ .name = "client", .type = OPTION_LIST },
            &more, cli.items[i].text, "--client", err);
        for (size_t j = 0; ok && j < more.count; j++)
            ok = option_list_add(&own->clients, more.items[j]) ||
                 err_set(err, ERR_MEMORY, "out of memory");
        option_list_free(&more);
    }
    cli_done(&cli);
    return ok;
}

static void choose_client(struct dsn_print *print, const struct string_client *client)
{
    for (size_t i = 0; i < print->count; i++) {
        if (print->clients[i] == client)
            return;
    }
    if (print->count < DSN_CLIENTS_MAX)
        print->clients[print->count++] = client;
}

static bool choose_clients(const struct dsn_values *own, struct dsn_print *print, struct err *err)
{
    const struct string_client *client = NULL;
    for (size_t i = 0; i < own->clients.count; i++) {
        const char *name = own->clients.items[i];
        bool is_all = strcmp(name, "all") == 0;
        for (size_t j = 0; is_all && (client = strings_at(j)); j++)
            choose_client(print, client);
        if (!is_all && !(client = clients_find(name, err)))
            return false;
        if (!is_all)
            choose_client(print, client);
    }
    return print->count > 0 ||
           err_set(err, ERR_USAGE, "--client: no name: expected one that dsn --list shows");
}

// ---- the password -------------------------------------------------------------------------------

// What others may read must not become the place where the password is kept.
static bool output_is_private(struct err *err)
{
    struct stat status;
    if (fstat(STDOUT_FILENO, &status) != 0 || !S_ISREG(status.st_mode) || !(status.st_mode & 004))
        return true;
    return err_set(err, ERR_USAGE,
        "--reveal: standard output is a file that everybody on this machine may read (mode %04o): "
        "nothing is printed. Next: umask 077 before a new file, or chmod 600 for this one",
        (unsigned)(status.st_mode & 07777));
}

// Without --reveal it is not even read.
static bool get_password(const struct dsn_values *own, char **out, struct err *err)
{
    int given = !!own->password_file + !!own->password_env + own->password_prompt;
    if (!own->reveal)
        return true;
    if (given == 0)
        return err_set(err, ERR_USAGE,
            "--reveal: there is no password to show: expected --password-file or --password-env, "
            "or --password-prompt at a terminal");
    if (given > 1 && own->password_prompt)
        return err_set(err, ERR_USAGE,
            "--password-prompt: the password comes from a file or a variable already: expected one "
            "of them");
    if (!output_is_private(err))
        return false;
    return own->password_prompt ? dsn_password_ask(out, err)
                                : secret_read(own->password_file, own->password_env, out, err);
}

// ---- the command --------------------------------------------------------------------------------

static bool choose_tls(
    const struct dsn_values *own, struct string_request *request, struct err *err)
{
    if (own->tls && !strings_tls_find(own->tls, &request->tls))
        return err_set(err, ERR_USAGE,
            "--tls: \"%.60s\" is not valid: expected off, client, verify-ca or verify-identity",
            own->tls);
    if (!own->tls && own->ca && !own->direct && !request->socket)
        request->tls = STRING_TLS_VERIFY_CA;
    return true;
}

static bool print(const struct dsn_values *own, const struct settings *settings, struct err *err)
{
    struct dsn_print print = { .json = own->json, .example = own->example };
    struct dsn_place place = { 0 };
    char *password = NULL;
    const struct dsn_wish wish = {
        .host = own->host, .port = (uint16_t)own->port, .socket = own->socket, .direct = own->direct
    };
    if (!choose_clients(own, &print, err) || !dsn_place_find(settings, &wish, &place, err))
        return false;
    struct string_request request = {
        .host = place.host,
        .port = place.port,
        .socket = *place.socket ? place.socket : NULL,
        .user = own->user,
        .database = own->database,
        .direct = own->direct,
        .ca_path = own->ca ? own->ca : place.ca,
        .tls = place.tls,
    };
    if (!choose_tls(own, &request, err) || !get_password(own, &password, err))
        return false;
    request.password = password;
    bool ok = dsn_print(&print, &request, err);
    secret_free(password);
    return ok;
}

static bool run(const struct command_line *line, int *exit_code, struct err *err)
{
    if (line->argc > 0 && strcmp(line->argv[0], "lint") == 0)
        return dsn_lint(line->argc - 1, line->argv + 1, exit_code, err);
    struct dsn_values own = { 0 };
    const struct settings_request request = {
        .line = line, .own = &own_table, .own_values = &own, .clusters_max = 1
    };
    struct settings *settings = settings_build(&request, err);
    bool ok = settings && gather_clients(line, &own, err);
    own.json = own.json || own.format == FORMAT_JSON;
    if (ok && own.list)
        ok = dsn_print_list(own.json, err);
    else if (ok)
        ok = print(&own, settings, err);
    settings_free(settings);
    option_free(&own_table, &own);
    return ok;
}

const struct command cmd_dsn = {
    .name = "dsn",
    .usage = "[CLUSTER] [--client NAME[,NAME]|all] [--direct] [options]\n"
             "       tidblink dsn lint CLIENT [--format text|json] < STRING",
    .summary = "print connection strings, ready for a client or driver",
    .help = "Prints the string that this client accepts as it stands, for the proxy of this\n"
            "configuration or (--direct) for the private endpoint itself. The string is all\n"
            "of standard output; what to do before it works and what to know about the\n"
            "client goes to standard error. With --host and --port neither a key nor the\n"
            "network is needed. The password never comes from the command line, and is\n"
            "printed only with --reveal, and then to no file that everybody may read.\n\n"
            "dsn lint says what a client reads out of a string on standard input, what is\n"
            "wrong with it, and the corrected string; it exits with 1 when something is.",
    .own = &own_table,
    .run = run,
};
