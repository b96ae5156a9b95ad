// SPDX-License-Identifier: Apache-2.0
//
// Reads the status document of status_json.c. Used by cmd_doctor.c.
#include "app/doctor_proxy.h"

#include "app/admin_client.h"
#include "base/err.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ASK_MS = 2000 };

cJSON *doctor_proxy_ask(const struct settings *settings, struct err *why)
{
    struct admin_answer answer = { 0 };
    const char *socket = settings->admin_socket;
    if (!socket || strcmp(socket, "off") == 0) {
        err_set(why, ERR_FILE, "admin-socket is off, so a running proxy cannot be asked");
        return NULL;
    }
    enum admin_result result =
        admin_client_ask(ADMIN_GET, socket, "/api/v1/status", ASK_MS, &answer, why);
    if (result == ADMIN_ABSENT)
        err_set(why, ERR_FILE, "not running (nothing answers on %.300s)", socket);
    if (result != ADMIN_ANSWERED)
        return NULL;
    cJSON *status = answer.status == ADMIN_OK ? cJSON_Parse(answer.text) : NULL;
    if (!status)
        err_set(why, ERR_FILE, "what answers on %.300s is no proxy of this version", socket);
    free(answer.text);
    return status;
}

static const char *text_of(const cJSON *object, const char *name)
{
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItem(object, name));
    return text ? text : "";
}

static const cJSON *find_cluster(const cJSON *status, const char *alias)
{
    const cJSON *cluster;
    cJSON_ArrayForEach(cluster, cJSON_GetObjectItem(status, "clusters"))
        if (strcmp(text_of(cluster, "alias"), alias) == 0)
            return cluster;
    return NULL;
}

// "allows connections, 2 addresses, 5 connections open".
static void tell_facts(const cJSON *cluster, struct hop_view *out)
{
    const cJSON *dns = cJSON_GetObjectItem(cluster, "dns");
    int addresses = cJSON_GetArraySize(cJSON_GetObjectItem(dns, "addresses"));
    double open = cJSON_GetNumberValue(cJSON_GetObjectItem(cluster, "connections"));
    hop_detail(out, "new_connections", text_of(cluster, "new_connections"));
    hop_detail(out, "host", text_of(cluster, "host"));
    hop_detail_number(out, "addresses", addresses);
    hop_is(out, HOP_OK, "new connections: %s; %d address%s, %.0f open",
        text_of(cluster, "new_connections"), addresses, addresses == 1 ? "" : "es", open);
}

// What it refused since its start, by reason.
static void tell_refusals(const cJSON *status, struct hop_view *out)
{
    const cJSON *refused =
        cJSON_GetObjectItem(cJSON_GetObjectItem(status, "connections"), "refused");
    const cJSON *reason;
    bool any = false;
    cJSON_ArrayForEach(reason, refused) {
        hop_saw_more(out, "%s%s %.0f", any ? ", " : "; refused since its start: ", reason->string,
            cJSON_GetNumberValue(reason));
        any = true;
    }
}

static void judge(const cJSON *cluster, struct hop_view *out)
{
    const char *action = text_of(cluster, "new_connections");
    const cJSON *api = cJSON_GetObjectItem(cluster, "api");
    const cJSON *dns = cJSON_GetObjectItem(cluster, "dns");
    if (strcmp(action, "refuse") == 0 || strcmp(action, "hold") == 0) {
        out->status = HOP_FAIL;
        hop_why(out, "%s", text_of(cluster, "refusal"));
    } else if (*text_of(dns, "error")) {
        out->status = HOP_FAIL;
        hop_why(out, "%s", text_of(dns, "reason"));
    } else if (strcmp(action, "wait") == 0 || cJSON_IsFalse(cJSON_GetObjectItem(api, "ok"))) {
        out->status = HOP_WARN;
        hop_why(
            out, "%s", *text_of(api, "reason") ? text_of(api, "reason") : "it knows nothing yet");
    }
}

void doctor_proxy_look(
    const cJSON *status, const struct err *why, const char *alias, struct hop_view *out)
{
    if (!status) {
        hop_is(out, HOP_SKIP, "%s", why->text);
        return;
    }
    const cJSON *cluster = find_cluster(status, alias);
    hop_detail(out, "version", text_of(status, "version"));
    hop_detail(out, "sandbox", text_of(status, "sandbox"));
    if (!cluster) {
        hop_is(out, HOP_WARN, "it runs and does not serve %s", alias);
        hop_advise(out, "restart it with this configuration");
        return;
    }
    tell_facts(cluster, out);
    tell_refusals(status, out);
    judge(cluster, out);
    if (out->status == HOP_FAIL)
        hop_advise(out, "what is named above; the proxy looks again by itself within a minute");
}

void doctor_proxy_tell(const struct settings *settings, cJSON *findings)
{
    struct err err;
    struct admin_answer answer = { 0 };
    cJSON *root = cJSON_CreateObject();
    cJSON_AddItemReferenceToObject(root, "clusters", findings);
    char *text = cJSON_PrintUnformatted(root);
    const struct admin_question question = {
        .method = ADMIN_POST,
        .socket = settings->admin_socket,
        .path = "/api/v1/doctor",
        .json = text,
        .timeout_ms = ASK_MS,
    };
    if (text && admin_client_put(&question, &answer, &err) == ADMIN_ANSWERED)
        free(answer.text);
    free(text);
    cJSON_Delete(root);
}
