// SPDX-License-Identifier: Apache-2.0
//
// A file is reached by its folder, so that one that is put in its place (an editor's rename, a
// ConfigMap) can be read as well: landlock(7) goes by the file, not by its name. A folder that many
// share (/etc, /tmp, a home) is not given away for one file. Used by lockdown.c.
#include "app/lockdown_paths.h"

#include "base/err.h"
#include "base/os.h"
#include "base/os_sandbox.h"
#include "proxy/via.h"

#include <curl/curl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define RESOLV_CONF "/etc/resolv.conf"

enum { READ = OS_RIGHT_READ, READ_FOLDER = OS_RIGHT_READ | OS_RIGHT_LIST };
static const unsigned keep_rights =
    OS_RIGHT_READ | OS_RIGHT_LIST | OS_RIGHT_WRITE | OS_RIGHT_MAKE | OS_RIGHT_REMOVE;

void lockdown_places_done(struct lockdown_places *places)
{
    for (size_t i = 0; i < places->count; i++)
        free(places->items[i].path);
    free(places->items);
    places->items = NULL;
    places->count = 0;
}

// ---- one place ----------------------------------------------------------------------------------

// One row for each place, with all that it is for.
static bool merge(
    struct lockdown_places *places, const char *origin, const char *real, unsigned rights)
{
    for (size_t i = 0; i < places->count; i++) {
        struct lockdown_place *place = &places->items[i];
        if (strcmp(place->path, real) != 0)
            continue;
        place->rights |= rights;
        size_t len = strlen(place->origin);
        if (!strstr(place->origin, origin))
            snprintf(
                place->origin + len, sizeof(place->origin) - len, "%s%s", len ? "," : "", origin);
        return true;
    }
    return false;
}

bool lockdown_places_add(
    struct lockdown_places *places, const char *origin, const char *path, unsigned rights)
{
    struct stat status;
    char *real = realpath(path, NULL);
    if (!real || stat(real, &status) < 0 || merge(places, origin, real, rights)) {
        free(real);
        return true;
    }
    struct lockdown_place *grown =
        os_reallocarray(places->items, places->count + 1, sizeof(*places->items));
    if (!grown) {
        free(real);
        return false;
    }
    places->items = grown;
    struct lockdown_place *place = &grown[places->count++];
    *place = (struct lockdown_place){ .path = real,
        .rights = rights,
        .is_folder = S_ISDIR(status.st_mode),
        .device = status.st_dev,
        .inode = status.st_ino };
    snprintf(place->origin, sizeof(place->origin), "%s", origin);
    return true;
}

// The folder in which `path` stands, by its words alone.
static void folder_of(const char *path, char out[PATH_MAX])
{
    const char *slash = strrchr(path, '/');
    int len = slash && slash != path ? (int)(slash - path) : 1;
    snprintf(out, PATH_MAX, "%.*s", slash ? len : 1, slash ? path : ".");
}

// Whether others keep their things there, too. What stands right below the root folder is the
// system's (hier(7)), but for a volume that is mounted there under a name of its own (containers).
static bool is_shared(const char *folder)
{
    static const char *const shared[] = { "/", "/boot", "/dev", "/etc", "/home", "/media", "/mnt",
        "/opt", "/proc", "/root", "/run", "/srv", "/sys", "/tmp", "/usr", "/var", "/etc/ssl",
        "/etc/ssl/private", "/etc/pki", "/var/lib", "/var/log", "/var/run", "/var/tmp", "/usr/lib",
        "/usr/local", "/usr/share", "/dev/shm" };
    const char *home = getenv("HOME");
    char parent[PATH_MAX];
    folder_of(folder, parent);
    bool found = (strcmp(parent, "/") == 0 && !os_is_mounted(folder)) ||
                 strcmp(parent, "/home") == 0 || (home && strcmp(folder, home) == 0);
    for (size_t i = 0; !found && i < ARRAY_LEN(shared); i++)
        found = strcmp(folder, shared[i]) == 0;
    return found;
}

static bool add_folder_of(
    struct lockdown_places *places, const char *origin, const char *path, unsigned rights)
{
    char folder[PATH_MAX];
    folder_of(path, folder);
    char *real = realpath(folder, NULL);
    bool is_own = real && !is_shared(real);
    bool ok = !is_own || lockdown_places_add(places, origin, real, rights);
    free(real);
    return ok;
}

// A file that is read again later, or a folder. By both names, before and behind links.
static bool add_file(struct lockdown_places *places, const char *origin, const char *path)
{
    struct stat status;
    if (!path)
        return true;
    if (stat(path, &status) == 0 && S_ISDIR(status.st_mode))
        return lockdown_places_add(places, origin, path, READ_FOLDER);
    if (!lockdown_places_add(places, origin, path, READ))
        return false;
    char *real = realpath(path, NULL);
    bool ok = places->is_strict || (add_folder_of(places, origin, path, READ) &&
                                       (!real || add_folder_of(places, origin, real, READ)));
    free(real);
    return ok;
}

// Its name is taken away at the end.
static bool add_socket(struct lockdown_places *places, const char *origin, const struct addr *addr)
{
    char folder[PATH_MAX];
    if (addr->len == 0 || addr->any.sa_family != AF_UNIX)
        return true;
    folder_of(addr->un.sun_path, folder);
    return lockdown_places_add(places, origin, folder, OS_RIGHT_REMOVE);
}

// ---- what libraries read ------------------------------------------------------------------------

// A host name in a URL, or in a jump, is looked up by getaddrinfo(3).
static bool is_number(const char *url)
{
    struct addr addr;
    char host[64];
    const char *begin = strstr(url, "://");
    begin = begin ? begin + strlen("://") : url;
    begin += *begin == '[';
    snprintf(host, sizeof(host), "%.*s",
        (int)strcspn(begin, begin > url && begin[-1] == '[' ? "]" : ":/"), begin);
    return addr_from_ip(host, 0, &addr);
}

static bool asks_for_names(const struct settings *settings)
{
    bool asks = settings->resolver.servers.count == 0 || getenv("https_proxy") ||
                getenv("HTTPS_PROXY") || getenv("all_proxy") || getenv("ALL_PROXY");
    if (settings_state_source(settings) == CONTROL_SOURCE_API)
        asks = asks || !is_number(settings->control.api_url);
    for (size_t i = 0; !asks && i < settings->cluster_count; i++) {
        const struct via *jump = settings->clusters[i].jump;
        asks = jump && !via_is_program(jump) && !is_number(jump->host);
    }
    return asks;
}

// DHCP clients replace it, and without it nothing can be looked up. Where it is a link (systemd-
// resolved) that happens in a folder of its own; where it is mounted (containers) it is written in
// place.
static bool add_resolv_conf(struct lockdown_places *places, const struct settings *settings)
{
    const char *path =
        settings->resolver.resolv_conf ? settings->resolver.resolv_conf : RESOLV_CONF;
    char folder[PATH_MAX];
    if (!add_file(places, "", path))
        return false;
    char *real = realpath(path, NULL);
    folder_of(real ? real : path, folder);
    bool is_in_shared = !places->is_strict && asks_for_names(settings) && is_shared(folder) &&
                        !(real && os_is_mounted(real));
    free(real);
    if (is_in_shared && strcmp(folder, "/etc") == 0)
        places->has_all_of_etc = true;
    return !is_in_shared || lockdown_places_add(places, "", folder, READ);
}

// Certificates, the modules of nsswitch.conf(5), time zones, random numbers.
static bool add_of_libraries(struct lockdown_places *places)
{
    static const char *const variables[] = { "SSL_CERT_FILE", "SSL_CERT_DIR", "OPENSSL_CONF" };
    const curl_version_info_data *curl = curl_version_info(CURLVERSION_NOW);
    bool ok = (!curl->cainfo || lockdown_places_add(places, "", curl->cainfo, READ)) &&
              (!curl->capath || lockdown_places_add(places, "", curl->capath, READ));
    for (size_t i = 0; ok && os_library_files[i]; i++)
        ok = lockdown_places_add(places, "", os_library_files[i], READ_FOLDER);
    for (size_t i = 0; ok && i < ARRAY_LEN(variables); i++)
        if (getenv(variables[i]))
            ok = lockdown_places_add(places, "", getenv(variables[i]), READ);
    return ok;
}

// ---- the configuration --------------------------------------------------------------------------

static const char *state_file(const struct settings *settings)
{
    bool is_file = settings_state_source(settings) == CONTROL_SOURCE_FILE;
    return is_file ? settings->control.state_source + strlen("file:") : NULL;
}

static bool has_names(const struct option_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        if (list->items[i][strspn(list->items[i], "0123456789")])
            return true;
    return false;
}

// Where a reload looks up users and groups by name. Who adds one (useradd) puts other files in the
// place of these, which only the folder's right reaches.
static bool add_names(struct lockdown_places *places, const struct cluster_settings *cluster)
{
    static const char origin[] = "allow-users";
    bool ok = add_file(places, origin, "/etc/passwd") && add_file(places, origin, "/etc/group") &&
              add_file(places, origin, "/etc/nsswitch.conf");
    bool has_any = has_names(&cluster->allow_users) || has_names(&cluster->allow_groups);
    if (!ok || places->is_strict || !has_any)
        return ok;
    places->has_all_of_etc = true;
    return lockdown_places_add(places, origin, "/etc", READ);
}

// The files that a start or a reload reads and that the proxy may read again.
static bool add_files(struct lockdown_places *places, const struct settings *settings)
{
    bool ok = add_file(places, "config", settings->file) &&
              add_file(places, "api-ca", settings->control.api_ca) &&
              add_file(places, "state-source", state_file(settings)) &&
              add_file(places, "client-tls-cert", settings->client_tls_cert) &&
              add_file(places, "client-tls-key", settings->client_tls_key) &&
              add_file(places, "client-rsa-key", settings->client_rsa_key);
    for (size_t i = 0; ok && i < settings->cluster_count; i++) {
        const struct cluster_settings *cluster = &settings->clusters[i];
        ok = add_file(places, "tls-ca", cluster->tls_ca) &&
             add_file(places, "via-password-file", cluster->via_password_file) &&
             (!cluster->allow || add_names(places, cluster));
    }
    return ok;
}

static bool add_sockets(struct lockdown_places *places, const struct settings *settings)
{
    bool ok = add_socket(places, "admin-socket", &settings->admin_unix);
    for (size_t i = 0; ok && i < settings->cluster_count; i++) {
        const struct cluster_settings *cluster = &settings->clusters[i];
        for (size_t l = 0; ok && l < cluster->listen.count; l++)
            ok = add_socket(places, "listen", &cluster->listens[l]);
    }
    return ok;
}

bool lockdown_places_collect(struct lockdown_places *places, const struct settings *settings)
{
    *places = (struct lockdown_places){ .is_strict = settings->sandbox == SANDBOX_STRICT };
    return add_files(places, settings) && add_sockets(places, settings) &&
           (!settings->control.state_dir || lockdown_places_add(places, "state-dir",
                                                settings->control.state_dir, keep_rights)) &&
           add_resolv_conf(places, settings) && add_of_libraries(places);
}

// ---- later --------------------------------------------------------------------------------------

static bool is_below(const char *path, const char *folder)
{
    size_t len = strlen(folder);
    return strncmp(path, folder, len) == 0 &&
           (path[len] == '/' || path[len] == '\0' || (len == 1 && *folder == '/'));
}

static bool has_right(
    const struct lockdown_places *places, const char *real, const struct stat *status)
{
    for (size_t i = 0; i < places->count; i++) {
        const struct lockdown_place *place = &places->items[i];
        bool is_in = place->is_folder
                         ? is_below(real, place->path)
                         : status->st_dev == place->device && status->st_ino == place->inode;
        if (is_in && (place->rights & OS_RIGHT_READ))
            return true;
    }
    return false;
}

// What is missing is another complaint's.
static bool covers(
    const struct lockdown_places *places, const char *option, const char *path, struct err *err)
{
    struct stat status;
    char *real = path ? realpath(path, NULL) : NULL;
    bool fine = !real || stat(real, &status) < 0 || has_right(places, real, &status);
    free(real);
    return fine || err_set(err, ERR_OPTION,
                       "%s: %s is out of reach of the sandbox, which was closed at the start: "
                       "restart tidblink to use it",
                       option, path);
}

bool lockdown_places_cover(
    const struct lockdown_places *places, const struct settings *fresh, struct err *err)
{
    bool fine = covers(places, "config", fresh->file, err) &&
                covers(places, "client-tls-cert", fresh->client_tls_cert, err) &&
                covers(places, "client-tls-key", fresh->client_tls_key, err) &&
                covers(places, "client-rsa-key", fresh->client_rsa_key, err);
    for (size_t i = 0; fine && i < fresh->cluster_count; i++) {
        const struct cluster_settings *cluster = &fresh->clusters[i];
        fine = covers(places, "tls-ca", cluster->tls_ca, err) ||
               err_prefix(err, "%s", cluster->origin);
    }
    return fine;
}
