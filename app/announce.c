// SPDX-License-Identifier: Apache-2.0
//
// The lines of a start, and what is safe but seldom meant. Used by program.c.
#include "app/announce.h"

#include "app/program.h"
#include "app/version.h"
#include "app/words.h"
#include "base/log.h"
#include "proxy/via.h"

// Client libraries take a unix socket for safe and send the password itself, when the plugin is one
// that wants it: on TCP without TLS they would not. Where a server would encrypt, nobody does.
static void warn_about_passwords(
    const struct cluster_settings *cluster, const struct proxy_target *target)
{
    bool is_verified = tls_is_verified(target->tls);
    bool goes_encrypted = is_verified || (target->tls == TLS_PASSTHROUGH &&
                                             target->client_tls == CLIENT_TLS_REQUIRED);
    for (size_t i = 0; i < target->listen_count; i++) {
        const struct addr *addr = &target->listens[i];
        bool is_unix = addr->any.sa_family == AF_UNIX;
        bool is_remote = !is_unix && !addr_is_loopback(addr);
        if (is_unix && !goes_encrypted)
            log_facts(LOG_WARN,
                "clients may send passwords in the clear, and they go on to the cluster like "
                "that: set tls-ca, so that tidblink speaks TLS to it",
                "cluster", cluster->alias, "address", cluster->listen.items[i], NULL);
        if (!is_unix && target->allow)
            log_facts(LOG_WARN,
                "allow-users and allow-groups are about unix sockets: over TCP every user of this "
                "machine may connect",
                "cluster", cluster->alias, "address", cluster->listen.items[i], NULL);
        if (is_remote && is_verified && target->client_tls == CLIENT_TLS_OFF)
            log_facts(LOG_WARN,
                "a listener can be reached from other machines, and client-tls is off: what they "
                "send crosses the network in the clear",
                "cluster", cluster->alias, "address", cluster->listen.items[i], NULL);
    }
}

void announce_start(const struct settings *settings)
{
    struct log_line line;
    log_start(&line, LOG_INFO, "starting");
    version_log(&line);
    log_str(&line, "config", settings->file);
    log_str(&line, "state_source", settings->control.state_source);
    log_write(&line);
    for (size_t i = 0; i < settings->cluster_count; i++)
        warn_about_passwords(&settings->clusters[i], &settings->proxy_targets[i]);
    if (settings_state_source(settings) == CONTROL_SOURCE_NONE)
        log_warn("state-source is none: connections are not checked against the state of the "
                 "cluster and its private endpoint");
}

void announce_listeners(const struct program *program)
{
    for (size_t target = 0; target < proxy_target_count(program->proxy); target++) {
        struct addr addr;
        for (size_t i = 0; proxy_listen_address(program->proxy, target, i, &addr); i++) {
            char text[ADDR_TEXT_BYTES];
            struct log_line line;
            log_start(&line, LOG_INFO, "listening");
            log_str(&line, "cluster", program->settings->clusters[target].alias);
            log_str(&line, "address", addr_format(&addr, text));
            log_str(&line, "tls", words_tls(program->settings->proxy_targets[target].tls));
            log_str(&line, "client_tls",
                words_client_tls(program->settings->proxy_targets[target].client_tls));
            const struct via *via = program->settings->proxy_targets[target].via;
            log_str(&line, "via", via ? via->shown : NULL);
            log_write(&line);
        }
    }
}
