// SPDX-License-Identifier: Apache-2.0
//
// The metrics page (prometheus.io/docs/instrumenting/exposition_formats, text format 0.0.4). Every
// label value comes from a fixed list or from the configuration, so the number of series is
// bounded. Counters with a fixed list of labels are printed from the start, also at zero.
#include "app/metrics.h"

#include "app/admin.h"
#include "app/idle_age.h"
#include "app/metrics_cluster.h"
#include "app/metrics_out.h"
#include "app/program.h"
#include "base/loop.h"
#include "base/memory_file.h"

#include <inttypes.h>
#include <stdio.h>

// ---- the whole program --------------------------------------------------------------------------

static void print_connections(FILE *out, const struct proxy_counters *counters)
{
    metrics_out_head(out, "connections", "gauge", "Open connections by the step they are in.");
    for (size_t i = 0; i < CONN_STATES; i++)
        metrics_out_labelled(out, "connections", "step", conn_state_name((enum conn_state)i),
            (double)counters->steps[i]);
    metrics_out_single(out, "connections_opened_total", "counter",
        "Connections accepted from clients.", (double)counters->accepted);
    metrics_out_single(out, "connections_dropped_total", "counter",
        "Connections closed without a word: too many refused clients at once.",
        (double)counters->dropped);
    metrics_out_single(out, "connections_unchecked_total", "counter",
        "Connections allowed although the state could not be checked.",
        (double)counters->unchecked);
    metrics_out_head(out, "refused_total", "counter", "Connections refused, by reason.");
    for (size_t i = ERR_LIMIT; i < ERR_CODES; i++) // those before are of commands
        metrics_out_labelled(out, "refused_total", "reason", err_row((enum err_code)i)->key,
            (double)counters->refused[i]);
    metrics_out_head(out, "closed_total", "counter", "Connections ended, by reason.");
    for (size_t i = 0; i < CLOSE_REASONS; i++)
        metrics_out_labelled(out, "closed_total", "reason",
            closing_reason_name((enum close_reason)i), (double)counters->closed[i]);
    metrics_out_head(out, "bytes_total", "counter", "MySQL bytes relayed, without TLS.");
    metrics_out_labelled(out, "bytes_total", "dir", "to_server", (double)counters->client_bytes);
    metrics_out_labelled(out, "bytes_total", "dir", "to_client", (double)counters->server_bytes);
}

static void print_server_side(FILE *out, const struct proxy_counters *counters)
{
    metrics_out_single(out, "connections_broken_total", "counter",
        "Connections refused at once because no address answered a moment ago.",
        (double)counters->broken);
    metrics_out_single(out, "dials_total", "counter",
        "Addresses of clusters that were connected to.", (double)counters->dials);
    metrics_out_single(out, "dial_failures_total", "counter",
        "Those that refused or did not answer.", (double)counters->dial_failures);
    metrics_out_single(out, "dial_races_total", "counter",
        "Those tried beside one that had not answered after 250 ms.", (double)counters->dial_races);
    metrics_out_single(out, "tls_handshakes_total", "counter",
        "TLS handshakes with clusters that succeeded.", (double)counters->tls_handshakes);
    metrics_out_single(out, "tls_resumed_total", "counter",
        "Those that resumed an earlier session.", (double)counters->tls_resumed);
    metrics_out_single(out, "tls_failures_total", "counter",
        "Connections refused because of the cluster's TLS or its certificate.",
        (double)counters->tls_failures);
    metrics_out_single(out, "spares_used_total", "counter",
        "Connections opened ahead that were given to a client.", (double)counters->spares_used);
    metrics_out_single(out, "spares_discarded_total", "counter", "Those that ended unused.",
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
    metrics_out_head(out, "machine_events_total", "counter",
        "Sleep, stops and changes of the network that concerned a cluster.");
    for (size_t i = 0; i < PROGRAM_EVENTS; i++)
        metrics_out_labelled(
            out, "machine_events_total", "event", names[i], (double)program->events[i]);
}

static void print_program(FILE *out, const struct program *program)
{
    struct proxy_counters counters;
    proxy_count(program->proxy, &counters);
    metrics_out_head(out, "info", "gauge", "The running version.");
    metrics_out_labelled(out, "info", "version", TIDBLINK_VERSION, 1);
    metrics_out_single(
        out, "start_time_seconds", "gauge", "When this process started.", (double)program->started);
    metrics_out_single(
        out, "draining", "gauge", "1 while running connections are let end.", program->stopping);
    metrics_out_single(out, "connections_max", "gauge", "max-connections.",
        (double)program->settings->proxy.max_connections);
    metrics_out_single(out, "waits", "gauge", "Requests to /wait that are held.",
        (double)admin_waiting(program->admin));
    uint64_t idle_ms;
    if (idle_age_read(program->idle_age, &idle_ms))
        metrics_out_single(out, "idle_age_seconds", "gauge",
            "For how long the connection that is idle longest has been, a few seconds ago.",
            (double)idle_ms / 1000);
    print_events(out, program);
    print_connections(out, &counters);
    print_server_side(out, &counters);
    metrics_out_single(out, "loop_stall_max_seconds", "gauge",
        "The longest turn of a loop that accepts or relays.", (double)counters.stall_max_us / 1e6);
    metrics_out_single(out, "loop_stalls_total", "counter", "Turns of such loops over 0.1 s.",
        (double)counters.stalls);
}

// ---- the control API ----------------------------------------------------------------------------

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
    metrics_out_single(
        out, "api_requests_total", "counter", "Requests to the control API.", (double)requests);
    metrics_out_single(
        out, "api_failures_total", "counter", "Those that failed.", (double)failures);
    if (limit >= 0)
        metrics_out_single(out, "api_ratelimit_limit", "gauge",
            "Requests a minute that the key may make.", (double)limit);
    if (remaining >= 0)
        metrics_out_single(out, "api_ratelimit_remaining", "gauge", "Those left in this minute.",
            (double)remaining);
}

char *metrics_text(const struct program *program)
{
    struct memory_file file;
    if (!memory_file_open(&file))
        return NULL;
    print_program(file.out, program);
    metrics_cluster_print(file.out, program);
    print_api(file.out, program);
    return memory_file_take(&file);
}
