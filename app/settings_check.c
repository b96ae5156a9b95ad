// SPDX-License-Identifier: Apache-2.0
//
// Whether the settings make sense together, and what follows from them: defaults that depend on
// where the program runs, parsed addresses, the arrays that the lower layers take. The last step of
// settings.c's build; the values never change afterwards.
#include "app/settings.h"

#include "app/health.h"
#include "base/addr.h"
#include "base/credentials.h"
#include "base/err.h"
#include "base/os.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PATH_BYTES = 512 };
enum { TTL_MIN_MS = 5000, TTL_MAX_MS = 60000, NEGATIVE_MS = 5000 };

static bool no_memory(struct err *err)
{
    return err_set(err, ERR_MEMORY, "out of memory");
}

enum control_source settings_state_source(const struct settings *settings)
{
    const char *source = settings->control.state_source;
    if (strcmp(source, "none") == 0)
        return CONTROL_SOURCE_NONE;
    return strcmp(source, "api") == 0 ? CONTROL_SOURCE_API : CONTROL_SOURCE_FILE;
}

// ---- defaults that depend on where we run -------------------------------------------------------

static bool set_text(char **text, const char *value, struct err *err)
{
    free(*text);
    *text = strdup(value);
    return *text || no_memory(err);
}

// Those of deploy/systemd/tidblink.service.
#define STATE_FOLDER "/var/lib/tidblink"
#define RUNTIME_FOLDER "/run/tidblink"

static bool default_state_dir(struct settings *settings, struct err *err)
{
    char path[PATH_BYTES];
    const char *systemd = getenv("STATE_DIRECTORY"); // systemd.exec(5), StateDirectory=
    const char *xdg = getenv("XDG_STATE_HOME");
    const char *home = getenv("HOME");
    if (settings->control.state_dir && strcmp(settings->control.state_dir, "off") == 0) {
        free(settings->control.state_dir);
        settings->control.state_dir = NULL;
        return true;
    }
    if (settings->control.state_dir)
        return true;
    if (systemd && *systemd)
        snprintf(path, sizeof(path), "%.*s", (int)strcspn(systemd, ":"), systemd);
    else if (geteuid() == 0)
        snprintf(path, sizeof(path), STATE_FOLDER);
    else if (xdg && *xdg == '/')
        snprintf(path, sizeof(path), "%s/tidblink", xdg);
    else if (home && *home == '/')
        snprintf(path, sizeof(path), "%s/.local/state/tidblink", home);
    else
        return true;
    return set_text(&settings->control.state_dir, path, err);
}

static bool default_admin_socket(struct settings *settings, struct err *err)
{
    char path[PATH_BYTES];
    const char *runtime = getenv("RUNTIME_DIRECTORY"); // systemd.exec(5), RuntimeDirectory=
    const char *dir = settings->control.state_dir;
    if (settings->admin_socket)
        return true;
    if (runtime && *runtime)
        snprintf(path, sizeof(path), "%.*s/admin.sock", (int)strcspn(runtime, ":"), runtime);
    else if (dir && strcmp(dir, STATE_FOLDER) == 0 && access(RUNTIME_FOLDER, F_OK) == 0)
        snprintf(path, sizeof(path), RUNTIME_FOLDER "/admin.sock"); // so root's commands find it
    else if (dir)
        snprintf(path, sizeof(path), "%s/admin.sock", dir);
    else
        snprintf(path, sizeof(path), "off");
    return set_text(&settings->admin_socket, path, err);
}

// Files that are credentials of the process that this one takes over from.
static void find_credentials(const struct option_table *table, void *values)
{
    for (size_t i = 0; i < table->count; i++) {
        const struct option_row *row = &table->rows[i];
        if (row->type != OPTION_TEXT || !row->unit || strcmp(row->unit, "PATH") != 0)
            continue;
        char **text = (char **)((char *)values + row->offset);
        char *path = *text ? credentials_path(*text) : NULL;
        if (path) {
            free(*text);
            *text = path;
        }
    }
}

static void find_all_credentials(struct settings *settings)
{
    find_credentials(&settings_global_table, settings);
    for (size_t i = 0; i < settings->cluster_count; i++)
        find_credentials(&settings_cluster_table, &settings->clusters[i]);
}

static bool fill_defaults(struct settings *settings, struct err *err)
{
    struct control_options *control = &settings->control;
    settings->resolver.timeout_ms = settings->proxy.resolve_timeout_ms;
    settings->resolver.ttl_min_ms = TTL_MIN_MS;
    settings->resolver.ttl_max_ms = TTL_MAX_MS;
    settings->resolver.negative_ms = NEGATIVE_MS;
    control->loss_refuses = settings->control_loss != 0;
    settings->proxy.loss_refuses = control->loss_refuses;
    settings->proxy.batch = settings->scheduling != 0;
    settings->proxy.proves_way = settings->startup_check == HEALTH_STARTUP_GREETING;
    return default_state_dir(settings, err) && default_admin_socket(settings, err);
}

// ---- values that depend on each other -----------------------------------------------------------

static bool check_keys(const struct control_options *control, struct err *err)
{
    if (!control->public_key_file == !control->private_key_file)
        return true;
    return err_set(err, ERR_OPTION,
        "api-%s-key-file: not set, while the other key file is: expected both",
        control->public_key_file ? "private" : "public");
}

// Another machine that can reach the listener has the rights of the app beside us.
static bool check_local(
    const struct settings *settings, const struct addr *addr, const char *text, struct err *err)
{
    if (addr->any.sa_family == AF_UNIX || addr_is_loopback(addr) || settings->allow_remote)
        return true;
    return err_set(err, ERR_OPTION,
        "%s can be reached from other machines: expected a loopback address, or allow-remote = on",
        text);
}

static bool parse_admin(struct settings *settings, struct err *err)
{
    char text[PATH_BYTES + sizeof("unix:")];
    const char *listen = settings->admin_listen;
    if (listen && strcmp(listen, "off") != 0 &&
        (!addr_parse(listen, &settings->admin, err) ||
            !check_local(settings, &settings->admin, listen, err)))
        return err_prefix(err, "admin-listen");
    if (strcmp(settings->admin_socket, "off") == 0)
        return true;
    snprintf(text, sizeof(text), "unix:%s", settings->admin_socket);
    return addr_parse(text, &settings->admin_unix, err) || err_prefix(err, "admin-socket");
}

// ---- clusters -----------------------------------------------------------------------------------

static bool parse_listens(
    const struct settings *settings, struct cluster_settings *cluster, struct err *err)
{
    size_t count = cluster->listen.count;
    cluster->listens = calloc(count + 1, sizeof(*cluster->listens));
    if (!cluster->listens)
        return no_memory(err);
    for (size_t i = 0; i < count; i++) {
        const char *text = cluster->listen.items[i];
        if (!addr_parse(text, &cluster->listens[i], err) ||
            !check_local(settings, &cluster->listens[i], text, err))
            return err_prefix(err, "%s: listen", cluster->origin);
    }
    return true;
}

static bool check_place(
    const struct settings *settings, const struct cluster_settings *cluster, struct err *err)
{
    if (settings_state_source(settings) != CONTROL_SOURCE_NONE || (cluster->host && cluster->port))
        return true;
    return err_set(err, ERR_OPTION,
        "%s: state-source is none, so nobody tells where the cluster is: expected host and port",
        cluster->origin);
}

// PD's and TiKV's own ports, which clients of theirs (TiSpark, TiCDC, backup tools) are told to
// use.
static bool check_port(const struct cluster_settings *cluster, struct err *err)
{
    enum { PD_PORT = 2379, TIKV_PORT = 20160 };
    if (cluster->port != PD_PORT && cluster->port != TIKV_PORT)
        return true;
    return err_set(err, ERR_OPTION,
        "%s: port %u is %s's, and a private endpoint carries SQL only: expected the cluster's SQL "
        "port. Direct access to PD or TiKV needs VPC peering",
        cluster->origin, (unsigned)cluster->port, cluster->port == PD_PORT ? "PD" : "TiKV");
}

// Port 0 is a different port each time.
static bool is_shareable(const struct addr *addr)
{
    return addr->any.sa_family != AF_UNIX && addr_port(addr) == 0;
}

// Whether one of the first `count` listeners of a cluster has this address.
static bool has_listen(
    const struct cluster_settings *cluster, size_t count, const struct addr *addr)
{
    for (size_t i = 0; i < count; i++) {
        if (addr_equal(&cluster->listens[i], addr))
            return true;
    }
    return false;
}

static bool check_listen_is_free(
    const struct settings *settings, size_t at, size_t index, struct err *err)
{
    const struct cluster_settings *cluster = &settings->clusters[at];
    const struct addr *addr = &cluster->listens[index];
    for (size_t i = 0; i <= at && !is_shareable(addr); i++) {
        const struct cluster_settings *other = &settings->clusters[i];
        if (has_listen(other, i == at ? index : other->listen.count, addr))
            return err_set(err, ERR_OPTION,
                "%s: listen: %s is taken by cluster %s: expected an address for each",
                cluster->origin, cluster->listen.items[index], other->alias);
    }
    return true;
}

static bool check_duplicates(const struct settings *settings, struct err *err)
{
    for (size_t i = 0; i < settings->cluster_count; i++) {
        for (size_t l = 0; l < settings->clusters[i].listen.count; l++) {
            if (!check_listen_is_free(settings, i, l, err))
                return false;
        }
    }
    return true;
}

// Whether a socket can be bound to it: an address of another machine would fail at every dial.
static bool check_is_local(const struct addr *addr, const char *text, struct err *err)
{
    int fd = os_socket(addr->any.sa_family, SOCK_DGRAM);
    if (fd < 0)
        return err_sys(err, ERR_OPTION, errno, "source: cannot try %s", text);
    bool is_local = bind(fd, &addr->any, addr->len) == 0;
    close(fd);
    return is_local || err_set(err, ERR_OPTION,
                           "source: %s is not an address of this machine: expected one that "
                           "\"%s\" shows",
                           text, os_addresses_command);
}

static bool parse_sources(
    struct settings *settings, const struct settings_request *request, struct err *err)
{
    size_t count = settings->source.count;
    settings->sources = calloc(count + 1, sizeof(*settings->sources));
    if (!settings->sources)
        return no_memory(err);
    for (size_t i = 0; i < count; i++) {
        const char *text = settings->source.items[i];
        if (!addr_from_ip(text, 0, &settings->sources[i]))
            return err_set(err, ERR_OPTION, "source: \"%s\" is not an IP address", text);
        if (request->serves && !check_is_local(&settings->sources[i], text, err))
            return false;
    }
    settings->proxy.sources = settings->sources;
    settings->proxy.source_count = count;
    return true;
}

static bool make_targets(struct settings *settings, struct err *err)
{
    size_t count = settings->cluster_count;
    settings->control_targets = calloc(count + 1, sizeof(*settings->control_targets));
    settings->proxy_targets = calloc(count + 1, sizeof(*settings->proxy_targets));
    if (!settings->control_targets || !settings->proxy_targets)
        return no_memory(err);
    for (size_t i = 0; i < count; i++) {
        const struct cluster_settings *cluster = &settings->clusters[i];
        settings->control_targets[i] = (struct control_target){
            .alias = cluster->alias,
            .cluster = cluster->cluster_id,
            .group = cluster->group,
            .endpoint_id = cluster->endpoint_id,
            .host = cluster->host,
            .port = (uint16_t)cluster->port,
        };
        settings->proxy_targets[i] = (struct proxy_target){
            .control = settings->control_targets[i],
            .listens = cluster->listens,
            .listen_count = cluster->listen.count,
            .listener_max = cluster->listener_max,
        };
    }
    return true;
}

// What the name says when the options don't: NAME, or NAME/GROUP.
static bool name_cluster(struct cluster_settings *cluster, struct err *err)
{
    const char *slash = strchr(cluster->alias, '/');
    if (slash && !cluster->group && !set_text(&cluster->group, slash + 1, err))
        return false;
    if (cluster->cluster_id)
        return true;
    if (!set_text(&cluster->cluster_id, cluster->alias, err))
        return false;
    cluster->cluster_id[strcspn(cluster->cluster_id, "/")] = '\0';
    return true;
}

static bool check_clusters(
    struct settings *settings, const struct settings_request *request, struct err *err)
{
    if (request->serves && settings->cluster_count == 0)
        return err_set(err, ERR_USAGE,
            "no cluster: expected a CLUSTER on the command line, or a [cluster NAME] section in %s",
            settings->file ? settings->file : SETTINGS_DEFAULT_FILE);
    for (size_t i = 0; i < settings->cluster_count; i++) {
        struct cluster_settings *cluster = &settings->clusters[i];
        if (request->serves && !check_place(settings, cluster, err))
            return false;
        if (!check_port(cluster, err) || !name_cluster(cluster, err) ||
            !parse_listens(settings, cluster, err))
            return false;
    }
    return check_duplicates(settings, err) && make_targets(settings, err) &&
           settings_check_via(settings, request->serves, err) &&
           settings_check_allow(settings, request, err) &&
           settings_check_tls(settings, request, err);
}

bool settings_check(
    struct settings *settings, const struct settings_request *request, struct err *err)
{
    find_all_credentials(settings);
    return fill_defaults(settings, err) && check_keys(&settings->control, err) &&
           parse_admin(settings, err) && parse_sources(settings, request, err) &&
           check_clusters(settings, request, err);
}
