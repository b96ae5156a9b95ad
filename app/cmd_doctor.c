// SPDX-License-Identifier: Apache-2.0
//
// tidblink doctor: looks at every hop from the configuration to the server's greeting, names the
// first that is broken, and prints what repairs it.
#include "app/cli.h"
#include "app/command.h"
#include "app/doctor_print.h"
#include "app/doctor_proxy.h"
#include "app/facts_json.h"
#include "app/settings.h"
#include "base/loop.h"
#include "base/text.h"
#include "guide/doctor.h"

#include <cjson/cJSON.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ARGUMENT_BYTES = 1024 };

struct doctor_values {
    bool json;
};

// clang-format off
static const struct option_row own_rows[] = {
    { "json", OPTION_BOOL, offsetof(struct doctor_values, json), NULL, 0, 0, 0, NULL, NULL, "print JSON" },
};
// clang-format on
static const struct option_table own_table = { own_rows, ARRAY_LEN(own_rows) };

// What all of the clusters share.
struct visit {
    const struct settings *settings; // NULL: they could not be read, and `broken` tells why
    struct err broken;
    char arguments[ARGUMENT_BYTES]; // of our own commands
    struct cJSON *status;           // of the running proxy
    struct err no_status;
    struct loop *loop;
    struct cJSON *list; // what was found, a cluster each
    bool json;          // print that instead of text
    int *exit_code;
    const char *alias; // of the cluster that is looked at
};

// ---- the command line ---------------------------------------------------------------------------

// A command with half an option, or without it, would be another one.
static bool add_argument(struct visit *visit, const struct cli_item *item, struct err *err)
{
    char option[ARGUMENT_BYTES], word[ARGUMENT_BYTES];
    size_t len = strlen(visit->arguments);
    int option_len = snprintf(option, sizeof(option), "--%s=%s", item->row->name, item->text);
    if (option_len < (int)sizeof(option)) {
        size_t word_len = text_shell_word(option, word, sizeof(word));
        if (len + 1 + word_len < sizeof(visit->arguments)) {
            snprintf(visit->arguments + len, sizeof(visit->arguments) - len, " %s", word);
            return true;
        }
    }
    return err_set(err, ERR_USAGE,
        "--%s: the options are too long for the commands that doctor prints: expected %zu bytes "
        "at most; put them into the configuration file",
        item->row->name, sizeof(visit->arguments) - 1);
}

// The options that this command was given are part of the commands that it prints.
static bool read_arguments(
    const struct command_line *line, struct visit *visit, bool *out_json, struct err *err)
{
    const struct option_table *tables[] = { &own_table, &settings_source_table,
        &settings_global_table, &settings_cluster_table };
    struct cli cli = { 0 };
    if (!cli_split(&cli, line->argc, line->argv, tables, ARRAY_LEN(tables), err))
        return false;
    bool added = true;
    for (size_t i = 0; added && i < cli.count; i++) {
        const struct cli_item *item = &cli.items[i];
        if (!item->row)
            continue;
        if (item->table == 0)
            *out_json = strcmp(item->text, "off") != 0;
        else
            added = add_argument(visit, item, err);
    }
    cli_done(&cli);
    return added;
}

// ---- one cluster --------------------------------------------------------------------------------

static void on_view(void *arg, size_t hop, const struct hop_view *view)
{
    const struct visit *visit = arg;
    if (visit->json)
        return;
    doctor_print_view(stdout, hop, view);
    fflush(stdout);
}

static void look_proxy(void *arg, struct hop_view *out)
{
    const struct visit *visit = arg;
    doctor_proxy_look(visit->status, &visit->no_status, visit->alias, out);
}

static void fill_plan(struct visit *visit, size_t index, struct doctor_plan *plan)
{
    const struct settings *settings = visit->settings;
    plan->file = settings->file;
    plan->world = world_plan_of(&settings->control, &settings->control_targets[index]);
    plan->target = &settings->proxy_targets[index];
    plan->resolver = &settings->resolver;
    plan->keepalive_ms = settings->proxy.keepalive_ms;
    plan->connect_ms = settings->proxy.connect_timeout_ms;
    plan->greeting_ms = settings->proxy.handshake_timeout_ms;
    visit->alias = settings->clusters[index].alias;
}

static void examine(struct visit *visit, size_t index)
{
    struct doctor doctor = { .loop = visit->loop };
    struct doctor_plan plan = {
        .broken = visit->settings ? NULL : &visit->broken,
        .arguments = visit->arguments,
        .look_proxy = look_proxy,
        .on_view = on_view,
        .arg = visit,
    };
    doctor.plan = &plan;
    if (visit->settings)
        fill_plan(visit, index, &plan);
    if (!visit->json && visit->alias)
        printf("%s%s\n", index > 0 ? "\n" : "", visit->alias);
    doctor_run(&doctor);
    cJSON_AddItemToArray(visit->list, doctor_json(&doctor, visit->alias));
    if (!visit->json) {
        putchar('\n');
        doctor_print_end(stdout, &doctor);
    }
    if (doctor_first(&doctor) < HOPS)
        *visit->exit_code = EXIT_STATE;
    doctor_done(&doctor);
}

// ---- the command --------------------------------------------------------------------------------

static bool examine_all(struct visit *visit, struct err *err)
{
    visit->loop = loop_new("doctor", err);
    if (!visit->loop)
        return false;
    if (visit->settings)
        visit->status = doctor_proxy_ask(visit->settings, &visit->no_status);
    size_t count = visit->settings ? visit->settings->cluster_count : 1;
    for (size_t i = 0; i < count; i++)
        examine(visit, i);
    // Only to a proxy that answers: a dead one has been waited for already.
    if (visit->status)
        doctor_proxy_tell(visit->settings, visit->list);
    cJSON_Delete(visit->status);
    loop_free(visit->loop);
    return true;
}

static bool print_json(const struct visit *visit, struct err *err)
{
    cJSON *root = cJSON_CreateObject();
    cJSON_AddBoolToObject(root, "ok", *visit->exit_code == EXIT_DONE);
    cJSON_AddItemReferenceToObject(root, "clusters", visit->list);
    bool printed = facts_json_print(root, false, err);
    cJSON_Delete(root);
    return printed;
}

// A configuration that cannot be used is a finding; a wrong command line is not.
static bool run(const struct command_line *line, int *exit_code, struct err *err)
{
    struct doctor_values own = { 0 };
    struct visit visit = { .exit_code = exit_code };
    const struct settings_request request = {
        .line = line, .own = &own_table, .own_values = &own, .clusters_max = 1, .serves = true
    };
    if (!read_arguments(line, &visit, &visit.json, err))
        return false;
    struct settings *settings = settings_build(&request, &visit.broken);
    if (!settings && visit.broken.code != ERR_OPTION) {
        *err = visit.broken;
        return false;
    }
    visit.settings = settings;
    visit.list = cJSON_CreateArray();
    bool ok = examine_all(&visit, err);
    if (ok && visit.json)
        ok = print_json(&visit, err);
    cJSON_Delete(visit.list);
    settings_free(settings);
    return ok;
}

const struct command cmd_doctor = {
    .name = "doctor",
    .usage = "[CLUSTER] [--json]",
    .summary = "look at every hop to the cluster and say what to fix",
    .help = "Looks at every hop from the configuration to the server's greeting: the key and\n"
            "the control API; cluster, node group, private link service and endpoint\n"
            "connection in TiDB Cloud; through the AWS CLI the endpoint in AWS, its VPC,\n"
            "private DNS, zones and security groups; from this machine the DNS servers, the\n"
            "name, TCP to each address, greeting and TLS; and what a running proxy sees.\n"
            "Nothing is changed. A running proxy of this configuration is told what was\n"
            "found, for its status page.\n"
            "\n"
            "Each line begins with ok, warn, FAIL or skip. Below a line that is not ok stands\n"
            "why, and a fix: a command that can be pasted as it is, or what has to be done.\n"
            "The last line names the first thing to fix.\n"
            "\n"
            "Without an AWS CLI the hops in AWS are skipped. No password is needed: a server\n"
            "is left before the login, or with one that MySQL does not count as an error.\n"
            "Ends with 0 when no hop has failed and 3 when one has.",
    .own = &own_table,
    .run = run,
};
