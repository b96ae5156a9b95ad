// SPDX-License-Identifier: Apache-2.0
//
// tidblink drain and tidblink reload: what SIGTERM and SIGHUP do, for those who know the proxy by
// its configuration and not by its process id.
#include "app/admin_client.h"
#include "app/cmd_proxy.h"
#include "app/command.h"
#include "app/settings.h"
#include "app/takeover.h"
#include "app/upgrade.h"
#include "base/clock.h"
#include "base/err.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TIMEOUT_MS = 10000, LOOK_MS = 100 };

struct drain_values {
    bool wait;
    uint64_t max_ms;
};

struct reload_values {
    bool upgrade;
};

// clang-format off
static const struct option_row drain_rows[] = {
    { "wait", OPTION_BOOL, offsetof(struct drain_values, wait), NULL, 0, 0, 0, NULL, NULL, "return when the proxy has ended" },
    { "max", OPTION_MS, offsetof(struct drain_values, max_ms), "0ms", 0, 0, 0, NULL, NULL, "give up waiting after this time; 0: never" },
};
static const struct option_row reload_rows[] = {
    { "upgrade", OPTION_BOOL, offsetof(struct reload_values, upgrade), NULL, 0, 0, 0, NULL, NULL, "if the running proxy is not this program file, take over from it instead, as tidblink upgrade does" },
};
// clang-format on
static const struct option_table drain_table = { drain_rows, ARRAY_LEN(drain_rows) };
static const struct option_table reload_table = { reload_rows, ARRAY_LEN(reload_rows) };

static bool post(const struct settings *settings, const char *path, struct err *err)
{
    struct admin_answer answer = { 0 };
    if (admin_client_ask(ADMIN_POST, settings->admin_socket, path, TIMEOUT_MS, &answer, err) !=
        ADMIN_ANSWERED)
        return false;
    bool ok = answer.status == ADMIN_OK;
    if (!ok)
        err_set(err, ERR_OPTION, "%.*s", (int)strcspn(answer.text, "\n"), answer.text);
    free(answer.text);
    return ok;
}

// Which process answers; zeroed where it does not say so.
struct process {
    double pid;
    char started[32];
};

static enum admin_result ask_who(const char *socket, struct process *out, struct err *err)
{
    struct admin_answer answer = { 0 };
    enum admin_result result =
        admin_client_ask(ADMIN_GET, socket, "/api/v1/status", TIMEOUT_MS, &answer, err);
    cJSON *status = answer.text ? cJSON_Parse(answer.text) : NULL;
    const cJSON *pid = cJSON_GetObjectItem(status, "pid");
    const cJSON *started = cJSON_GetObjectItem(status, "started");
    *out = (struct process){ 0 };
    if (cJSON_IsNumber(pid) && cJSON_IsString(started)) {
        out->pid = pid->valuedouble;
        snprintf(out->started, sizeof(out->started), "%s", started->valuestring);
    }
    cJSON_Delete(status);
    free(answer.text);
    return result;
}

// Another one answers: it was started in the place of the one that drains, or has its socket.
static bool is_replaced(const struct process *drains, const struct process *answers)
{
    bool is_same = drains->pid == answers->pid && strcmp(drains->started, answers->started) == 0;
    bool is_known = drains->pid > 0 && answers->pid > 0;
    return is_known && !is_same &&
           (drains->pid == answers->pid || (kill((pid_t)drains->pid, 0) < 0 && errno == ESRCH));
}

// The proxy answers for as long as it runs; then nobody does, or another one.
static bool wait_for_end(
    const char *socket, const struct process *drains, uint64_t max_ms, struct err *err)
{
    uint64_t began_ms = clock_ms();
    enum admin_result result;
    do {
        struct process answers;
        result = ask_who(socket, &answers, err);
        if (result == ADMIN_ABSENT || is_replaced(drains, &answers))
            return true;
        poll(NULL, 0, LOOK_MS);
    } while (result != ADMIN_FAILED && (!max_ms || clock_ms() - began_ms < max_ms));
    return result != ADMIN_FAILED &&
           err_set(
               err, ERR_TRANSITION, "the proxy is still draining: a second SIGTERM ends it now");
}

static bool run_drain(const struct command_line *line, int *exit_code, struct err *err)
{
    struct drain_values own = { 0 };
    const struct settings_request request = {
        .line = line, .own = &drain_table, .own_values = &own
    };
    (void)exit_code;
    struct process drains = { 0 };
    struct settings *settings = settings_build(&request, err);
    if (settings && own.wait)
        (void)ask_who(settings->admin_socket, &drains, err); // who is absent is so for post as well
    bool ok = settings && post(settings, "/drain", err) &&
              (!own.wait || wait_for_end(settings->admin_socket, &drains, own.max_ms, err));
    settings_free(settings);
    return ok;
}

static bool upgrade(const struct command_line *line, struct err *err)
{
    struct reload_values own = { 0 };
    const struct settings_request request = {
        .line = line,
        .own = &reload_table,
        .own_values = &own,
        .clusters_max = PROXY_CLUSTERS_MAX,
        .serves = true,
    };
    return upgrade_start(&request, err);
}

// The running proxy has its own; only one that starts needs them.
static bool check_words(const struct settings *settings, bool upgrade, struct err *err)
{
    return upgrade || settings->named_count == 0 ||
           err_set(err, ERR_USAGE, "CLUSTER is for a new process only: expected it with --upgrade");
}

static bool run_reload(const struct command_line *line, int *exit_code, struct err *err)
{
    struct reload_values own = { 0 };
    struct takeover_found found = { 0 };
    const struct settings_request request = {
        .line = line,
        .own = &reload_table,
        .own_values = &own,
        .clusters_max = PROXY_CLUSTERS_MAX,
    };
    (void)exit_code;
    struct settings *settings = settings_build(&request, err);
    bool ok = settings && check_words(settings, own.upgrade, err) &&
              (!own.upgrade || takeover_ask(settings, &found, err));
    bool upgrades = ok && own.upgrade && found.runs && !found.is_this_program;
    ok = ok && (upgrades || post(settings, "/reload", err));
    settings_free(settings);
    return ok && (!upgrades || upgrade(line, err));
}

const struct command cmd_drain = {
    .name = "drain",
    .usage = "[--config FILE] [--wait [--max 1m]]",
    .summary = "let a running proxy's connections end, then end it",
    .help = "Does what SIGTERM does to the proxy of this configuration, through its admin\n"
            "socket.",
    .own = &drain_table,
    .run = run_drain,
};

const struct command cmd_reload = {
    .name = "reload",
    .usage = "[--config FILE] [--upgrade [CLUSTER [OPTION...]]...]",
    .summary = "make a running proxy read its configuration again",
    .help = "Does what SIGHUP does to the proxy of this configuration, through its admin\n"
            "socket. Ends with 2 and the reason when the configuration is not valid; the\n"
            "proxy then keeps the old one. With --upgrade it is for ExecReload= of a systemd\n"
            "unit: it also brings a new version of this program into service, which needs the\n"
            "arguments of tidblink proxy in ExecStart=.",
    .own = &reload_table,
    .run = run_reload,
};
