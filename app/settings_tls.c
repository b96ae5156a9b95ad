// SPDX-License-Identifier: Apache-2.0
//
// Which TLS the settings mean: towards each cluster and towards its applications. Part of
// settings_check.c's work.
#include "app/settings.h"

#include "base/addr.h"
#include "base/err.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PATH_BYTES = 512, HOST_NAME_BYTES = 253 };

static enum tls_mode mode_of(const struct cluster_settings *cluster)
{
    switch ((enum tls_choice)cluster->tls) {
    case TLS_CHOICE_AUTO:
        return cluster->tls_ca ? TLS_VERIFY_FULL : TLS_PASSTHROUGH;
    case TLS_CHOICE_PASSTHROUGH:
        return TLS_PASSTHROUGH;
    case TLS_CHOICE_OFF:
        return TLS_OFF;
    case TLS_CHOICE_VERIFY_CA:
        return TLS_VERIFY_CA;
    case TLS_CHOICE_VERIFY_FULL:
        return TLS_VERIFY_FULL;
    }
    abort(); // no other value has a name
}

static enum client_tls client_of(const struct cluster_settings *cluster)
{
    switch ((enum client_tls_choice)cluster->client_tls) {
    case CLIENT_TLS_CHOICE_AUTO:
        return tls_is_verified(mode_of(cluster)) ? CLIENT_TLS_OPTIONAL : CLIENT_TLS_OFF;
    case CLIENT_TLS_CHOICE_OFF:
        return CLIENT_TLS_OFF;
    case CLIENT_TLS_CHOICE_OPTIONAL:
        return CLIENT_TLS_OPTIONAL;
    case CLIENT_TLS_CHOICE_REQUIRED:
        return CLIENT_TLS_REQUIRED;
    }
    abort();
}

// Which of them can be had together.
static bool check_modes(const struct cluster_settings *cluster, struct err *err)
{
    enum tls_mode mode = mode_of(cluster);
    enum client_tls client = client_of(cluster);
    if (tls_is_verified(mode) && !cluster->tls_ca)
        return err_set(err, ERR_OPTION,
            "%s: tls needs the authority of the cluster's certificate: expected tls-ca (download "
            "it from the cluster's Connect dialog in the TiDB Cloud console)",
            cluster->origin);
    if (mode == TLS_PASSTHROUGH && client == CLIENT_TLS_OPTIONAL)
        return err_set(err, ERR_OPTION,
            "%s: client-tls = optional does not go with tls = passthrough, where the application's "
            "own TLS goes to the cluster: expected tls = verify-full with tls-ca, or client-tls = "
            "off or required",
            cluster->origin);
    if (mode == TLS_OFF && client != CLIENT_TLS_OFF && !cluster->allow_plaintext)
        return err_set(err, ERR_OPTION,
            "%s: with tls = off, what applications send by TLS would go on to the cluster in the "
            "clear: expected tls = verify-full with tls-ca, or allow-plaintext-upstream = on",
            cluster->origin);
    return true;
}

// RFC 1123, 2.1, and underscores. A dot in front, which OpenSSL takes for "anything below", is
// none.
static bool is_host_name(const char *name)
{
    size_t label_len = 0;
    for (const char *c = name; *c; c++) {
        bool is_inner = isalnum((unsigned char)*c) || *c == '_' || (*c == '-' && label_len);
        if (!is_inner && (*c != '.' || !label_len))
            return false;
        label_len = *c == '.' ? 0 : label_len + 1;
    }
    return *name && strlen(name) <= HOST_NAME_BYTES;
}

static bool check_names(const struct cluster_settings *cluster, struct err *err)
{
    const struct option_list *names = &cluster->server_names;
    struct addr addr;
    if (names->count && !tls_is_verified(mode_of(cluster)))
        return err_set(err, ERR_OPTION,
            "%s: tls-server-name: the cluster's certificate is not looked at: expected tls-ca, and "
            "tls = verify-full",
            cluster->origin);
    for (size_t i = 0; i < names->count; i++) {
        const char *name = names->items[i];
        if (addr_from_ip(name, 0, &addr) && names->count > 1)
            return err_set(err, ERR_OPTION,
                "%s: tls-server-name: %s is an IP address: expected it alone, or host names",
                cluster->origin, name);
        if (!addr_from_ip(name, 0, &addr) && !is_host_name(name))
            return err_set(err, ERR_OPTION,
                "%s: tls-server-name: \"%s\" is no host name: expected one without wildcards, as "
                "the cluster's certificate has it",
                cluster->origin, name);
    }
    return true;
}

static bool check_identity(const struct settings *settings, struct err *err)
{
    if (!settings->client_tls_cert == !settings->client_tls_key)
        return true;
    return err_set(err, ERR_OPTION, "client-tls-%s: not set, while client-tls-%s is: expected both",
        settings->client_tls_cert ? "key" : "cert", settings->client_tls_cert ? "cert" : "key");
}

static bool default_rsa_key(struct settings *settings, struct err *err)
{
    char path[PATH_BYTES];
    if (settings->client_rsa_key || !settings->control.state_dir)
        return true;
    snprintf(path, sizeof(path), "%s/client-rsa-key.pem", settings->control.state_dir);
    settings->client_rsa_key = strdup(path);
    return settings->client_rsa_key || err_set(err, ERR_MEMORY, "out of memory");
}

// What the lower layers take; borrows from the settings.
static void derive(struct settings *settings)
{
    for (size_t i = 0; i < settings->cluster_count; i++) {
        const struct cluster_settings *cluster = &settings->clusters[i];
        struct proxy_target *target = &settings->proxy_targets[i];
        target->tls = mode_of(cluster);
        target->client_tls = client_of(cluster);
        target->trust = (struct tls_trust_plan){
            .ca = cluster->tls_ca,
            .names = (const char *const *)cluster->server_names.items,
            .name_count = cluster->server_names.count,
        };
    }
    settings->proxy_plan.targets = settings->proxy_targets;
    settings->proxy_plan.target_count = settings->cluster_count;
    settings->proxy_plan.identity = (struct tls_identity_plan){ settings->client_tls_cert,
        settings->client_tls_key, settings->client_rsa_key };
}

bool settings_check_tls(
    struct settings *settings, const struct settings_request *request, struct err *err)
{
    settings->proxy_plan.rsa_key_may_fail = !settings->client_rsa_key;
    for (size_t i = 0; i < settings->cluster_count; i++) {
        const struct cluster_settings *cluster = &settings->clusters[i];
        if (request->serves && (!check_modes(cluster, err) || !check_names(cluster, err)))
            return false;
    }
    if (!check_identity(settings, err) || !default_rsa_key(settings, err))
        return false;
    derive(settings);
    return true;
}

// ---- reload -------------------------------------------------------------------------------------

static void swap_text(char **a, char **b)
{
    char *text = *a;
    *a = *b;
    *b = text;
}

void settings_adopt_tls(struct settings *settings, struct settings *fresh)
{
    for (size_t i = 0; i < settings->cluster_count; i++) {
        struct cluster_settings *to = &settings->clusters[i], *from = &fresh->clusters[i];
        struct option_list names = to->server_names;
        to->server_names = from->server_names;
        from->server_names = names;
        swap_text(&to->tls_ca, &from->tls_ca);
        to->tls = from->tls;
        to->client_tls = from->client_tls;
        to->allow_plaintext = from->allow_plaintext;
    }
    swap_text(&settings->client_tls_cert, &fresh->client_tls_cert);
    swap_text(&settings->client_tls_key, &fresh->client_tls_key);
    swap_text(&settings->client_rsa_key, &fresh->client_rsa_key);
    settings->proxy_plan.rsa_key_may_fail = fresh->proxy_plan.rsa_key_may_fail;
    derive(settings);
}
