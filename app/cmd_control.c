// SPDX-License-Identifier: Apache-2.0
//
// tidblink drain and tidblink reload: what SIGTERM and SIGHUP do, for those who know the proxy by
// its configuration and not by its process id.
#include "app/admin_client.h"
#include "app/command.h"
#include "app/settings.h"
#include "base/err.h"

#include <stdlib.h>
#include <string.h>

enum { TIMEOUT_MS = 10000, HTTP_OK_STATUS = 200 };

static bool post(const struct settings *settings, const char *path, struct err *err)
{
    struct admin_answer answer = { 0 };
    if (settings->admin_unix.len == 0)
        return err_set(
            err, ERR_USAGE, "admin-socket is off, so no proxy can be asked: expected its path");
    if (admin_client_ask(ADMIN_POST, settings->admin_socket, path, TIMEOUT_MS, &answer, err) !=
        ADMIN_ANSWERED)
        return false;
    bool ok = answer.status == HTTP_OK_STATUS;
    if (!ok)
        err_set(err, ERR_OPTION, "%.*s", (int)strcspn(answer.text, "\n"), answer.text);
    free(answer.text);
    return ok;
}

static bool run(const struct command_line *line, const char *path, struct err *err)
{
    const struct settings_request request = { .line = line };
    struct settings *settings = settings_build(&request, err);
    bool ok = settings && post(settings, path, err);
    settings_free(settings);
    return ok;
}

static bool run_drain(const struct command_line *line, int *exit_code, struct err *err)
{
    (void)exit_code;
    return run(line, "/drain", err);
}

static bool run_reload(const struct command_line *line, int *exit_code, struct err *err)
{
    (void)exit_code;
    return run(line, "/reload", err);
}

const struct command cmd_drain = {
    .name = "drain",
    .usage = "[--config FILE]",
    .summary = "let a running proxy's connections end, then end it",
    .help = "Does what SIGTERM does to the proxy of this configuration, through its admin\n"
            "socket.",
    .run = run_drain,
};

const struct command cmd_reload = {
    .name = "reload",
    .usage = "[--config FILE]",
    .summary = "make a running proxy read its configuration again",
    .help = "Does what SIGHUP does to the proxy of this configuration, through its admin\n"
            "socket. Ends with 2 and the reason when the configuration is not valid; the\n"
            "proxy then keeps the old one.",
    .run = run_reload,
};
