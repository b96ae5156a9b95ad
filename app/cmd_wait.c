// SPDX-License-Identifier: Apache-2.0
//
// tidblink wait: blocks until a running proxy says that something is true, so that a script or the
// app beside it starts at the right moment. The proxy holds the request; only while there is no
// proxy yet does this try again and again.
#include "app/admin_client.h"
#include "app/command.h"
#include "app/health.h"
#include "app/settings.h"
#include "base/clock.h"
#include "base/err.h"

#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RETRY_MIN_MS = 50, RETRY_MAX_MS = 1000, REASON_TIMEOUT_MS = 1000, PATH_BYTES = 64 };

struct wait_values {
    int health; // enum health
    uint64_t max_ms;
};

// In the order of enum health.
static const char *const health_choices[] = { "started", "live", "ready", "active", NULL };

// clang-format off
static const struct option_row own_rows[] = {
    { "for", OPTION_CHOICE, offsetof(struct wait_values, health), "ready", 0, 0, 0, health_choices, NULL, "what to wait for" },
    { "max", OPTION_MS, offsetof(struct wait_values, max_ms), "30s", 0, 0, 0, NULL, NULL, "give up after this time" },
};
// clang-format on
static const struct option_table own_table = { own_rows, ARRAY_LEN(own_rows) };

static void make_path(const struct wait_values *own, bool hold, char out[PATH_BYTES])
{
    snprintf(out, PATH_BYTES, "/wait?for=%s%s", health_name((enum health)own->health),
        hold ? "" : "&hold=no");
}

static enum err_code code_of(int status)
{
    if (status == ADMIN_UNKNOWN)
        return ERR_UNKNOWN_CLUSTER;
    return status == ADMIN_BUSY ? ERR_TRANSITION : ERR_FILE;
}

// One question. True when the wait is over, well or not; otherwise err says why it is not yet.
static bool ask(
    const struct admin_question *question, bool *out_healthy, bool *out_fatal, struct err *err)
{
    struct admin_answer answer = { 0 };
    enum admin_result result = admin_client_put(question, &answer, err);
    *out_healthy = result == ADMIN_ANSWERED && answer.status == ADMIN_OK;
    *out_fatal = result == ADMIN_FAILED ||
                 (result == ADMIN_ANSWERED && !*out_healthy && answer.status != ADMIN_BUSY);
    if (result == ADMIN_ANSWERED)
        err_set(
            err, code_of((int)answer.status), "%.*s", (int)strcspn(answer.text, "\n"), answer.text);
    free(answer.text);
    return *out_healthy || *out_fatal;
}

static bool wait_until(
    const struct wait_values *own, const struct settings *settings, struct err *err)
{
    char held[PATH_BYTES], at_once[PATH_BYTES];
    struct admin_question question = {
        .socket = settings->admin_socket,
        .path = held,
        .cluster = settings->named_count > 0 ? settings->clusters[0].alias : NULL,
    };
    uint64_t end_ms = clock_ms() + own->max_ms;
    uint64_t retry_ms = RETRY_MIN_MS;
    bool healthy = false, fatal = false;
    make_path(own, true, held);
    make_path(own, false, at_once);
    for (uint64_t now_ms = 0; (now_ms = clock_ms()) < end_ms;) {
        question.timeout_ms = end_ms - now_ms;
        if (ask(&question, &healthy, &fatal, err))
            return healthy;
        uint64_t left_ms = end_ms > clock_ms() ? end_ms - clock_ms() : 0;
        poll(NULL, 0, (int)(left_ms < retry_ms ? left_ms : retry_ms));
        retry_ms = retry_ms * 2 < RETRY_MAX_MS ? retry_ms * 2 : RETRY_MAX_MS;
    }
    // Once more, for the reason as it is now.
    question.path = at_once;
    question.timeout_ms = REASON_TIMEOUT_MS;
    if (ask(&question, &healthy, &fatal, err))
        return healthy;
    char *max = option_format(option_find(&own_table, "max"), own);
    err_prefix(
        err, "not %s after %s", health_name((enum health)own->health), max ? max : "a while");
    free(max);
    err->code = ERR_TRANSITION; // exit code 3, also when there was no proxy
    return false;
}

static bool run(const struct command_line *line, int *exit_code, struct err *err)
{
    (void)exit_code;
    struct wait_values own = { 0 };
    const struct settings_request request = {
        .line = line, .own = &own_table, .own_values = &own, .clusters_max = 1
    };
    struct settings *settings = settings_build(&request, err);
    bool ok = settings && wait_until(&own, settings, err);
    settings_free(settings);
    return ok;
}

const struct command cmd_wait = {
    .name = "wait",
    .usage = "[--for started|live|ready|active] [--max 30s] [CLUSTER]",
    .summary = "block until a running proxy is ready",
    .help = "Asks the proxy of this configuration through its admin socket and ends with 0 as\n"
            "soon as it is true, for CLUSTER or for all that it serves:\n"
            "  started  the states are known, and the names of usable clusters resolve\n"
            "  live     the proxy runs\n"
            "  ready    a connection would be served now\n"
            "  active   the same, and the control plane itself says so\n"
            "Ends with 3 and the reason when the time runs out, with 2 at once when the proxy\n"
            "does not serve CLUSTER.",
    .own = &own_table,
    .run = run,
};
