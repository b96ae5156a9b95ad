// SPDX-License-Identifier: Apache-2.0
//
// The status of the running proxy for programs; the metrics say the same in numbers. Main thread.
#include "app/status_json.h"

#include "app/facts_json.h"
#include "app/headline.h"
#include "app/health_now.h"
#include "app/lockdown.h"
#include "app/program.h"
#include "app/words.h"
#include "base/clock.h"
#include "base/text.h"
#include "proxy/via.h"

#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void add_number(cJSON *object, const char *name, double number)
{
    cJSON_AddNumberToObject(object, name, number);
}

// ---- the whole program --------------------------------------------------------------------------

// Codes and reasons that never happened are left out.
static void add_counts(cJSON *object, const struct proxy_counters *counters)
{
    cJSON *refused = cJSON_AddObjectToObject(object, "refused");
    for (size_t i = 0; i < ERR_CODES; i++) {
        if (counters->refused[i])
            add_number(refused, err_row((enum err_code)i)->key, (double)counters->refused[i]);
    }
    cJSON *closed = cJSON_AddObjectToObject(object, "closed");
    for (size_t i = 0; i < CLOSE_REASONS; i++) {
        if (counters->closed[i])
            add_number(
                closed, closing_reason_name((enum close_reason)i), (double)counters->closed[i]);
    }
    cJSON *steps = cJSON_AddObjectToObject(object, "steps");
    for (size_t i = 0; i < CONN_STATES; i++) {
        if (counters->steps[i])
            add_number(steps, conn_state_name((enum conn_state)i), (double)counters->steps[i]);
    }
}

static void add_connections(cJSON *root, const struct program *program)
{
    struct proxy_counters counters;
    proxy_count(program->proxy, &counters);
    cJSON *object = cJSON_AddObjectToObject(root, "connections");
    add_number(object, "open", (double)counters.open);
    add_number(object, "max", (double)program->settings->proxy.max_connections);
    add_number(object, "accepted", (double)counters.accepted);
    add_number(object, "unchecked", (double)counters.unchecked);
    add_number(object, "client_bytes", (double)counters.client_bytes);
    add_number(object, "server_bytes", (double)counters.server_bytes);
    add_counts(object, &counters);
    cJSON *spares = cJSON_AddObjectToObject(root, "spares");
    add_number(spares, "ready", (double)counters.spares_ready);
    add_number(spares, "used", (double)counters.spares_used);
    add_number(spares, "discarded", (double)counters.spares_discarded);
    cJSON *loops = cJSON_AddObjectToObject(root, "loops");
    add_number(loops, "stall_max_ms", (double)counters.stall_max_us / 1000);
    add_number(loops, "stalls", (double)counters.stalls);
}

// What the probe of this path answers.
static void add_probe(cJSON *object, const char *name, enum health health, struct program *program)
{
    bool healthy;
    char *text = health_now_json(program, health, NULL, &healthy);
    if (text) {
        text[strcspn(text, "\n")] = '\0'; // the one at its end
        cJSON_AddRawToObject(object, name, text);
    }
    free(text);
}

static void add_health(cJSON *root, struct program *program)
{
    cJSON *object = cJSON_AddObjectToObject(root, "health");
    add_probe(object, "startup", HEALTH_STARTED, program);
    add_probe(object, "readiness", HEALTH_READY, program);
    add_probe(object, "liveness", HEALTH_LIVE, program);
}

// ---- one cluster --------------------------------------------------------------------------------

static void add_verdict(cJSON *object, const struct verdict *verdict)
{
    cJSON_AddStringToObject(object, "new_connections", words_action(verdict));
    cJSON_AddBoolToObject(object, "drains", verdict->drain);
    cJSON_AddBoolToObject(object, "contradicted", verdict->contradicted);
    facts_json_text(object, "decided_by", verdict->what);
    facts_json_text(object, "state", verdict->state);
    facts_json_text(object, "refusal", verdict->text);
    facts_json_text(object, "next_step", verdict->next_step);
    if (verdict->age_s >= 0)
        add_number(object, "age_s", (double)verdict->age_s);
    facts_json_text(object, "host", verdict->host);
    if (verdict->port)
        add_number(object, "port", verdict->port);
}

static void add_api(cJSON *cluster, const struct control_news *news)
{
    cJSON *object = cJSON_AddObjectToObject(cluster, "api");
    cJSON_AddBoolToObject(object, "ok", news->api_status == ERR_NONE);
    if (news->api_status != ERR_NONE)
        cJSON_AddStringToObject(object, "error", err_row(news->api_status)->key);
    facts_json_text(object, "reason", news->api_text);
    facts_json_time(object, "answered", news->api_answered);
    if (news->api_answered)
        add_number(object, "age_s", (double)clock_wall_since_s(news->api_answered));
    facts_json_time(object, "next_poll", news->next_poll);
    add_number(object, "requests", (double)news->api_requests);
    add_number(object, "failures", (double)news->api_failures);
    if (news->rate_limit >= 0)
        add_number(object, "rate_limit", (double)news->rate_limit);
    if (news->rate_remaining >= 0)
        add_number(object, "rate_remaining", (double)news->rate_remaining);
}

// What real connections have learned of an address, over all workers.
static cJSON *path_json(
    const struct program *program, size_t target, size_t address, const char *text)
{
    const struct path_sum path = proxy_path(program->proxy, target, address);
    cJSON *object = cJSON_CreateObject();
    cJSON_AddStringToObject(object, "address", text);
    if (path.connect_us)
        add_number(object, "connect_ms", (double)path.connect_us / 1000);
    add_number(object, "failures", path.failures);
    add_number(object, "left_alone_ms", (double)path.left_alone_ms);
    return object;
}

static void add_dns(cJSON *cluster, const struct program *program, size_t index,
    const struct proxy_target_state *target)
{
    cJSON *object = cJSON_AddObjectToObject(cluster, "dns");
    cJSON *addresses = cJSON_AddArrayToObject(object, "addresses");
    cJSON *paths = cJSON_AddArrayToObject(object, "paths");
    bool has_addresses = target->addrs && !(target->via && via_is_program(target->via));
    for (size_t i = 0; has_addresses && i < target->addrs->count; i++) {
        char text[ADDR_TEXT_BYTES];
        addr_format_ip(&target->addrs->addrs[i], text);
        cJSON_AddItemToArray(addresses, cJSON_CreateString(text));
        cJSON_AddItemToArray(paths, path_json(program, index, i, text));
    }
    if (!target->dns_failure)
        return;
    cJSON_AddStringToObject(object, "error", err_row(target->dns_failure->code)->key);
    facts_json_text(object, "reason", target->dns_failure->text);
}

static void add_spares(cJSON *cluster, const struct proxy_target_state *target)
{
    cJSON *object = cJSON_AddObjectToObject(cluster, "spares");
    add_number(object, "ready", (double)target->spares);
}

// The last that connections to the cluster found out.
static void add_reach(cJSON *cluster, const struct proxy_target_state *target)
{
    cJSON *object = cJSON_AddObjectToObject(cluster, "reach");
    uint64_t now_ms = clock_ms();
    if (target->reached_ms || target->failed_ms)
        cJSON_AddBoolToObject(object, "ok", target->reached_ms >= target->failed_ms);
    if (target->reached_ms)
        add_number(object, "reached_ms_ago", (double)(now_ms - target->reached_ms));
    if (target->failed_ms)
        add_number(object, "failed_ms_ago", (double)(now_ms - target->failed_ms));
    if (target->failed_ms > target->reached_ms)
        facts_json_text(object, "reason", target->unreachable->text);
}

static void add_listeners(cJSON *cluster, const struct program *program, size_t index)
{
    struct addr addr;
    char text[ADDR_TEXT_BYTES];
    cJSON *listeners = cJSON_AddArrayToObject(cluster, "listen");
    for (size_t i = 0; proxy_listen_address(program->proxy, index, i, &addr); i++) {
        addr_format(&addr, text);
        text_mend(text); // the path of a socket may be any bytes
        cJSON_AddItemToArray(listeners, cJSON_CreateString(text));
    }
}

static void add_facts(
    cJSON *object, const struct program *program, size_t index, const struct control_news *news)
{
    const struct cluster *cluster = NULL;
    const struct node_group *group = NULL;
    const struct control_target *target = &program->settings->control_targets[index];
    facts_json_text(object, "cluster_id", news->cluster_id);
    facts_json_text(object, "endpoint_id", target->endpoint_id);
    headline_json(object, news, target);
    if (!news->model || !control_find(news->model, target, &cluster, &group, NULL))
        return;
    facts_json_text(object, "group_id", group->id);
    cJSON_AddItemToObject(object, "facts", facts_json_cluster(cluster, target->alias));
}

static void add_cluster(cJSON *list, const struct program *program, size_t index)
{
    static const struct verdict nothing = { .action = VERDICT_UNKNOWN, .what = "", .age_s = -1 };
    const struct proxy_target_state target = proxy_target_state(program->proxy, index);
    cJSON *object = cJSON_CreateObject();
    facts_json_text(object, "alias", target.alias);
    add_listeners(object, program, index);
    const struct proxy_target *settings = &program->settings->proxy_targets[index];
    cJSON_AddStringToObject(object, "tls", words_tls(settings->tls));
    cJSON_AddStringToObject(object, "client_tls", words_client_tls(settings->client_tls));
    facts_json_text(object, "via", target.via ? target.via->shown : NULL);
    add_number(object, "connections", (double)target.connections);
    add_verdict(object, target.news ? &target.news->verdict : &nothing);
    add_spares(object, &target);
    add_reach(object, &target);
    add_dns(object, program, index, &target);
    if (target.news) {
        add_api(object, target.news);
        add_facts(object, program, index, target.news);
    }
    cJSON_AddItemToArray(list, object);
}

char *status_json(struct program *program)
{
    cJSON *root = cJSON_CreateObject();
    facts_json_text(root, "version", TIDBLINK_VERSION);
    add_number(root, "pid", getpid());
    facts_json_time(root, "started", program->started);
    cJSON_AddBoolToObject(root, "draining", program->stopping);
    facts_json_text(root, "config", program->settings->file);
    facts_json_text(root, "state_source", program->settings->control.state_source);
    facts_json_text(root, "sandbox", lockdown_text(program->lockdown));
    add_health(root, program);
    add_connections(root, program);
    cJSON *clusters = cJSON_AddArrayToObject(root, "clusters");
    for (size_t i = 0; i < proxy_target_count(program->proxy); i++)
        add_cluster(clusters, program, i);
    char *text = cJSON_Print(root);
    cJSON_Delete(root);
    return text;
}
