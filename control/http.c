// SPDX-License-Identifier: Apache-2.0
//
// The glue between curl_multi_socket_action and base/loop (curl.se/libcurl/c/libcurl-multi.html,
// "the multi_socket interface"). Runs the requests of api.c and imds.c.
#include "control/http.h"

#include "base/err.h"
#include "base/loop.h"

#include <stdlib.h>
#include <string.h>

struct http {
    struct loop *loop;
    CURLM *multi;
    struct timer timer;
};

// One descriptor of curl's. It may go while its own callback runs, so it is freed at the turn's
// end.
struct http_socket {
    struct watch watch;
    struct deferred reap;
    struct http *http;
    curl_socket_t fd;
};

static void finish_transfers(struct http *http)
{
    CURLMsg *message;
    int left;
    while ((message = curl_multi_info_read(http->multi, &left)) != NULL) {
        if (message->msg != CURLMSG_DONE)
            continue;
        struct http_request *request;
        CURLcode result = message->data.result;
        CURL *easy = message->easy_handle;
        curl_easy_getinfo(easy, CURLINFO_PRIVATE, (char **)&request);
        curl_multi_remove_handle(http->multi, easy);
        request->running = false;
        request->fn(request, result);
    }
}

static void on_socket_ready(struct watch *watch, unsigned what)
{
    struct http_socket *socket = CONTAINER_OF(watch, struct http_socket, watch);
    struct http *http = socket->http;
    int mask = ((what & WATCH_READ) != 0 ? CURL_CSELECT_IN : 0) |
               ((what & WATCH_WRITE) != 0 ? CURL_CSELECT_OUT : 0);
    int running;
    curl_multi_socket_action(http->multi, socket->fd, mask, &running);
    finish_transfers(http);
}

static void on_timer(struct timer *timer)
{
    struct http *http = CONTAINER_OF(timer, struct http, timer);
    int running;
    curl_multi_socket_action(http->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    finish_transfers(http);
}

static void on_reap(struct deferred *deferred)
{
    free(CONTAINER_OF(deferred, struct http_socket, reap));
}

static int on_socket_wanted(CURL *easy, curl_socket_t fd, int what, void *arg, void *known)
{
    (void)easy;
    struct http *http = arg;
    struct http_socket *socket = known;
    if (what == CURL_POLL_REMOVE) {
        if (socket != NULL) {
            watch_stop(&socket->watch);
            loop_defer(http->loop, &socket->reap, on_reap);
        }
        return 0;
    }
    if (socket == NULL) {
        socket = calloc(1, sizeof(*socket));
        if (socket == NULL)
            return -1;
        socket->http = http;
        socket->fd = fd;
        watch_init(&socket->watch, http->loop, fd, on_socket_ready);
        curl_multi_assign(http->multi, fd, socket);
    }
    watch_want(&socket->watch, ((what & CURL_POLL_IN) != 0 ? (unsigned)WATCH_READ : 0) |
                                   ((what & CURL_POLL_OUT) != 0 ? (unsigned)WATCH_WRITE : 0));
    return 0;
}

// curl must not be entered from here, so even "now" goes through the timer.
static int on_timer_wanted(CURLM *multi, long after_ms, void *arg)
{
    (void)multi;
    struct http *http = arg;
    if (after_ms < 0)
        timer_stop(&http->timer);
    else
        timer_start(&http->timer, (uint64_t)after_ms);
    return 0;
}

static CURLM *open_multi(struct http *http)
{
    CURLM *multi = curl_multi_init();
    if (multi == NULL)
        return NULL;
    curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, on_socket_wanted);
    curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, http);
    curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, on_timer_wanted);
    curl_multi_setopt(multi, CURLMOPT_TIMERDATA, http);
    return multi;
}

struct http *http_new(struct loop *loop, struct err *err)
{
    struct http *http = calloc(1, sizeof(*http));
    if (http == NULL) {
        err_set(err, ERR_MEMORY, "out of memory");
        return NULL;
    }
    curl_global_init(CURL_GLOBAL_DEFAULT); // counted by libcurl, and safe in any thread since 7.84
    http->loop = loop;
    timer_init(&http->timer, loop, on_timer);
    http->multi = open_multi(http);
    if (http->multi == NULL) {
        http_free(http);
        err_set(err, ERR_INTERNAL, "libcurl cannot be set up");
        return NULL;
    }
    return http;
}

// The multi handle is what keeps connections and remembers names.
void http_renew(struct http *http)
{
    CURLM *fresh = open_multi(http);
    if (fresh == NULL)
        return;
    curl_multi_cleanup(http->multi);
    timer_stop(&http->timer);
    http->multi = fresh;
}

void http_free(struct http *http)
{
    if (http == NULL)
        return;
    curl_multi_cleanup(http->multi);
    timer_stop(&http->timer);
    curl_global_cleanup();
    free(http);
}

static bool make_room(struct http_request *request, size_t len)
{
    size_t needed = request->body_len + len + 1;
    if (needed <= request->body_size)
        return true;
    size_t size = request->body_size > 0 ? request->body_size : 4096;
    while (size < needed)
        size *= 2;
    char *grown = realloc(request->body, size);
    if (grown == NULL)
        return false;
    request->body = grown;
    request->body_size = size;
    return true;
}

static size_t on_body(char *bytes, size_t size, size_t count, void *arg)
{
    struct http_request *request = arg;
    size_t len = size * count;
    request->body_too_large = len > request->body_limit - request->body_len;
    if (request->body_too_large || !make_room(request, len))
        return 0;
    memcpy(request->body + request->body_len, bytes, len);
    request->body_len += len;
    request->body[request->body_len] = '\0';
    return len;
}

// Only what belongs to the last answer counts: a digest challenge has a body and headers too.
static size_t on_header(char *line, size_t size, size_t count, void *arg)
{
    struct http_request *request = arg;
    if (size * count > 5 && memcmp(line, "HTTP/", 5) == 0) {
        request->answers++;
        request->body_len = 0;
        if (request->body != NULL)
            request->body[0] = '\0';
    }
    return size * count;
}

void http_start(struct http *http, struct http_request *request)
{
    http_request_done(request);
    request->running = true;
    curl_easy_setopt(request->easy, CURLOPT_PRIVATE, request);
    curl_easy_setopt(request->easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(request->easy, CURLOPT_WRITEDATA, request);
    curl_easy_setopt(request->easy, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(request->easy, CURLOPT_HEADERDATA, request);
    curl_easy_setopt(request->easy, CURLOPT_ERRORBUFFER, request->error);
    curl_easy_setopt(request->easy, CURLOPT_NOSIGNAL, 1L);
    // A resolver thread of curl's may hang for as long as the DNS server is silent: do not join it,
    // neither when the time is up nor when the transfer is cancelled.
    curl_easy_setopt(request->easy, CURLOPT_QUICK_EXIT, 1L);
    // What a proxy says to CONNECT is no answer of the server's.
    curl_easy_setopt(request->easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    curl_multi_add_handle(http->multi, request->easy);
}

void http_cancel(struct http *http, struct http_request *request)
{
    if (!request->running)
        return;
    request->running = false;
    curl_multi_remove_handle(http->multi, request->easy);
}

void http_request_done(struct http_request *request)
{
    free(request->body);
    request->body = NULL;
    request->body_len = 0;
    request->body_size = 0;
    request->answers = 0;
    request->body_too_large = false;
    request->error[0] = '\0';
}
