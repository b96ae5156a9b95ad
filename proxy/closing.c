// SPDX-License-Identifier: Apache-2.0
//
// The ends of connections. Called by conn.c, relay.c and sweep.c.
#include "proxy/closing.h"

#include "base/log.h"
#include "base/net.h"
#include "proxy/closings.h"
#include "proxy/conn.h"
#include "proxy/relay.h"
#include "proxy/tls.h"
#include "proxy/via.h"
#include "proxy/view.h"
#include "proxy/worker.h"

#include <errno.h>
#include <stdio.h>

enum {
    CLOSING_IDLE_MS = 10 * 1000, // a silence that a middlebox may have taken for an end
    CLOSING_PROBE_MS = 1000,
};

static const char *const reason_names[CLOSE_REASONS] = {
    [CLOSE_CLIENT_QUIT] = "client-quit",
    [CLOSE_CLIENT_RESET] = "client-reset",
    [CLOSE_CLIENT_GONE] = "client-gone",
    [CLOSE_CLIENT_DEAD] = "client-dead",
    [CLOSE_SERVER_QUIT] = "server-quit",
    [CLOSE_SERVER_RESET] = "server-reset",
    [CLOSE_SERVER_DEAD] = "server-dead",
    [CLOSE_NETWORK_CHANGED] = "network-changed",
    [CLOSE_SLEPT] = "slept",
    [CLOSE_IDLE_DROPPED] = "idle-dropped",
    [CLOSE_HALF_OPEN] = "half-open",
    [CLOSE_REFUSED] = "refused",
    [CLOSE_LOGIN_REFUSED] = "login-refused",
    [CLOSE_CLIENT_TLS] = "client-tls",
    [CLOSE_TLS_BROKEN] = "tls-broken",
    [CLOSE_LIMIT] = "limit",
    [CLOSE_DRAINED] = "drained",
    [CLOSE_DRAIN_TIMEOUT] = "drain-timeout",
    [CLOSE_STOPPED] = "stopped",
    [CLOSE_KILLED] = "killed",
    [CLOSE_INTERNAL] = "internal",
};

const char *closing_reason_name(enum close_reason reason)
{
    return reason_names[reason];
}

// A reset that answers us after a silence, or a silence that keepalive could not break, is the
// way's doing as far as can be told: a load balancer forgets a flow that idles and resets what
// comes then (docs.aws.amazon.com, "Network Load Balancers", "Connection idle timeout"). A reset
// out of the blue is the other end's own.
enum close_reason closing_reason_of(struct side *side, int sys)
{
    struct net_tcp tcp;
    const struct conn *conn = side_conn(side);
    enum close_reason reset = side->is_client ? CLOSE_CLIENT_RESET : CLOSE_SERVER_RESET;
    enum close_reason dead = side->is_client ? CLOSE_CLIENT_DEAD : CLOSE_SERVER_DEAD;
    if (sys == EPROTO)
        return CLOSE_TLS_BROKEN;
    if (!side->is_client && conn->questioned)
        return (enum close_reason)conn->questioned; // that is the answer
    bool was_reset = sys == ECONNRESET || sys == EPIPE || sys == ECONNREFUSED;
    if (!net_tcp_info(side->io.fd, &tcp)) // a unix socket, or the system does not tell
        return was_reset ? reset : dead;
    // What was sent after the last acknowledgement was not acknowledged.
    bool unanswered = side->asked && tcp.since_sent_ms < tcp.since_ack_ms;
    if (!was_reset)
        return unanswered ? dead : CLOSE_IDLE_DROPPED;
    if (tcp.since_ack_ms >= conn->view->options.keepalive_ms)
        return CLOSE_IDLE_DROPPED;
    return unanswered && tcp.since_ack_ms >= CLOSING_IDLE_MS ? CLOSE_IDLE_DROPPED : reset;
}

static void close_side(struct side *side, bool with_reset)
{
    relay_drop_owed(side);
    if (side->io.fd < 0)
        return;
    if (with_reset && net_is_delivered(side->io.fd))
        net_reset_on_close(side->io.fd);
    else if (side->io.tls && !side->shut)
        io_shutdown(&side_conn(side)->worker->io, &side->io); // says that this is the end
    io_close(&side_conn(side)->worker->io, &side->io);
}

void closing_close_sockets(struct conn *conn)
{
    close_side(&conn->client, conn->is_lost && !conn->client_lost);
    close_side(&conn->server, conn->is_lost && conn->client_lost);
}

// Who leaves soon and without a byte is a health check.
static bool is_probe(const struct conn *conn, enum close_reason reason, uint64_t now_ms)
{
    bool client_left =
        reason == CLOSE_CLIENT_GONE || reason == CLOSE_CLIENT_QUIT || reason == CLOSE_CLIENT_RESET;
    return client_left && !conn->client.received && now_ms - conn->began_ms < CLOSING_PROBE_MS;
}

// "TLSv1.3", "TLSv1.3,resumed"
static void log_tls(struct log_line *line, const char *key, const struct tls *tls)
{
    char text[32];
    if (!tls || !SSL_is_init_finished(tls->ssl))
        return;
    snprintf(text, sizeof(text), "%s%s", SSL_get_version(tls->ssl),
        tls_is_resumed(tls) ? ",resumed" : "");
    log_str(line, key, text);
}

void closing_note(const struct conn *conn, enum close_reason reason)
{
    const struct conn_setup *setup = conn->setup;
    char text[PEER_TEXT_BYTES];
    uint64_t now_ms = loop_now_ms(conn->worker->loop);
    enum log_level level = is_probe(conn, reason, now_ms) ? LOG_DEBUG : LOG_INFO;
    if (level == LOG_INFO) // probes would drive out what is worth a look
        closings_note(conn->worker->closings, conn, reason, now_ms);
    if (!log_enabled(level))
        return;
    struct log_line line;
    log_start(&line, level, "connection closed");
    if (reason != CLOSE_REFUSED && reason != CLOSE_LIMIT)
        log_single(&line); // of a connection that was served, or had a reason of its own
    log_uint(&line, "conn", conn->id);
    log_str(&line, "cluster", conn->view->alias);
    log_str(&line, "client", peer_format(&conn->client_peer, text));
    if (conn->server_peer.family != AF_UNSPEC)
        log_str(&line, "server", peer_format(&conn->server_peer, text));
    if (conn->view->via)
        log_str(&line, "via", via_name(conn->view->via));
    log_str(&line, "close", reason_names[reason]);
    log_str(&line, "step", conn_state_name(conn->reached));
    if (setup && setup->why)
        log_err(&line, setup->why);
    if (conn->server_id)
        log_uint(&line, "server_id", conn->server_id);
    if (conn->used_spare)
        log_str(&line, "spare", "yes");
    log_tls(&line, "tls", conn->server.io.tls);
    log_tls(&line, "client_tls", conn->client.io.tls);
    if (conn->reached == CONN_RELAY) {
        log_uint(&line, "ready_ms", conn->ready_after_ms);
        log_uint(&line, "idle_ms", now_ms - conn->active_ms);
    }
    log_uint(&line, "client_bytes", conn->client.received);
    log_uint(&line, "server_bytes", conn->server.received);
    log_uint(&line, "ms", now_ms - conn->began_ms);
    log_write(&line);
}
