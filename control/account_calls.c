// SPDX-License-Identifier: Apache-2.0
//
// The calls of an account, one function each. What makes a POST safe to repeat: when its answer is
// lost, the API is asked what has become of it before it is sent again. See account.h.
#include "control/account_state.h"
#include "control/api_path.h"
#include "control/model_json.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PAGE_LIMIT = 200, POSTS = 2 };

static bool pass_on(const struct reply *reply, struct err *err)
{
    return err_set(err, reply->err.code, "%s", reply->err.text);
}

// Whether a POST may have been carried out although its answer does not say so.
static bool is_doubtful(const struct reply *reply)
{
    return reply->may_pass || reply->status == 200 || reply->status == 409;
}

// Before what became of a POST is looked up: one whose answer was lost, or for which a gateway
// spoke, may be under way still, and a look at once would miss it.
static void let_it_arrive(struct account *account, const struct reply *reply)
{
    if (reply->may_pass)
        account_pause(account, account_backoff_ms(account, 0), &reply->err);
}

// Before it is sent once more.
static void let_it_pass(struct account *account, const struct reply *reply, const struct err *why)
{
    if (!reply->may_pass) // has been waited for
        account_pause(account, account_backoff_ms(account, 0), why);
}

// ---- lists --------------------------------------------------------------------------------------

typedef bool (*page_fn)(const struct reply *reply, void *into, char **out_next, struct err *err);

static bool read_page(struct account *account, const char *path, page_fn fn, void *into,
    char **out_next, struct err *err)
{
    struct reply reply CLEANUP(reply_done) = { 0 };
    const struct request request = { .method = "GET", .path = path };
    if (!account_exchange(account, &request, &reply))
        return pass_on(&reply, err);
    return fn(&reply, into, out_next, err) || err_prefix(err, "the answer to GET %.200s", path);
}

// `path` is of the first page, with its pageSize.
static bool read_pages(
    struct account *account, const char *first, page_fn fn, void *into, struct err *err)
{
    char path[API_PATH_BYTES];
    char *token = NULL;
    bool read = false;
    for (unsigned pages = 0; pages < PAGE_LIMIT; pages++) {
        char *next = NULL;
        snprintf(path, sizeof(path), "%s", first);
        if (token != NULL)
            api_path_parameter(path, "pageToken", token);
        read = read_page(account, path, fn, into, &next, err);
        bool repeats = next != NULL && token != NULL && strcmp(next, token) == 0;
        free(token);
        token = next;
        if (!read || token == NULL || repeats)
            break;
    }
    if (read && token != NULL)
        read = err_set(err, ERR_API_ANSWER, "the list does not end: %.200s", first);
    free(token);
    return read;
}

static bool read_regions(const struct reply *reply, void *into, char **out_next, struct err *err)
{
    return model_json_regions(reply->body, reply->len, into, out_next, err);
}

bool account_regions(struct account *account, struct option_list *out, struct err *err)
{
    struct option_list regions = { 0 };
    char path[API_PATH_BYTES] = "";
    api_path_list(path, "regions");
    bool read = read_pages(account, path, read_regions, &regions, err);
    if (read)
        *out = regions;
    else
        option_list_free(&regions);
    return read;
}

// ---- private endpoint connections ---------------------------------------------------------------

static void group_path(char out[API_PATH_BYTES], const char *cluster_id, const char *group_id)
{
    out[0] = '\0';
    api_path_segment(out, "clusters", cluster_id);
    api_path_segment(out, "tidbNodeGroups", group_id);
}

static void connection_path(char out[API_PATH_BYTES], const char *cluster_id, const char *group_id,
    const char *connection_id)
{
    group_path(out, cluster_id, group_id);
    api_path_segment(out, "privateEndpointConnections", connection_id);
}

static bool read_connection(
    const struct reply *reply, const char *path, struct endpoint *out, struct err *err)
{
    *out = (struct endpoint){ 0 };
    if (model_json_connection(reply->body, reply->len, out, err))
        return true;
    model_endpoint_done(out);
    return err_prefix(err, "the answer about %.200s", path);
}

bool account_connection(struct account *account, const char *cluster_id, const char *group_id,
    const char *connection_id, struct endpoint *out, struct err *err)
{
    struct reply reply CLEANUP(reply_done) = { 0 };
    char path[API_PATH_BYTES];
    connection_path(path, cluster_id, group_id, connection_id);
    const struct request request = { .method = "GET", .path = path };
    *out = (struct endpoint){ 0 };
    if (!account_exchange(account, &request, &reply))
        return pass_on(&reply, err);
    return read_connection(&reply, path, out, err);
}

static bool read_connections(
    const struct reply *reply, void *into, char **out_next, struct err *err)
{
    return model_json_connections(reply->body, reply->len, into, out_next, err);
}

// What is to be registered, and where.
struct registration {
    const char *cluster_id, *group_id, *endpoint_id, *private_ip;
};

static bool stands(const struct endpoint *endpoint)
{
    int state = endpoint->state.value;
    return state != ENDPOINT_DISCOVERED && state != ENDPOINT_DELETING && state != ENDPOINT_FAILED;
}

// The connection of an endpoint, one that stands before one that does not (after a delete and
// create there are two for a while). Zeroed if there is none.
static void take_connection(
    struct model *model, const struct registration *registration, struct endpoint *out)
{
    struct endpoint *found = NULL;
    *out = (struct endpoint){ 0 };
    const struct cluster *cluster = model_find_cluster(model, registration->cluster_id);
    struct node_group *group =
        cluster != NULL ? model_find_group(cluster, registration->group_id) : NULL;
    for (size_t i = 0; group != NULL && i < group->endpoint_count; i++) {
        struct endpoint *endpoint = &group->endpoints[i];
        if (strcmp(endpoint->endpoint_id, registration->endpoint_id) == 0 &&
            (found == NULL || stands(endpoint)))
            found = endpoint;
    }
    if (found == NULL)
        return;
    *out = *found;
    *found = (struct endpoint){ 0 };
}

static bool look_for_connection(struct account *account, const struct registration *registration,
    struct endpoint *out, struct err *err)
{
    char path[API_PATH_BYTES];
    struct model *model = model_new();
    group_path(path, registration->cluster_id, registration->group_id);
    api_path_list(path, "privateEndpointConnections");
    bool read = read_pages(account, path, read_connections, model, err);
    if (read)
        take_connection(model, registration, out);
    model_unref(model);
    return read || err_prefix(err, "whether %.128s is registered now is not known",
                       registration->endpoint_id);
}

// On failure `reply` tells whether it may have been registered all the same (is_doubtful).
static bool post_connection(struct account *account, const struct registration *registration,
    struct reply *reply, struct endpoint *out, struct err *err)
{
    char path[API_PATH_BYTES];
    group_path(path, registration->cluster_id, registration->group_id);
    snprintf(path + strlen(path), sizeof(path) - strlen(path), "/privateEndpointConnections");
    cJSON *fields = cJSON_CreateObject();
    cJSON_AddStringToObject(fields, "endpointId", registration->endpoint_id);
    if (registration->private_ip != NULL)
        cJSON_AddStringToObject(fields, "privateIpAddress", registration->private_ip);
    char *body = cJSON_PrintUnformatted(fields);
    if (body == NULL)
        abort();
    cJSON_Delete(fields);
    const struct request request = { .method = "POST", .path = path, .body = body };
    bool posted = account_exchange(account, &request, reply);
    free(body);
    return posted ? read_connection(reply, path, out, err) : pass_on(reply, err);
}

static bool explain_conflict(
    const struct endpoint *found, const struct registration *registration, struct err *err)
{
    const char *message = found->message != NULL ? found->message : "";
    return err_set(err, ERR_API_CONFLICT,
        "%.128s has a private endpoint connection already, %.64s, and it is %.32s%s%.160s; remove "
        "it with `tidblink endpoint delete` first",
        registration->endpoint_id, found->connection_id != NULL ? found->connection_id : "no ID",
        found->state.text, message[0] != '\0' ? ": " : "", message);
}

bool account_create_connection(struct account *account, const char *cluster_id,
    const char *group_id, const char *endpoint_id, const char *private_ip, struct endpoint *out,
    struct err *err)
{
    const struct registration registration = { cluster_id, group_id, endpoint_id, private_ip };
    for (unsigned posts = 1;; posts++) {
        struct reply reply CLEANUP(reply_done) = { 0 };
        struct err lost = { 0 };
        *out = (struct endpoint){ 0 };
        if (post_connection(account, &registration, &reply, out, &lost))
            return true;
        if (!is_doubtful(&reply))
            return err_set(err, lost.code, "%s", lost.text);
        let_it_arrive(account, &reply);
        if (!look_for_connection(account, &registration, out, err))
            return false;
        bool found = out->endpoint_id != NULL;
        if (found && stands(out))
            return true;
        bool blocked = found && reply.status == 409 && out->state.value != ENDPOINT_DISCOVERED;
        if (blocked)
            explain_conflict(out, &registration, err);
        model_endpoint_done(out);
        if (blocked)
            return false;
        if (posts == POSTS)
            return err_set(err, lost.code, "%s", lost.text);
        let_it_pass(account, &reply, &lost);
    }
}

// Whether what cannot be deleted is on its way out anyway.
static bool is_leaving(struct account *account, const char *cluster_id, const char *group_id,
    const char *connection_id)
{
    struct endpoint endpoint;
    struct err err;
    if (!account_connection(account, cluster_id, group_id, connection_id, &endpoint, &err))
        return err.code == ERR_API_NOT_FOUND;
    bool leaving = endpoint.state.value == ENDPOINT_DELETING;
    model_endpoint_done(&endpoint);
    return leaving;
}

bool account_delete_connection(struct account *account, const char *cluster_id,
    const char *group_id, const char *connection_id, struct err *err)
{
    struct reply reply CLEANUP(reply_done) = { 0 };
    char path[API_PATH_BYTES];
    connection_path(path, cluster_id, group_id, connection_id);
    const struct request request = { .method = "DELETE", .path = path };
    if (account_exchange(account, &request, &reply) || reply.status == 404)
        return true;
    bool refused = reply.status == 400 || reply.status == 409;
    return (refused && is_leaving(account, cluster_id, group_id, connection_id)) ||
           pass_on(&reply, err);
}

// ---- resuming -----------------------------------------------------------------------------------

static bool is_up(int state)
{
    return state == CLUSTER_RESUMING || state == CLUSTER_ACTIVE || state == CLUSTER_MODIFYING ||
           state == CLUSTER_UPGRADING || state == CLUSTER_IMPORTING ||
           state == CLUSTER_MAINTENANCE || state == CLUSTER_RESTORING;
}

static bool look_at_cluster(
    struct account *account, const char *cluster_id, struct cluster *out, struct err *err)
{
    struct reply reply CLEANUP(reply_done) = { 0 };
    char path[API_PATH_BYTES] = "";
    api_path_segment(path, "clusters", cluster_id);
    const struct request request = { .method = "GET", .path = path };
    if (!account_exchange(account, &request, &reply))
        pass_on(&reply, err);
    else if (model_json_cluster(reply.body, reply.len, out, err))
        return true;
    return err_prefix(err, "whether cluster %.64s is being resumed is not known", cluster_id);
}

bool account_resume(struct account *account, const char *cluster_id, struct err *err)
{
    char path[API_PATH_BYTES] = "";
    api_path_segment(path, "clusters", cluster_id);
    snprintf(path + strlen(path), sizeof(path) - strlen(path), ":resumeCluster");
    const struct request request = { .method = "POST", .path = path };
    for (unsigned posts = 1;; posts++) {
        struct reply reply CLEANUP(reply_done) = { 0 };
        struct cluster cluster CLEANUP(model_cluster_done) = { 0 };
        if (account_exchange(account, &request, &reply))
            return true;
        bool refused = reply.status == 400 || reply.status == 409;
        if (!refused && !is_doubtful(&reply))
            return pass_on(&reply, err);
        let_it_arrive(account, &reply);
        if (!look_at_cluster(account, cluster_id, &cluster, err))
            return false;
        if (is_up(cluster.state.value))
            return true;
        if (refused || posts == POSTS)
            return pass_on(&reply, err);
        let_it_pass(account, &reply, &reply.err);
    }
}

// ---- Starter and Essential ----------------------------------------------------------------------

static char *ask_name(struct account *other, const char *cluster_id)
{
    struct reply reply CLEANUP(reply_done) = { 0 };
    char path[API_PATH_BYTES] = "";
    char *name = NULL;
    api_path_segment(path, "clusters", cluster_id);
    const struct request request = { .method = "GET", .path = path };
    if (account_send(other, &request, &reply) &&
        !model_json_name(reply.body, reply.len, &name, NULL))
        name = NULL;
    return name;
}

char *account_serverless_name(struct account *account, const char *cluster_id)
{
    struct control_options options = *account->options;
    struct account other = { .options = &options, .loop = account->loop };
    options.api_url = options.serverless_api_url;
    if (options.api_url == NULL || !session_open(&other.session, &options, account->loop, NULL))
        return NULL;
    char *name = ask_name(&other, cluster_id);
    session_close(&other.session);
    return name;
}
