// SPDX-License-Identifier: Apache-2.0
//
// tidblink setup: from a cluster to a working private endpoint. What the steps are is guide/'s
// business; here is what is asked, printed and written.
#include "app/choose.h"
#include "app/command.h"
#include "app/facts_json.h"
#include "app/setup_ask.h"
#include "app/setups.h"
#include "app/table.h"
#include "base/err.h"
#include "guide/elsewhere.h"
#include "strings/strings.h"

#include <cjson/cJSON.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STEPS_MAX = 16, CLUSTERS_MAX = 32 };

struct setup_values {
    char *subnet_ids, *security_group_ids, *private_ip;
    uint64_t max_ms;
    bool apply, console, resume, json;
};

// clang-format off
#define AT(field) offsetof(struct setup_values, field)
static const struct option_row own_rows[] = {
    { "apply",              OPTION_BOOL, AT(apply),              NULL,  0, 0, 0, NULL, NULL, "take the steps; without it they are printed" },
    { "console",            OPTION_BOOL, AT(console),            NULL,  0, 0, 0, NULL, NULL, "print the steps as clicks in the two consoles" },
    { "subnet-ids",         OPTION_TEXT, AT(subnet_ids),         NULL,  0, 0, 0, NULL, "\"ID ID\"", "subnets for the endpoint, one in each zone (default on EC2: the instance's own)" },
    { "security-group-ids", OPTION_TEXT, AT(security_group_ids), NULL,  0, 0, 0, NULL, "\"ID ID\"", "security groups for the endpoint (default: the VPC's default group)" },
    { "private-ip",         OPTION_TEXT, AT(private_ip),         NULL,  0, 0, 0, NULL, "IP", "address of the private endpoint, on Azure" },
    { "resume",             OPTION_BOOL, AT(resume),             NULL,  0, 0, 0, NULL, NULL, "resume the cluster if it is paused" },
    { "max",                OPTION_MS,   AT(max_ms),             "30m", 0, 0, 0, NULL, NULL, "give up waiting after this time" },
    { "json",               OPTION_BOOL, AT(json),               NULL,  0, 0, 0, NULL, NULL, "print JSON; progress goes to standard error" },
};
// clang-format on
static const struct option_table own_table = { own_rows, ARRAY_LEN(own_rows) };

static const char limits[] =
    "A private endpoint carries SQL within the cluster's region. TiCDC to another\n"
    "region or to a downstream without an endpoint service of yours, and direct\n"
    "access to PD or TiKV (ports 2379, 20160), need VPC peering instead.\n";

static size_t count_steps(void)
{
    size_t count = 0;
    while (setup_step(count))
        count++;
    return count;
}

// ---- the plan -----------------------------------------------------------------------------------

// What plans come to.
struct outcome {
    bool is_of_many; // of several clusters
    bool is_open;    // something is left that --apply does or waits for
    bool is_yours;   // something is left that it does not: its command is the reader's to run
    struct err stop; // the first step that is blocked; ERR_NONE: none
};

static void take_note(
    struct outcome *outcome, const struct setup *setup, size_t step, const struct step_view *view)
{
    bool is_yours = view->status == STEP_MANUAL || view->status == STEP_SKIPPED;
    if (setups_is_open(view))
        *(is_yours ? &outcome->is_yours : &outcome->is_open) = true;
    if (view->status != STEP_BLOCKED || outcome->stop.code != ERR_NONE)
        return;
    err_set(&outcome->stop, view->code, "%s: %s", setup_step(step)->title, view->text);
    if (outcome->is_of_many)
        err_prefix(&outcome->stop, "%.100s", setup->plan->world.target->alias);
}

static void print_plan(struct setup *setup, struct outcome *outcome)
{
    struct step_view views[STEPS_MAX];
    setup_view(setup, views, count_steps());
    printf("%s\n", setup->plan->world.target->alias);
    for (size_t i = 0; i < count_steps(); i++) {
        setups_print_step(stdout, i, &views[i], true);
        take_note(outcome, setup, i, &views[i]);
        if (views[i].status == STEP_BLOCKED && i == 0)
            break; // nothing below is known
    }
}

static cJSON *plan_json(struct setup *setup, struct outcome *outcome)
{
    struct step_view views[STEPS_MAX];
    cJSON *object = cJSON_CreateObject();
    setup_view(setup, views, count_steps());
    facts_json_text(object, "alias", setup->plan->world.target->alias);
    facts_json_text(object, "endpoint_id", setup_endpoint_id(setup));
    cJSON *steps = cJSON_AddArrayToObject(object, "steps");
    for (size_t i = 0; i < count_steps(); i++) {
        const struct step *row = setup_step(i);
        cJSON *step = cJSON_CreateObject();
        facts_json_text(step, "step", row->key);
        facts_json_text(step, "title", row->title);
        facts_json_text(step, "status", setups_status_key(views[i].status));
        facts_json_text(step, "text", views[i].text);
        facts_json_text(step, "usual", row->usual);
        facts_json_text(step, "command", views[i].command);
        cJSON_AddItemToArray(steps, step);
        take_note(outcome, setup, i, &views[i]);
    }
    return object;
}

static bool print_json(struct setups *setups, struct outcome *outcome, struct err *err)
{
    cJSON *list = cJSON_CreateArray();
    for (size_t i = 0; i < setups->count; i++)
        cJSON_AddItemToArray(list, plan_json(&setups->setups[i], outcome));
    bool printed = facts_json_print(list, false, err);
    cJSON_Delete(list);
    return printed;
}

static void print_rest(const struct outcome *outcome)
{
    if (!outcome->is_open && !outcome->is_yours)
        puts("Nothing is left to do.");
    else if (!outcome->is_yours)
        puts("Nothing was changed. The same command with --apply takes the steps.");
    else
        puts(outcome->is_open
                 ? "Nothing was changed. Run the commands of what is by hand or skipped yourself;\n"
                   "the same command with --apply takes the other steps."
                 : "Nothing was changed. What is left is for you to run: the commands above.");
    if (outcome->is_open || outcome->is_yours)
        fputs(limits, stdout);
}

static bool print_plans(const struct setup_values *own, struct setups *setups, struct err *err)
{
    struct outcome outcome = { .is_of_many = setups->count > 1 };
    if (own->json && !print_json(setups, &outcome, err))
        return false;
    for (size_t i = 0; !own->json && i < setups->count; i++) {
        print_plan(&setups->setups[i], &outcome);
        putchar('\n');
    }
    if (outcome.stop.code != ERR_NONE)
        return err_set(err, outcome.stop.code, "%s", outcome.stop.text);
    if (!own->json)
        print_rest(&outcome);
    return true;
}

// ---- the end ------------------------------------------------------------------------------------

// What was not tested may not work, whatever the clouds say.
static void print_end(const struct setup *setup, const char *alias)
{
    char word[SHELL_WORD_BYTES], line[STEP_TEXT_BYTES + 256];
    if (!*setup->untested) {
        printf("\n%s is ready. Connection strings, straight to the private endpoint:\n\n", alias);
        return;
    }
    snprintf(line, sizeof(line),
        "%.100s is set up; not tested from here: %s. Where the application runs:", alias,
        setup->untested);
    putchar('\n');
    table_paragraph(stdout, "", 0, line);
    printf("    tidblink doctor %s\nConnection strings, straight to the private endpoint:\n\n",
        setup_alias(setup, word));
}

// A string for the command line, one for a URL, one for Java: the rest is dsn's.
static void print_strings(const struct setup *setup, const struct cluster_settings *cluster)
{
    static const char *const clients[] = { "mysql", "url", "jdbc" };
    char alias[SHELL_WORD_BYTES];
    const struct endpoint *connection = setup_connection(setup);
    const struct string_request request = {
        .host = connection && connection->host ? connection->host : setup->world.group->host,
        .port = setup->world.port,
        .user = "root",
        .direct = true,
        .ca_path = cluster->tls_ca,
        .tls = STRING_TLS_VERIFY_IDENTITY,
    };
    if (!request.host)
        return;
    print_end(setup, cluster->alias);
    for (size_t i = 0; i < ARRAY_LEN(clients); i++) {
        const struct string_client *client = strings_find(clients[i]);
        struct string_output output;
        struct err err;
        if (!client || !strings_print(client, &request, &output, &err))
            continue;
        printf("%s\n", output.text);
        strings_output_done(&output);
    }
    setup_alias(setup, alias);
    printf("\nOthers: tidblink dsn %s --direct --client all\n"
           "With verified TLS and refusals that explain themselves: tidblink proxy %s\n",
        alias, alias);
}

static bool apply(const struct setup_values *own, struct setups *setups, struct err *err)
{
    FILE *out = own->json ? stderr : stdout;
    setups_catch_interrupt();
    if (setups->count == 1)
        fprintf(out, "%s\n", setups->setups[0].plan->world.target->alias);
    struct outcome ignored = { 0 }; // what stopped the walk counts
    bool done = setups_walk(setups, "cluster", "configuration", own->max_ms, out, err);
    if (own->json)
        return print_json(setups, &ignored, done ? err : NULL) && done;
    for (size_t i = 0; i < setups->count; i++)
        if (setups->setups[i].has_arrived)
            print_strings(&setups->setups[i], &setups->settings->clusters[i]);
    return done;
}

// A cluster that no click helps is a failure like a plan's.
static bool print_clicks(const struct setups *setups, struct err *err)
{
    struct outcome outcome = { .is_of_many = setups->count > 1 };
    for (size_t i = 0; i < setups->count; i++) {
        struct step_view view = { 0 };
        struct setup *setup = &setups->setups[i];
        setup_step(0)->look(setup, &view);
        take_note(&outcome, setup, 0, &view);
        printf("%s%s\n", i > 0 ? "\n" : "", setup->plan->world.target->alias);
        if (setup->world.group && setup->world.group->service_name)
            elsewhere_clicks(setup, stdout);
        else
            setups_print_step(stdout, 0, &view, true);
    }
    printf("\n%s", limits);
    return outcome.stop.code == ERR_NONE ||
           err_set(err, outcome.stop.code, "%s", outcome.stop.text);
}

// ---- the command --------------------------------------------------------------------------------

static bool set_up(const struct setup_values *own, const struct settings *settings, struct err *err)
{
    const struct setups_wish wish = {
        .subnet_ids = own->subnet_ids,
        .security_group_ids = own->security_group_ids,
        .private_ip = own->private_ip,
        .resume = own->resume,
        .acts = own->apply,
        .replaces = true,
    };
    struct setups setups = { 0 };
    bool ok = own->apply && own->console
                  ? err_set(err, ERR_USAGE,
                        "--apply takes the steps, --console shows them as clicks: "
                        "expected one of the two")
                  : setups_open(&setups, settings, &wish, err);
    for (size_t i = 0; ok && choose_can_ask() && !own->json && i < setups.count; i++)
        ok = setup_ask_network(&setups, i, err);
    if (ok && own->console)
        ok = print_clicks(&setups, err);
    else if (ok)
        ok = own->apply ? apply(own, &setups, err) : print_plans(own, &setups, err);
    setups_close(&setups);
    return ok;
}

// Without a word for it, the only cluster of the configuration is meant.
static bool needs_cluster(const struct settings *settings)
{
    return settings->named_count == 0 && settings->cluster_count != 1;
}

static bool run_with(const struct command_line *line, bool may_ask, struct err *err);

// The same command line with the cluster that was chosen.
static bool run_with_choice(const struct command_line *line, const char *cluster, struct err *err)
{
    char *word = strdup(cluster);
    char **argv = calloc((size_t)line->argc + 2, sizeof(*argv));
    if (!word || !argv)
        abort();
    argv[0] = word; // in front of the options of one cluster
    for (int i = 0; i < line->argc; i++)
        argv[i + 1] = line->argv[i];
    const struct command_line chosen = { line->argc + 1, argv, line->keys };
    bool ok = run_with(&chosen, false, err);
    free(argv);
    free(word);
    return ok;
}

static bool run_with(const struct command_line *line, bool may_ask, struct err *err)
{
    struct setup_values own = { 0 };
    char chosen[SETUP_ASK_BYTES] = "";
    const struct settings_request request = {
        .line = line, .own = &own_table, .own_values = &own, .clusters_max = CLUSTERS_MAX
    };
    struct settings *settings = settings_build(&request, err);
    bool ok = settings != NULL;
    if (ok && needs_cluster(settings) && may_ask && choose_can_ask())
        ok = setup_ask_cluster(settings, chosen, err);
    else if (ok && needs_cluster(settings))
        ok = settings_only_cluster(settings, err) != NULL;
    if (ok && !*chosen)
        ok = set_up(&own, settings, err);
    option_free(&own_table, &own);
    settings_free(settings);
    return ok && *chosen ? run_with_choice(line, chosen, err) : ok;
}

static bool run(const struct command_line *line, int *exit_code, struct err *err)
{
    (void)exit_code;
    return run_with(line, true, err);
}

const struct command cmd_setup = {
    .name = "setup",
    .usage = "[CLUSTER...] [--apply | --console] [--resume] [--json]",
    .summary = "create the private endpoint, step by step",
    .help = "Looks at TiDB Cloud and, through the AWS CLI, at AWS, and prints each step from\n"
            "the cluster to a connection: what is done, what is to do, and the exact command\n"
            "for it. With --apply it takes the steps, waits where the clouds take their time,\n"
            "tests the connection, writes endpoint-id into the configuration file and prints\n"
            "connection strings. Run again after anything, it goes on where things are: it\n"
            "never creates a second endpoint. Undo it with tidblink endpoint delete.\n"
            "\n"
            "On EC2 VPC and subnet are the instance's own. For clusters on Google Cloud and\n"
            "Azure the provider's commands are printed, and TiDB Cloud's half is done here.\n"
            "\n"
            "Private endpoints carry SQL within one region. TiCDC to another region or to a\n"
            "downstream without an endpoint service of yours, and direct access to PD or TiKV\n"
            "(ports 2379, 20160), need VPC peering.\n"
            "\n"
            "Ends with 0 when everything is done, or can be; where the connection cannot be\n"
            "tested from this machine, that is said and is no failure. With 3 when a state or\n"
            "a step of yours is in the way, 4 when TiDB Cloud or AWS refuses the key or the\n"
            "rights.",
    .own = &own_table,
    .run = run,
};
