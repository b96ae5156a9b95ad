// SPDX-License-Identifier: Apache-2.0
//
// Writes the state into the log. Called by program.c.
#include "app/dump.h"

#include "app/lockdown.h"
#include "app/program.h"
#include "app/version.h"
#include "app/words.h"
#include "base/clock.h"
#include "proxy/via.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ROWS_SHOWN = 10 };

// The questions to the workers, one after the other.
struct dump {
    struct program *program;
    size_t asked; // which one
    struct census *census;
};

static void log_item(struct log_line *line, const char *message)
{
    log_start(line, LOG_INFO, "%s", message);
    log_force(line);
}

// ---- settings -----------------------------------------------------------------------------------

static void log_option(const struct option_row *row, const void *values, const char *alias)
{
    struct log_line line;
    char *text = option_format(row, values);
    log_item(&line, "state: option");
    log_str(&line, "cluster", alias);
    log_str(&line, "option", row->name);
    log_str(&line, "value", text ? text : "");
    log_write(&line);
    free(text);
}

// Those that are not their row's default.
static void log_options(
    const struct option_table *table, const void *values, void *defaults, const char *alias)
{
    if (!defaults || !option_defaults(table, defaults, NULL))
        return;
    for (size_t i = 0; i < table->count; i++)
        if (!option_equal(&table->rows[i], values, defaults))
            log_option(&table->rows[i], values, alias);
    option_free(table, defaults);
}

static void log_settings(const struct settings *settings)
{
    struct settings *defaults = calloc(1, sizeof(*defaults));
    struct cluster_settings *section = calloc(1, sizeof(*section));
    log_options(&settings_global_table, settings, defaults, NULL);
    for (size_t i = 0; i < settings->cluster_count; i++)
        log_options(
            &settings_cluster_table, &settings->clusters[i], section, settings->clusters[i].alias);
    free(defaults);
    free(section);
}

// ---- the program --------------------------------------------------------------------------------

static void log_count(const char *message, const char *key, const char *value, uint64_t count)
{
    struct log_line line;
    if (!count)
        return;
    log_item(&line, message);
    log_str(&line, key, value);
    log_uint(&line, "count", count);
    log_write(&line);
}

static void log_counters(const struct proxy_counters *counters)
{
    for (size_t i = 0; i < CONN_STATES; i++)
        log_count("state: connections at a step", "step", conn_state_name((enum conn_state)i),
            counters->steps[i]);
    for (size_t i = 0; i < ERR_CODES; i++)
        log_count(
            "state: refused so far", "error", err_row((enum err_code)i)->key, counters->refused[i]);
    for (size_t i = 0; i < CLOSE_REASONS; i++)
        log_count("state: closed so far", "close", closing_reason_name((enum close_reason)i),
            counters->closed[i]);
}

static void log_program(const struct program *program)
{
    struct proxy_counters counters;
    struct log_line line;
    proxy_count(program->proxy, &counters);
    log_item(&line, "state: program");
    version_log(&line);
    log_uint(&line, "pid", (uint64_t)getpid());
    log_uint(&line, "uptime_s", (uint64_t)(clock_wall_s() - program->started));
    log_str(&line, "config", program->settings->file);
    log_str(&line, "state_source", program->settings->control.state_source);
    log_str(&line, "sandbox", program->lockdown ? lockdown_text(program->lockdown) : NULL);
    log_str(&line, "draining", program->stopping ? "yes" : NULL);
    log_uint(&line, "connections", counters.open);
    log_uint(&line, "accepted", counters.accepted);
    log_uint(&line, "dropped", counters.dropped);
    log_uint(&line, "unchecked_count", counters.unchecked);
    log_uint(&line, "dials", counters.dials);
    log_uint(&line, "dial_failures", counters.dial_failures);
    log_uint(&line, "spares", counters.spares_ready);
    log_uint(&line, "spares_used", counters.spares_used);
    log_uint(&line, "spares_discarded", counters.spares_discarded);
    log_uint(&line, "client_bytes", counters.client_bytes);
    log_uint(&line, "server_bytes", counters.server_bytes);
    log_uint(&line, "stall_max_ms", counters.stall_max_us / 1000);
    log_write(&line);
    log_counters(&counters);
}

static void log_workers(const struct program *program)
{
    for (size_t i = 0; i < proxy_worker_count(program->proxy); i++) {
        struct log_line line;
        log_item(&line, "state: worker");
        log_uint(&line, "worker", i);
        log_uint(&line, "connections", proxy_worker_open(program->proxy, i));
        log_uint(&line, "lag_ms", proxy_worker_lag_ms(program->proxy, i));
        log_write(&line);
    }
}

// ---- clusters -----------------------------------------------------------------------------------

static void put_verdict(struct log_line *line, const struct control_news *news)
{
    const struct verdict *verdict = &news->verdict;
    log_str(line, "verdict", words_action(verdict));
    log_str(line, "of", verdict->what[0] ? verdict->what : NULL);
    log_str(line, "state", verdict->state[0] ? verdict->state : NULL);
    log_str(line, "drain", verdict->drain ? "yes" : NULL);
    if (verdict->age_s >= 0)
        log_uint(line, "age_s", (uint64_t)verdict->age_s);
    log_str(line, "text", verdict->text[0] ? verdict->text : NULL);
    log_str(line, "host", verdict->host[0] ? verdict->host : NULL);
    if (verdict->port)
        log_uint(line, "port", verdict->port);
    if (news->api_answered)
        log_uint(line, "api_age_s", (uint64_t)clock_wall_since_s(news->api_answered));
    if (news->api_status != ERR_NONE)
        log_str(line, "error", err_row(news->api_status)->key);
    log_str(line, "api", news->api_text[0] ? news->api_text : NULL);
}

static void log_addresses(
    const struct program *program, size_t index, const struct proxy_target_state *target)
{
    for (size_t i = 0; target->addrs && i < target->addrs->count; i++) {
        const struct path_sum path = proxy_path(program->proxy, index, i);
        char text[ADDR_TEXT_BYTES];
        struct log_line line;
        log_item(&line, "state: address");
        log_str(&line, "cluster", target->alias);
        log_str(
            &line, target->via ? "jump" : "server", addr_format_ip(&target->addrs->addrs[i], text));
        if (path.connect_us)
            log_uint(&line, "connect_us", path.connect_us);
        log_uint(&line, "failures", path.failures);
        if (path.left_alone_ms)
            log_uint(&line, "for_ms", path.left_alone_ms);
        log_write(&line);
    }
}

static void log_listeners(const struct program *program, size_t index, const char *alias)
{
    struct addr addr;
    for (size_t i = 0; proxy_listen_address(program->proxy, index, i, &addr); i++) {
        char text[ADDR_TEXT_BYTES];
        struct log_line line;
        log_item(&line, "state: listener");
        log_str(&line, "cluster", alias);
        log_str(&line, "address", addr_format(&addr, text));
        log_write(&line);
    }
}

static void log_cluster(const struct program *program, size_t index)
{
    const struct proxy_target_state target = proxy_target_state(program->proxy, index);
    struct log_line line;
    log_item(&line, "state: cluster");
    log_str(&line, "cluster", target.alias);
    if (target.news)
        put_verdict(&line, target.news);
    log_str(&line, "via", target.via ? target.via->shown : NULL);
    log_uint(&line, "connections", target.connections);
    log_uint(&line, "spares", target.spares);
    log_str(&line, "dns", target.dns_failure ? target.dns_failure->text : NULL);
    log_write(&line);
    log_addresses(program, index, &target);
    log_listeners(program, index, target.alias);
}

// ---- connections --------------------------------------------------------------------------------

static uint64_t since(uint64_t then_ms, uint64_t now_ms)
{
    return now_ms > then_ms ? now_ms - then_ms : 0; // the workers read the clock later
}

static void log_connection(
    const struct program *program, const struct conn_facts *facts, const char *why, uint64_t now_ms)
{
    const struct proxy_target_state target = proxy_target_state(program->proxy, facts->target);
    char text[PEER_TEXT_BYTES];
    struct log_line line;
    log_item(&line, "state: connection");
    log_str(&line, "why", why);
    log_uint(&line, "conn", facts->id);
    log_str(&line, "cluster", target.alias);
    log_str(&line, "client", peer_format(&facts->client, text));
    if (facts->server.family != AF_UNSPEC)
        log_str(&line, "server", peer_format(&facts->server, text));
    log_str(&line, "step", conn_state_name((enum conn_state)facts->step));
    if (facts->server_id)
        log_uint(&line, "server_id", facts->server_id);
    log_uint(&line, "age_ms", since(facts->began_ms, now_ms));
    if (facts->active_ms)
        log_uint(&line, "idle_ms", since(facts->active_ms, now_ms));
    log_uint(&line, "client_bytes", facts->client_bytes);
    log_uint(&line, "server_bytes", facts->server_bytes);
    log_write(&line);
}

static bool is_any(const struct conn_facts *facts)
{
    (void)facts;
    return true;
}

static bool is_held(const struct conn_facts *facts)
{
    return facts->step == CONN_HOLD || facts->step == CONN_RESOLVE;
}

static bool is_relayed(const struct conn_facts *facts)
{
    return facts->step == CONN_RELAY;
}

// Who is held has come lately.
static const struct question {
    const char *why;
    enum census_order order;
    size_t limit;
    bool (*is_meant)(const struct conn_facts *facts);
} questions[] = {
    { "oldest", CENSUS_OLDEST, ROWS_SHOWN, is_any },
    { "held", CENSUS_NEWEST, CENSUS_LIMIT_MAX, is_held },
    { "idle", CENSUS_IDLE, ROWS_SHOWN, is_relayed },
};

static void on_counted(void *arg, const struct census_result *result);

static bool ask(struct dump *dump)
{
    const struct census_plan plan = { .order = questions[dump->asked].order,
        .limit = questions[dump->asked].limit,
        .target = CENSUS_ALL_TARGETS };
    dump->census = proxy_census(dump->program->proxy, &plan, on_counted, dump);
    return dump->census;
}

static void end(struct dump *dump, const struct census_result *result)
{
    struct log_line line;
    log_item(&line, "state: end");
    log_uint(&line, "connections", result->seen);
    if (result->silent)
        log_uint(&line, "silent_workers", result->silent);
    log_write(&line);
    dump->program->dump = NULL;
    free(dump);
}

static void on_counted(void *arg, const struct census_result *result)
{
    struct dump *dump = arg;
    const struct question *question = &questions[dump->asked++];
    size_t shown = 0;
    for (size_t i = 0; i < result->row_count && shown < ROWS_SHOWN; i++) {
        if (!question->is_meant(result->rows[i]))
            continue;
        log_connection(dump->program, result->rows[i], question->why, result->now_ms);
        shown++;
    }
    if (dump->asked == ARRAY_LEN(questions) || !ask(dump))
        end(dump, result);
}

// ---- begin and end ------------------------------------------------------------------------------

void dump_begin(struct program *program)
{
    if (program->dump)
        return;
    log_program(program);
    log_settings(program->settings);
    log_workers(program);
    for (size_t i = 0; i < proxy_target_count(program->proxy); i++)
        log_cluster(program, i);
    struct dump *dump = calloc(1, sizeof(*dump));
    if (!dump)
        return;
    dump->program = program;
    if (ask(dump))
        program->dump = dump;
    else
        free(dump);
}

void dump_cancel(struct program *program)
{
    if (!program->dump)
        return;
    census_cancel(program->dump->census);
    free(program->dump);
    program->dump = NULL;
}
