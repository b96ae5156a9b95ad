// SPDX-License-Identifier: Apache-2.0
//
// The server's greeting, read. Called by conn.c.
#include "proxy/handshake.h"

#include "base/net.h"
#include "proxy/conn.h"
#include "proxy/login.h"
#include "proxy/mysql.h"
#include "proxy/view.h"
#include "proxy/worker.h"

#include <errno.h>
#include <sys/socket.h>

// Whoever takes part in the login must understand the greeting.
static void on_part_of_greeting(struct conn *conn, const uint8_t *bytes, size_t len)
{
    struct mysql_greeting greeting;
    if (!login_keep(conn->setup->login, bytes, len)) {
        conn_not_greeted(conn, "sent more than a greeting", EPROTO);
        return;
    }
    size_t whole;
    const uint8_t *packet = login_kept(conn->setup->login, &whole);
    switch (mysql_read_greeting(packet, whole, &greeting)) {
    case MYSQL_FIRST_MORE:
        return;
    case MYSQL_FIRST_GREETING:
        conn_greeted(conn, &greeting, packet, whole);
        return;
    case MYSQL_FIRST_ERR:
        login_pass_error(conn);
        return;
    case MYSQL_FIRST_OTHER:
        conn_not_greeted(conn, "sent something that is no MySQL", EPROTO);
        return;
    }
}

// In passthrough the greeting goes to the client byte for byte; what it says is only noted. An ERR
// packet of the server's own, or bytes that are no MySQL, are the client's to judge.
static void on_greeting(struct watch *watch, unsigned what)
{
    struct conn *conn = CONTAINER_OF(watch, struct conn, server.watch);
    struct worker *worker = conn->worker;
    (void)what;
    ssize_t got = recv(conn->server.io.fd, worker->scratch, IO_BYTES_MAX, 0);
    if (got < 0 && net_is_transient(errno))
        return;
    if (got <= 0) {
        conn_not_greeted(conn, got == 0 ? "closed it" : "reset it", ECONNRESET);
        return;
    }
    if (conn->setup->login) {
        on_part_of_greeting(conn, worker->scratch, (size_t)got);
        return;
    }
    struct mysql_greeting greeting;
    bool is_greeting =
        mysql_read_greeting(worker->scratch, (size_t)got, &greeting) == MYSQL_FIRST_GREETING;
    conn_greeted(conn, is_greeting ? &greeting : NULL, worker->scratch, (size_t)got);
}

void handshake_start(struct conn *conn)
{
    if (login_is_ours(conn) && !login_open(conn)) {
        conn_close(conn, CLOSE_INTERNAL);
        return;
    }
    watch_init(&conn->server.watch, conn->worker->loop, conn->server.io.fd, on_greeting);
    watch_want(&conn->server.watch, WATCH_READ);
}

void handshake_cancel(struct conn *conn)
{
    watch_stop(&conn->server.watch);
    dial_cancel(&conn->setup->dial);
}

void handshake_on_timeout(struct conn *conn)
{
    conn_not_greeted(conn, "said nothing in time", ETIMEDOUT);
}
