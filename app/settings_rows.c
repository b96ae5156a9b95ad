// SPDX-License-Identifier: Apache-2.0
//
// The rows of the configuration's options: --help, the environment, the file, the manual page's
// check and reload all come from here. To add an option: a field in settings.h, a row here, a
// paragraph in doc/tidblink.1.md, a line in doc/tidblink.conf (a lint test misses them otherwise).
#include "app/settings.h"

#include "base/defs.h"

#include <stddef.h>

#define G(field) offsetof(struct settings, field)
#define C(field) offsetof(struct cluster_settings, field)

#define MINUTES(n) (UINT64_C(60000) * (n))
#define HOURS(n) (UINT64_C(3600000) * (n))

enum { LIVE = OPTION_RELOAD };

static const char *const loss_choices[] = { "allow", "refuse", NULL };
static const char *const store_choices[] = { "auto", "on", "off", NULL };
static const char *const scheduling_choices[] = { "normal", "batch", NULL };
static const char *const startup_choices[] = { "off", "dns", "greeting", NULL };
static const char *const tls_choices[] = { "auto", "passthrough", "off", "verify-ca", "verify-full",
    NULL };
static const char *const client_tls_choices[] = { "auto", "off", "optional", "required", NULL };
static const char *const sandbox_choices[] = { "off", "on", "strict", NULL };
static const char *const level_choices[] = { "error", "warn", "info", "debug", "trace", NULL };
static const char *const format_choices[] = { "text", "json", NULL };

// clang-format off
static const struct option_row global_rows[] = {
    // The control API.
    { "api-url",              OPTION_TEXT, G(control.api_url),          "https://dedicated.tidbapi.com", 0, 0, 0, NULL, "URL", "the TiDB Cloud Dedicated API; TIDBCLOUD_DEDICATED_ENDPOINT is read too" },
    { "api-ca",               OPTION_TEXT, G(control.api_ca),           NULL,   0, 0, 0, NULL, "PATH", "PEM file of the CA that signed api-url's certificate, instead of the system's" },
    { "api-public-key-file",  OPTION_TEXT, G(control.public_key_file),  NULL,   0, 0, 0, NULL, "PATH", "file with the API key's public part; without it TIDBCLOUD_PUBLIC_KEY, else the systemd credential tidbcloud-public-key" },
    { "api-private-key-file", OPTION_TEXT, G(control.private_key_file), NULL,   0, 0, 0, NULL, "PATH", "file with the API key's private part; without it TIDBCLOUD_PRIVATE_KEY, else the systemd credential tidbcloud-private-key" },
    { "api-timeout",          OPTION_MS,   G(control.api_timeout_ms),   "10s",  100, MINUTES(5), 0, NULL, NULL, "one request to the API" },
    { "poll-interval",        OPTION_MS,   G(control.poll_ms),          "60s",  1000, HOURS(1), LIVE, NULL, NULL, "how often states are asked for" },
    { "poll-interval-changing", OPTION_MS, G(control.poll_changing_ms), "10s",  100, HOURS(1), LIVE, NULL, NULL, "the same while something is in transition" },
    { "project-id",           OPTION_TEXT, G(control.project_id),       NULL,   0, 0, 0, NULL, "ID", "project whose clusters are listed (default: what the clusters' labels say)" },
    { "state-source",         OPTION_TEXT, G(control.state_source),     "api",  0, 0, 0, NULL, "SOURCE", "where states come from: api, file:PATH (a state document that another tidblink keeps), or none (no check at all)" },
    { "state-dir",            OPTION_TEXT, G(control.state_dir),        NULL,   0, 0, 0, NULL, "DIR", "where the last known state is kept, or off (default $STATE_DIRECTORY, else /var/lib/tidblink for root and $XDG_STATE_HOME/tidblink or ~/.local/state/tidblink for others)" },
    { "control-loss",         OPTION_CHOICE, G(control_loss),           "allow", 0, 0, 0, loss_choices, NULL, "what a connection gets when the API does not answer and nothing is known" },
    { "aws-cli",              OPTION_TEXT, G(control.aws_cli),          "aws",  0, 0, 0, NULL, "PATH", "the AWS CLI, which tells which endpoints are in this VPC; off: never run it" },
    { "aws-profile",          OPTION_TEXT, G(control.aws_profile),      NULL,   0, 0, 0, NULL, "NAME", "the AWS CLI's --profile (default: its own choice)" },
    { "aws-endpoint-url",     OPTION_TEXT, G(control.aws_endpoint_url), NULL,   0, 0, 0, NULL, "URL", "the AWS CLI's --endpoint-url, for an EC2 that is not Amazon's public one" },
    { "region",               OPTION_TEXT, G(control.aws_region),       NULL,   0, 0, 0, NULL, "REGION", "AWS region, us-east-1 (default: the cluster's, and no other works)" },
    { "metadata-url",         OPTION_TEXT, G(control.metadata_url),     NULL,   0, 0, 0, NULL, "URL", "the instance metadata service (default http://169.254.169.254)" },
    { "serverless-api-url",   OPTION_TEXT, G(control.serverless_api_url), "https://serverless.tidbapi.com", 0, 0, 0, NULL, "URL", "the API of Starter and Essential, asked when an ID is no Dedicated cluster's" },
    { "vpc-id",               OPTION_TEXT, G(control.vpc_id),           NULL,   0, 0, 0, NULL, "VPC", "our VPC (default: the instance metadata's)" },

    // Private DNS.
    { "dns-servers",          OPTION_LIST, G(resolver.servers),         NULL,   0, 0, 0, NULL, "ADDR[,ADDR]", "DNS servers (default: those of /etc/resolv.conf)" },
    { "allowed-cidrs",        OPTION_LIST, G(resolver.allowed_cidrs),   NULL,   0, 0, LIVE, NULL, "CIDR[,CIDR]", "address blocks that count as private besides RFC 1918, 100.64.0.0/10 and fc00::/7" },
    { "allow-loopback",       OPTION_BOOL, G(resolver.allow_loopback),  "off",  0, 0, LIVE, NULL, NULL, "accept a loopback address as the cluster's (tests, port forwards)" },
    { "resolve-timeout",      OPTION_MS,   G(proxy.resolve_timeout_ms), "5s",   100, MINUTES(1), LIVE, NULL, NULL, "from a name to its addresses" },

    // Connections.
    { "threads",              OPTION_UINT, G(proxy.threads),            "0",    0, 64, 0, NULL, NULL, "worker threads; 0: as many as CPUs may be used, at most 4" },
    { "backlog",              OPTION_UINT, G(proxy.backlog),            "128",  1, 65535, 0, NULL, NULL, "connections that the kernel may queue for each listener" },
    { "socket-mode",          OPTION_MODE, G(proxy.socket_mode),        "0660", 0, 0, 0, NULL, NULL, "file mode of unix listeners" },
    { "allow-remote",         OPTION_BOOL, G(allow_remote),             "off",  0, 0, 0, NULL, NULL, "allow listen and admin-listen addresses that are not loopback" },
    { "max-connections",      OPTION_UINT, G(proxy.max_connections),    "500",  1, 1000000, LIVE, NULL, NULL, "connections at a time; more get error 1040" },
    { "hold-timeout",         OPTION_MS,   G(proxy.hold_timeout_ms),    "4s",   0, MINUTES(10), LIVE, NULL, NULL, "how long a client waits for a cluster that is not ready yet" },
    { "connect-timeout",      OPTION_MS,   G(proxy.connect_timeout_ms), "5s",   10, MINUTES(5), LIVE, NULL, NULL, "connecting to one address of the cluster" },
    { "dial-budget",          OPTION_MS,   G(proxy.dial_budget_ms),     "15s",  10, MINUTES(10), LIVE, NULL, NULL, "connecting to all of its addresses together" },
    { "handshake-timeout",    OPTION_MS,   G(proxy.handshake_timeout_ms), "10s", 10, MINUTES(10), LIVE, NULL, NULL, "from the connection to the server's greeting" },
    { "keepalive",            OPTION_MS,   G(proxy.keepalive_ms),       "60s",  1000, HOURS(2), LIVE, NULL, NULL, "idle time after which a connection is probed on both legs" },
    { "source",               OPTION_LIST, G(source),                   NULL,   0, 0, 0, NULL, "ADDR[,ADDR]", "local addresses to connect to the clusters from, in turn" },
    { "spares",               OPTION_UINT, G(proxy.spares),             "4",    0, 64, LIVE, NULL, NULL, "connections per cluster that are opened ahead, for TiDB only; 0: none" },
    { "spare-max-age",        OPTION_MS,   G(proxy.spare_max_age_ms),   "2m",   1000, HOURS(1), LIVE, NULL, NULL, "a connection that was opened ahead is replaced after this time" },
    { "splice",               OPTION_BOOL, G(proxy.splice),             "on",   0, 0, LIVE, NULL, NULL, "move long results inside the kernel" },
    { "scheduling",           OPTION_CHOICE, G(scheduling),             "normal", 0, 0, 0, scheduling_choices, NULL, "scheduling class of the worker threads" },
    { "busy-poll-us",         OPTION_UINT, G(proxy.busy_poll_us),       "0",    0, 1000, 0, NULL, NULL, "microseconds that a busy worker looks for the next event before it sleeps" },
    { "dns-drain",            OPTION_BOOL, G(proxy.dns_drain),          "off",  0, 0, LIVE, NULL, NULL, "let connections end whose address DNS no longer gives" },
    { "drain-delay",          OPTION_MS,   G(drain_delay_ms),           "0ms",  0, HOURS(1), LIVE, NULL, NULL, "how long connections are still accepted after SIGTERM, while /readiness already fails" },
    { "drain-timeout",        OPTION_MS,   G(proxy.drain_timeout_ms),   "30s",  0, HOURS(24), LIVE, NULL, NULL, "how long running connections may go on after SIGTERM" },
    { "exit-when-idle",       OPTION_MS,   G(exit_when_idle_ms),        "0ms",  0, HOURS(24), LIVE, NULL, NULL, "end when there has been no connection for so long, after a first one; 0: never" },
    { "socket-store",         OPTION_CHOICE, G(socket_store),           "auto", 0, 0, 0, store_choices, NULL, "let systemd keep the listening sockets while the program restarts; auto: when it says that it does" },

    { "startup-check",        OPTION_CHOICE, G(startup_check),          "dns",  0, 0, 0, startup_choices, NULL, "what /startup waits for: a known state and an address of each cluster, and a greeting of its server" },

    // TLS towards applications.
    { "client-tls-cert",      OPTION_TEXT, G(client_tls_cert),          NULL,   0, 0, LIVE, NULL, "PATH", "PEM file of the certificate, with its chain, that applications get (default: a self-signed one, made at the start)" },
    { "client-tls-key",       OPTION_TEXT, G(client_tls_key),           NULL,   0, 0, LIVE, NULL, "PATH", "PEM file of its private key" },
    { "client-rsa-key",       OPTION_TEXT, G(client_rsa_key),           NULL,   0, 0, LIVE, NULL, "PATH", "RSA key with which applications without TLS encrypt a caching_sha2_password; made when it is missing (default client-rsa-key.pem in state-dir)" },

    // The operator's side.
    { "sandbox",              OPTION_CHOICE, G(sandbox),                "on", 0, 0, 0, sandbox_choices, NULL, "give up, once started, all other files and system calls; strict: not even a file that takes a configured one's place" },
    { "log-level",            OPTION_CHOICE, G(log_level),              "info", 0, 0, LIVE, level_choices, NULL, "the least important lines that are logged" },
    { "log-format",           OPTION_CHOICE, G(log_format),             "text", 0, 0, LIVE, format_choices, NULL, "form of the log lines" },
    { "log-burst",            OPTION_UINT, G(log_burst),                "20",   0, 1000000, LIVE, NULL, NULL, "lines of the same event that are written in full within 10 s; more are summed up in one line; 0: all are written" },
    { "admin-listen",         OPTION_TEXT, G(admin_listen),             "127.0.0.1:9400", 0, 0, 0, NULL, "ADDR", "address of health, metrics and status over HTTP, or off" },
    { "admin-socket",         OPTION_TEXT, G(admin_socket),             NULL,   0, 0, 0, NULL, "PATH", "unix socket of the same and of drain and reload, or off (default admin.sock in $RUNTIME_DIRECTORY, else in /run/tidblink if that exists and state-dir is /var/lib/tidblink, else in state-dir)" },
};

static const struct option_row cluster_rows[] = {
    { "cluster-id",  OPTION_TEXT, C(cluster_id),  NULL, 0, 0, 0, NULL, "ID", "the cluster's ID (default: the section's name is its ID or display name)" },
    { "group",       OPTION_TEXT, C(group),       NULL, 0, 0, 0, NULL, "NAME", "TiDB node group, by ID or display name (default: the default group)" },
    { "endpoint-id", OPTION_TEXT, C(endpoint_id), NULL, 0, 0, 0, NULL, "VPCE", "our interface endpoint, vpce-... (default: found out)" },
    { "host",        OPTION_TEXT, C(host),        NULL, 0, 0, 0, NULL, "NAME", "private host name of the cluster (default: from the API)" },
    { "port",        OPTION_UINT, C(port),        NULL, 0, 65535, 0, NULL, NULL, "its port (default: from the API)" },
    { "listen",      OPTION_LIST, C(listen),      NULL, 0, 0, 0, NULL, "ADDR[,ADDR]", "IP:PORT or unix:PATH to listen on (default 127.0.0.1:4000 for the first cluster, 4001 for the next, ...)" },
    { "allow-users", OPTION_LIST, C(allow_users), NULL, 0, 0, LIVE, NULL, "USER[,USER]", "users, by name or id, who may connect to its unix listeners (default: whom socket-mode lets)" },
    { "allow-groups", OPTION_LIST, C(allow_groups), NULL, 0, 0, LIVE, NULL, "GROUP[,GROUP]", "groups of users who may as well" },
    { "listener-max-connections", OPTION_UINT, C(listener_max), "0", 0, 1000000, LIVE, NULL, NULL, "connections at a time on each of its listen addresses; 0: no limit but max-connections" },
    { "via",         OPTION_TEXT, C(via),         NULL, 0, 0, OPTION_SECRET, NULL, "URL", "jump from outside the VPC: socks5h://HOST, http://HOST:PORT, ssh://[USER@]HOST or command:PROGRAM with %h and %p" },
    { "via-password-file", OPTION_TEXT, C(via_password_file), NULL, 0, 0, 0, NULL, "PATH", "file with the password of the user in via" },
    { "tls",         OPTION_CHOICE, C(tls),       "auto", 0, 0, LIVE, tls_choices, NULL, "TLS to the cluster; auto: verify-full with tls-ca, else passthrough" },
    { "tls-ca",      OPTION_TEXT, C(tls_ca),      NULL, 0, 0, LIVE, NULL, "PATH", "PEM file of the CA of the cluster's certificate, or a folder of such files" },
    { "tls-server-name", OPTION_LIST, C(server_names), NULL, 0, 0, LIVE, NULL, "NAME[,NAME]", "names for which the cluster's certificate may be good (default: the cluster's host name)" },
    { "client-tls",  OPTION_CHOICE, C(client_tls), "auto", 0, 0, LIVE, client_tls_choices, NULL, "TLS for applications; auto: optional with verify-full and verify-ca, else off" },
    { "allow-plaintext-upstream", OPTION_BOOL, C(allow_plaintext), "off", 0, 0, LIVE, NULL, NULL, "allow client-tls with tls = off: what came by TLS goes on in the clear" },
};
// clang-format on

const struct option_table settings_global_table = { global_rows, ARRAY_LEN(global_rows) };
const struct option_table settings_cluster_table = { cluster_rows, ARRAY_LEN(cluster_rows) };
