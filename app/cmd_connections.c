// SPDX-License-Identifier: Apache-2.0
//
// tidblink connections: which connections the running proxy has, or had last and why they ended;
// and the end of one of them. What is printed is what connections_json.c says.
#include "app/admin_client.h"
#include "app/command.h"
#include "app/settings.h"
#include "app/table.h"
#include "base/clock.h"
#include "base/err.h"
#include "proxy/census.h"

#include <cjson/cJSON.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TIMEOUT_MS = 10000, PATH_BYTES = 128, NUMBER_BYTES = 24, MS_PER_S = 1000 };

struct connections_values {
    int order; // of order_choices
    uint64_t limit;
    bool closed;
    uint64_t kill; // 0: none
    bool json;
};

static const char *const order_choices[] = { "newest", "oldest", "idle", "bytes", NULL };

// clang-format off
static const struct option_row own_rows[] = {
    { "sort",   OPTION_CHOICE, offsetof(struct connections_values, order),  "newest", 0, 0, 0, order_choices, NULL, "which come first: idle is for the longest time, bytes are of both directions" },
    { "limit",  OPTION_UINT,   offsetof(struct connections_values, limit),  "100", 1, CENSUS_LIMIT_MAX, 0, NULL, NULL, "so many of them" },
    { "closed", OPTION_BOOL,   offsetof(struct connections_values, closed), NULL, 0, 0, 0, NULL, NULL, "those that ended last, and why, instead of those that are open" },
    { "kill",   OPTION_UINT,   offsetof(struct connections_values, kill),   NULL, 1, UINT64_MAX, 0, NULL, NULL, "end the connection with this ID, and list none" },
    { "json",   OPTION_BOOL,   offsetof(struct connections_values, json),   NULL, 0, 0, 0, NULL, NULL, "print JSON, with more of each" },
};
// clang-format on
static const struct option_table own_table = { own_rows, ARRAY_LEN(own_rows) };

// ---- tables -------------------------------------------------------------------------------------

static const char *text_of(const cJSON *row, const char *name)
{
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItem(row, name));
    return text ? text : "";
}

static const char *number_of(const cJSON *row, const char *name, char out[NUMBER_BYTES])
{
    const cJSON *number = cJSON_GetObjectItem(row, name);
    if (!cJSON_IsNumber(number))
        return "";
    snprintf(out, NUMBER_BYTES, "%.0f", cJSON_GetNumberValue(number));
    return out;
}

static const char *age_of(const cJSON *row, const char *name, char out[CLOCK_TEXT_BYTES])
{
    const cJSON *age_ms = cJSON_GetObjectItem(row, name);
    if (!cJSON_IsNumber(age_ms))
        return "";
    return clock_age((int64_t)cJSON_GetNumberValue(age_ms) / MS_PER_S, out);
}

static void add_open(struct table *table, const cJSON *row)
{
    char id[NUMBER_BYTES], up[NUMBER_BYTES], down[NUMBER_BYTES];
    char age[CLOCK_TEXT_BYTES], idle[CLOCK_TEXT_BYTES];
    table_add(table, (const char *const[]){ text_of(row, "cluster"), number_of(row, "id", id),
                         text_of(row, "client"), text_of(row, "step"), age_of(row, "age_ms", age),
                         age_of(row, "idle_ms", idle), number_of(row, "client_bytes", up),
                         number_of(row, "server_bytes", down) });
}

static void add_closed(struct table *table, const cJSON *row)
{
    char id[NUMBER_BYTES], age[CLOCK_TEXT_BYTES];
    table_add(table, (const char *const[]){ text_of(row, "cluster"), number_of(row, "id", id),
                         text_of(row, "client"), text_of(row, "ended"), age_of(row, "age_ms", age),
                         text_of(row, "close"), text_of(row, "error") });
}

static bool print_rows(const cJSON *rows, bool closed, struct err *err)
{
    static const char *const open_heads[] = { "CLUSTER", "ID", "CLIENT", "STEP", "AGE", "IDLE",
        "UP", "DOWN" };
    static const char *const closed_heads[] = { "CLUSTER", "ID", "CLIENT", "ENDED", "LASTED",
        "CLOSE", "ERROR" };
    struct table table;
    const cJSON *row = NULL;
    table_init(&table, closed ? ARRAY_LEN(closed_heads) : ARRAY_LEN(open_heads));
    table_add(&table, closed ? closed_heads : open_heads);
    cJSON_ArrayForEach(row, rows)
        (closed ? add_closed : add_open)(&table, row);
    bool ok = table_print(&table, stdout);
    table_done(&table);
    return ok ? table_flush(stdout, err) : err_set(err, ERR_MEMORY, "out of memory");
}

static bool print_table(const char *text, bool closed, struct err *err)
{
    cJSON *answer = cJSON_Parse(text);
    const cJSON *rows = cJSON_GetObjectItem(answer, closed ? "closed" : "connections");
    int count = cJSON_GetArraySize(rows);
    double open = cJSON_GetNumberValue(cJSON_GetObjectItem(answer, "open"));
    bool ok = cJSON_IsArray(rows) ||
              err_set(err, ERR_FILE, "what answers is no proxy of this version: restart it");
    if (ok && count > 0)
        ok = print_rows(rows, closed, err);
    else if (ok)
        puts(closed ? "none has ended" : "no connections");
    if (ok && !closed && open > count)
        printf("%d of %.0f: --limit shows more\n", count, open);
    if (ok && cJSON_IsFalse(cJSON_GetObjectItem(answer, "complete")))
        fputs("tidblink connections: a worker has not answered, its connections are not shown\n",
            stderr);
    cJSON_Delete(answer);
    return ok;
}

// ---- what is asked ------------------------------------------------------------------------------

// {"error":"..."}
static bool fail(const struct admin_answer *answer, struct err *err)
{
    cJSON *json = cJSON_Parse(answer->text);
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItem(json, "error"));
    err_set(err, answer->status == ADMIN_BUSY ? ERR_TRANSITION : ERR_FILE, "%.300s",
        text ? text : "what answers is no proxy of this version: restart it");
    cJSON_Delete(json);
    return false;
}

static bool kill_one(const struct settings *settings, uint64_t id, struct err *err)
{
    char path[PATH_BYTES];
    struct admin_answer answer = { 0 };
    snprintf(path, sizeof(path), "/api/v1/connections/%" PRIu64 "/kill", id);
    if (admin_client_ask(ADMIN_POST, settings->admin_socket, path, TIMEOUT_MS, &answer, err) !=
        ADMIN_ANSWERED)
        return false;
    bool ok = answer.status == ADMIN_OK;
    if (answer.status == ADMIN_UNKNOWN)
        err_set(err, ERR_FILE,
            "there is no connection %" PRIu64 " (any more): tidblink connections lists them", id);
    else if (!ok)
        fail(&answer, err);
    free(answer.text);
    return ok;
}

static bool list(
    const struct connections_values *own, const struct settings *settings, struct err *err)
{
    char path[PATH_BYTES];
    struct admin_answer answer = { 0 };
    const struct admin_question question = {
        .socket = settings->admin_socket,
        .path = path,
        .cluster = settings->named_count > 0 ? settings->clusters[0].alias : NULL,
        .timeout_ms = TIMEOUT_MS,
    };
    snprintf(path, sizeof(path), "/api/v1/connections?sort=%s&limit=%" PRIu64,
        order_choices[own->order], own->limit);
    if (admin_client_put(&question, &answer, err) != ADMIN_ANSWERED)
        return false;
    bool ok = answer.status == ADMIN_OK;
    if (answer.status == ADMIN_UNKNOWN && question.cluster)
        err_set(err, ERR_UNKNOWN_CLUSTER,
            "the running proxy does not serve cluster %.100s: tidblink connections lists those of "
            "all",
            question.cluster);
    else if (!ok)
        fail(&answer, err);
    else if (own->json)
        fputs(answer.text, stdout);
    else
        ok = print_table(answer.text, own->closed, err);
    free(answer.text);
    return ok;
}

static bool run(const struct command_line *line, int *exit_code, struct err *err)
{
    (void)exit_code;
    struct connections_values own = { 0 };
    const struct settings_request request = {
        .line = line, .own = &own_table, .own_values = &own, .clusters_max = 1
    };
    struct settings *settings = settings_build(&request, err);
    bool ok =
        settings && (own.kill ? kill_one(settings, own.kill, err) : list(&own, settings, err));
    settings_free(settings);
    return ok;
}

const struct command cmd_connections = {
    .name = "connections",
    .usage = "[CLUSTER] [--sort newest|oldest|idle|bytes] [--limit N] [--closed] [--kill ID] "
             "[--json]",
    .summary = "list a running proxy's connections, or end one",
    .help = "Asks the proxy of this configuration through its admin socket. IDs, steps and\n"
            "the reasons of --closed are those of the log; UP and DOWN are bytes to and from\n"
            "the cluster. --kill ends one connection at once, whatever it is doing; ends with 1\n"
            "when there is none with this ID.",
    .own = &own_table,
    .run = run,
};
