// SPDX-License-Identifier: Apache-2.0
//
// The dial: the addresses of the view in their order, each with connect-timeout, together within
// dial-budget. Called by conn.c; the connection's worker only.
#include "proxy/dial.h"

#include "base/net.h"
#include "proxy/conn.h"
#include "proxy/refusal.h"
#include "proxy/view.h"
#include "proxy/worker.h"

#include <errno.h>
#include <unistd.h>

struct addr dial_address(const struct conn *conn)
{
    struct addr addr = conn->view->addrs->addrs[conn->address];
    if (addr.any.sa_family == AF_INET6)
        addr.in6.sin6_port = htons(conn->view->port);
    else
        addr.in4.sin_port = htons(conn->view->port);
    return addr;
}

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

void dial_cancel(struct conn *conn)
{
    if (conn->server.fd < 0)
        return;
    watch_stop(&conn->server.watch);
    close(conn->server.fd);
    conn->server.fd = -1;
}

static void give_up(struct conn *conn, int sys)
{
    struct addr last = dial_address(conn);
    struct err err;
    refusal_dial(conn->view, conn->address + 1, &last, sys, &err);
    conn_on_dialed(conn, &err);
}

static void try_address(struct conn *conn);

// One address failed with `sys`. Only called from the loop, never from dial_start.
static void next_address(struct conn *conn, int sys)
{
    dial_cancel(conn);
    bool time_left = loop_now_ms(conn->worker->loop) < conn->dial_until;
    bool another = conn->address + 1 < conn->view->addrs->count;
    if (!another || !time_left || net_is_shortage(sys)) {
        give_up(conn, sys);
        return;
    }
    conn->address++;
    try_address(conn);
}

static void on_connected(struct watch *watch, unsigned what)
{
    struct conn *conn = CONTAINER_OF(watch, struct conn, server.watch);
    (void)what;
    watch_want(watch, 0);
    int sys = net_socket_error(conn->server.fd);
    if (sys)
        next_address(conn, sys);
    else
        conn_on_dialed(conn, NULL);
}

static int begin_connect(struct conn *conn, const struct addr *addr)
{
    int fd = socket(addr->any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return errno;
    net_nodelay(fd);
    net_keepalive(fd);
    // Until the relay starts; an established flow must be allowed a closed window for any time.
    net_user_timeout(fd, (unsigned)conn->view->options.connect_timeout_ms);
    conn->server.fd = fd;
    watch_init(&conn->server.watch, conn->worker->loop, fd, on_connected);
    if (connect(fd, &addr->any, addr->len) == 0 || errno == EINPROGRESS)
        return 0;
    int sys = errno;
    dial_cancel(conn);
    return sys;
}

// The timer is this address's deadline. A failure that is known at once is kept for the next turn,
// by a timer that runs out immediately, so that nobody is called back from inside dial_start.
static void try_address(struct conn *conn)
{
    struct addr addr = dial_address(conn);
    uint64_t now_ms = loop_now_ms(conn->worker->loop);
    conn->dial_error = begin_connect(conn, &addr);
    if (conn->dial_error) {
        timer_start(&conn->timer, 0);
        return;
    }
    watch_want(&conn->server.watch, WATCH_WRITE);
    uint64_t left_ms = conn->dial_until > now_ms ? conn->dial_until - now_ms : 0;
    timer_start(&conn->timer, least(conn->view->options.connect_timeout_ms, left_ms));
}

void dial_start(struct conn *conn)
{
    conn->address = 0;
    conn->dial_until = loop_now_ms(conn->worker->loop) + conn->view->options.dial_budget_ms;
    try_address(conn);
}

void dial_on_timeout(struct conn *conn)
{
    next_address(conn, conn->dial_error ? conn->dial_error : ETIMEDOUT);
}
