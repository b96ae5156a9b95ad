// SPDX-License-Identifier: Apache-2.0
//
// The life of an API request, read downward: fault, authentication, quota, answer, fault of the
// answer, reply. routes.c knows what the paths mean; main.c starts this. The loop's thread only.
#include "emulator/api.h"

#include "base/err.h"
#include "base/loop.h"
#include "emulator/digest.h"
#include "emulator/faults.h"
#include "emulator/http.h"
#include "emulator/journal.h"
#include "emulator/quota.h"
#include "emulator/routes.h"
#include "emulator/world.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

struct api {
    struct loop *loop;
    struct world *world;     // not ours
    struct journal *journal; // likewise
    struct digest *digest;
    struct quota *quota;
    struct http *http;
    LIST_HEAD(, call) calls; // not answered yet
};

// A request until it is answered.
struct call {
    LIST_ENTRY(call) link;
    struct api *api;
    struct evhttp_request *request;
    cJSON *entry; // for the journal
    int status;
    cJSON *answer;
    struct fault fault;
    struct timer delay;
    struct deferred end;
};

static void call_free(struct call *call)
{
    LIST_REMOVE(call, link);
    timer_stop(&call->delay);
    faults_done(&call->fault);
    cJSON_Delete(call->answer);
    cJSON_Delete(call->entry);
    free(call);
}

static void note(struct call *call)
{
    if (call->fault.deed != FAULT_NONE)
        cJSON_AddStringToObject(call->entry, "fault", faults_name(&call->fault));
    cJSON_AddNumberToObject(call->entry, "status", call->status);
    journal_add(call->api->journal, JOURNAL_REQUESTS, call->entry);
    call->entry = NULL;
}

// ---- replies ------------------------------------------------------------------------------------

static void reply_text(struct call *call, const char *text, size_t len)
{
    struct evbuffer *body = evbuffer_new();
    if (!body)
        abort();
    evbuffer_add(body, text, len);
    http_reply_bytes(call->request, call->status, body);
    evbuffer_free(body);
}

// Valid JSON, and long: one page of it, sent again and again without being copied.
static void reply_huge(struct call *call)
{
    enum { PAGE_BYTES = 1 << 20 };
    static char page[PAGE_BYTES];
    memset(page, ' ', sizeof(page));
    page[0] = '0';
    page[sizeof(page) - 1] = ',';
    struct evbuffer *body = evbuffer_new();
    if (!body)
        abort();
    evbuffer_add_printf(body, "{\"clusters\":[");
    for (unsigned i = 0; i < call->fault.megabytes; i++)
        evbuffer_add_reference(body, page, sizeof(page), NULL, NULL);
    evbuffer_add_printf(body, "0]}");
    http_reply_bytes(call->request, call->status, body);
    evbuffer_free(body);
}

static void reply_half(struct call *call)
{
    char *text = cJSON_PrintUnformatted(call->answer);
    size_t len = strlen(text);
    if (call->fault.deed == FAULT_CUT) { // promised whole, closed in the middle
        http_header(call->request, "Content-Length", "%zu", len);
        http_header(call->request, "Connection", "close");
    }
    reply_text(call, text, len / 2);
    cJSON_free(text);
}

static void on_answered(struct deferred *end)
{
    call_free(CONTAINER_OF(end, struct call, end));
}

static void reply(struct call *call)
{
    note(call);
    if (call->fault.deed == FAULT_CONTENT_TYPE)
        http_header(call->request, "Content-Type", "text/html");
    if (call->fault.deed == FAULT_STATUS && call->fault.body) {
        reply_text(call, call->fault.body, strlen(call->fault.body));
    } else if (call->fault.deed == FAULT_HUGE) {
        reply_huge(call);
    } else if (call->fault.deed == FAULT_CUT || call->fault.deed == FAULT_MALFORMED) {
        reply_half(call);
    } else {
        http_reply(call->request, call->status, call->answer);
        call->answer = NULL;
    }
    loop_defer(call->api->loop, &call->end, on_answered); // its timer may have called
}

static void on_delay_over(struct timer *delay)
{
    reply(CONTAINER_OF(delay, struct call, delay));
}

// ---- a request that is never answered -----------------------------------------------------------

static void on_hung_end(struct deferred *end)
{
    struct call *call = CONTAINER_OF(end, struct call, end);
    evhttp_connection_free(evhttp_request_get_connection(call->request)); // and the request
    call_free(call);
}

static void on_hung_event(struct bufferevent *stream, short what, void *arg)
{
    struct call *call = arg;
    (void)stream;
    if (what & (BEV_EVENT_EOF | BEV_EVENT_ERROR))
        loop_defer(call->api->loop, &call->end, on_hung_end);
}

// evhttp does not read while a request is being answered and would never learn that the client
// left.
static void hang(struct call *call)
{
    note(call);
    struct bufferevent *stream =
        evhttp_connection_get_bufferevent(evhttp_request_get_connection(call->request));
    bufferevent_setcb(stream, NULL, NULL, on_hung_event, call);
    bufferevent_set_timeouts(stream, NULL, NULL);
    bufferevent_enable(stream, EV_READ);
}

// ---- the way of a request -----------------------------------------------------------------------

static void refuse(struct call *call, int status, const char *message)
{
    call->status = status;
    call->answer = routes_error(status, message);
}

static bool authenticate(struct call *call, struct digest_claim *claim)
{
    struct api *api = call->api;
    enum digest_verdict verdict = digest_check(api->digest, api->world, call->request, claim);
    cJSON_AddStringToObject(call->entry, "auth", digest_verdict_text(verdict));
    if (*claim->username) {
        cJSON_AddStringToObject(call->entry, "key", claim->username);
        cJSON_AddNumberToObject(call->entry, "nc", claim->nc);
    }
    if (verdict == DIGEST_OK)
        return true;
    digest_challenge(api->digest, api->world, call->request,
        verdict == DIGEST_STALE || verdict == DIGEST_REPLAYED);
    refuse(call, 401, "the API key cannot be authenticated");
    return false;
}

static bool count(struct call *call, const char *key)
{
    struct quota_state state;
    unsigned limit = object_uint(world_settings(call->api->world), "requestsPerMinute");
    bool free_one = quota_take(call->api->quota, key, limit, &state);
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

static void answer(struct call *call)
{
    struct http_target target;
    cJSON *body = http_body(call->request);
    struct ask ask = { .world = call->api->world,
        .method = http_method(call->request),
        .target = &target,
        .body = body };
    if (http_target_read(&target, call->request)) {
        call->answer = routes_answer(&ask);
        call->status = ask.status;
    } else {
        refuse(call, 400, "the path or the query cannot be read");
    }
    http_target_done(&target);
    cJSON_Delete(body);
}

static void serve(struct call *call)
{
    struct digest_claim claim;
    if (!authenticate(call, &claim))
        return;
    const struct object *key = world_find(call->api->world, KIND_KEY, claim.username);
    if (!count(call, claim.username))
        return;
    if (object_flag(key, "forbidden"))
        refuse(call, 403, "the API key does not have permission to access the resource");
    else
        answer(call);
}

static void fail_as_told(struct call *call)
{
    char message[64];
    snprintf(message, sizeof(message), "fault injected: status %u", call->fault.status);
    refuse(call, (int)call->fault.status, message);
}

static struct call *call_new(struct api *api, struct evhttp_request *request)
{
    struct call *call = calloc(1, sizeof(*call));
    if (!call)
        abort();
    call->api = api;
    call->request = request;
    call->entry = cJSON_CreateObject();
    cJSON_AddStringToObject(call->entry, "method", http_method(request));
    cJSON_AddStringToObject(call->entry, "path", evhttp_request_get_uri(request));
    timer_init(&call->delay, api->loop, on_delay_over);
    LIST_INSERT_HEAD(&api->calls, call, link);
    return call;
}

static void on_request(struct evhttp_request *request, void *arg)
{
    struct api *api = arg;
    struct call *call = call_new(api, request);
    char subject[1024];
    snprintf(
        subject, sizeof(subject), "%s %s", http_method(request), evhttp_request_get_uri(request));

    call->fault = faults_strike(api->world, FAULT_AT_REQUEST, subject);
    if (call->fault.deed == FAULT_HANG) {
        hang(call);
        return;
    }
    if (call->fault.deed == FAULT_STATUS)
        fail_as_told(call);
    else
        serve(call);
    uint64_t delay_ms = call->fault.delay_ms;
    if (call->status == 200 && call->fault.deed != FAULT_STATUS) {
        struct fault spoiled = faults_strike(api->world, FAULT_AT_ANSWER, subject);
        if (spoiled.deed != FAULT_NONE) {
            faults_done(&call->fault);
            call->fault = spoiled;
            delay_ms += spoiled.delay_ms;
        }
    }
    if (delay_ms)
        timer_start(&call->delay, delay_ms);
    else
        reply(call);
}

// ---- start and stop -----------------------------------------------------------------------------

// Closed without a word: the alert that OpenSSL sends for a refused handshake finds no way out.
static int on_client_hello(SSL *ssl, int *alert, void *arg)
{
    struct api *api = arg;
    struct fault fault = faults_strike(api->world, FAULT_AT_HANDSHAKE, "");
    if (fault.deed == FAULT_NONE)
        return SSL_CLIENT_HELLO_SUCCESS;
    faults_done(&fault);
    shutdown(SSL_get_fd(ssl), SHUT_RDWR);
    *alert = SSL_AD_INTERNAL_ERROR;
    return SSL_CLIENT_HELLO_ERROR;
}

struct api *api_new(struct loop *loop, struct addr *addr, SSL_CTX *tls, struct world *world,
    struct journal *journal, struct err *err)
{
    struct api *api = calloc(1, sizeof(*api));
    if (!api)
        abort();
    *api = (struct api){ .loop = loop,
        .world = world,
        .journal = journal,
        .digest = digest_new(),
        .quota = quota_new() };
    LIST_INIT(&api->calls);
    SSL_CTX_set_client_hello_cb(tls, on_client_hello, api);
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
    struct call *call, *next;
    LIST_FOREACH_SAFE(call, &api->calls, link, next)
        call_free(call);
    http_free(api->http);
    digest_free(api->digest);
    quota_free(api->quota);
    free(api);
}
