// SPDX-License-Identifier: Apache-2.0
//
// tidblink clusters: the clusters that the API key can see.
#include "app/command.h"
#include "app/facts.h"
#include "app/facts_json.h"
#include "app/table.h"

#include <cjson/cJSON.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct clusters_values {
    bool json;
};

// clang-format off
static const struct option_row own_rows[] = {
    { "json", OPTION_BOOL, offsetof(struct clusters_values, json), NULL, 0, 0, 0, NULL, NULL, "print JSON" },
};
// clang-format on
static const struct option_table own_table = { own_rows, ARRAY_LEN(own_rows) };

// The alias under which the configuration has it, by ID or by display name.
static const char *alias_of(const struct settings *settings, const struct cluster *cluster)
{
    for (size_t i = 0; i < settings->cluster_count; i++) {
        const char *named = settings->control_targets[i].cluster;
        if (strcmp(named, cluster->id) == 0 || (cluster->name && strcmp(named, cluster->name) == 0))
            return settings->clusters[i].alias;
    }
    return NULL;
}

static bool print_json(const struct settings *settings, const struct facts *facts, struct err *err)
{
    cJSON *root = cJSON_CreateObject();
    cJSON_AddBoolToObject(root, "last_known", facts->from_disk);
    facts_json_text(root, "reason", facts->failure.text);
    cJSON *list = cJSON_AddArrayToObject(root, "clusters");
    for (size_t i = 0; i < facts->model->cluster_count; i++) {
        const struct cluster *cluster = &facts->model->clusters[i];
        const char *alias = alias_of(settings, cluster);
        cJSON *object = facts_json_cluster(cluster, alias ? alias : cluster->id);
        facts_json_text(object, "alias", alias);
        cJSON_AddItemToArray(list, object);
    }
    bool printed = facts_json_print(root, false, err);
    cJSON_Delete(root);
    return printed;
}

static void add_row(
    struct table *table, const struct settings *settings, const struct cluster *cluster)
{
    char port[8] = "";
    if (cluster->port)
        snprintf(port, sizeof(port), "%u", cluster->port);
    table_add(table, (const char *const[]){ cluster->name, cluster->id, cluster->region,
                         cluster->state.text, port, alias_of(settings, cluster) });
}

static bool print_table(const struct settings *settings, const struct facts *facts)
{
    static const char *const heads[] = { "NAME", "ID", "REGION", "STATE", "PORT", "ALIAS" };
    struct table table;
    const struct model *model = facts->model;
    const char *project = settings->control.project_id;
    if (!project && model->cluster_count > 0)
        project = model->clusters[0].project_id;
    if (model->cluster_count == 0) {
        printf("no clusters in %s%s\n", project ? "project " : "the key's default project",
            project ? project : "");
        return true;
    }
    printf("project %s\n\n", project ? project : "(default)");
    table_init(&table, ARRAY_LEN(heads));
    table_add(&table, heads);
    for (size_t i = 0; i < model->cluster_count; i++)
        add_row(&table, settings, &model->clusters[i]);
    bool ok = table_print(&table, stdout);
    table_done(&table);
    return ok;
}

static bool print(
    const struct clusters_values *own, const struct settings *settings, struct err *err)
{
    struct facts facts;
    if (!facts_get(settings, NULL, FACTS_ASK, &facts, err))
        return false;
    facts_warn(&facts);
    bool ok = own->json
                  ? print_json(settings, &facts, err)
                  : print_table(settings, &facts) || err_set(err, ERR_MEMORY, "out of memory");
    facts_done(&facts);
    return ok;
}

static bool run(const struct command_line *line, int *exit_code, struct err *err)
{
    (void)exit_code;
    struct clusters_values own = { 0 };
    const struct settings_request request = { .line = line, .own = &own_table, .own_values = &own };
    struct settings *settings = settings_build(&request, err);
    bool ok = settings && print(&own, settings, err);
    settings_free(settings);
    return ok;
}

const struct command cmd_clusters = {
    .name = "clusters",
    .usage = "[--project-id ID] [--json]",
    .summary = "list the clusters that the API key can see",
    .help = "Asks the control API for the clusters of one project: project-id, else the key's\n"
            "default project. Names, IDs, regions, states, and the alias under which the\n"
            "configuration has them. tidblink status CLUSTER tells more about one.",
    .own = &own_table,
    .run = run,
};
