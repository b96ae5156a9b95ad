// SPDX-License-Identifier: Apache-2.0
//
// What a request goes through, read downward from calls_take. api.c and ec2.c, route53.c, imds.c
// stand on it. The loop's thread only.
#include "emulator/call.h"

#include "base/clock.h"
#include "base/err.h"
#include "emulator/http.h"
#include "emulator/journal.h"
#include "emulator/world.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static void call_free(struct call *call)
{
    LIST_REMOVE(call, link);
    timer_stop(&call->delay);
    faults_done(&call->fault);
    evbuffer_free(call->body);
    cJSON_Delete(call->entry);
    free(call);
}

void call_note(struct call *call, const char *name, const char *value)
{
    cJSON_AddStringToObject(call->entry, name, value);
}

static void file_entry(struct call *call)
{
    if (call->fault.deed != FAULT_NONE)
        call_note(call, "fault", faults_name(&call->fault));
    cJSON_AddNumberToObject(call->entry, "status", call->status);
    journal_add(call->calls->journal, JOURNAL_REQUESTS, call->entry);
    call->entry = NULL;
}

// ---- replies ------------------------------------------------------------------------------------

// RFC 9110, section 5.6.7, by the emulator's clock.
static void add_date(struct call *call)
{
    const struct object *settings = world_settings(call->calls->world);
    time_t now = (time_t)(clock_wall_s() + object_int(settings, "serverClockSeconds"));
    struct tm utc;
    char text[64];
    if (gmtime_r(&now, &utc) && strftime(text, sizeof(text), "%a, %d %b %Y %H:%M:%S GMT", &utc))
        http_header(call->request, "Date", "%s", text);
}

// Valid, and long: one page of it, sent again and again without being copied.
static void make_huge(struct call *call)
{
    enum { PAGE_BYTES = 1 << 20 };
    static char json_page[PAGE_BYTES], xml_page[PAGE_BYTES];
    bool is_xml = strstr(call->calls->content_type, "xml") != NULL;
    memset(json_page, ' ', sizeof(json_page));
    memset(xml_page, ' ', sizeof(xml_page));
    json_page[0] = '0';
    json_page[sizeof(json_page) - 1] = ',';
    evbuffer_drain(call->body, evbuffer_get_length(call->body));
    evbuffer_add_printf(call->body, "%s", is_xml ? "<Response>" : "{\"clusters\":[");
    for (unsigned i = 0; i < call->fault.megabytes; i++)
        evbuffer_add_reference(call->body, is_xml ? xml_page : json_page, PAGE_BYTES, NULL, NULL);
    evbuffer_add_printf(call->body, "%s", is_xml ? "</Response>" : "0]}");
}

static void make_half(struct call *call)
{
    size_t len = evbuffer_get_length(call->body);
    struct evbuffer *half = evbuffer_new();
    if (!half)
        abort();
    if (call->fault.deed == FAULT_CUT) { // promised whole, closed in the middle
        http_header(call->request, "Content-Length", "%zu", len);
        http_header(call->request, "Connection", "close");
    }
    evbuffer_remove_buffer(call->body, half, len / 2);
    evbuffer_free(call->body);
    call->body = half;
}

static void on_answered(struct deferred *end)
{
    call_free(CONTAINER_OF(end, struct call, end));
}

static void reply(struct call *call)
{
    file_entry(call);
    if (call->fault.deed == FAULT_STATUS && call->fault.body) {
        evbuffer_drain(call->body, evbuffer_get_length(call->body));
        evbuffer_add(call->body, call->fault.body, strlen(call->fault.body));
    } else if (call->fault.deed == FAULT_HUGE) {
        make_huge(call);
    } else if (call->fault.deed == FAULT_CUT || call->fault.deed == FAULT_MALFORMED) {
        make_half(call);
    }
    http_header(call->request, "Content-Type", "%s",
        call->fault.deed == FAULT_CONTENT_TYPE ? "text/html" : call->calls->content_type);
    add_date(call);
    if (call->fault.deed == FAULT_STATUS && call->fault.retry_after_s >= 0)
        http_header(call->request, "Retry-After", "%lld", (long long)call->fault.retry_after_s);
    http_reply_bytes(call->request, call->status, call->body);
    loop_defer(call->calls->loop, &call->end, on_answered); // its timer may have called
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
        loop_defer(call->calls->loop, &call->end, on_hung_end);
}

// evhttp does not read while a request is being answered and would never learn that the client
// left.
static void hang(struct call *call)
{
    file_entry(call);
    struct bufferevent *stream =
        evhttp_connection_get_bufferevent(evhttp_request_get_connection(call->request));
    bufferevent_setcb(stream, NULL, NULL, on_hung_event, call);
    bufferevent_set_timeouts(stream, NULL, NULL);
    bufferevent_enable(stream, EV_READ);
}

// ---- the way of a request -----------------------------------------------------------------------

static void fail_as_told(struct call *call)
{
    char message[64];
    const struct fault *fault = &call->fault;
    call->status = (int)fault->status;
    if (fault->deed == FAULT_AWS_ERROR) {
        call->calls->refuse(call, fault->code, fault->message ? fault->message : "fault injected");
        return;
    }
    snprintf(message, sizeof(message), "fault injected: status %u", fault->status);
    call->calls->refuse(call, NULL, message);
}

static struct call *call_new(struct calls *calls, struct evhttp_request *request)
{
    struct call *call = calloc(1, sizeof(*call));
    if (!call)
        abort();
    call->calls = calls;
    call->request = request;
    call->body = evbuffer_new();
    call->entry = cJSON_CreateObject();
    if (!call->body)
        abort();
    if (calls->service)
        call_note(call, "service", calls->service);
    call_note(call, "method", http_method(request));
    call_note(call, "path", evhttp_request_get_uri(request));
    timer_init(&call->delay, calls->loop, on_delay_over);
    LIST_INSERT_HEAD(&calls->open, call, link);
    return call;
}

void calls_take(
    struct calls *calls, struct evhttp_request *request, const char *subject, const char *action)
{
    struct call *call = call_new(calls, request);
    if (action)
        call_note(call, "action", action);
    call->fault = faults_strike(calls->world, FAULT_AT_REQUEST, subject);
    if (call->fault.deed == FAULT_HANG) {
        hang(call);
        return;
    }
    if (call->fault.deed == FAULT_STATUS || call->fault.deed == FAULT_AWS_ERROR)
        fail_as_told(call);
    else
        calls->answer(call, calls->arg);
    uint64_t delay_ms = call->fault.delay_ms;
    if (call->status == 200 && call->fault.deed != FAULT_STATUS) {
        struct fault spoiled = faults_strike(calls->world, FAULT_AT_ANSWER, subject);
        if (spoiled.deed != FAULT_NONE) {
            faults_done(&call->fault);
            call->fault = spoiled;
            delay_ms += spoiled.delay_ms;
        }
    }
    if (call->fault.deed == FAULT_LOSE)
        hang(call);
    else if (delay_ms)
        timer_start(&call->delay, delay_ms);
    else
        reply(call);
}

void calls_init(struct calls *calls)
{
    LIST_INIT(&calls->open);
}

void calls_done(struct calls *calls)
{
    struct call *call, *next;
    LIST_FOREACH_SAFE(call, &calls->open, link, next)
        call_free(call);
}
