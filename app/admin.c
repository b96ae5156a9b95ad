// SPDX-License-Identifier: Apache-2.0
//
// Two evhttp servers on the main loop, TCP and unix, with one table of paths. The unix socket
// (0600) is the only one that changes anything: its file's mode says who may. Beside it
// admin_callers.c, which bounds who is connected, admin_reply.c, which refuses what nobody should
// send, admin_wait.c, admin_connections.c, metrics.c, status_json.c, health_now.c.
#include "app/admin.h"

#include "app/admin_callers.h"
#include "app/admin_doctor.h"
#include "app/admin_dsn.h"
#include "app/admin_query.h"
#include "app/health_now.h"
#include "app/history.h"
#include "app/idle_age.h"
#include "app/metrics.h"
#include "app/page.h"
#include "app/program.h"
#include "app/status_json.h"
#include "base/inherited.h"
#include "base/loop.h"

#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/http_struct.h>
#include <event2/keyvalq_struct.h>
#include <event2/listener.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    BACKLOG =
        1024, // with fewer, a burst makes the kernel drop a probe, which comes again after 1 s
    HEADERS_BYTES = 32 * 1024, // with the cookies of all that a browser's localhost has served
    BODY_BYTES = 1024,
    IDLE_TIMEOUT_S = 30,
    KEEPALIVE_MS = 60 * 1000,
    SOCKET_MODE = 0600,
    METHODS = EVHTTP_REQ_GET | EVHTTP_REQ_HEAD | EVHTTP_REQ_POST | EVHTTP_REQ_PUT |
              EVHTTP_REQ_DELETE | EVHTTP_REQ_PATCH | EVHTTP_REQ_OPTIONS,
};

static const char connection_path[] = "/api/v1/connections/"; // and what is behind it
static const char text_type[] = "text/plain; charset=utf-8";

// One of the two servers.
struct door {
    struct admin *admin;
    struct evhttp *http;            // NULL: closed
    struct inherited_socket socket; // evhttp's, once there is one
    struct evconnlistener *listener;
    bool local; // the unix socket
};

struct admin {
    struct program *program;
    struct admin_callers *callers;
    struct admin_waits *waits;
    struct admin_asks *asks;
    struct history *history;
    struct admin_doctor *doctor;
    struct door tcp, local;
    bool accepts;
};

// ---- health -------------------------------------------------------------------------------------

bool admin_is_asked_for(const struct program *program)
{
    return program->settings->admin.len > 0 || program->settings->admin_unix.len > 0;
}

bool admin_serves(const struct program *program, const char *alias)
{
    for (size_t i = 0; i < proxy_target_count(program->proxy); i++) {
        if (strcmp(alias, proxy_target_state(program->proxy, i).alias) == 0)
            return true;
    }
    return false;
}

// About one cluster with ?cluster=ALIAS, otherwise about all.
static void answer_health(struct door *door, struct evhttp_request *request, enum health health)
{
    static const char *const names[] = { "cluster" };
    bool healthy = false;
    struct err err;
    struct admin_query query;
    struct program *program = door->admin->program;
    bool is_clear = admin_query_read(request, names, ARRAY_LEN(names), &query, &err);
    const char *alias = query.values[0];
    if (!is_clear) {
        admin_reply_error(request, HTTP_BADREQUEST, err.text);
    } else if (alias && !admin_serves(program, alias)) {
        admin_reply_error(request, HTTP_NOTFOUND, "cluster: not served here");
    } else {
        char *text = health_now_json(program, health, alias, &healthy);
        admin_reply_json(request, healthy ? HTTP_OK : HTTP_SERVUNAVAIL, text);
        free(text);
    }
    admin_query_done(&query);
}

// ---- one function per path ----------------------------------------------------------------------

static void get_startup(struct door *door, struct evhttp_request *request)
{
    answer_health(door, request, HEALTH_STARTED);
}

static void get_liveness(struct door *door, struct evhttp_request *request)
{
    answer_health(door, request, HEALTH_LIVE);
}

static void get_readiness(struct door *door, struct evhttp_request *request)
{
    answer_health(door, request, HEALTH_READY);
}

static void get_wait(struct door *door, struct evhttp_request *request)
{
    admin_waits_hold(door->admin->waits, request);
}

static void get_metrics(struct door *door, struct evhttp_request *request)
{
    char *text = metrics_text(door->admin->program);
    if (text)
        admin_reply(request, HTTP_OK, "text/plain; version=0.0.4; charset=utf-8", text);
    else
        admin_reply(request, HTTP_INTERNAL, text_type, "out of memory\n");
    free(text);
}

static void get_status(struct door *door, struct evhttp_request *request)
{
    char *text = status_json(door->admin->program);
    admin_reply_json(request, HTTP_OK, text);
    free(text);
}

static void get_connections(struct door *door, struct evhttp_request *request)
{
    admin_asks_list(door->admin->asks, request);
}

static void get_history(struct door *door, struct evhttp_request *request)
{
    char *text = history_json(door->admin->history);
    admin_reply_json(request, HTTP_OK, text);
    free(text);
}

static void post_kill(struct door *door, struct evhttp_request *request)
{
    const char *path = evhttp_uri_get_path(evhttp_request_get_evhttp_uri(request));
    if (!admin_asks_kill(door->admin->asks, request, path + strlen(connection_path)))
        admin_reply(request, HTTP_NOTFOUND, text_type, "no such page\n");
}

static void get_page(struct door *door, struct evhttp_request *request)
{
    page_answer(door->admin->program, request);
}

static void get_clients(struct door *door, struct evhttp_request *request)
{
    admin_dsn_clients(door->admin->program, request);
}

static void get_dsn(struct door *door, struct evhttp_request *request)
{
    admin_dsn_answer(door->admin->program, request);
}

static void get_doctor(struct door *door, struct evhttp_request *request)
{
    admin_doctor_get(door->admin->doctor, request);
}

static void post_doctor(struct door *door, struct evhttp_request *request)
{
    admin_doctor_post(door->admin->doctor, door->admin->program, request);
}

static void post_drain(struct door *door, struct evhttp_request *request)
{
    admin_reply(request, HTTP_OK, text_type, "draining\n");
    if (!door->admin->program->stopping)
        program_stop(door->admin->program, "POST /drain");
}

static void post_reload(struct door *door, struct evhttp_request *request)
{
    struct err err;
    char text[ERR_TEXT_BYTES + 1];
    if (program_reload(door->admin->program, &err)) {
        admin_reply(request, HTTP_OK, text_type, "reloaded\n");
        return;
    }
    snprintf(text, sizeof(text), "%s\n", err.text);
    admin_reply(request, HTTP_BADREQUEST, text_type, text);
}

static const struct route {
    const char *path;
    bool is_prefix;
    bool changes; // POST on the unix socket; otherwise GET and HEAD on both
    void (*answer)(struct door *door, struct evhttp_request *request);
} routes[] = {
    { "/startup", false, false, get_startup },
    { "/readiness", false, false, get_readiness },
    { "/liveness", false, false, get_liveness },
    { "/wait", false, false, get_wait },
    { "/metrics", false, false, get_metrics },
    { "/api/v1/status", false, false, get_status },
    { "/api/v1/connections", false, false, get_connections },
    { "/api/v1/history", false, false, get_history },
    { "/", false, false, get_page },
    { "/api/v1/clients", false, false, get_clients },
    { "/api/v1/dsn", false, false, get_dsn },
    { "/api/v1/doctor", false, false, get_doctor },
    { "/api/v1/doctor", false, true, post_doctor },
    { connection_path, true, true, post_kill },
    { "/drain", false, true, post_drain },
    { "/reload", false, true, post_reload },
};

// ---- dispatch -----------------------------------------------------------------------------------

// Of a path's routes the one for this method, else the first.
static const struct route *find_route(struct evhttp_request *request)
{
    const struct route *found = NULL;
    const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(request);
    const char *path = uri ? evhttp_uri_get_path(uri) : NULL;
    bool changes = evhttp_request_get_command(request) == EVHTTP_REQ_POST;
    for (size_t i = 0; path && i < ARRAY_LEN(routes); i++) {
        bool matches = routes[i].is_prefix
                           ? strncmp(routes[i].path, path, strlen(routes[i].path)) == 0
                           : strcmp(routes[i].path, path) == 0;
        if (matches && (!found || routes[i].changes == changes))
            found = &routes[i];
    }
    return found;
}

static void refuse_method(struct evhttp_request *request, const char *allowed)
{
    (void)evhttp_add_header(evhttp_request_get_output_headers(request), "Allow", allowed);
    admin_reply(request, HTTP_BADMETHOD, text_type, "method not allowed\n");
}

static void on_request(struct evhttp_request *request, void *arg)
{
    struct door *door = arg;
    const struct route *route = find_route(request);
    enum evhttp_cmd_type method = evhttp_request_get_command(request);
    char why[ADMIN_PEER_TEXT_BYTES];
    admin_callers_asked(door->admin->callers, request);
    if (admin_refuses(request, door->local))
        return;
    if (door->local && !admin_peer_may(request, why))
        admin_reply(request, 403, text_type, why);
    else if (!route)
        admin_reply(request, HTTP_NOTFOUND, text_type, "no such page\n");
    else if (route->changes && !door->local)
        admin_reply(request, 403, text_type, "only on the admin socket\n");
    else if (route->changes && method != EVHTTP_REQ_POST)
        refuse_method(request, "POST");
    else if (!route->changes && method != EVHTTP_REQ_GET && method != EVHTTP_REQ_HEAD)
        refuse_method(request, "GET, HEAD");
    else
        route->answer(door, request);
}

// ---- start and stop -----------------------------------------------------------------------------

// Out of descriptors. libevent by itself would try again at once, with a line on stderr each time;
// admin_beat goes on.
static void on_accept_failed(struct evconnlistener *listener, void *http)
{
    (void)http;
    log_facts(LOG_ERROR, "cannot accept connections to the admin HTTP: paused for 2 s", "reason",
        err_errno_text(evutil_socket_geterror(evconnlistener_get_fd(listener))), NULL);
    (void)evconnlistener_disable(listener); // that only fails without memory
}

// Accepts nobody yet.
static bool serve(struct door *door, int fd, struct event_base *base)
{
    door->http = evhttp_new(base);
    if (!door->http)
        return false;
    evhttp_set_allowed_methods(door->http, METHODS);
    evhttp_set_max_headers_size(door->http, HEADERS_BYTES);
    evhttp_set_max_body_size(door->http, door->local ? ADMIN_DOCTOR_BYTES : BODY_BYTES);
    evhttp_set_timeout(door->http, IDLE_TIMEOUT_S);
    evhttp_set_gencb(door->http, on_request, door);
    admin_callers_watch(door->admin->callers, door->http);
    // What is accepted inherits it. The end of a long answer would else wait for the
    // acknowledgement of its beginning, which the other side delays (40 ms on Linux); and who is
    // held and loses the network would be held for a day.
    if (!door->local) {
        net_nodelay(fd);
        net_keepalive(fd, KEEPALIVE_MS);
    }
    struct evhttp_bound_socket *bound = evhttp_accept_socket_with_handle(door->http, fd);
    if (!bound)
        return false;
    door->listener = evhttp_bound_socket_get_listener(bound);
    evconnlistener_set_error_cb(door->listener, on_accept_failed);
    return evconnlistener_disable(door->listener) == 0;
}

static void close_door(struct door *door)
{
    if (door->http)
        evhttp_free(door->http); // closes the listening socket as well
    door->http = NULL;
}

static void open_door(struct door *door, const struct addr *addr)
{
    struct err err = { 0 };
    struct log_line line;
    struct program *program = door->admin->program;
    if (addr->len == 0)
        return;
    bool is_open = inherited_listen(
        program->inherited, addr, INHERITED_ADMIN, BACKLOG, SOCKET_MODE, &door->socket, &err);
    if (is_open && serve(door, door->socket.fd, loop_base(program->loop))) {
        char text[ADDR_TEXT_BYTES];
        log_start(&line, LOG_INFO, "admin listening");
        log_str(&line, "address", addr_format(&door->socket.addr, text));
        log_write(&line);
        return;
    }
    if (is_open) {
        if (!door->listener) // then it is closed with evhttp
            close(door->socket.fd);
        close_door(door);
        err_set(&err, ERR_MEMORY, "out of memory");
    }
    log_start(&line, LOG_WARN, "%s",
        door->local ? "no health, metrics and status on the admin socket"
                    : "no health, metrics and status on the admin address");
    log_err(&line, &err);
    log_write(&line);
}

static void admin_free(struct admin *admin)
{
    admin_waits_free(admin->waits);
    admin_asks_free(admin->asks);
    history_free(admin->history);
    admin_doctor_free(admin->doctor);
    health_now_rest(admin->program->heartbeat);
    admin->program->heartbeat = NULL;
    idle_age_free(admin->program->idle_age);
    admin->program->idle_age = NULL;
    close_door(&admin->tcp);
    close_door(&admin->local);
    admin_callers_free(admin->callers);
    free(admin);
}

struct admin *admin_start(struct program *program)
{
    struct admin *admin = calloc(1, sizeof(*admin));
    if (!admin)
        return NULL;
    admin->program = program;
    admin->callers = admin_callers_new(program->loop);
    admin->waits = admin_waits_new(program);
    admin->asks = admin_asks_new(program);
    admin->history = history_new(program);
    admin->doctor = admin_doctor_new();
    program->heartbeat = health_now_beat(program);
    program->idle_age = idle_age_new(program);
    if (!admin->callers || !admin->waits || !admin->asks || !admin->history || !admin->doctor ||
        !program->heartbeat || !program->idle_age) {
        admin_free(admin);
        return NULL;
    }
    admin->tcp.admin = admin;
    admin->local.admin = admin;
    admin->local.local = true;
    open_door(&admin->tcp, &program->settings->admin);
    open_door(&admin->local, &program->settings->admin_unix);
    return admin;
}

static void accept_at(struct door *door)
{
    if (door->http)
        (void)evconnlistener_enable(door->listener); // it only fails without a callback
}

void admin_accept(struct admin *admin)
{
    admin->accepts = true;
    accept_at(&admin->tcp);
    accept_at(&admin->local);
}

void admin_beat(struct admin *admin)
{
    if (admin->accepts)
        admin_accept(admin); // who paused goes on
    admin_changed(admin);
}

const struct inherited_socket *admin_socket(const struct admin *admin, size_t index)
{
    const struct door *const doors[] = { &admin->tcp, &admin->local };
    for (size_t i = 0; i < ARRAY_LEN(doors); i++)
        if (doors[i]->http && index-- == 0)
            return &doors[i]->socket;
    return NULL;
}

void admin_changed(struct admin *admin)
{
    admin_waits_changed(admin->waits);
}

size_t admin_waiting(const struct admin *admin)
{
    return admin_waits_count(admin->waits);
}

void admin_stop(struct admin *admin)
{
    if (!admin)
        return;
    const struct program *program = admin->program;
    bool removes_file =
        admin->local.http && program->owns_sockets && inherited_has_file(&admin->local.socket);
    admin_free(admin);
    if (removes_file)
        (void)unlink(program->settings->admin_socket);
}
