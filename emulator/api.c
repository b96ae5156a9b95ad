// SPDX-License-Identifier: Apache-2.0
//
// How a request to TiDB Cloud is answered, read downward: authentication, quota, answer; call.c has
// what comes before and after. routes.c and serverless.c know what the paths mean; main.c starts
// this. The loop's thread only.
#include "emulator/api.h"

#include "base/err.h"
#include "base/loop.h"
#include "emulator/call.h"
#include "emulator/digest.h"
#include "emulator/faults.h"
#include "emulator/http.h"
#include "emulator/quota.h"
#include "emulator/routes.h"
#include "emulator/serverless.h"
#include "emulator/world.h"

#include <event2/buffer.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

struct api {
    struct world *world; // not ours
    struct digest *digest;
    struct quota *quota;
    struct http *http;
    struct calls calls;
    cJSON *(*answer)(struct ask *ask);
};

// ---- the way of a request -----------------------------------------------------------------------

// Takes the answer.
static void say(struct call *call, cJSON *answer)
{
    char *text = cJSON_PrintUnformatted(answer);
    if (!text)
        abort();
    evbuffer_add(call->body, text, strlen(text));
    cJSON_free(text);
    cJSON_Delete(answer);
}

static void refuse(struct call *call, int status, const char *message)
{
    call->status = status;
    say(call, routes_error(status, message));
}

static void on_refusal(struct call *call, const char *code, const char *message)
{
    (void)code; // of AWS
    refuse(call, call->status, message);
}

static bool authenticate(struct api *api, struct call *call, struct digest_claim *claim)
{
    enum digest_verdict verdict = digest_check(api->digest, api->world, call->request, claim);
    call_note(call, "auth", digest_verdict_text(verdict));
    if (*claim->username) {
        call_note(call, "key", claim->username);
        cJSON_AddNumberToObject(call->entry, "nc", claim->nc);
    }
    if (verdict == DIGEST_OK)
        return true;
    digest_challenge(api->digest, api->world, call->request,
        verdict == DIGEST_STALE || verdict == DIGEST_REPLAYED);
    refuse(call, 401, "the API key cannot be authenticated");
    return false;
}

static bool count(struct api *api, struct call *call, const char *key)
{
    struct quota_state state;
    unsigned limit = object_uint(world_settings(api->world), "requestsPerMinute");
    bool free_one = quota_take(api->quota, key, limit, &state);
    http_header(call->request, "X-Ratelimit-Limit-Minute", "%u", state.limit);
    http_header(call->request, "X-Ratelimit-Remaining-Minute", "%u", state.remaining);
    http_header(call->request, "X-Ratelimit-Reset", "%u", state.reset_s);
    if (free_one)
        return true;
    char message[128];
    snprintf(message, sizeof(message),
        "the request exceeded the limit of %u times per API key per minute", limit);
    refuse(call, 429, message);
    return false;
}

static void answer(struct api *api, struct call *call)
{
    struct http_target target;
    cJSON *body = http_body(call->request);
    struct ask ask = {
        .world = api->world, .method = http_method(call->request), .target = &target, .body = body
    };
    if (http_target_read(&target, call->request)) {
        cJSON *found = api->answer(&ask);
        call->status = ask.status;
        say(call, found);
    } else {
        refuse(call, 400, "the path or the query cannot be read");
    }
    http_target_done(&target);
    cJSON_Delete(body);
}

static void on_call(struct call *call, void *arg)
{
    struct api *api = arg;
    struct digest_claim claim;
    if (!authenticate(api, call, &claim))
        return;
    const struct object *key = world_find(api->world, KIND_KEY, claim.username);
    if (!count(api, call, claim.username))
        return;
    if (object_flag(key, "forbidden"))
        refuse(call, 403, "the API key does not have permission to access the resource");
    else
        answer(api, call);
}

static void on_request(struct evhttp_request *request, void *arg)
{
    struct api *api = arg;
    char subject[1024];
    snprintf(
        subject, sizeof(subject), "%s %s", http_method(request), evhttp_request_get_uri(request));
    calls_take(&api->calls, request, subject, NULL);
}

// ---- start and stop -----------------------------------------------------------------------------

// Closed without a word: the alert that OpenSSL sends for a refused handshake finds no way out.
static int on_client_hello(SSL *ssl, int *alert, void *arg)
{
    struct world *world = arg; // both APIs have one TLS context
    struct fault fault = faults_strike(world, FAULT_AT_HANDSHAKE, "");
    if (fault.deed == FAULT_NONE)
        return SSL_CLIENT_HELLO_SUCCESS;
    faults_done(&fault);
    shutdown(SSL_get_fd(ssl), SHUT_RDWR);
    *alert = SSL_AD_INTERNAL_ERROR;
    return SSL_CLIENT_HELLO_ERROR;
}

struct api *api_new(struct loop *loop, struct addr *addr, SSL_CTX *tls, struct world *world,
    struct journal *journal, enum api_kind kind, struct err *err)
{
    struct api *api = calloc(1, sizeof(*api));
    if (!api)
        abort();
    *api = (struct api){ .world = world,
        .digest = digest_new(),
        .quota = quota_new(),
        .answer = kind == API_DEDICATED ? routes_answer : serverless_answer,
        .calls = { .loop = loop,
            .world = world,
            .journal = journal,
            .service = kind == API_DEDICATED ? NULL : "serverless",
            .content_type = "application/json",
            .answer = on_call,
            .refuse = on_refusal } };
    api->calls.arg = api;
    calls_init(&api->calls);
    SSL_CTX_set_client_hello_cb(tls, on_client_hello, world);
    api->http = http_new(loop, addr, tls, on_request, api, err);
    if (api->http)
        return api;
    api_free(api);
    return NULL;
}

void api_free(struct api *api)
{
    if (!api)
        return;
    calls_done(&api->calls);
    http_free(api->http);
    digest_free(api->digest);
    quota_free(api->quota);
    free(api);
}
