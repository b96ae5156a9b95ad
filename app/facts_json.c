// SPDX-License-Identifier: Apache-2.0
//
// The model as JSON. Names are ours and stable; states are given as the API spells them ("state")
// and as the console shows them ("console"), with what each does to connections ("effect"). Pure;
// any thread.
#include "app/facts_json.h"

#include "app/secret.h"
#include "app/table.h"
#include "app/words.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/text.h"
#include "control/verdict_row.h"

#include <cjson/cJSON.h>
#include <stdio.h>

void facts_json_text(struct cJSON *object, const char *name, const char *text)
{
    const cJSON *added = text && *text ? cJSON_AddStringToObject(object, name, text) : NULL;
    if (added)
        text_mend(added->valuestring); // cJSON prints any bytes, and JSON is UTF-8
}

void facts_json_time(struct cJSON *object, const char *name, int64_t wall_s)
{
    char text[CLOCK_TEXT_BYTES];
    if (wall_s)
        cJSON_AddStringToObject(object, name, clock_format(wall_s, text));
}

static void add_port(cJSON *object, uint16_t port)
{
    if (port)
        cJSON_AddNumberToObject(object, "port", port);
}

static void add_state(cJSON *object, const struct observed_state *state,
    const struct verdict_row *row, const char *alias, bool is_endpoint)
{
    char step[WORDS_STEP_BYTES];
    const struct state_words *words = &row->words;
    facts_json_text(object, "state", state->text);
    facts_json_text(object, "console", words->console);
    facts_json_text(object, "meaning", words->meaning);
    facts_json_text(object, "usual", words->usual);
    facts_json_text(object, "effect", words_effect(row->action));
    facts_json_text(
        object, "next_step", words_step_alone(words->next_step, alias, is_endpoint, step));
    facts_json_time(object, "since", state->since);
}

static void add_endpoint(cJSON *list, const struct endpoint *endpoint, const char *alias)
{
    cJSON *object = cJSON_CreateObject();
    facts_json_text(object, "endpoint_id", endpoint->endpoint_id);
    facts_json_text(object, "connection_id", endpoint->connection_id);
    add_state(object, &endpoint->state, verdict_row_endpoint(endpoint->state.value), alias, true);
    facts_json_text(object, "message", endpoint->message);
    facts_json_text(object, "host", endpoint->host);
    add_port(object, endpoint->port);
    cJSON_AddItemToArray(list, object);
}

// A list of clusters does not ask for endpoints: none would be a lie then.
static void add_endpoints(cJSON *group_object, const struct node_group *group, const char *alias)
{
    if (group->endpoint_lists == 0 && group->endpoint_count == 0)
        return;
    cJSON *list = cJSON_AddArrayToObject(group_object, "endpoints");
    for (size_t i = 0; i < group->endpoint_count; i++)
        add_endpoint(list, &group->endpoints[i], alias);
}

static void add_service(cJSON *group_object, const struct node_group *group, const char *alias)
{
    if (!group->service.text)
        return;
    cJSON *object = cJSON_AddObjectToObject(group_object, "service");
    facts_json_text(object, "name", group->service_name);
    facts_json_text(object, "dns_name", group->service_dns_name);
    add_state(object, &group->service, verdict_row_service(group->service.value), alias, false);
}

static void add_group(cJSON *list, const struct node_group *group, const char *alias)
{
    cJSON *object = cJSON_CreateObject();
    facts_json_text(object, "id", group->id);
    facts_json_text(object, "name", group->name);
    cJSON_AddBoolToObject(object, "default", group->is_default);
    add_state(object, &group->state, verdict_row_group(group->state.value), alias, false);
    facts_json_text(object, "host", group->host);
    add_port(object, group->port);
    add_service(object, group, alias);
    add_endpoints(object, group, alias);
    cJSON_AddItemToArray(list, object);
}

struct cJSON *facts_json_cluster(const struct cluster *cluster, const char *alias)
{
    cJSON *object = cJSON_CreateObject();
    facts_json_text(object, "id", cluster->id);
    facts_json_text(object, "name", cluster->name);
    facts_json_text(object, "provider", cluster->provider);
    facts_json_text(object, "region", cluster->region);
    facts_json_text(object, "project_id", cluster->project_id);
    add_port(object, cluster->port);
    add_state(object, &cluster->state, verdict_row_cluster(cluster->state.value), alias, false);
    facts_json_time(object, "answered", cluster->seen);
    cJSON *groups = cJSON_AddArrayToObject(object, "groups");
    for (size_t i = 0; i < cluster->group_count; i++)
        add_group(groups, &cluster->groups[i], alias);
    return object;
}

bool facts_json_print(const struct cJSON *json, bool on_one_line, struct err *err)
{
    char *text = on_one_line ? cJSON_PrintUnformatted(json) : cJSON_Print(json);
    if (!text)
        return err_set(err, ERR_MEMORY, "out of memory");
    puts(text);
    secret_free(text); // a revealed string may be in it
    return table_flush(stdout, err);
}
