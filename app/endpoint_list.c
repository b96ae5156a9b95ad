// SPDX-License-Identifier: Apache-2.0
//
// Joins the two clouds' lists by the endpoint's ID. Used by cmd_endpoint.c.
#include "app/endpoint_list.h"

#include "app/facts_json.h"
#include "app/table.h"
#include "base/err.h"
#include "guide/setup.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// One endpoint as both see it; either may be NULL.
struct pair {
    const struct endpoint *connection;
    const struct ec2_endpoint *endpoint;
};

static const char *id_of(const struct pair *pair)
{
    return pair->endpoint ? pair->endpoint->id : pair->connection->endpoint_id;
}

static const char *private_dns(const struct pair *pair)
{
    if (!pair->endpoint)
        return "";
    return pair->endpoint->private_dns ? "on" : "off";
}

static void add_row(struct table *table, const struct pair *pair)
{
    const struct endpoint *connection = pair->connection;
    const struct ec2_endpoint *endpoint = pair->endpoint;
    table_add(table, (const char *const[]){ endpoint ? endpoint->state : "",
                         connection ? connection->state.text : "none", private_dns(pair),
                         id_of(pair), endpoint ? endpoint->vpc_id : "" });
}

static void add_json(cJSON *list, const struct pair *pair)
{
    cJSON *object = cJSON_CreateObject();
    facts_json_text(object, "endpoint_id", id_of(pair));
    if (pair->connection) {
        const struct state_words words = verdict_endpoint_words(pair->connection->state.value);
        facts_json_text(object, "connection_id", pair->connection->connection_id);
        facts_json_text(object, "state", pair->connection->state.text);
        facts_json_text(object, "console", words.console);
        facts_json_text(object, "message", pair->connection->message);
    }
    if (pair->endpoint) {
        facts_json_text(object, "aws_state", pair->endpoint->state);
        facts_json_text(object, "vpc_id", pair->endpoint->vpc_id);
        cJSON_AddBoolToObject(object, "private_dns", pair->endpoint->private_dns);
    }
    cJSON_AddItemToArray(list, object);
}

static void add(struct table *table, cJSON *list, const struct pair *pair)
{
    if (list)
        add_json(list, pair);
    else
        add_row(table, pair);
}

static void add_all(const struct setup *setup, struct table *table, cJSON *list)
{
    const struct world *world = &setup->world;
    for (size_t i = 0; i < world->group->endpoint_count; i++) {
        const struct endpoint *connection = &world->group->endpoints[i];
        const struct pair pair = { connection,
            world_find_endpoint(&world->endpoint_list, connection->endpoint_id) };
        add(table, list, &pair);
    }
    for (size_t i = 0; i < world->endpoint_list.count; i++) {
        const struct ec2_endpoint *endpoint = &world->endpoint_list.items[i];
        const struct pair pair = { NULL, endpoint };
        if (!world_find_connection(world->group, endpoint->id))
            add(table, list, &pair);
    }
}

bool endpoint_list(const struct setup *setup, bool json, struct err *err)
{
    // What is cut off when it gets too wide is the first: no ID, which would be of no use.
    static const char *const heads[] = { "AWS", "TIDB CLOUD", "DNS", "ENDPOINT", "VPC" };
    struct table table;
    cJSON *list = json ? cJSON_CreateArray() : NULL;
    table_init(&table, ARRAY_LEN(heads));
    table_add(&table, heads);
    add_all(setup, &table, list);
    bool ok = json ? facts_json_print(list, false, err)
                   : table_print(&table, stdout) || err_set(err, ERR_MEMORY, "out of memory");
    if (!json && !setup_sees_aws(setup))
        fprintf(stderr, "AWS was not asked: %s\n", setup_no_aws(setup)->text);
    cJSON_Delete(list);
    table_done(&table);
    return ok;
}
