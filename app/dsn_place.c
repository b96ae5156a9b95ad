// SPDX-License-Identifier: Apache-2.0
//
// Finds the host and port, or the unix socket, that a connection string names. Used by cmd_dsn.c
// and admin_dsn.c.
#include "app/dsn_place.h"

#include "app/admin_client.h"
#include "app/facts.h"
#include "base/suggest.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

enum { ASK_TIMEOUT_MS = 2000 };

static const char *did_you_mean(const struct cluster_settings *cluster)
{
    struct suggest suggest = suggest_for(cluster->alias);
    if (cluster->similar)
        suggest_offer(&suggest, cluster->similar);
    return suggest_text(&suggest);
}

static void set_address(const struct addr *addr, struct dsn_place *out)
{
    if (addr->any.sa_family == AF_UNIX) {
        snprintf(out->socket, sizeof(out->socket), "%s", addr->un.sun_path);
        return;
    }
    char text[ADDR_TEXT_BYTES];
    snprintf(out->host, sizeof(out->host), "%s", addr_format_ip(addr, text));
    out->port = addr_port(addr);
}

// ---- through the proxy --------------------------------------------------------------------------

// The listener that a client of this machine should use: TCP before unix, which not all can.
static const struct addr *best_listener(const struct cluster_settings *cluster)
{
    for (size_t i = 0; i < cluster->listen.count; i++) {
        if (cluster->listens[i].any.sa_family != AF_UNIX)
            return &cluster->listens[i];
    }
    return cluster->listen.count > 0 ? &cluster->listens[0] : NULL;
}

// The first TCP address that the running proxy has for this alias, in its status document.
static bool find_in_status(const char *status, const char *alias, struct addr *out)
{
    bool found = false;
    cJSON *root = cJSON_Parse(status);
    const cJSON *cluster = NULL, *listen = NULL;
    cJSON_ArrayForEach(cluster, cJSON_GetObjectItem(root, "clusters")) {
        const char *name = cJSON_GetStringValue(cJSON_GetObjectItem(cluster, "alias"));
        if (!name || strcmp(name, alias) != 0)
            continue;
        cJSON_ArrayForEach(listen, cJSON_GetObjectItem(cluster, "listen")) {
            const char *text = cJSON_GetStringValue(listen);
            found = found || (text && addr_parse(text, out, NULL) && out->any.sa_family != AF_UNIX);
        }
    }
    cJSON_Delete(root);
    return found;
}

static bool ask_proxy(const struct settings *settings, struct dsn_place *out, struct err *err)
{
    struct admin_answer answer = { 0 };
    struct addr addr;
    struct err why = { 0 };
    const char *alias = settings->clusters[0].alias;
    bool found = settings->admin_unix.len > 0 &&
                 admin_client_ask(ADMIN_GET, settings->admin_socket, "/api/v1/status",
                     ASK_TIMEOUT_MS, &answer, &why) == ADMIN_ANSWERED &&
                 find_in_status(answer.text, alias, &addr);
    free(answer.text);
    if (found) {
        set_address(&addr, out);
        return true;
    }
    return err_set(err, ERR_FILE,
        "%s listens on a port that is chosen at start (port 0), and the proxy could not be asked "
        "for it%s%s: start it, or give --port",
        alias, *why.text ? ": " : "", why.text);
}

static bool find_listener(const struct settings *settings, struct dsn_place *out, struct err *err)
{
    const struct cluster_settings *cluster = &settings->clusters[0];
    const struct addr *listener = best_listener(cluster);
    if (!listener)
        return err_set(err, ERR_USAGE,
            "%.60s has no [cluster NAME] section in %.200s, so the proxy's port for it is not "
            "known: "
            "expected a section, or --port%s",
            cluster->alias, settings->file, did_you_mean(cluster));
    if (listener->any.sa_family != AF_UNIX && addr_port(listener) == 0)
        return ask_proxy(settings, out, err);
    set_address(listener, out);
    return true;
}

// ---- straight -----------------------------------------------------------------------------------

static bool is_configured(const struct control_target *target, struct dsn_place *out)
{
    if (!target->host || !target->port)
        return false;
    snprintf(out->host, sizeof(out->host), "%s", target->host);
    out->port = target->port;
    return true;
}

static bool set_endpoint(const struct control_target *target, const struct verdict *verdict,
    struct dsn_place *out, struct err *err)
{
    if (is_configured(target, out))
        return true;
    if (verdict) {
        memcpy(out->host, verdict->host, sizeof(out->host));
        out->port = verdict->port;
    }
    if (*out->host && out->port)
        return true;
    return err_set(err, ERR_REFUSED,
        "%s has no private endpoint address yet: tidblink status %s tells why; or give --host and "
        "--port",
        target->alias, target->alias);
}

static bool find_endpoint(const struct settings *settings, struct dsn_place *out, struct err *err)
{
    struct facts facts;
    struct verdict verdict;
    const struct control_target *target = &settings->control_targets[0];
    if (is_configured(target, out))
        return true;
    if (!facts_get(settings, target, FACTS_REMEMBER, &facts, err)) {
        const struct err why = *err;
        if (why.code != ERR_UNKNOWN_CLUSTER)
            return false;
        return err_set(err, why.code, "%.300s%s", why.text, did_you_mean(&settings->clusters[0]));
    }
    facts_judge(&facts, target, &verdict);
    facts_done(&facts);
    return set_endpoint(target, &verdict, out, err);
}

// What the client may verify against: nothing of the cluster's when its own TLS ends in the proxy;
// and clients take a file, not a folder.
static const char *ca_of(const struct settings *settings, size_t index, bool direct)
{
    struct stat status;
    const char *ca = settings->clusters[index].tls_ca;
    bool goes_to_cluster = direct || settings->proxy_targets[index].tls == TLS_PASSTHROUGH;
    bool is_folder = ca && stat(ca, &status) == 0 && S_ISDIR(status.st_mode);
    return goes_to_cluster && !is_folder ? ca : NULL;
}

// Where the proxy on this machine speaks TLS itself, or nobody does, a client is told not to: some
// insist otherwise, and others then need words of their own for plaintext. `target` NULL: it is not
// known which.
static enum string_tls tls_of(
    const struct proxy_target *target, const struct dsn_wish *wish, const struct dsn_place *place)
{
    struct addr addr;
    bool is_here = !wish->host || !strcasecmp(wish->host, "localhost") ||
                   (addr_from_ip(wish->host, place->port, &addr) && addr_is_loopback(&addr));
    if (wish->direct)
        return STRING_TLS_VERIFY_IDENTITY;
    if (place->ca && !*place->socket)
        return STRING_TLS_VERIFY_CA;
    bool is_plain = target && is_here && target->tls != TLS_PASSTHROUGH &&
                    target->client_tls != CLIENT_TLS_REQUIRED;
    return is_plain ? STRING_TLS_OFF : STRING_TLS_CLIENT;
}

static bool find_way(const struct settings *settings, const struct dsn_wish *wish,
    struct dsn_place *out, struct err *err)
{
    if (wish->socket) {
        int len = snprintf(out->socket, sizeof(out->socket), "%s", wish->socket);
        return (size_t)len < sizeof(out->socket) ||
               err_set(err, ERR_USAGE, "--socket: the path is too long");
    }
    // With both given no cluster is needed.
    bool complete = wish->host && wish->port;
    if (!complete && !settings_only_cluster(settings, err))
        return false;
    if (!complete && !(wish->direct ? find_endpoint(settings, out, err)
                                    : wish->port || find_listener(settings, out, err)))
        return false;
    if (wish->host || wish->port)
        *out->socket = '\0';
    if (wish->host)
        snprintf(out->host, sizeof(out->host), "%s", wish->host);
    if (wish->port)
        out->port = wish->port;
    if (!*out->host && !*out->socket)
        snprintf(out->host, sizeof(out->host), "127.0.0.1");
    return true;
}

bool dsn_place_find(const struct settings *settings, const struct dsn_wish *wish,
    struct dsn_place *out, struct err *err)
{
    const struct proxy_target *target =
        settings->cluster_count == 1 ? &settings->proxy_targets[0] : NULL;
    *out = (struct dsn_place){ 0 };
    if (target)
        out->ca = ca_of(settings, 0, wish->direct);
    if (!find_way(settings, wish, out, err))
        return false;
    out->tls = tls_of(target, wish, out);
    return true;
}

bool dsn_place_known(const struct settings *settings, size_t index, const struct addr *listener,
    const struct verdict *verdict, struct dsn_place *out, struct err *err)
{
    const struct dsn_wish wish = { .direct = !listener };
    *out = (struct dsn_place){ .ca = ca_of(settings, index, wish.direct) };
    if (listener)
        set_address(listener, out);
    else if (!set_endpoint(&settings->control_targets[index], verdict, out, err))
        return false;
    out->tls = tls_of(&settings->proxy_targets[index], &wish, out);
    return true;
}
