// SPDX-License-Identifier: Apache-2.0
//
// Accepting. Main thread only; what is accepted goes to proxy.c, which asks the gate and picks the
// worker.
#include "proxy/listener.h"

#include "base/err.h"
#include "base/inherited.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/net.h"
#include "base/os.h"
#include "proxy/peer.h"
#include "proxy/proxy.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    LISTENER_BATCH = 16, // accepted per turn, so that other listeners get their turn
    LISTENER_LAST_MAX = 4096,
    LISTENER_PAUSE_MS = 1000, // out of descriptors: connections that end make room
};

struct listener {
    struct loop *loop;
    struct inherited_socket socket;
    bool owns_file;
    size_t index, target;
    uint64_t max;
    listener_fn fn;
    void *arg;
    struct watch watch;
    struct timer pause;
};

static void pause_accepting(struct listener *listener, int sys)
{
    char text[ADDR_TEXT_BYTES];
    struct log_line line;
    log_start(&line, LOG_ERROR, "cannot accept connections: paused for 1 s");
    log_str(&line, "address", addr_format(&listener->socket.addr, text));
    log_str(&line, "reason", err_errno_text(sys));
    log_write(&line);
    watch_want(&listener->watch, 0);
    timer_start(&listener->pause, LISTENER_PAUSE_MS);
}

static void on_pause_over(struct timer *timer)
{
    struct listener *listener = CONTAINER_OF(timer, struct listener, pause);
    watch_want(&listener->watch, WATCH_READ);
}

// False when nobody is left in the queue, or the descriptors are used up. accept(2) also reports
// what happened to a connection before it was accepted; that is nobody's business any more.
static bool accept_one(struct listener *listener)
{
    struct addr addr = { .len = sizeof(addr.un) };
    int fd = os_accept(listener->socket.fd, &addr.any, &addr.len);
    if (fd < 0) {
        int sys = errno;
        if (net_is_shortage(sys))
            pause_accepting(listener, sys);
        return sys != EAGAIN && !net_is_shortage(sys);
    }
    const struct peer client = peer_of_socket(fd, &addr);
    listener->fn(listener->arg, listener->index, fd, &client);
    return true;
}

static void on_acceptable(struct watch *watch, unsigned what)
{
    struct listener *listener = CONTAINER_OF(watch, struct listener, watch);
    (void)what;
    for (int i = 0; i < LISTENER_BATCH; i++)
        if (!accept_one(listener))
            return;
}

void listener_accept_all(struct listener *listener)
{
    // It stays open, and who is in its queue starts the service again, or is served by the next
    // one.
    if (listener->socket.from == INHERITED_ACTIVATION)
        return;
    // Bounded: clients that keep coming must not keep the listener open.
    for (int i = 0; i < LISTENER_LAST_MAX; i++)
        if (!accept_one(listener))
            return;
}

struct listener *listener_open(
    struct loop *loop, const struct listener_plan *plan, listener_fn fn, void *arg, struct err *err)
{
    const struct proxy_options *options = plan->options;
    struct listener *listener = calloc(1, sizeof(*listener));
    if (!listener) {
        err_set(err, ERR_MEMORY, "out of memory for a listener");
        return NULL;
    }
    listener->loop = loop;
    listener->index = plan->index;
    listener->target = plan->target;
    listener->max = plan->max;
    listener->fn = fn;
    listener->arg = arg;
    if (!inherited_listen(plan->inherited, plan->addr, plan->name, (int)options->backlog,
            (unsigned)options->socket_mode, &listener->socket, err)) {
        free(listener);
        return NULL;
    }
    listener->owns_file = listener->socket.from == INHERITED_NOT;
    // Once here instead of for every socket that it accepts.
    net_nodelay(listener->socket.fd);
    net_keepalive(listener->socket.fd, options->keepalive_ms);
    watch_init(&listener->watch, loop, listener->socket.fd, on_acceptable);
    timer_init(&listener->pause, loop, on_pause_over);
    return listener;
}

void listener_start(struct listener *listener)
{
    listener->owns_file = true;
    watch_want(&listener->watch, WATCH_READ);
}

void listener_close(struct listener *listener, bool goes_on_elsewhere)
{
    if (!listener)
        return;
    watch_stop(&listener->watch);
    timer_stop(&listener->pause);
    // The name first: once the socket is closed a successor may take the name for stale and put its
    // own there.
    if (listener->owns_file && !goes_on_elsewhere && inherited_has_file(&listener->socket))
        (void)unlink(listener->socket.addr.un.sun_path);
    close(listener->socket.fd);
    free(listener);
}

const struct inherited_socket *listener_socket(const struct listener *listener)
{
    return &listener->socket;
}

size_t listener_target(const struct listener *listener)
{
    return listener->target;
}

const struct addr *listener_address(const struct listener *listener)
{
    return &listener->socket.addr;
}

void listener_adopt(struct listener *listener, uint64_t max, uint64_t keepalive_ms)
{
    listener->max = max;
    net_keepalive(listener->socket.fd, keepalive_ms);
}

uint64_t listener_max(const struct listener *listener)
{
    return listener->max;
}
