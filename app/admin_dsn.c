// SPDX-License-Identifier: Apache-2.0
//
// Reads the query, finds the place without waiting for anybody, prints. Used by admin.c.
#include "app/admin_dsn.h"

#include "app/admin.h"
#include "app/admin_query.h"
#include "app/dsn_place.h"
#include "app/dsn_print.h"
#include "app/facts_json.h"
#include "app/program.h"
#include "base/err.h"

#include <cjson/cJSON.h>
#include <event2/http.h>
#include <string.h>

enum { CONFLICT = 409 };

// ---- answers ------------------------------------------------------------------------------------

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
    admin_reply_tree(request, status_of(err->code), object);
    cJSON_Delete(object);
}

void admin_dsn_clients(const struct program *program, struct evhttp_request *request)
{
    (void)program;
    cJSON *clients = dsn_print_clients();
    admin_reply_tree(request, HTTP_OK, clients);
    cJSON_Delete(clients);
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
    struct admin_query query;
    if (admin_query_read(request, names, PARAMETERS, &query, &err) &&
        print(program, query.values, &object, &err))
        admin_reply_tree(request, HTTP_OK, object);
    else
        answer_error(request, &err);
    cJSON_Delete(object);
    admin_query_done(&query);
}
