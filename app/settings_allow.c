// SPDX-License-Identifier: Apache-2.0
//
// Who may connect to the unix listeners of each cluster. Part of settings_check.c's work.
#include "app/settings.h"

#include "base/err.h"
#include "proxy/peer_allow.h"

static bool has_unix_listener(const struct cluster_settings *cluster)
{
    for (size_t i = 0; i < cluster->listen.count; i++)
        if (cluster->listens[i].any.sa_family == AF_UNIX)
            return true;
    return false;
}

bool settings_check_allow(
    struct settings *settings, const struct settings_request *request, struct err *err)
{
    for (size_t i = 0; request->serves && i < settings->cluster_count; i++) {
        struct cluster_settings *cluster = &settings->clusters[i];
        if (cluster->allow_users.count == 0 && cluster->allow_groups.count == 0)
            continue;
        const char *option = cluster->allow_users.count ? "allow-users" : "allow-groups";
        if (!request->chooses_listen && !has_unix_listener(cluster))
            return err_set(err, ERR_OPTION,
                "%s: %s is about unix sockets, and over TCP nobody can tell who connects: expected "
                "a listen = unix:PATH with it",
                cluster->origin, option);
        cluster->allow = peer_allow_new(&cluster->allow_users, &cluster->allow_groups, err);
        if (!cluster->allow)
            return err_prefix(err, "%s: allow-users, allow-groups", cluster->origin);
        settings->proxy_targets[i].allow = cluster->allow;
    }
    return true;
}

static void swap_list(struct option_list *a, struct option_list *b)
{
    struct option_list kept = *a;
    *a = *b;
    *b = kept;
}

void settings_adopt_allow(struct settings *settings, struct settings *fresh)
{
    for (size_t i = 0; i < settings->cluster_count; i++) {
        struct cluster_settings *to = &settings->clusters[i], *from = &fresh->clusters[i];
        struct peer_allow *kept = to->allow;
        swap_list(&to->allow_users, &from->allow_users);
        swap_list(&to->allow_groups, &from->allow_groups);
        to->allow = from->allow;
        from->allow = kept;
        settings->proxy_targets[i].allow = to->allow;
    }
}
