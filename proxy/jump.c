// SPDX-License-Identifier: Apache-2.0
//
// The handshake with a jump: SOCKS takes offer -> choice (-> login -> its answer) -> request ->
// reply, HTTP takes request -> head of the response. Called by dial.c.
#include "proxy/jump.h"

#include "base/err.h"
#include "base/loop.h"
#include "base/net.h"
#include "base/os.h"
#include "proxy/http_connect.h"
#include "proxy/refusal.h"
#include "proxy/socks.h"
#include "proxy/via.h"
#include "proxy/view.h"
#include "proxy/worker.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum { REPLY_BYTES = 4 + 1 + 255 + 2, WHAT_BYTES = 256 };

struct jump {
    struct jump_plan plan;
    int fd;
    struct watch watch;
    // What comes next: `want` bytes, of which `have` are there, then `step`.
    void (*step)(struct jump *jump);
    size_t have, want;
    uint8_t bytes[REPLY_BYTES];
    struct http_connect response;
    struct deferred freeing;
};

// ---- ends ---------------------------------------------------------------------------------------

static void finish(struct jump *jump, const struct err *err)
{
    watch_stop(&jump->watch);
    jump->plan.fn(jump->plan.arg, err);
}

static void fail(struct jump *jump, const char *what, const char *next)
{
    struct err err;
    refusal_jump(jump->plan.view, what, next, &err);
    finish(jump, &err);
}

static const struct via *via_of(const struct jump *jump)
{
    return jump->plan.view->via;
}

static void fail_far(struct jump *jump, const char *why)
{
    struct err err;
    refusal_jump_far(jump->plan.view, why, &err);
    finish(jump, &err);
}

static void fail_login(struct jump *jump, const char *said)
{
    char what[WHAT_BYTES];
    bool has_user = via_of(jump)->user;
    snprintf(what, sizeof(what), "%s (%s)",
        has_user ? "refuses the user or password" : "wants a user and a password", said);
    fail(jump, what,
        has_user ? "Correct them in via, or in via-password-file"
                 : "Put them into via (//USER:PASSWORD@HOST), in the configuration file or in "
                   "TIDBLINK_VIA");
}

// ---- bytes --------------------------------------------------------------------------------------

// A message of ours is small, and the socket new: it takes all of it. If not, the end that it then
// reports as its next event tells why.
static void say(struct jump *jump, const void *bytes, size_t len)
{
    if (send(jump->fd, bytes, len, OS_SEND) != (ssize_t)len)
        (void)shutdown(jump->fd, SHUT_RDWR);
}

static void expect(struct jump *jump, size_t want, void (*step)(struct jump *jump))
{
    jump->want = want;
    jump->step = step;
}

// False: not now, or it is over.
static bool check_read(struct jump *jump, ssize_t got)
{
    if (got > 0)
        return true;
    if (got == 0 || !net_is_transient(errno))
        fail(jump,
            got == 0 ? "closed the connection during its handshake"
                     : "reset the connection during its handshake",
            "Check host and port of via, and the jump's log");
    return false;
}

// Not a byte more than the handshake's: what follows it is the cluster's greeting.
static void on_bytes(struct watch *watch, unsigned what)
{
    struct jump *jump = CONTAINER_OF(watch, struct jump, watch);
    (void)what;
    ssize_t got = recv(jump->fd, jump->bytes + jump->have, jump->want - jump->have, 0);
    if (!check_read(jump, got))
        return;
    jump->have += (size_t)got;
    if (jump->have == jump->want)
        jump->step(jump);
}

// ---- SOCKS --------------------------------------------------------------------------------------

static void fail_no_socks(struct jump *jump)
{
    char what[WHAT_BYTES];
    snprintf(what, sizeof(what), "does not speak SOCKS 5: its answer begins with 0x%02x",
        jump->bytes[0]);
    fail(jump, what, "Check host and port of via");
}

static void on_reply(struct jump *jump)
{
    finish(jump, NULL);
}

static void fail_refused(struct jump *jump)
{
    char why[WHAT_BYTES];
    uint8_t code = jump->bytes[1];
    snprintf(why, sizeof(why), "%s (SOCKS reply %u)", socks_reply_words(code), code);
    fail_far(jump, why);
}

static void on_reply_head(struct jump *jump)
{
    size_t len = socks_reply_length(jump->bytes);
    if (len < SOCKS_REPLY_MIN_BYTES || len > sizeof(jump->bytes))
        fail_no_socks(jump);
    else
        expect(jump, len, on_reply);
}

// What follows a refusal says nothing; from some servers it does not come, or has an address type
// of their own.
static void on_reply_code(struct jump *jump)
{
    int code = socks_read_code(jump->bytes);
    if (code > 0)
        fail_refused(jump);
    else if (code < 0)
        fail_no_socks(jump);
    else
        expect(jump, SOCKS_REPLY_MIN_BYTES, on_reply_head);
}

static void ask(struct jump *jump)
{
    uint8_t message[SOCKS_BYTES_MAX];
    const struct view *view = jump->plan.view;
    jump->have = 0;
    expect(jump, SOCKS_CODE_BYTES, on_reply_code);
    say(jump, message, socks_request(view->host, view->port, message));
}

static void on_auth(struct jump *jump)
{
    int status = socks_read_auth(jump->bytes);
    char said[32];
    snprintf(said, sizeof(said), "RFC 1929 status %d", status);
    if (status < 0)
        fail_no_socks(jump);
    else if (status > 0)
        fail_login(jump, said);
    else
        ask(jump);
}

static void log_in(struct jump *jump)
{
    uint8_t message[SOCKS_BYTES_MAX];
    const struct via *via = via_of(jump);
    jump->have = 0;
    expect(jump, SOCKS_AUTH_BYTES, on_auth);
    size_t len = socks_login(via->user, via->password, message);
    say(jump, message, len);
    os_wipe(message, sizeof(message));
}

static void on_choice(struct jump *jump)
{
    int method = socks_read_choice(jump->bytes);
    if (method == SOCKS_NO_AUTH)
        ask(jump);
    else if (method == SOCKS_PASSWORD && via_of(jump)->user)
        log_in(jump);
    else if (method == SOCKS_NONE_FITS && !via_of(jump)->user)
        fail_login(jump, "SOCKS method 255");
    else if (method == SOCKS_NONE_FITS)
        fail(jump, "takes neither clients without a password nor with one (SOCKS method 255)",
            "Allow one of them in its configuration");
    else
        fail_no_socks(jump);
}

static void start_socks(struct jump *jump)
{
    uint8_t message[SOCKS_BYTES_MAX];
    watch_init(&jump->watch, jump->plan.worker->loop, jump->fd, on_bytes);
    watch_want(&jump->watch, WATCH_READ);
    expect(jump, SOCKS_CHOICE_BYTES, on_choice);
    say(jump, message, socks_offer(via_of(jump)->user, message));
}

// ---- HTTP ---------------------------------------------------------------------------------------

static void fail_tunnel(struct jump *jump, const char *said)
{
    char what[2 * WHAT_BYTES];
    const struct view *view = jump->plan.view;
    snprintf(what, sizeof(what), "refuses a tunnel to %s:%u: %s", view->host, (unsigned)view->port,
        said);
    fail(jump, what, "Allow CONNECT to this host and port in its configuration");
}

static void end_http(struct jump *jump)
{
    enum { REDIRECTION = 300, UNAUTHORIZED = 401, PROXY_AUTHENTICATION = 407, SERVER_ERROR = 500 };
    char said[WHAT_BYTES];
    const struct http_connect *response = &jump->response;
    int status = response->status;
    snprintf(
        said, sizeof(said), "HTTP %d%s%s", status, *response->reason ? " " : "", response->reason);
    if (status < REDIRECTION)
        finish(jump, NULL);                                            // any 2xx: RFC 9110, 9.3.6
    else if (status == PROXY_AUTHENTICATION || status == UNAUTHORIZED) // tinyproxy's
        fail_login(jump, said);
    else if (status >= SERVER_ERROR)
        fail_far(jump, said);
    else
        fail_tunnel(jump, said);
}

// Looked at before it is taken, so that nothing behind the head is.
static void on_head(struct watch *watch, unsigned what)
{
    struct jump *jump = CONTAINER_OF(watch, struct jump, watch);
    (void)what;
    size_t taken;
    ssize_t got = recv(jump->fd, jump->bytes, sizeof(jump->bytes), MSG_PEEK);
    if (!check_read(jump, got))
        return;
    enum http_connect_end end =
        http_connect_take(&jump->response, jump->bytes, (size_t)got, &taken);
    // It is there: it has just been seen.
    (void)!recv(jump->fd, jump->bytes, taken, 0);
    if (end == HTTP_CONNECT_DONE)
        end_http(jump);
    else if (end == HTTP_CONNECT_BAD)
        fail(jump, "does not answer as an HTTP proxy does", "Check host and port of via");
}

static void start_http(struct jump *jump)
{
    char request[HTTP_CONNECT_BYTES_MAX];
    const struct view *view = jump->plan.view;
    const struct via *via = via_of(jump);
    watch_init(&jump->watch, jump->plan.worker->loop, jump->fd, on_head);
    watch_want(&jump->watch, WATCH_READ);
    // It fits: via.c and via_host_is_safe bound what goes in.
    size_t len = http_connect_request(view->host, view->port, via->user, via->password, request);
    say(jump, request, len);
    os_wipe(request, sizeof(request));
}

// ---- life ---------------------------------------------------------------------------------------

struct jump *jump_start(const struct jump_plan *plan, int fd)
{
    struct jump *jump = calloc(1, sizeof(*jump));
    if (!jump)
        return NULL;
    jump->plan = *plan;
    jump->fd = fd;
    if (plan->view->via->kind == VIA_SOCKS)
        start_socks(jump);
    else
        start_http(jump);
    return jump;
}

static void on_freeing(struct deferred *deferred)
{
    free(CONTAINER_OF(deferred, struct jump, freeing));
}

void jump_end(struct jump *jump)
{
    if (!jump)
        return;
    watch_stop(&jump->watch);
    loop_defer(jump->plan.worker->loop, &jump->freeing, on_freeing);
}
