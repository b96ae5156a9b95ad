// SPDX-License-Identifier: Apache-2.0
//
// tidblink proxy: settings, limits, and the program that runs until a signal ends it. Main thread.
#include "app/cmd_proxy.h"

#include "app/command.h"
#include "app/descriptors.h"
#include "app/lockdown.h"
#include "app/program.h"
#include "app/takeover.h"
#include "base/secret_file.h"
#include "base/service.h"
#include "control/keys.h"
#include "proxy/tls_store.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
    EXIT_CUT = 75, // EX_TEMPFAIL of sysexits.h: nothing is wrong, but somebody was not done
};

struct proxy_values {
    bool check, show_sandbox, take_over;
};

// clang-format off
static const struct option_row own_rows[] = {
    { "check", OPTION_BOOL, offsetof(struct proxy_values, check), NULL, 0, 0, 0, NULL, NULL, "validate the configuration and end" },
    { "show-sandbox", OPTION_BOOL, offsetof(struct proxy_values, show_sandbox), NULL, 0, 0, 0, NULL, NULL, "print which paths and system calls the proxy keeps once it has started, and end" },
    { "take-over", OPTION_BOOL, offsetof(struct proxy_values, take_over), NULL, 0, 0, 0, NULL, NULL, "take the listening sockets of the proxy that runs with this configuration, and let that one drain" },
};
// clang-format on
static const struct option_table own_table = { own_rows, ARRAY_LEN(own_rows) };

static bool check_readable(const char *option, const char *path, struct err *err)
{
    if (!path || access(path, R_OK) == 0)
        return true;
    return err_sys(err, ERR_OPTION, errno, "%s: cannot read %s", option, path);
}

static bool check_secret(const char *option, const char *path, struct err *err)
{
    int fd = path ? secret_file_open(path, err) : -1;
    if (fd >= 0)
        close(fd);
    return !path || fd >= 0 || err_prefix(err, "%s", option);
}

static bool check_files(const struct settings *settings, struct err *err)
{
    const struct control_options *control = &settings->control;
    for (size_t i = 0; i < settings->cluster_count; i++) {
        const struct cluster_settings *cluster = &settings->clusters[i];
        if (!check_readable("tls-ca", cluster->tls_ca, err))
            return err_prefix(err, "%s", cluster->origin);
    }
    return check_readable("api-ca", control->api_ca, err) &&
           check_readable("api-public-key-file", control->public_key_file, err) &&
           check_secret("api-private-key-file", control->private_key_file, err);
}

// A start reads the keys and certificates itself; --check must stumble over what that would stumble
// over.
static bool check_keys(const struct settings *settings, struct err *err)
{
    struct keys keys = { 0 };
    if (settings_state_source(settings) != CONTROL_SOURCE_API)
        return true;
    bool usable = keys_load(&settings->control, &keys, err);
    keys_wipe(&keys);
    return usable;
}

static void print_checked(const struct settings *settings)
{
    printf("configuration is valid: %zu cluster%s\n", settings->cluster_count,
        settings->cluster_count == 1 ? "" : "s");
    for (size_t i = 0; i < settings->cluster_count; i++) {
        const struct cluster_settings *cluster = &settings->clusters[i];
        for (size_t l = 0; l < cluster->listen.count; l++)
            printf("  %s on %s\n", cluster->alias, cluster->listen.items[l]);
    }
}

// What the service manager opens is accepted from as from an address of the configuration; the
// others are only taken for one of those, or closed.
static bool check_remote(
    const struct settings *settings, const struct inherited *inherited, struct err *err)
{
    char text[ADDR_TEXT_BYTES];
    for (size_t i = 0; i < inherited->count && !settings->allow_remote; i++) {
        const struct inherited_socket *socket = &inherited->sockets[i];
        if (socket->from == INHERITED_ACTIVATION && !addr_is_loopback(&socket->addr))
            return err_set(err, ERR_OPTION,
                "the socket %s (%s) of the service manager is not loopback: expected one that "
                "only this machine can reach, or allow-remote = on",
                addr_format(&socket->addr, text), socket->name);
    }
    return true;
}

static bool inherit(const struct settings *settings, bool take_over,
    struct program_heritage *heritage, struct err *err)
{
    if (take_over && !takeover_begin(settings, &heritage->inherited, &heritage->takeover, err))
        return false;
    return (heritage->takeover || service_sockets(&heritage->inherited, err)) &&
           check_remote(settings, &heritage->inherited, err);
}

static bool start(const struct proxy_start *how, struct program *program,
    struct program_heritage *heritage, struct settings *settings, struct err *err)
{
    if (inherit(settings, how->take_over, heritage, err))
        return program_start(program, how->request, settings, NULL, heritage, err);
    if (heritage->takeover)
        takeover_give_up(heritage->takeover, err->text);
    takeover_free(heritage->takeover);
    inherited_done(&heritage->inherited, false);
    settings_free(settings);
    return false;
}

// From here on the log has the configured form, so errors go there too.
static void serve(const struct proxy_start *how, struct settings *settings, int *exit_code)
{
    struct err err = { 0 };
    struct program program;
    struct program_heritage heritage = { .ready_fd = how->ready_fd };
    if (start(how, &program, &heritage, settings, &err)) {
        program_run(&program);
        if (program.cut)
            *exit_code = EXIT_CUT;
        if (program.failed)
            *exit_code = EXIT_FAILED;
        return;
    }
    struct log_line line;
    log_start(&line, LOG_ERROR, "cannot start");
    log_err(&line, &err);
    log_write(&line);
    *exit_code = err_row(err.code)->exit_code;
}

static struct settings *build(const struct settings_request *request, struct err *err)
{
    struct settings *settings = settings_build(request, err);
    if (!settings)
        return NULL;
    log_setup((enum log_level)settings->log_level, (enum log_format)settings->log_format,
        settings->log_burst);
    if (descriptors_raise(settings, err) && check_files(settings, err))
        return settings;
    settings_free(settings);
    return NULL;
}

bool proxy_serve(const struct proxy_start *how, int *exit_code, struct err *err)
{
    struct settings *settings = build(how->request, err);
    if (settings)
        serve(how, settings, exit_code);
    return settings != NULL;
}

static bool run(const struct command_line *line, int *exit_code, struct err *err)
{
    struct proxy_values own = { 0 };
    const struct settings_request request = {
        .line = line,
        .own = &own_table,
        .own_values = &own,
        .clusters_max = PROXY_CLUSTERS_MAX,
        .serves = true,
    };
    struct settings *settings = build(&request, err);
    if (!settings)
        return false;
    if (own.check) {
        bool usable = check_keys(settings, err) && tls_store_check(&settings->proxy_plan, err);
        if (usable)
            print_checked(settings);
        settings_free(settings);
        return usable;
    }
    if (own.show_sandbox) {
        bool shown = lockdown_print(settings, stdout, err);
        settings_free(settings);
        return shown;
    }
    const struct proxy_start how = {
        .request = &request, .take_over = own.take_over, .ready_fd = -1
    };
    serve(&how, settings, exit_code);
    return true;
}

const struct command cmd_proxy = {
    .name = "proxy",
    .usage = "[--check] [--take-over] [CLUSTER [OPTION...]]...",
    .summary = "accept connections on this machine and forward them",
    .help = "Listens for MySQL clients and forwards each connection to its cluster's private\n"
            "endpoint when the cluster's state allows it; otherwise the client's own driver\n"
            "prints why not. Without CLUSTER it serves every [cluster NAME] of the\n"
            "configuration file. A CLUSTER is a NAME of the file, a cluster ID or a display\n"
            "name; NAME/GROUP names a TiDB node group. Runs in the foreground; SIGTERM lets\n"
            "running connections end, a second one stops now; SIGHUP reads the configuration\n"
            "again. Ends with 0, or with 75 when connections were not done within\n"
            "drain-timeout.",
    .own = &own_table,
    .all_options = true,
    .run = run,
};
