// SPDX-License-Identifier: Apache-2.0
//
// evhttp with limits (it has none of its own) and with TLS by OpenSSL bufferevents. api.c and
// control_port.c stand on it. The loop's thread only.
#include "emulator/http.h"

#include "base/err.h"
#include "base/loop.h"
#include "base/net.h"
#include "emulator/bind.h"

#include <event2/buffer.h>
#include <event2/bufferevent_ssl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { HEADERS_BYTES_MAX = 32 << 10, BODY_BYTES_MAX = 1 << 20, IDLE_S = 300 };

struct http {
    struct evhttp *evhttp;
    SSL_CTX *tls; // not ours; NULL: plain
};

static struct bufferevent *on_connection(struct event_base *base, void *arg)
{
    struct http *http = arg;
    SSL *ssl = SSL_new(http->tls);
    struct bufferevent *stream = ssl ? bufferevent_openssl_socket_new(base, -1, ssl,
                                           BUFFEREVENT_SSL_ACCEPTING, BEV_OPT_CLOSE_ON_FREE)
                                     : NULL;
    if (!stream)
        abort(); // evhttp takes NULL for "plain HTTP"
    bufferevent_openssl_set_allow_dirty_shutdown(stream, 1);
    return stream;
}

struct http *http_new(struct loop *loop, struct addr *addr, SSL_CTX *tls,
    void (*fn)(struct evhttp_request *request, void *arg), void *arg, struct err *err)
{
    struct http *http = calloc(1, sizeof(*http));
    if (!http)
        abort();
    http->tls = tls;
    http->evhttp = evhttp_new(loop_base(loop));
    int fd = bind_tcp(addr, err);
    if (!http->evhttp || fd < 0 || evhttp_accept_socket(http->evhttp, fd) < 0) {
        if (fd >= 0) {
            err_set(err, ERR_MEMORY, "out of memory for an HTTP server");
            close(fd);
        }
        http_free(http);
        return NULL;
    }
    net_nodelay(fd); // inherited by its connections; head and body are two writes
    evhttp_set_max_headers_size(http->evhttp, HEADERS_BYTES_MAX);
    evhttp_set_max_body_size(http->evhttp, BODY_BYTES_MAX);
    evhttp_set_timeout(http->evhttp, IDLE_S);
    evhttp_set_allowed_methods(http->evhttp,
        EVHTTP_REQ_GET | EVHTTP_REQ_POST | EVHTTP_REQ_PUT | EVHTTP_REQ_PATCH | EVHTTP_REQ_DELETE);
    evhttp_set_gencb(http->evhttp, fn, arg);
    if (tls)
        evhttp_set_bevcb(http->evhttp, on_connection, http);
    return http;
}

void http_free(struct http *http)
{
    if (!http)
        return;
    if (http->evhttp)
        evhttp_free(http->evhttp);
    free(http);
}

const char *http_method(struct evhttp_request *request)
{
    enum evhttp_cmd_type command = evhttp_request_get_command(request);
    return command == EVHTTP_REQ_GET      ? "GET"
           : command == EVHTTP_REQ_POST   ? "POST"
           : command == EVHTTP_REQ_PUT    ? "PUT"
           : command == EVHTTP_REQ_PATCH  ? "PATCH"
           : command == EVHTTP_REQ_DELETE ? "DELETE"
                                          : "?";
}

// ---- the request --------------------------------------------------------------------------------

static bool add_segment(struct http_target *target, const char *text, size_t len)
{
    if (target->count == HTTP_SEGMENTS_MAX)
        return false;
    char *encoded = strndup(text, len);
    size_t decoded_len = 0;
    char *decoded = encoded ? evhttp_uridecode(encoded, 0, &decoded_len) : NULL;
    free(encoded);
    if (!decoded || strlen(decoded) != decoded_len) {
        free(decoded);
        return false;
    }
    target->segments[target->count++] = decoded;
    return true;
}

bool http_target_read(struct http_target *target, struct evhttp_request *request)
{
    *target = (struct http_target){ 0 };
    TAILQ_INIT(&target->query);
    const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(request);
    const char *query = uri ? evhttp_uri_get_query(uri) : NULL;
    const char *path = uri ? evhttp_uri_get_path(uri) : NULL;
    if (!path || *path != '/' || (query && evhttp_parse_query_str(query, &target->query) < 0))
        return false;
    while (*path == '/') {
        size_t len = strcspn(++path, "/");
        if (!add_segment(target, path, len))
            return false;
        path += len;
    }
    return true;
}

void http_target_done(struct http_target *target)
{
    for (size_t i = 0; i < target->count; i++)
        free(target->segments[i]);
    evhttp_clear_headers(&target->query);
}

cJSON *http_body(struct evhttp_request *request)
{
    struct evbuffer *body = evhttp_request_get_input_buffer(request);
    size_t len = evbuffer_get_length(body);
    const unsigned char *bytes = evbuffer_pullup(body, -1);
    return bytes ? cJSON_ParseWithLength((const char *)bytes, len) : NULL;
}

// ---- the answer ---------------------------------------------------------------------------------

void http_header(struct evhttp_request *request, const char *name, const char *format, ...)
{
    char value[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(value, sizeof(value), format, args);
    va_end(args);
    evhttp_add_header(evhttp_request_get_output_headers(request), name, value);
}

void http_reply_bytes(struct evhttp_request *request, int status, struct evbuffer *body)
{
    if (!evhttp_find_header(evhttp_request_get_output_headers(request), "Content-Type"))
        http_header(request, "Content-Type", "application/json");
    evhttp_send_reply(request, status, NULL, body);
}

void http_reply(struct evhttp_request *request, int status, cJSON *answer)
{
    char *text = cJSON_PrintUnformatted(answer);
    struct evbuffer *body = evbuffer_new();
    if (!text || !body)
        abort();
    evbuffer_add(body, text, strlen(text));
    http_reply_bytes(request, status, body);
    evbuffer_free(body);
    cJSON_free(text);
    cJSON_Delete(answer);
}
