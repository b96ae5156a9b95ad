// SPDX-License-Identifier: Apache-2.0
//
// tidblink connect: one cluster at a local port, for a person or for a command that is run with the
// right environment. Here is what the options mean and where it listens; connect_run.c does it.
#include "app/cli.h"
#include "app/command.h"
#include "app/connect_forms.h"
#include "app/connect_port.h"
#include "app/connect_run.h"
#include "app/connect_show.h"
#include "app/descriptors.h"
#include "app/secret.h"
#include "base/file.h"
#include "base/os.h"
#include "strings/request.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LISTEN_BYTES = 256, HOURS_24_MS = 24 * 3600 * 1000 };

struct connect_values {
    char *socket, *client, *user, *database, *password_file, *password_env;
    struct option_list env;
    uint64_t port, wait_ms;
};

// clang-format off
#define AT(field) offsetof(struct connect_values, field)
static const struct option_row own_rows[] = {
    { "port",          OPTION_UINT, AT(port),          NULL, 1, 65535, 0, NULL, NULL, "local port (default: always the same free one for this cluster)" },
    { "socket",        OPTION_TEXT, AT(socket),        NULL, 0, 0, 0, NULL, "PATH", "a unix socket instead of a port" },
    { "client",        OPTION_TEXT, AT(client),        NULL, 0, 0, 0, NULL, "NAME", "client whose string a terminal shows (dsn --list; default: the last one, at first mysql)" },
    { "env",           OPTION_LIST, AT(env),           NULL, 0, 0, 0, NULL, "FORM[,FORM]", "variables that CMD gets: url (default), mysql, laravel, spring, rails, django, prisma, symfony, dotenv, or none" },
    { "user",          OPTION_TEXT, AT(user),          "root", 0, 0, 0, NULL, "NAME", "database user" },
    { "database",      OPTION_TEXT, AT(database),      NULL, 0, 0, 0, NULL, "NAME", "database" },
    { "password-file", OPTION_TEXT, AT(password_file), NULL, 0, 0, 0, NULL, "PATH", "file with the password, for CMD" },
    { "password-env",  OPTION_TEXT, AT(password_env),  NULL, 0, 0, 0, NULL, "NAME", "variable with the password, for CMD" },
    { "wait",          OPTION_MS,   AT(wait_ms),       "30s", 1000, HOURS_24_MS, 0, NULL, NULL, "how long the cluster may take until it can be used" },
};
// clang-format on
static const struct option_table own_table = { own_rows, ARRAY_LEN(own_rows) };

// A proxy of the same configuration has its admin addresses, and nobody looks at ours; a person
// wants to read what is wrong, not what goes on.
static const struct settings_default defaults[] = {
    { "admin-listen", "off" },
    { "admin-socket", "off" },
    { "log-level", "warn" },
    { "sandbox", "off" },
    { NULL, NULL },
};

// One call of the command.
struct call {
    struct command_line line; // without "--" and what follows it
    struct connect_values own;
    struct settings_request request;
    char listen[LISTEN_BYTES];
    struct connect_plan plan;
    char *user, *database, *password; // the plan's: what is in `own` is read anew for each start
};

// ---- what is asked for --------------------------------------------------------------------------

static bool split_command(const struct command_line *line, struct call *call, struct err *err)
{
    int words = cli_end(line->argc, line->argv);
    call->line = *line;
    call->line.argc = words;
    if (words == line->argc)
        return true;
    if (words + 1 == line->argc)
        return err_set(
            err, ERR_USAGE, "nothing behind \"--\": expected a command and its arguments");
    call->plan.command = line->argv + words + 1;
    return true;
}

static bool check_together(const struct call *call, struct err *err)
{
    const struct connect_values *own = &call->own;
    const char *for_command = own->env.count       ? "--env"
                              : own->password_file ? "--password-file"
                              : own->password_env  ? "--password-env"
                                                   : NULL;
    if (own->port && own->socket)
        return err_set(err, ERR_USAGE, "--port and --socket are both given: expected one of them");
    if (own->socket && *own->socket != '/')
        return err_set(err, ERR_USAGE,
            "--socket: \"%.60s\" is not valid: expected a path from the root", own->socket);
    if (for_command && !call->plan.command)
        return err_set(
            err, ERR_USAGE, "%s: it is for a command: expected \"-- CMD\" at the end", for_command);
    return true;
}

static bool add_form(struct connect_plan *plan, const char *name, struct err *err)
{
    const struct connect_form *form = connect_forms_find(name, err);
    for (size_t i = 0; i < plan->form_count; i++)
        if (plan->forms[i] == form)
            return true;
    if (form && plan->form_count < CONNECT_FORMS_MAX)
        plan->forms[plan->form_count++] = form;
    return form;
}

// Without --env: the common form, where it can name the address.
static bool choose_forms(struct call *call, bool is_socket, struct err *err)
{
    const struct option_list *names = &call->own.env;
    struct connect_plan *plan = &call->plan;
    if (!plan->command || (names->count == 0 && is_socket))
        return true;
    if (names->count == 0)
        return add_form(plan, "url", err);
    if (names->count == 1 && strcmp(names->items[0], "none") == 0)
        return true;
    for (size_t i = 0; i < names->count; i++)
        if (!add_form(plan, names->items[i], err))
            return false;
    return true;
}

// What cannot be put into the forms must be known before anybody waits.
static bool try_forms(const struct call *call, const char *socket, struct err *err)
{
    struct connect_env env = { 0 };
    struct string_request settled;
    struct string_request asked = call->plan.request;
    asked.host = "127.0.0.1";
    asked.port = 1;
    asked.socket = socket;
    asked.tls = STRING_TLS_CLIENT;
    if (!request_settle(&asked, &settled, err))
        return false;
    bool ok = connect_env_init(&env) || err_set(err, ERR_MEMORY, "out of memory");
    for (size_t i = 0; ok && i < call->plan.form_count; i++)
        ok = connect_forms_apply(call->plan.forms[i], &settled, &env, err);
    connect_env_done(&env);
    return ok;
}

static bool make_plan(struct call *call, const struct settings *settings, struct err *err)
{
    const struct connect_values *own = &call->own;
    struct connect_plan *plan = &call->plan;
    const struct cluster_settings *cluster = &settings->clusters[0];
    const char *socket = own->socket;
    if (!socket && !own->port && cluster->listen.count &&
        cluster->listens[0].any.sa_family == AF_UNIX)
        socket = cluster->listens[0].un.sun_path;
    if (!secret_read(own->password_file, own->password_env, &call->password, err))
        return false;
    plan->legacy = call->line.legacy;
    plan->wait_ms = own->wait_ms;
    call->user = strdup(own->user);
    call->database = own->database ? strdup(own->database) : NULL;
    if (!call->user || !call->database != !own->database)
        return err_set(err, ERR_MEMORY, "out of memory");
    plan->request.user = call->user;
    plan->request.database = call->database;
    plan->request.password = call->password;
    plan->client = connect_show_client(settings, own->client, err);
    return plan->client && choose_forms(call, socket, err) && try_forms(call, socket, err);
}

// ---- where it listens ---------------------------------------------------------------------------

// A folder of its own: the last known state there holds this cluster alone, and a proxy's holds the
// others as well.
static bool own_state_dir(struct settings *settings, struct err *err)
{
    const struct control_target *target = &settings->control_targets[0];
    char *path = NULL;
    if (!settings->control.state_dir)
        return true;
    // By itself: folders on the way to another one are made for everybody to look into.
    (void)file_make_folder(settings->control.state_dir, NULL);
    if (os_asprintf(&path, "%s/connect/%016" PRIx64, settings->control.state_dir,
            connect_port_hash(target->cluster, target->group)) < 0)
        return err_set(err, ERR_MEMORY, "out of memory");
    free(settings->control.state_dir);
    settings->control.state_dir = path;
    return true;
}

// Builds the settings again, with this address; NULL: with those of the settings.
static bool start_at(
    struct call *call, struct connect_run *run, const char *listen, struct err *err)
{
    option_free(&own_table, &call->own);
    call->request.listen = listen;
    struct settings *settings = settings_build(&call->request, err);
    if (!settings)
        return false;
    settings->drain_delay_ms = 0; // nobody balances load here
    if (!descriptors_raise(settings, err) || !own_state_dir(settings, err)) {
        settings_free(settings);
        return false;
    }
    return connect_run_start(run, &call->plan, &call->request, settings, err);
}

static bool start_at_own_port(
    struct call *call, struct connect_run *run, uint64_t hash, struct err *err)
{
    for (unsigned attempt = 0; attempt < CONNECT_PORT_TRIES; attempt++) {
        snprintf(call->listen, sizeof(call->listen), "127.0.0.1:%u",
            (unsigned)connect_port_at(hash, attempt));
        if (start_at(call, run, call->listen, err))
            return true;
        if (err->code != ERR_LISTEN)
            return false;
    }
    return err_set(err, ERR_LISTEN, "all of the ports %u to %u are taken: expected --port",
        (unsigned)connect_port_at(hash, 0),
        (unsigned)connect_port_at(hash, CONNECT_PORT_TRIES - 1));
}

static bool start(
    struct call *call, struct connect_run *run, const struct settings *settings, struct err *err)
{
    const struct control_target *target = &settings->control_targets[0];
    const uint64_t port = call->own.port;
    if (call->own.socket) {
        snprintf(call->listen, sizeof(call->listen), "unix:%s", call->own.socket);
        return start_at(call, run, call->listen, err);
    }
    if (port == 0 && settings->clusters[0].listen.count)
        return start_at(call, run, NULL, err);
    if (port == 0)
        return start_at_own_port(call, run, connect_port_hash(target->cluster, target->group), err);
    snprintf(call->listen, sizeof(call->listen), "127.0.0.1:%" PRIu64, port);
    if (start_at(call, run, call->listen, err))
        return true;
    if (err->code != ERR_LISTEN)
        return false;
    if (!strstr(err->text, "already in use"))
        return err_prefix(err, "--port");
    char command[OS_COMMAND_BYTES];
    return err_set(err, ERR_LISTEN,
        "--port: 127.0.0.1:%" PRIu64 " is already in use: stop the program that %s shows, or leave "
        "--port out: then a free one is taken",
        port, os_port_command((unsigned)port, command));
}

// ---- the command --------------------------------------------------------------------------------

static bool prepare(struct call *call, struct connect_run *run, struct err *err)
{
    struct settings *settings = settings_build(&call->request, err);
    if (!settings)
        return false;
    log_setup((enum log_level)settings->log_level, (enum log_format)settings->log_format,
        settings->log_burst);
    bool ok = settings_only_cluster(settings, err) && check_together(call, err) &&
              make_plan(call, settings, err) && start(call, run, settings, err);
    settings_free(settings);
    return ok;
}

static bool run(const struct command_line *line, int *exit_code, struct err *err)
{
    struct call call = { 0 };
    struct connect_run run;
    call.request = (struct settings_request){
        .line = &call.line,
        .own = &own_table,
        .own_values = &call.own,
        .clusters_max = 1,
        .serves = true,
        .defaults = defaults,
        .chooses_listen = true,
    };
    bool ok = split_command(line, &call, err) && prepare(&call, &run, err) &&
              connect_run(&run, exit_code, err);
    free(call.user);
    free(call.database);
    secret_free(call.password);
    option_free(&own_table, &call.own);
    return ok;
}

const struct command cmd_connect = {
    .name = "connect",
    .usage = "CLUSTER [--port N | --socket PATH] [--client NAME]\n"
             "                                [--via URL]\n"
             "       tidblink connect CLUSTER [--env FORM[,FORM]] [options] -- CMD [ARG...]",
    .summary = "open a local port to one cluster, for you or for a command",
    .help = "Listens at a local port, the same one every time, and prints its address once\n"
            "the cluster can be used: alone on a line when standard output is no terminal,\n"
            "else with the connection string of a client. Ctrl-C ends it.\n"
            "With CMD, runs that instead, with the database in its environment, passes\n"
            "signals on, ends with it and returns its exit code: 127 when there is no such\n"
            "command, 126 when it cannot be run, 128 + signal when one ended it. The password\n"
            "never comes from the command line and is in no command line.\n"
            "From outside the VPC, --via takes the connections through a jump that resolves\n"
            "the cluster's name: ssh://[USER@]HOST, socks5h://HOST, http://HOST:PORT, or\n"
            "command:PROGRAM with %h and %p. A password for it: TIDBLINK_VIA.",
    .own = &own_table,
    .run = run,
};
