// SPDX-License-Identifier: Apache-2.0
//
// Everything that can be configured: the option rows and the values that they fill. A value comes
// from the command line, else TIDBLINK_*, else the configuration file, else the row's default.
// Built once, checked as a whole, never changed afterwards; a reload builds another one.
#pragma once

#include "base/log.h"
#include "base/options.h"
#include "control/control.h"
#include "proxy/proxy.h"
#include "resolver/resolver.h"

struct err;
struct foreground_legacy;
struct keys;
struct via;

#define SETTINGS_DEFAULT_FILE "/etc/tidblink/tidblink.conf"

// One [cluster NAME] of the file, or one CLUSTER of the command line.
struct cluster_settings {
    char *alias;
    char *origin; // where it was named, for errors: "tidblink.conf:7: [cluster orders]"
    char *cluster_id, *group, *endpoint_id, *host, *tls_ca;
    char *via, *via_password_file;
    struct via *jump; // of `via`; made by settings_build; NULL: none
    uint64_t port;
    uint64_t listener_max;
    int tls;        // enum tls_choice
    int client_tls; // enum client_tls_choice
    bool allow_plaintext;
    struct option_list server_names;
    struct option_list allow_users, allow_groups; // of unix listeners
    struct peer_allow *allow; // of these, a reference; made by settings_build; NULL: everybody
    struct option_list listen;
    struct addr *listens; // of `listen`; made by settings_build
    bool unlisted;        // the command line names it, and the file only has others
    char *similar;        // unlisted: the nearest alias of those; NULL: none is near
};

enum socket_store { SOCKET_STORE_AUTO, SOCKET_STORE_ON, SOCKET_STORE_OFF };

struct settings {
    struct control_options control;
    struct resolver_options resolver;
    struct proxy_options proxy;
    char *file;       // that was read, or was asked for; NULL: none
    int control_loss; // enum loss
    int scheduling;   // 0: normal, 1: batch
    int sandbox;      // enum sandbox_choice
    uint64_t drain_delay_ms;
    int startup_check;          // enum health_startup
    uint64_t exit_when_idle_ms; // 0: never
    int socket_store;           // enum socket_store
    char *client_tls_cert, *client_tls_key;
    char *client_rsa_key; // NULL: none is kept
    struct option_list source;
    struct addr *sources;   // of `source`; made by settings_build
    bool allow_remote;      // listen on addresses that are not loopback
    int log_level;          // enum log_level
    int log_format;         // enum log_format
    uint64_t log_burst;     // lines of one event that are written in 10 s; 0: all
    char *admin_listen;     // "off", or an address
    char *admin_socket;     // "off", or a path
    struct addr admin;      // of admin_listen; len 0: off
    struct addr admin_unix; // of admin_socket; len 0: off

    struct cluster_settings *clusters; // those that the command line named, else all
    size_t cluster_count;
    size_t named_count; // of them, how many the command line named: all or none

    // What the lower layers take; they point into clusters.
    struct control_target *control_targets;
    struct proxy_target *proxy_targets;
    struct proxy_plan proxy_plan;
};

// Values of tls and client-tls; auto follows from tls-ca.
enum tls_choice {
    TLS_CHOICE_AUTO,
    TLS_CHOICE_PASSTHROUGH,
    TLS_CHOICE_OFF,
    TLS_CHOICE_VERIFY_CA,
    TLS_CHOICE_VERIFY_FULL,
};
enum sandbox_choice { SANDBOX_OFF, SANDBOX_ON, SANDBOX_STRICT };
enum client_tls_choice {
    CLIENT_TLS_CHOICE_AUTO,
    CLIENT_TLS_CHOICE_OFF,
    CLIENT_TLS_CHOICE_OPTIONAL,
    CLIENT_TLS_CHOICE_REQUIRED,
};

extern const struct option_table settings_global_table;  // of struct settings
extern const struct option_table settings_cluster_table; // of struct cluster_settings
extern const struct option_table settings_source_table;  // --config; of struct settings

// What the program was started with.
struct command_line {
    int argc; // behind the command's name
    char *const *argv;
    const char *via;         // TIDBLINK_VIA, which the environment no longer has; NULL: not set
    const struct keys *keys; // from the environment, which no longer has them; NULL: none
    const struct foreground_legacy *legacy; // NULL: not noted
};

// Another default of a global option than that of its row.
struct settings_default {
    const char *name, *text;
};

// What is asked by a command.
struct settings_request {
    const struct command_line *line;
    const struct option_table *own; // the command's own options, or NULL
    void *own_values;               // zeroed; gets defaults and values; the caller frees
    size_t clusters_max;            // how many CLUSTER words it takes
    bool serves;                    // it will listen: at least one cluster, all of them complete
    const struct settings_default *defaults; // ends with a NULL name; or NULL
    bool chooses_listen; // it says itself where to listen: by `listen`, or where the settings say
    const char *listen;  // with chooses_listen: the one address, whatever the settings say; or NULL
};

// Reads all sources and checks everything. ERR_USAGE and ERR_OPTION say where the wrong value stood
// and what was expected.
struct settings *settings_build(const struct settings_request *request, struct err *err) MUST_CHECK;
void settings_free(struct settings *settings); // NULL is allowed

// The one cluster that a command is about: the only one there is. ERR_USAGE otherwise.
const struct cluster_settings *settings_only_cluster(
    const struct settings *settings, struct err *err) MUST_CHECK;
enum control_source settings_state_source(const struct settings *settings);

// settings_values.c: option_assign and option_environment, and whether the value has the right
// form.
bool settings_assign(const struct option_row *row, void *target, const char *text,
    const char *origin, struct err *err) MUST_CHECK;
bool settings_environment(
    const struct option_table *table, void *target, struct err *err) MUST_CHECK;
// settings_via.c: the jump of every target; its password file is read when it `serves`.
bool settings_check_via(struct settings *settings, bool serves, struct err *err) MUST_CHECK;
bool settings_via_has_password(const char *text);
// One text of `via`, from `origin`: only its form, and no password on the command line.
bool settings_via_fits(const char *text, const char *origin, struct err *err) MUST_CHECK;
// settings_allow.c: who may connect to unix listeners; a reload takes it over from `fresh`.
bool settings_check_allow(
    struct settings *settings, const struct settings_request *request, struct err *err) MUST_CHECK;
void settings_adopt_allow(struct settings *settings, struct settings *fresh);
// settings_tls.c: the TLS of every target, and of the proxy.
bool settings_check_tls(
    struct settings *settings, const struct settings_request *request, struct err *err) MUST_CHECK;
// Takes over from `fresh`, which has the same clusters, what a reload may change of that.
void settings_adopt_tls(struct settings *settings, struct settings *fresh);
// settings_check.c: whether the values make sense together; fills what is derived from them.
bool settings_check(
    struct settings *settings, const struct settings_request *request, struct err *err) MUST_CHECK;
