// SPDX-License-Identifier: Apache-2.0
//
// Metrics per cluster. Called by metrics.c.
#include "app/metrics_cluster.h"

#include "app/metrics_out.h"
#include "app/program.h"
#include "app/words.h"
#include "base/clock.h"
#include "proxy/via.h"

#include <string.h>

// Endpoints of one node group that are told apart; a VPC has one, a fleet some.
enum { ENDPOINTS_MAX = 32 };

// One cluster, while its samples are printed.
struct scope {
    FILE *out;
    const char *name; // of the metric
    const struct program *program;
    size_t index;
    struct proxy_target_state target;
};

static void put(const struct scope *scope, double number)
{
    metrics_out_labelled(scope->out, scope->name, "cluster", scope->target.alias, number);
}

static void put_with(const struct scope *scope, const char *label, const char *value, double number)
{
    const struct metrics_label labels[METRICS_LABELS_MAX] = { { "cluster", scope->target.alias },
        { label, value } };
    metrics_out_sample(scope->out, scope->name, labels, number);
}

static void print_open(const struct scope *scope)
{
    put(scope, (double)scope->target.connections);
}

static void print_spares(const struct scope *scope)
{
    put(scope, (double)scope->target.spares);
}

static void print_verdict(const struct scope *scope)
{
    static const struct verdict nothing = { .action = VERDICT_UNKNOWN };
    const struct control_news *news = scope->target.news;
    const char *now = words_action(news ? &news->verdict : &nothing);
    const char *action = NULL;
    for (size_t i = 0; (action = words_action_at(i)); i++)
        put_with(scope, "action", action, action == now);
}

static void print_state(const struct scope *scope)
{
    const struct control_news *news = scope->target.news;
    if (news && *news->verdict.state)
        put_with(scope, "state", news->verdict.state, 1);
}

// ---- endpoints ----------------------------------------------------------------------------------

static const struct node_group *group_of(const struct scope *scope)
{
    const struct cluster *cluster = NULL;
    const struct node_group *group = NULL;
    const struct control_news *news = scope->target.news;
    const struct control_target *target = &scope->program->settings->control_targets[scope->index];
    if (!news || !news->model || !control_find(news->model, target, &cluster, &group, NULL))
        return NULL;
    return group;
}

// The same ID may be there twice, of an endpoint that is being made anew: the last one counts.
static bool is_overridden(const struct node_group *group, size_t index)
{
    for (size_t i = index + 1; i < group->endpoint_count; i++)
        if (group->endpoints[i].endpoint_id &&
            strcmp(group->endpoints[i].endpoint_id, group->endpoints[index].endpoint_id) == 0)
            return true;
    return false;
}

// With endpoint-id only that one is ours.
static void print_endpoint_state(const struct scope *scope)
{
    const struct node_group *group = group_of(scope);
    const char *ours = scope->program->settings->clusters[scope->index].endpoint_id;
    for (size_t i = 0; group && i < group->endpoint_count && i < ENDPOINTS_MAX; i++) {
        const struct endpoint *endpoint = &group->endpoints[i];
        if (!endpoint->endpoint_id || !endpoint->state.text || is_overridden(group, i) ||
            (ours && strcmp(ours, endpoint->endpoint_id) != 0))
            continue;
        const struct metrics_label labels[METRICS_LABELS_MAX] = {
            { "cluster", scope->target.alias },
            { "endpoint", endpoint->endpoint_id },
            { "state", endpoint->state.text },
        };
        metrics_out_sample(scope->out, scope->name, labels, 1);
    }
}

// ---- the control API and DNS --------------------------------------------------------------------

static void print_api_age(const struct scope *scope)
{
    const struct control_news *news = scope->target.news;
    if (news && news->api_answered)
        put(scope, (double)clock_wall_since_s(news->api_answered));
}

static void print_api_up(const struct scope *scope)
{
    const struct control_news *news = scope->target.news;
    if (news)
        put(scope, news->api_status == ERR_NONE);
}

static size_t address_count(const struct scope *scope)
{
    const struct proxy_target_state *target = &scope->target;
    bool has_none = !target->addrs || (target->via && via_is_program(target->via));
    return has_none ? 0 : target->addrs->count;
}

static void print_addresses(const struct scope *scope)
{
    put(scope, (double)address_count(scope));
}

static void print_answer(const struct scope *scope)
{
    char text[ADDR_TEXT_BYTES];
    for (size_t i = 0; i < address_count(scope) && i < PATHS_MAX; i++)
        put_with(scope, "address", addr_format_ip(&scope->target.addrs->addrs[i], text), 1);
}

static void print_dns_failing(const struct scope *scope)
{
    put(scope, scope->target.dns_failure ? 1 : 0);
}

static void print_left_alone(const struct scope *scope)
{
    size_t count = 0;
    for (size_t i = 0; i < address_count(scope); i++)
        count += proxy_path(scope->program->proxy, scope->index, i).left_alone_ms > 0;
    put(scope, (double)count);
}

static void print_reached(const struct scope *scope)
{
    const struct proxy_target_state *target = &scope->target;
    if (target->reached_ms || target->failed_ms)
        put(scope, target->reached_ms >= target->failed_ms);
}

// ---- all of them --------------------------------------------------------------------------------

static const struct {
    const char *name, *help;
    void (*print)(const struct scope *scope);
} rows[] = {
    { "connections_open", "Open connections of clients.", print_open },
    { "spares", "Connections opened ahead and ready.", print_spares },
    { "cluster_verdict", "1 for what a new connection gets now.", print_verdict },
    { "cluster_state", "1 for the state that decides it, as the API spells it.", print_state },
    { "endpoint_state", "1 for the state of each private endpoint, as the API spells it.",
        print_endpoint_state },
    { "reached", "1 if the last connection to the cluster that ended its dial reached it.",
        print_reached },
    { "api_age_seconds", "Since the control API last answered.", print_api_age },
    { "api_up", "1 if the last request to the control API succeeded.", print_api_up },
    { "dns_addresses", "Addresses known of the cluster's host name.", print_addresses },
    { "dns_answer_info", "1 for each of these addresses.", print_answer },
    { "dns_failing", "1 while its host name cannot be resolved.", print_dns_failing },
    { "addresses_left_alone", "Addresses that failed and are not dialled for a while.",
        print_left_alone },
};

// Cumulative, as the format wants it.
static void print_histogram(
    FILE *out, const char *alias, const char *phase, const struct histogram_sum *sum)
{
    char bound[24];
    uint64_t count = 0;
    struct metrics_label labels[METRICS_LABELS_MAX] = { { "cluster", alias }, { "phase", phase },
        { "le", bound } };
    for (size_t i = 0; i <= HISTOGRAM_BOUNDS; i++) {
        count += sum->counts[i];
        snprintf(bound, sizeof(bound), "+Inf");
        if (i < HISTOGRAM_BOUNDS)
            snprintf(bound, sizeof(bound), "%g", histogram_bounds_us[i] / 1e6);
        metrics_out_sample(out, "dial_seconds_bucket", labels, (double)count);
    }
    labels[2] = (struct metrics_label){ NULL, NULL };
    metrics_out_sample(out, "dial_seconds_sum", labels, (double)sum->sum_us / 1e6);
    metrics_out_sample(out, "dial_seconds_count", labels, (double)count);
}

static void print_dials(FILE *out, const struct program *program)
{
    metrics_out_head(out, "dial_seconds", "histogram",
        "What connections to the cluster waited for, by phase, when it came: addresses, TCP, the "
        "server's greeting, TLS.");
    for (size_t i = 0; i < proxy_target_count(program->proxy); i++) {
        struct target_sum sum;
        const char *alias = proxy_target_state(program->proxy, i).alias;
        proxy_target_sum(program->proxy, i, &sum);
        for (size_t phase = 0; phase < TALLY_PHASES; phase++)
            print_histogram(
                out, alias, tally_phase_name((enum tally_phase)phase), &sum.took[phase]);
    }
}

void metrics_cluster_print(FILE *out, const struct program *program)
{
    for (size_t row = 0; row < ARRAY_LEN(rows); row++) {
        metrics_out_head(out, rows[row].name, "gauge", rows[row].help);
        for (size_t i = 0; i < proxy_target_count(program->proxy); i++) {
            const struct scope scope = { .out = out,
                .name = rows[row].name,
                .program = program,
                .index = i,
                .target = proxy_target_state(program->proxy, i) };
            rows[row].print(&scope);
        }
    }
    print_dials(out, program);
}
