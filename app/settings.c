// SPDX-License-Identifier: Apache-2.0
//
// Builds the settings from their sources in the order of precedence: defaults, configuration file,
// environment, command line; then settings_check.c looks at the whole. Keeps no state, so that a
// reload is simply another build.
#include "app/settings.h"

#include "app/cli.h"
#include "base/os.h"
#include "base/secret_file.h"
#include "base/suggest.h"
#include "proxy/peer_allow.h"
#include "proxy/via.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ORIGIN_BYTES = 384, NAME_SHOWN = 60 };

// The tables in the order in which cli_split looks names up.
enum table { TABLE_OWN = 0, TABLE_SOURCE, TABLE_GLOBAL, TABLE_CLUSTER, TABLES };

// clang-format off
static const struct option_row source_rows[] = {
    { "config", OPTION_TEXT, offsetof(struct settings, file), NULL, 0, 0, 0, NULL, "FILE", "configuration file (default " SETTINGS_DEFAULT_FILE " if it exists)" },
};
// clang-format on
const struct option_table settings_source_table = { source_rows, ARRAY_LEN(source_rows) };

// One build. Clusters are named by index, because the array moves while it grows.
struct build {
    const struct settings_request *request;
    struct settings *settings;
    struct cli cli;
    bool has_password; // the file does, in a `via`
    size_t section;    // the cluster that the file's values go to; NO_SECTION before the first
};
static const size_t NO_SECTION = SIZE_MAX;

static bool no_memory(struct err *err)
{
    return err_set(err, ERR_MEMORY, "out of memory");
}

static void cluster_free(struct cluster_settings *cluster)
{
    if (cluster->via) // it may hold a password
        os_wipe(cluster->via, strlen(cluster->via));
    option_free(&settings_cluster_table, cluster);
    free(cluster->alias);
    free(cluster->origin);
    free(cluster->listens);
    free(cluster->similar);
    via_free(cluster->jump);
    peer_allow_unref(cluster->allow);
}

void settings_free(struct settings *settings)
{
    if (!settings)
        return;
    for (size_t i = 0; i < settings->cluster_count; i++)
        cluster_free(&settings->clusters[i]);
    free(settings->clusters);
    free(settings->sources);
    free(settings->control_targets);
    free(settings->proxy_targets);
    option_free(&settings_global_table, settings);
    option_free(&settings_source_table, settings);
    free(settings);
}

static struct cluster_settings *add_cluster(
    struct settings *settings, const char *alias, const char *origin, struct err *err)
{
    size_t count = settings->cluster_count;
    struct cluster_settings *grown =
        os_reallocarray(settings->clusters, count + 1, sizeof(*settings->clusters));
    if (!grown) {
        no_memory(err);
        return NULL;
    }
    settings->clusters = grown;
    struct cluster_settings *cluster = &grown[count];
    *cluster = (struct cluster_settings){ .alias = strdup(alias), .origin = strdup(origin) };
    settings->cluster_count++;
    bool ok = cluster->alias && cluster->origin;
    if (!ok)
        no_memory(err);
    ok = ok && option_defaults(&settings_cluster_table, cluster, err);
    return ok ? cluster : NULL;
}

// ---- configuration file -------------------------------------------------------------------------

static bool on_section(void *arg, const char *section, const char *origin, struct err *err)
{
    static const char kind[] = "cluster ";
    struct build *build = arg;
    if (strncmp(section, kind, strlen(kind)) != 0)
        return err_set(err, ERR_OPTION, "%s: unknown section: expected [cluster NAME]", origin);
    build->section = build->settings->cluster_count;
    return add_cluster(build->settings, section + strlen(kind), origin, err) != NULL;
}

static bool unknown_key(const struct option_table *table, const struct option_table *other,
    const char *name, const char *origin, struct err *err)
{
    if (option_find(other, name))
        return err_set(err, ERR_OPTION, "%s: expected %s", origin,
            other == &settings_cluster_table ? "inside a [cluster NAME] section"
                                             : "before the first section: it is not an option of "
                                               "one cluster");
    struct suggest suggest = suggest_for(name);
    for (size_t i = 0; i < table->count; i++)
        suggest_offer(&suggest, table->rows[i].name);
    return err_set(err, ERR_OPTION,
        "%s: unknown option: expected one that tidblink proxy --help lists%s", origin,
        suggest_text(&suggest));
}

static bool on_value(
    void *arg, const char *name, const char *value, const char *origin, struct err *err)
{
    struct build *build = arg;
    bool global = build->section == NO_SECTION;
    const struct option_table *table = global ? &settings_global_table : &settings_cluster_table;
    const struct option_table *other = global ? &settings_cluster_table : &settings_global_table;
    const struct option_row *row = option_find(table, name);
    if (!row)
        return unknown_key(table, other, name, origin, err);
    void *target =
        global ? (void *)build->settings : (void *)&build->settings->clusters[build->section];
    if (!global && strcmp(name, "via") == 0 && settings_via_has_password(value))
        build->has_password = true;
    return settings_assign(row, target, value, origin, err);
}

static bool assign_flag(const struct cli_item *item, void *target, struct err *err)
{
    char origin[ORIGIN_BYTES];
    snprintf(origin, sizeof(origin), "--%s", item->row->name);
    if (settings_assign(item->row, target, item->text, origin, err))
        return true;
    if (err && err->code == ERR_OPTION)
        err->code = ERR_USAGE;
    return false;
}

static bool read_file(struct build *build, struct err *err)
{
    struct settings *settings = build->settings;
    if (!settings_environment(&settings_source_table, settings, err))
        return false;
    for (size_t i = 0; i < build->cli.count; i++) {
        const struct cli_item *item = &build->cli.items[i];
        if (item->table == TABLE_SOURCE && !assign_flag(item, settings, err))
            return false;
    }
    if (!settings->file) {
        if (access(SETTINGS_DEFAULT_FILE, F_OK) != 0)
            return true;
        settings->file = strdup(SETTINGS_DEFAULT_FILE);
        if (!settings->file)
            return no_memory(err);
    }
    const struct option_reader reader = {
        .arg = build, .on_section = on_section, .on_value = on_value
    };
    if (!option_read_file(settings->file, &reader, err))
        return false;
    return !build->has_password || secret_file_is_closed(settings->file, err) ||
           err_prefix(err, "a via has a password in the configuration file");
}

// ---- which clusters -----------------------------------------------------------------------------

static struct cluster_settings *find_alias(struct settings *settings, const char *alias)
{
    for (size_t i = 0; i < settings->cluster_count; i++) {
        if (strcmp(settings->clusters[i].alias, alias) == 0)
            return &settings->clusters[i];
    }
    return NULL;
}

// What is known about a CLUSTER that the file, which has others, does not have.
static bool set_unlisted(struct settings *settings, size_t listed, struct err *err)
{
    struct cluster_settings *cluster = &settings->clusters[settings->cluster_count - 1];
    struct suggest suggest = suggest_for(cluster->alias);
    cluster->unlisted = listed > 0;
    if (strchr(cluster->alias, '/'))
        return true; // a group is meant, so its cluster, which is near, is not
    for (size_t i = 0; i < listed; i++)
        suggest_offer(&suggest, settings->clusters[i].alias);
    cluster->similar = suggest.best ? strdup(suggest.best) : NULL;
    return !suggest.best || cluster->similar || no_memory(err);
}

static bool copy_list(struct option_list *to, const struct option_list *from)
{
    for (size_t i = 0; i < from->count; i++)
        if (!option_list_add(to, from->items[i]))
            return false;
    return true;
}

// A CLUSTER that is no alias: NAME or ID with an optional /GROUP. When NAME is an alias, the group
// belongs to that cluster; endpoint, host and listeners are the group's own.
static bool add_named(struct settings *settings, const char *word, struct err *err)
{
    char name[256];
    char origin[ORIGIN_BYTES];
    const char *slash = strchr(word, '/');
    size_t len = slash ? (size_t)(slash - word) : strlen(word);
    if (len == 0 || len >= sizeof(name) || (slash && !slash[1]))
        return err_set(err, ERR_USAGE, "\"%.*s\" is no cluster: expected NAME or NAME/GROUP",
            NAME_SHOWN, word);
    snprintf(name, sizeof(name), "%.*s", (int)len, word);
    snprintf(origin, sizeof(origin), "cluster %.*s", NAME_SHOWN, word);
    const struct cluster_settings *known = find_alias(settings, name);
    char *id = known && known->cluster_id ? strdup(known->cluster_id) : NULL;
    char *ca = known && known->tls_ca ? strdup(known->tls_ca) : NULL;
    char *via = known && known->via ? strdup(known->via) : NULL;
    char *via_file = known && known->via_password_file ? strdup(known->via_password_file) : NULL;
    bool copied = !known || (!known->cluster_id == !id && !known->tls_ca == !ca &&
                                !known->via == !via && !known->via_password_file == !via_file);
    struct cluster_settings *cluster = add_cluster(settings, word, origin, err);
    if (!cluster) {
        free(id);
        free(ca);
        free(via);
        free(via_file);
        return false;
    }
    cluster->cluster_id = id;
    cluster->tls_ca = ca;
    cluster->via = via;
    cluster->via_password_file = via_file;
    known = known ? find_alias(settings, name) : NULL; // the array may have moved
    if (known) {
        cluster->tls = known->tls;
        cluster->client_tls = known->client_tls;
        cluster->allow_plaintext = known->allow_plaintext;
        copied = copied && copy_list(&cluster->server_names, &known->server_names);
        copied = copied && copy_list(&cluster->allow_users, &known->allow_users) &&
                 copy_list(&cluster->allow_groups, &known->allow_groups);
    }
    return copied || no_memory(err);
}

// Moves the clusters that the command line names to the front, in its order, and drops the rest.
static bool select_clusters(struct build *build, struct err *err)
{
    struct settings *settings = build->settings;
    const size_t listed = settings->cluster_count;
    size_t chosen = 0;
    for (size_t i = 0; i < build->cli.count; i++) {
        const struct cli_item *item = &build->cli.items[i];
        if (item->row)
            continue;
        if (chosen == build->request->clusters_max)
            return err_set(err, ERR_USAGE, "\"%.*s\": %s", NAME_SHOWN, item->text,
                chosen == 0 ? "this command takes no CLUSTER" : "this command takes one CLUSTER");
        struct cluster_settings *cluster = find_alias(settings, item->text);
        if (!cluster) {
            if (!add_named(settings, item->text, err) || !set_unlisted(settings, listed, err))
                return false;
            cluster = &settings->clusters[settings->cluster_count - 1];
        }
        size_t at = (size_t)(cluster - settings->clusters);
        if (at < chosen)
            return err_set(err, ERR_USAGE, "cluster %s is named twice", item->text);
        struct cluster_settings moved = *cluster;
        memmove(&settings->clusters[chosen + 1], &settings->clusters[chosen],
            (at - chosen) * sizeof(moved));
        settings->clusters[chosen++] = moved;
    }
    settings->named_count = chosen;
    while (chosen > 0 && settings->cluster_count > chosen)
        cluster_free(&settings->clusters[--settings->cluster_count]);
    return true;
}

// Without `listen`: the port follows from the cluster's place in the file, so that it stays the
// same whichever clusters a command is about; for those that are not in the file, from their place
// on the command line. A command that only asks does not know where a proxy, which was started with
// another command line, would listen for a cluster that is not in the file.
static bool default_listens(
    struct settings *settings, const struct settings_request *request, struct err *err)
{
    enum { FIRST_PORT = 4000 };
    if (request->chooses_listen)
        return true;
    for (size_t i = 0; i < settings->cluster_count; i++) {
        char text[32];
        snprintf(text, sizeof(text), "127.0.0.1:%zu", FIRST_PORT + i);
        struct option_list *listen = &settings->clusters[i].listen;
        if (listen->count > 0 || (settings->clusters[i].unlisted && !request->serves))
            continue;
        if (!option_list_add(listen, text))
            return no_memory(err);
    }
    return true;
}

static bool choose_listen(
    struct settings *settings, const struct settings_request *request, struct err *err)
{
    if (!request->listen || settings->cluster_count == 0)
        return true;
    option_list_free(&settings->clusters[0].listen);
    return option_list_add(&settings->clusters[0].listen, request->listen) || no_memory(err);
}

static bool put_defaults(
    struct settings *settings, const struct settings_request *request, struct err *err)
{
    if (!option_defaults(&settings_global_table, settings, err))
        return false;
    for (const struct settings_default *row = request->defaults; row && row->name; row++) {
        const struct option_row *option = option_find(&settings_global_table, row->name);
        if (!settings_assign(option, settings, row->text, row->name, err))
            return false;
    }
    return !request->own || option_defaults(request->own, request->own_values, err);
}

// ---- environment and command line ---------------------------------------------------------------

// Kubernetes puts TIDBLINK_PORT=tcp://… into every pod beside a Service named "tidblink"
// (kubernetes.io/docs/concepts/services-networking/service, "Environment variables").
static bool drop_service_port(void)
{
    const char *port = getenv("TIDBLINK_PORT");
    return !port || strncmp(port, "tcp://", strlen("tcp://")) != 0 ||
           unsetenv("TIDBLINK_PORT") == 0;
}

static bool read_cluster_variables(
    struct cluster_settings *cluster, const struct command_line *line, struct err *err)
{
    const struct option_row *via = option_find(&settings_cluster_table, "via");
    return settings_environment(&settings_cluster_table, cluster, err) &&
           (!line->via || settings_assign(via, cluster, line->via, "TIDBLINK_VIA", err));
}

// Options of a cluster come from the environment only when it is clear whose they are.
static bool read_cluster_environment(
    struct settings *settings, const struct command_line *line, struct err *err)
{
    struct cluster_settings found = { 0 };
    if (settings->cluster_count == 1)
        return read_cluster_variables(&settings->clusters[0], line, err);
    bool ok = read_cluster_variables(&found, line, err);
    for (size_t i = 0; ok && i < settings_cluster_table.count; i++) {
        const struct option_row *row = &settings_cluster_table.rows[i];
        const struct cluster_settings nothing = { 0 };
        if (settings->cluster_count > 1 && !option_equal(row, &found, &nothing))
            ok = err_set(err, ERR_OPTION,
                "the environment sets %s for one cluster, and there are %zu: set it in the "
                "[cluster NAME] sections",
                row->name, settings->cluster_count);
    }
    option_free(&settings_cluster_table, &found);
    return ok;
}

static bool read_environment(
    struct settings *settings, const struct command_line *line, struct err *err)
{
    const char *endpoint = getenv("TIDBCLOUD_DEDICATED_ENDPOINT");
    if (endpoint && *endpoint &&
        !settings_assign(option_find(&settings_global_table, "api-url"), settings, endpoint,
            "TIDBCLOUD_DEDICATED_ENDPOINT", err))
        return false;
    return drop_service_port() && settings_environment(&settings_global_table, settings, err) &&
           read_cluster_environment(settings, line, err);
}

static bool read_command_line(const struct build *build, struct err *err)
{
    struct settings *settings = build->settings;
    size_t words = 0;
    for (size_t i = 0; i < build->cli.count; i++) {
        const struct cli_item *item = &build->cli.items[i];
        void *target = NULL;
        switch (item->table) {
        case TABLE_OWN:
            target = build->request->own_values;
            break;
        case TABLE_GLOBAL:
            target = settings;
            break;
        case TABLE_CLUSTER:
            if (words == 0)
                return err_set(err, ERR_USAGE,
                    "--%s: it is an option of one cluster: expected behind a CLUSTER",
                    item->row->name);
            target = &settings->clusters[words - 1];
            break;
        case TABLE_SOURCE: // read_file had it
            continue;
        default:
            words++; // the order of the words is that of the clusters: select_clusters
            continue;
        }
        if (!assign_flag(item, target, err))
            return false;
    }
    return true;
}

// Everything that needs no value of another source; then the sources, weakest first.
static bool build_all(struct build *build, struct err *err)
{
    static const struct option_table none = { NULL, 0 };
    struct settings *settings = build->settings;
    const struct settings_request *request = build->request;
    const struct option_table *tables[TABLES] = {
        [TABLE_OWN] = request->own ? request->own : &none,
        [TABLE_SOURCE] = &settings_source_table,
        [TABLE_GLOBAL] = &settings_global_table,
        [TABLE_CLUSTER] = &settings_cluster_table,
    };
    settings->control.environment_keys = request->line->keys;
    if (!put_defaults(settings, request, err))
        return false;
    if (!cli_split(&build->cli, request->line->argc, request->line->argv, tables, TABLES, err))
        return false;
    if (!read_file(build, err) || !default_listens(settings, request, err))
        return false;
    return select_clusters(build, err) && default_listens(settings, request, err) &&
           read_environment(settings, request->line, err) && read_command_line(build, err) &&
           default_listens(settings, request, err) && choose_listen(settings, request, err) &&
           settings_check(settings, request, err);
}

struct settings *settings_build(const struct settings_request *request, struct err *err)
{
    struct build build = {
        .request = request, .settings = calloc(1, sizeof(*build.settings)), .section = NO_SECTION
    };
    if (!build.settings) {
        no_memory(err);
        return NULL;
    }
    bool ok = build_all(&build, err);
    cli_done(&build.cli);
    if (ok)
        return build.settings;
    settings_free(build.settings);
    return NULL;
}

const struct cluster_settings *settings_only_cluster(
    const struct settings *settings, struct err *err)
{
    if (settings->cluster_count == 1)
        return &settings->clusters[0];
    if (settings->cluster_count == 0) {
        err_set(err, ERR_USAGE, "which cluster? Expected a CLUSTER (tidblink clusters lists them)");
        return NULL;
    }
    err_set(err, ERR_USAGE,
        "which cluster? The configuration has %zu: expected one of them, as in "
        "\"%s\"",
        settings->cluster_count, settings->clusters[0].alias);
    return NULL;
}
