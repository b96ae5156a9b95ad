// SPDX-License-Identifier: Apache-2.0
//
// Reads the query, finds the place without waiting for anybody, prints. Used by admin.c.
#include "app/admin_dsn.h"

#include "app/admin.h"
#include "app/dsn_place.h"
#include "app/dsn_print.h"
#include "app/facts_json.h"
#include "app/program.h"
#include "base/err.h"

#include <cjson/cJSON.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <stdlib.h>
#include <string.h>

enum { CONFLICT = 409 };

// ---- answers ------------------------------------------------------------------------------------

static void answer_json(struct evhttp_request *request, int code, cJSON *json)
{
    char *text = cJSON_PrintUnformatted(json);
    cJSON_Delete(json);
    admin_reply(request, text ? code : HTTP_INTERNAL, "application/json",
        text ? text : "{\"error\":\"memory\",\"reason\":\"out of memory\"}");
    free(text);
}

static int status_of(enum err_code code)
{
    if (code == ERR_UNKNOWN_CLUSTER)
        return HTTP_NOTFOUND;
    if (code == ERR_MEMORY)
        return HTTP_INTERNAL;
    return code == ERR_REFUSED ? CONFLICT : HTTP_BADREQUEST;
}

static void answer_error(struct evhttp_request *request, const struct err *err)
{
    cJSON *object = cJSON_CreateObject();
    facts_json_text(object, "error", err_row(err->code)->key);
    facts_json_text(object, "reason", err->text);
    answer_json(request, status_of(err->code), object);
}

void admin_dsn_clients(const struct program *program, struct evhttp_request *request)
{
    (void)program;
    answer_json(request, HTTP_OK, dsn_print_clients());
}

// ---- the query ----------------------------------------------------------------------------------

enum parameter { CLUSTER = 0, CLIENT, TO, USER, DATABASE, PARAMETERS };
static const char *const names[PARAMETERS] = {
    [CLUSTER] = "cluster",
    [CLIENT] = "client",
    [TO] = "to",
    [USER] = "user",
    [DATABASE] = "database",
};

static bool sort_parameter(
    const struct evkeyval *given, const char *values[PARAMETERS], struct err *err)
{
    for (size_t i = 0; i < PARAMETERS; i++) {
        if (strcmp(names[i], given->key) != 0)
            continue;
        if (values[i])
            return err_set(err, ERR_USAGE, "%s: given twice", names[i]);
        values[i] = given->value;
        return true;
    }
    return err_set(err, ERR_USAGE,
        "no parameter has this name: expected cluster, client, to, user or database");
}

// `values` point into `query`, which the caller clears.
static bool read_query(struct evhttp_request *request, struct evkeyvalq *query,
    const char *values[PARAMETERS], struct err *err)
{
    const struct evkeyval *given;
    const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(request);
    const char *text = uri ? evhttp_uri_get_query(uri) : NULL;
    if (text && evhttp_parse_query_str(text, query) != 0) // a NUL in it was refused before
        return err_set(err, ERR_USAGE, "the query cannot be read: expected NAME=VALUE&...");
    for (given = query->tqh_first; given; given = given->next.tqe_next)
        if (!sort_parameter(given, values, err))
            return false;
    return true;
}

// ---- one string ---------------------------------------------------------------------------------

static bool find_cluster(
    const struct program *program, const char *alias, size_t *out, struct err *err)
{
    for (*out = 0; *out < proxy_target_count(program->proxy); ++*out)
        if (strcmp(proxy_target_state(program->proxy, *out).alias, alias) == 0)
            return true;
    return err_set(err, ERR_UNKNOWN_CLUSTER, "this proxy serves no cluster \"%.60s\"", alias);
}

// The listener that a client of this machine should use: TCP before unix, which not all can.
static bool find_listener(const struct program *program, size_t index, struct addr *out)
{
    struct addr addr;
    bool found = false;
    for (size_t i = 0; proxy_listen_address(program->proxy, index, i, &addr); i++) {
        if (!found || (out->any.sa_family == AF_UNIX && addr.any.sa_family != AF_UNIX))
            *out = addr;
        found = true;
    }
    return found;
}

static bool find_place(const struct program *program, const char *to, size_t index,
    struct dsn_place *out, struct err *err)
{
    struct addr listener;
    const struct control_news *news = proxy_target_state(program->proxy, index).news;
    bool is_direct = to && strcmp(to, "endpoint") == 0;
    if (to && !is_direct && strcmp(to, "proxy") != 0)
        return err_set(err, ERR_USAGE, "to: expected proxy or endpoint");
    if (!is_direct && !find_listener(program, index, &listener))
        return err_set(err, ERR_REFUSED, "the proxy does not listen any more");
    return dsn_place_known(program->settings, index, is_direct ? NULL : &listener,
        news ? &news->verdict : NULL, out, err);
}

static bool print(const struct program *program, const char *const values[PARAMETERS], cJSON **out,
    struct err *err)
{
    size_t index = 0;
    struct dsn_place place = { 0 };
    struct string_output output;
    if (!values[CLUSTER] || !values[CLIENT])
        return err_set(err, ERR_USAGE, "expected at least cluster=ALIAS&client=NAME");
    const struct string_client *client = strings_find(values[CLIENT]);
    if (!client)
        return err_set(err, ERR_UNKNOWN_CLUSTER, "no client \"%.60s\": /api/v1/clients lists them",
            values[CLIENT]);
    if (!find_cluster(program, values[CLUSTER], &index, err) ||
        !find_place(program, values[TO], index, &place, err))
        return false;
    const struct string_request request = {
        .host = place.host,
        .port = place.port,
        .socket = *place.socket ? place.socket : NULL,
        .user = values[USER] ? values[USER] : "root",
        .database = values[DATABASE],
        .direct = values[TO] && strcmp(values[TO], "endpoint") == 0,
        .ca_path = place.ca,
        .tls = place.tls,
    };
    if (!strings_print(client, &request, &output, err))
        return false;
    *out = dsn_print_object(client, &output, NULL);
    strings_output_done(&output);
    return *out || err_set(err, ERR_MEMORY, "out of memory");
}

void admin_dsn_answer(const struct program *program, struct evhttp_request *request)
{
    struct err err;
    cJSON *object = NULL;
    const char *values[PARAMETERS] = { NULL };
    struct evkeyvalq query = { .tqh_last = &query.tqh_first };
    if (read_query(request, &query, values, &err) && print(program, values, &object, &err))
        answer_json(request, HTTP_OK, object);
    else
        answer_error(request, &err);
    evhttp_clear_headers(&query);
}
