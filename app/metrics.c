// SPDX-License-Identifier: Apache-2.0
//
// The metrics page (prometheus.io/docs/instrumenting/exposition_formats, text format 0.0.4). Every
// label value comes from a fixed list or from the configuration, so the number of series is
// bounded. Counters with a fixed list of labels are printed from the start, also at zero.
#include "app/metrics.h"

#include "app/admin.h"
#include "app/program.h"
#include "app/words.h"
#include "base/clock.h"
#include "base/loop.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static void head(FILE *out, const char *name, const char *type, const char *help)
{
    fprintf(out, "# HELP tidblink_%s %s\n# TYPE tidblink_%s %s\n", name, help, name, type);
}

static void put_label(FILE *out, const char *label, const char *value)
{
    fprintf(out, "%s=\"", label);
    for (; *value; value++) {
        if (*value == '\\' || *value == '"')
            fputc('\\', out);
        if (*value == '\n')
            fputs("\\n", out);
        else
            fputc((unsigned char)*value < 0x80 ? *value : '?', out); // a state may be cut anywhere
    }
    fputc('"', out);
}

// One sample with up to two labels; NULL: without.
static void sample(FILE *out, const char *name, const char *label, const char *value,
    const char *label2, const char *value2, double number)
{
    fprintf(out, "tidblink_%s", name);
    if (label) {
        fputc('{', out);
        put_label(out, label, value);
        if (label2) {
            fputc(',', out);
            put_label(out, label2, value2);
        }
        fputc('}', out);
    }
    fprintf(out, " %.15g\n", number);
}

static void single(FILE *out, const char *name, const char *type, const char *help, double number)
{
    head(out, name, type, help);
    sample(out, name, NULL, NULL, NULL, NULL, number);
}

// ---- the whole program --------------------------------------------------------------------------

static void print_connections(FILE *out, const struct proxy_counters *counters)
{
    head(out, "connections", "gauge", "Open connections by the step they are in.");
    for (size_t i = 0; i < CONN_STATES; i++)
        sample(out, "connections", "step", conn_state_name((enum conn_state)i), NULL, NULL,
            (double)counters->steps[i]);
    single(out, "connections_accepted_total", "counter", "Connections accepted from clients.",
        (double)counters->accepted);
    single(out, "connections_dropped_total", "counter",
        "Connections closed without a word: too many refused clients at once.",
        (double)counters->dropped);
    single(out, "connections_unchecked_total", "counter",
        "Connections allowed although the state could not be checked.",
        (double)counters->unchecked);
    head(out, "connections_refused_total", "counter", "Connections refused, by error.");
    for (size_t i = ERR_LIMIT; i < ERR_CODES; i++) // those before are of commands
        sample(out, "connections_refused_total", "error", err_row((enum err_code)i)->key, NULL,
            NULL, (double)counters->refused[i]);
    head(out, "connections_closed_total", "counter", "Connections ended, by reason.");
    for (size_t i = 0; i < CLOSE_REASONS; i++)
        sample(out, "connections_closed_total", "reason", closing_reason_name((enum close_reason)i),
            NULL, NULL, (double)counters->closed[i]);
    head(out, "received_bytes_total", "counter", "MySQL bytes received, by sender, without TLS.");
    sample(
        out, "received_bytes_total", "from", "client", NULL, NULL, (double)counters->client_bytes);
    sample(
        out, "received_bytes_total", "from", "server", NULL, NULL, (double)counters->server_bytes);
}

static void print_server_side(FILE *out, const struct proxy_counters *counters)
{
    single(out, "connections_broken_total", "counter",
        "Connections refused at once because no address answered a moment ago.",
        (double)counters->broken);
    single(out, "dials_total", "counter", "Addresses of clusters that were connected to.",
        (double)counters->dials);
    single(out, "dial_failures_total", "counter", "Those that refused or did not answer.",
        (double)counters->dial_failures);
    single(out, "dial_races_total", "counter",
        "Those tried beside one that had not answered after 250 ms.", (double)counters->dial_races);
    single(out, "tls_handshakes_total", "counter", "TLS handshakes with clusters that succeeded.",
        (double)counters->tls_handshakes);
    single(out, "tls_resumed_total", "counter", "Those that resumed an earlier session.",
        (double)counters->tls_resumed);
    single(out, "tls_failures_total", "counter",
        "Connections refused because of the cluster's TLS or its certificate.",
        (double)counters->tls_failures);
    single(out, "spares", "gauge", "Connections opened ahead and ready.",
        (double)counters->spares_ready);
    single(out, "spares_used_total", "counter", "Those that were given to a client.",
        (double)counters->spares_used);
    single(out, "spares_discarded_total", "counter", "Those that ended unused.",
        (double)counters->spares_discarded);
}

static void print_events(FILE *out, const struct program *program)
{
    static const char *const names[PROGRAM_EVENTS] = {
        [EVENT_SLEPT] = "slept",
        [EVENT_STOPPED] = "stopped",
        [EVENT_NETWORK] = "network",
        [EVENT_RESOLV_CONF] = "resolv-conf",
    };
    head(out, "machine_events_total", "counter",
        "Sleep, stops and changes of the network that concerned a cluster.");
    for (size_t i = 0; i < PROGRAM_EVENTS; i++)
        sample(
            out, "machine_events_total", "event", names[i], NULL, NULL, (double)program->events[i]);
}

static void print_program(FILE *out, const struct program *program)
{
    struct proxy_counters counters;
    proxy_count(program->proxy, &counters);
    head(out, "info", "gauge", "The running version.");
    sample(out, "info", "version", TIDBLINK_VERSION, NULL, NULL, 1);
    single(
        out, "start_time_seconds", "gauge", "When this process started.", (double)program->started);
    single(out, "draining", "gauge", "1 while running connections are let end.", program->stopping);
    single(out, "connections_max", "gauge", "max-connections.",
        (double)program->settings->proxy.max_connections);
    single(out, "waits", "gauge", "Requests to /wait that are held.",
        (double)admin_waiting(program->admin));
    print_events(out, program);
    print_connections(out, &counters);
    print_server_side(out, &counters);
    single(out, "loop_stall_max_seconds", "gauge",
        "The longest turn of a loop that accepts or relays.", (double)counters.stall_max_us / 1e6);
    single(out, "loop_stalls_total", "counter", "Turns of such loops over 0.1 s.",
        (double)counters.stalls);
}

// ---- per cluster --------------------------------------------------------------------------------

typedef void (*print_fn)(FILE *out, const char *name, const struct proxy_target_state *target);

static void print_open(FILE *out, const char *name, const struct proxy_target_state *target)
{
    sample(out, name, "cluster", target->alias, NULL, NULL, (double)target->connections);
}

static void print_verdict(FILE *out, const char *name, const struct proxy_target_state *target)
{
    static const struct verdict nothing = { .action = VERDICT_UNKNOWN };
    const char *now = words_action(target->news ? &target->news->verdict : &nothing);
    const char *action = NULL;
    for (size_t i = 0; (action = words_action_at(i)); i++)
        sample(out, name, "cluster", target->alias, "action", action, action == now);
}

static void print_state(FILE *out, const char *name, const struct proxy_target_state *target)
{
    if (target->news && *target->news->verdict.state)
        sample(out, name, "cluster", target->alias, "state", target->news->verdict.state, 1);
}

static void print_state_age(FILE *out, const char *name, const struct proxy_target_state *target)
{
    if (target->news && target->news->api_answered)
        sample(out, name, "cluster", target->alias, NULL, NULL,
            (double)(clock_wall_s() - target->news->api_answered));
}

static void print_api_up(FILE *out, const char *name, const struct proxy_target_state *target)
{
    if (target->news)
        sample(
            out, name, "cluster", target->alias, NULL, NULL, target->news->api_status == ERR_NONE);
}

static void print_addresses(FILE *out, const char *name, const struct proxy_target_state *target)
{
    sample(out, name, "cluster", target->alias, NULL, NULL,
        target->addrs ? (double)target->addrs->count : 0);
}

static void print_dns_failing(FILE *out, const char *name, const struct proxy_target_state *target)
{
    sample(out, name, "cluster", target->alias, NULL, NULL, target->dns_failure ? 1 : 0);
}

static const struct {
    const char *name, *help;
    print_fn print;
} per_cluster[] = {
    { "cluster_connections", "Open connections of a cluster.", print_open },
    { "cluster_verdict", "1 for what a new connection gets now.", print_verdict },
    { "cluster_state", "1 for the state that decides it, as the API spells it.", print_state },
    { "api_age_seconds", "Since the control API last answered.", print_state_age },
    { "api_up", "1 if the last request to the control API succeeded.", print_api_up },
    { "dns_addresses", "Addresses known of the cluster's host name.", print_addresses },
    { "dns_failing", "1 while its host name cannot be resolved.", print_dns_failing },
};

static void print_clusters(FILE *out, const struct program *program)
{
    for (size_t i = 0; i < ARRAY_LEN(per_cluster); i++) {
        head(out, per_cluster[i].name, "gauge", per_cluster[i].help);
        for (size_t t = 0; t < proxy_target_count(program->proxy); t++) {
            const struct proxy_target_state target = proxy_target_state(program->proxy, t);
            per_cluster[i].print(out, per_cluster[i].name, &target);
        }
    }
}

// The poller counts for the whole key, and each cluster's news carry the count of their moment: the
// newest is the highest.
static void print_api(FILE *out, const struct program *program)
{
    uint64_t requests = 0, failures = 0;
    int64_t limit = -1, remaining = -1;
    for (size_t t = 0; t < proxy_target_count(program->proxy); t++) {
        const struct control_news *news = proxy_target_state(program->proxy, t).news;
        if (!news || news->api_requests < requests)
            continue;
        requests = news->api_requests;
        failures = news->api_failures;
        limit = news->rate_limit;
        remaining = news->rate_remaining;
    }
    single(out, "api_requests_total", "counter", "Requests to the control API.", (double)requests);
    single(out, "api_failures_total", "counter", "Those that failed.", (double)failures);
    if (limit >= 0)
        single(out, "api_rate_limit", "gauge", "Requests a minute that the key may make.",
            (double)limit);
    if (remaining >= 0)
        single(out, "api_rate_remaining", "gauge", "Those left in this minute.", (double)remaining);
}

char *metrics_text(const struct program *program)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (!out)
        return NULL;
    print_program(out, program);
    print_clusters(out, program);
    print_api(out, program);
    if (fclose(out) == 0)
        return text;
    free(text);
    return NULL;
}
