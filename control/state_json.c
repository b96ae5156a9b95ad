// SPDX-License-Identifier: Apache-2.0
//
// The state document: prints a model and reads it back, field by field, with the times and counts
// that the API's answers do not have. Used by state_file.c and control_disk.c.
#include "control/state_json.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/options.h"
#include "control/json.h"

#include <stdlib.h>
#include <string.h>

#define FORMAT "tidblink-state"
enum { VERSION = 1 };

// ---- printing -----------------------------------------------------------------------------------

static void put_text(cJSON *object, const char *key, const char *text)
{
    if (text != NULL)
        cJSON_AddStringToObject(object, key, text);
}

static void put_number(cJSON *object, const char *key, unsigned number)
{
    if (number != 0)
        cJSON_AddNumberToObject(object, key, number);
}

static void put_time(cJSON *object, const char *key, int64_t wall_s)
{
    char text[CLOCK_TEXT_BYTES];
    if (wall_s != 0)
        cJSON_AddStringToObject(object, key, clock_format(wall_s, text));
}

static void put_state(cJSON *object, const char *key, const struct observed_state *state)
{
    if (state->text == NULL)
        return;
    cJSON *place = cJSON_AddObjectToObject(object, key);
    put_text(place, "text", state->text);
    put_time(place, "since", state->since);
}

static cJSON *add_object(cJSON *array)
{
    cJSON *object = cJSON_CreateObject();
    cJSON_AddItemToArray(array, object);
    return object;
}

static void put_texts(cJSON *object, const char *key, char *const *texts, size_t count)
{
    if (count == 0)
        return;
    cJSON *array = cJSON_AddArrayToObject(object, key);
    for (size_t i = 0; i < count; i++)
        cJSON_AddItemToArray(array, cJSON_CreateString(texts[i]));
}

static void put_endpoint(cJSON *object, const struct endpoint *endpoint)
{
    put_text(object, "connection_id", endpoint->connection_id);
    put_text(object, "endpoint_id", endpoint->endpoint_id);
    put_state(object, "state", &endpoint->state);
    put_text(object, "message", endpoint->message);
    put_text(object, "host", endpoint->host);
    put_number(object, "port", endpoint->port);
    put_number(object, "absent_polls", endpoint->absent_polls);
}

static void put_group(cJSON *object, const struct node_group *group, bool timed)
{
    put_text(object, "id", group->id);
    put_text(object, "name", group->name);
    cJSON_AddBoolToObject(object, "default", group->is_default);
    put_state(object, "state", &group->state);
    put_number(object, "absent_polls", group->absent_polls);
    put_text(object, "service_name", group->service_name);
    put_text(object, "service_dns_name", group->service_dns_name);
    put_state(object, "service", &group->service);
    put_texts(object, "zones", group->zones, group->zone_count);
    put_text(object, "host", group->host);
    put_number(object, "port", group->port);
    put_number(object, "endpoint_lists", group->endpoint_lists);
    put_time(object, "endpoints_seen", timed ? group->endpoints_seen : 0);
    cJSON *endpoints = cJSON_AddArrayToObject(object, "endpoints");
    for (size_t i = 0; i < group->endpoint_count; i++)
        put_endpoint(add_object(endpoints), &group->endpoints[i]);
}

static void put_cluster(cJSON *object, const struct cluster *cluster, bool timed)
{
    put_text(object, "id", cluster->id);
    put_text(object, "name", cluster->name);
    put_text(object, "region", cluster->region);
    put_text(object, "provider", cluster->provider);
    put_text(object, "project_id", cluster->project_id);
    put_number(object, "port", cluster->port);
    put_state(object, "state", &cluster->state);
    put_number(object, "absent_polls", cluster->absent_polls);
    put_time(object, "seen", timed ? cluster->seen : 0);
    put_number(object, "group_lists", cluster->group_lists);
    cJSON *groups = cJSON_AddArrayToObject(object, "groups");
    for (size_t i = 0; i < cluster->group_count; i++)
        put_group(add_object(groups), &cluster->groups[i], timed);
}

char *state_json_print(const struct model *model, int64_t now)
{
    cJSON *document = cJSON_CreateObject();
    put_text(document, "format", FORMAT);
    put_number(document, "version", VERSION);
    put_time(document, "written", now);
    cJSON *clusters = cJSON_AddArrayToObject(document, "clusters");
    for (size_t i = 0; i < model->cluster_count; i++)
        put_cluster(add_object(clusters), &model->clusters[i], now != 0);
    char *text = cJSON_Print(document);
    cJSON_Delete(document);
    if (text == NULL)
        abort(); // out of memory
    return text;
}

// ---- parsing ------------------------------------------------------------------------------------

static bool get_number(
    const struct json_place *place, const char *key, unsigned max, unsigned *out, struct err *err)
{
    int64_t number = 0;
    if (!json_int(place, key, 0, max, &number, err))
        return false;
    *out = (unsigned)number;
    return true;
}

static bool get_time(const struct json_place *place, const char *key, int64_t *out, struct err *err)
{
    char *text = NULL;
    if (!json_text(place, key, &text, err))
        return false;
    bool good = text == NULL || clock_parse(text, out);
    if (!good)
        err_set(
            err, ERR_FILE, "%s.%s: expected a time like 2026-11-22T10:19:50Z", place->path, key);
    free(text);
    return good;
}

typedef int (*parse_state_fn)(const char *text);

static bool get_state(const struct json_place *place, const char *key, parse_state_fn parse,
    struct observed_state *out, struct err *err)
{
    struct json_place state;
    if (!json_member(place, key, &state, err) || !json_text(&state, "text", &out->text, err) ||
        !get_time(&state, "since", &out->since, err))
        return false;
    out->value = out->text != NULL ? parse(out->text) : 0;
    return true;
}

static bool get_endpoint(const struct json_place *place, struct endpoint *out, struct err *err)
{
    return json_text(place, "connection_id", &out->connection_id, err) &&
           json_id(place, "endpoint_id", &out->endpoint_id, err) &&
           get_state(place, "state", model_parse_endpoint_state, &out->state, err) &&
           json_text(place, "message", &out->message, err) &&
           json_text(place, "host", &out->host, err) && json_port(place, "port", &out->port, err) &&
           get_number(place, "absent_polls", MODEL_ABSENT_POLLS, &out->absent_polls, err);
}

static bool get_zones(const struct json_place *place, struct node_group *out, struct err *err)
{
    struct option_list zones = { 0 };
    bool read = json_texts(place, "zones", &zones, err);
    out->zones = zones.items;
    out->zone_count = zones.count;
    return read;
}

static bool get_group(const struct json_place *place, struct node_group *out, struct err *err)
{
    return json_id(place, "id", &out->id, err) && json_text(place, "name", &out->name, err) &&
           json_bool(place, "default", &out->is_default, err) &&
           get_state(place, "state", model_parse_group_state, &out->state, err) &&
           get_number(place, "absent_polls", MODEL_ABSENT_POLLS, &out->absent_polls, err) &&
           json_text(place, "service_name", &out->service_name, err) &&
           json_text(place, "service_dns_name", &out->service_dns_name, err) &&
           get_state(place, "service", model_parse_service_state, &out->service, err) &&
           get_zones(place, out, err) && json_text(place, "host", &out->host, err) &&
           json_port(place, "port", &out->port, err) &&
           get_number(place, "endpoint_lists", MODEL_ABSENT_POLLS, &out->endpoint_lists, err) &&
           get_time(place, "endpoints_seen", &out->endpoints_seen, err);
}

static bool get_cluster(const struct json_place *place, struct cluster *out, struct err *err)
{
    return json_id(place, "id", &out->id, err) && json_text(place, "name", &out->name, err) &&
           json_text(place, "region", &out->region, err) &&
           json_text(place, "provider", &out->provider, err) &&
           json_text(place, "project_id", &out->project_id, err) &&
           json_port(place, "port", &out->port, err) &&
           get_state(place, "state", model_parse_cluster_state, &out->state, err) &&
           get_number(place, "absent_polls", MODEL_ABSENT_POLLS, &out->absent_polls, err) &&
           get_time(place, "seen", &out->seen, err) &&
           get_number(place, "group_lists", MODEL_ABSENT_POLLS, &out->group_lists, err);
}

static bool get_endpoints(const struct json_place *place, struct node_group *out, struct err *err)
{
    const cJSON *array;
    const cJSON *element;
    size_t index = 0;
    if (!json_array(place, "endpoints", &array, err))
        return false;
    cJSON_ArrayForEach(element, array) {
        struct json_place endpoint;
        if (!json_element(place, "endpoints", index++, element, &endpoint, err) ||
            !get_endpoint(&endpoint, model_add_endpoint(out), err))
            return false;
    }
    return true;
}

static bool get_groups(const struct json_place *place, struct cluster *out, struct err *err)
{
    const cJSON *array;
    const cJSON *element;
    size_t index = 0;
    if (!json_array(place, "groups", &array, err))
        return false;
    cJSON_ArrayForEach(element, array) {
        struct json_place group;
        struct node_group *into = model_add_group(out);
        if (!json_element(place, "groups", index++, element, &group, err) ||
            !get_group(&group, into, err) || !get_endpoints(&group, into, err))
            return false;
    }
    return true;
}

static bool get_clusters(const struct json_place *place, struct model *out, struct err *err)
{
    const cJSON *array;
    const cJSON *element;
    size_t index = 0;
    if (!json_array(place, "clusters", &array, err))
        return false;
    cJSON_ArrayForEach(element, array) {
        struct json_place cluster;
        struct cluster *into = model_add_cluster(out);
        if (!json_element(place, "clusters", index++, element, &cluster, err) ||
            !get_cluster(&cluster, into, err) || !get_groups(&cluster, into, err))
            return false;
    }
    return true;
}

static bool check_format(const struct json_place *top, struct err *err)
{
    char *format = NULL;
    int64_t version = 0;
    if (!json_text(top, "format", &format, err) ||
        !json_int(top, "version", 0, INT32_MAX, &version, err)) {
        free(format);
        return false;
    }
    bool ours = format != NULL && strcmp(format, FORMAT) == 0;
    free(format);
    if (!ours)
        return err_set(err, ERR_FILE, "it is no state document of tidblink");
    return version == VERSION ||
           err_set(err, ERR_FILE, "it has version %lld, this tidblink reads version %d",
               (long long)version, VERSION);
}

bool state_json_parse(const char *text, size_t len, struct model **out, struct err *err)
{
    cJSON *document CLEANUP(json_free) = json_parse(text, len, err);
    struct json_place top = json_top(document);
    struct model *model = model_new();
    if (document != NULL && check_format(&top, err) && get_clusters(&top, model, err)) {
        *out = model;
        return true;
    }
    model_unref(model);
    if (err != NULL)
        err->code = ERR_FILE;
    return false;
}
