// SPDX-License-Identifier: Apache-2.0
//
// Answers, and which requests get no other than a refusal whatever they ask for. Main thread; part
// of admin.c.
#include "app/admin.h"

#include "app/json_out.h"
#include "base/addr.h"
#include "base/defs.h"
#include "base/memory_file.h"

#include <cjson/cJSON.h>
#include <ctype.h>
#include <event2/buffer.h>
#include <event2/http.h>
#include <event2/http_struct.h>
#include <event2/keyvalq_struct.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char text_type[] = "text/plain; charset=utf-8";

// Unless the answer has set its own. They fail only without memory, and the answer is as true
// without them.
static void add_default(struct evkeyvalq *headers, const char *name, const char *value)
{
    if (!evhttp_find_header(headers, name))
        (void)evhttp_add_header(headers, name, value);
}

// evhttp would send a body after HEAD, and without its length (libevent 2.1.12, evhttp_send).
static void add_length(struct evkeyvalq *headers, size_t len)
{
    char text[24];
    snprintf(text, sizeof(text), "%zu", len);
    (void)evhttp_add_header(headers, "Content-Length", text);
}

void admin_reply(struct evhttp_request *request, int code, const char *type, const char *text)
{
    struct evkeyvalq *headers = evhttp_request_get_output_headers(request);
    (void)evhttp_add_header(headers, "Content-Type", type);
    add_default(headers, "Cache-Control", "no-store");
    add_default(headers, "X-Content-Type-Options", "nosniff");
    add_default(headers, "Content-Security-Policy", "default-src 'none'");
    add_default(headers, "X-Frame-Options", "DENY");
    add_default(headers, "Cross-Origin-Resource-Policy", "same-origin");
    struct evbuffer *body = evbuffer_new();
    if (evhttp_request_get_command(request) == EVHTTP_REQ_HEAD)
        add_length(headers, strlen(text));
    else if (body)
        (void)evbuffer_add(body, text, strlen(text));
    evhttp_send_reply(request, code, NULL, body);
    if (body)
        evbuffer_free(body);
}

void admin_reply_json(struct evhttp_request *request, int code, const char *text)
{
    static const char no_memory[] = "{\"error\":\"out of memory\"}\n";
    admin_reply(request, text ? code : HTTP_INTERNAL, "application/json", text ? text : no_memory);
}

void admin_reply_tree(struct evhttp_request *request, int code, const cJSON *json)
{
    char *text = cJSON_PrintUnformatted(json);
    admin_reply_json(request, code, text);
    free(text);
}

static char *error_json(const char *text)
{
    struct memory_file file;
    if (!memory_file_open(&file))
        return NULL;
    struct json_out json = { .out = file.out };
    json_out_open(&json, NULL, '{');
    json_out_text(&json, "error", text);
    json_out_close(&json, '}');
    putc('\n', file.out);
    return memory_file_take(&file);
}

void admin_reply_error(struct evhttp_request *request, int code, const char *text)
{
    char *json = error_json(text);
    admin_reply_json(request, code, json);
    free(json);
}

static void refuse(struct evhttp_request *request, int code, const char *text)
{
    (void)evhttp_add_header(evhttp_request_get_output_headers(request), "Connection", "close");
    admin_reply(request, code, text_type, text);
}

// ---- what is refused ----------------------------------------------------------------------------

static size_t count_headers(struct evhttp_request *request, const char *name)
{
    size_t count = 0;
    const struct evkeyval *header = NULL;
    TAILQ_FOREACH(header, evhttp_request_get_input_headers(request), next)
        count += strcasecmp(header->key, name) == 0;
    return count;
}

static bool is_digits(const char *text)
{
    return text[strspn(text, "0123456789")] == '\0';
}

// An address or localhost, with or without a port, and nothing behind it.
static bool is_ours(const char *host)
{
    char name[ADDR_TEXT_BYTES];
    struct addr addr;
    if (addr_from_ip(host, 0, &addr))
        return true;
    bool is_bracketed = *host == '[';
    size_t len = strcspn(host, is_bracketed ? "]" : ":");
    const char *behind = host + len + (is_bracketed && host[len]);
    if ((*behind && *behind != ':') || !is_digits(behind + (*behind == ':')))
        return false;
    snprintf(name, sizeof(name), "%.*s", (int)len - is_bracketed, host + is_bracketed);
    if (is_bracketed)
        return host[len] == ']' && strchr(name, ':') && addr_from_ip(name, 0, &addr);
    return strcasecmp(name, "localhost") == 0 || addr_from_ip(name, 0, &addr);
}

// No web page reaches us by a name of its own (DNS rebinding), in neither place where a name may
// stand (RFC 9112, section 3.2). Without any it is HTTP/1.0, and no browser.
static bool host_is_ours(struct evhttp_request *request)
{
    const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(request);
    const char *named = uri ? evhttp_uri_get_host(uri) : NULL;
    const char *host = evhttp_find_header(evhttp_request_get_input_headers(request), "Host");
    return (!named || is_ours(named)) && (!host || is_ours(host));
}

// A page of another site asks in the background: it may not read the answer, and could only keep us
// busy. Following a link is something else. A browser says which it is (w3.org/TR/fetch-metadata),
// an older one at least whose page it is when the answer is to be read.
static bool is_of_another_page(struct evhttp_request *request)
{
    static const char scheme[] = "http://";
    const struct evkeyvalq *headers = evhttp_request_get_input_headers(request);
    const char *site = evhttp_find_header(headers, "Sec-Fetch-Site");
    const char *wanted_for = evhttp_find_header(headers, "Sec-Fetch-Dest");
    const char *origin = evhttp_find_header(headers, "Origin");
    const char *host = evhttp_find_header(headers, "Host");
    bool is_ours = !site || strcmp(site, "same-origin") == 0 || strcmp(site, "none") == 0;
    if (!is_ours)
        return !wanted_for || strcmp(wanted_for, "document") != 0;
    return origin && (!host || strncmp(origin, scheme, strlen(scheme)) != 0 ||
                         strcasecmp(origin + strlen(scheme), host) != 0);
}

// RFC 9110, section 5.6.2. evhttp takes all before the colon, a blank as well, and then does not
// know the header that another reader sees.
static bool names_are_tokens(struct evhttp_request *request)
{
    static const char others[] = "!#$%&'*+-.^_`|~";
    const struct evkeyval *header = NULL;
    TAILQ_FOREACH(header, evhttp_request_get_input_headers(request), next) {
        for (const char *at = header->key; *at; at++)
            if (!isalnum((unsigned char)*at) && !strchr(others, *at))
                return false;
    }
    return true;
}

// Whether everybody sees the body where evhttp does. It knows no coding but "chunked", takes a
// length with a sign or a blank, and expects no body behind HEAD (libevent 2.1.12,
// evhttp_get_body).
static bool body_is_clear(struct evhttp_request *request)
{
    struct evkeyvalq *headers = evhttp_request_get_input_headers(request);
    const char *length = evhttp_find_header(headers, "Content-Length");
    const char *coding = evhttp_find_header(headers, "Transfer-Encoding");
    bool is_head = evhttp_request_get_command(request) == EVHTTP_REQ_HEAD;
    if (length && (!*length || !is_digits(length) || (is_head && strcmp(length, "0") != 0)))
        return false;
    return !coding || (strcasecmp(coding, "chunked") == 0 && !is_head);
}

// What is open to more than one reading is read by nobody (RFC 9112, sections 3.2, 5.1 and 6.3):
// who sends that wants a second request to be seen in the first. evhttp takes the first header of
// two.
static bool is_ambiguous(struct evhttp_request *request)
{
    size_t lengths = count_headers(request, "Content-Length");
    size_t codings = count_headers(request, "Transfer-Encoding");
    return lengths + codings > 1 || count_headers(request, "Host") > 1 ||
           !names_are_tokens(request) || !body_is_clear(request);
}

bool admin_refuses(struct evhttp_request *request, bool local)
{
    const char *uri = evhttp_request_get_uri(request);
    const struct evhttp_uri *parsed = evhttp_request_get_evhttp_uri(request);
    const char *scheme = parsed ? evhttp_uri_get_scheme(parsed) : NULL;
    if (is_ambiguous(request))
        refuse(request, HTTP_BADREQUEST, "its headers can be read in more than one way\n");
    else if (strstr(uri, "%00") || // decoded, a NUL would end a text before its end
             (scheme && strcasecmp(scheme, "http") != 0))
        refuse(request, HTTP_BADREQUEST, "no such page\n");
    else if (!local && !host_is_ours(request))
        refuse(request, 403, "the Host header must be an address or localhost\n");
    else if (!local && is_of_another_page(request))
        refuse(request, 403, "not for the pages of other sites\n");
    else
        return false;
    return true;
}
