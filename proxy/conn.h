// SPDX-License-Identifier: Apache-2.0
//
// A connection: a client and a server side that point at each other, and the steps between accept
// and reap. It lives and dies on one worker's thread; everything here belongs to that thread.
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "base/loop.h"

#include <sys/queue.h>

struct view;
struct worker;

// In the order in which a connection passes them; conn.c has a row for each.
enum conn_state {
    CONN_NEW = 0,
    CONN_HOLD,      // waits for a verdict
    CONN_RESOLVE,   // waits for the first addresses
    CONN_DIAL,      // connects, one address after the other
    CONN_HANDSHAKE, // waits for the server's greeting
    CONN_RELAY,     // bytes both ways
    CONN_LINGER,    // was told why it is refused; reads until the client hangs up
    CONN_CLOSED,    // freed at the end of this turn
    CONN_STATES
};

// Why a connection ended: in the log line and as a metric label. A fixed list.
enum close_reason {
    CLOSE_CLIENT_QUIT = 0, // the client closed first and everything was delivered
    CLOSE_CLIENT_GONE,     // the client reset the connection, or left before it was served
    CLOSE_SERVER_QUIT,     // the server closed first and everything was delivered
    CLOSE_SERVER_GONE,     // the server reset the connection
    CLOSE_REFUSED,         // we said why in an ERR packet
    CLOSE_HALF_OPEN,       // one side had closed and the other stayed silent
    CLOSE_DRAINED,         // SIGTERM, or the verdict said to drain
    CLOSE_STOPPED,         // we were told to stop now
    CLOSE_INTERNAL,        // out of memory or descriptors
    CLOSE_REASONS
};
const char *conn_reason_name(enum close_reason reason);
const char *conn_state_name(enum conn_state state);

enum { CONN_NAME_BYTES = 56 };

struct side {
    struct watch watch;
    int fd; // -1: not open
    struct conn *conn;
    struct side *peer;
    struct buf tail;   // what this side's socket did not take yet
    uint64_t received; // bytes read from this side
    bool eof;          // it will send no more
    bool shut;         // we will send it no more
};

struct conn {
    uint32_t magic;
    enum conn_state state;
    enum conn_state reached; // the last step before LINGER or CLOSED
    uint64_t id;
    struct worker *worker;
    size_t target;
    struct view *view; // a reference; replaced while the connection waits, fixed from the dial on
    struct side client, server;
    struct timer timer;  // the step's one deadline
    size_t address;      // index in view->addrs that is being dialled or was reached
    int dial_error;      // errno of an address that failed at once, until the next turn
    uint64_t dial_until; // loop time by which all addresses must have been tried
    uint64_t began_ms, ready_ms, active_ms;
    uint32_t server_id;     // the server's own id of this connection, 0: not seen
    bool server_spoke_last; // nothing is owed to the client
    bool client_closed_first;
    bool is_lost;                  // one side was reset
    enum close_reason lost_reason; // which
    bool probe;      // the client left at once and without a byte: not worth a log line
    bool waits;      // on the worker's list of those whom a new view concerns
    struct err *why; // NULL unless refused
    char client_name[CONN_NAME_BYTES];
    struct deferred reap;
    LIST_ENTRY(conn) link;
    TAILQ_ENTRY(conn) wait_link;
};

// Takes over client_fd. With a refusal (not NULL, copied) the client is only told and lingered.
// false: out of memory, client_fd is closed.
bool conn_start(struct worker *worker, uint64_t id, int client_fd, size_t target,
    const char *client_name, const struct err *refusal);
// A new view of its target: the step that waits decides again.
void conn_see(struct conn *conn, struct view *view);
// Tells the client why in an ERR packet and ends the connection; only before the relay.
void conn_refuse(struct conn *conn, const struct err *err);
// From anywhere, any number of times; the connection is freed at the end of the turn.
void conn_close(struct conn *conn, enum close_reason reason);
// Nothing is owed to the client and nothing has moved for `quiet_ms`.
bool conn_is_idle(const struct conn *conn, uint64_t now_ms, uint64_t quiet_ms);

// Called by the steps:
void conn_on_dialed(struct conn *conn, const struct err *err); // NULL: connected
void conn_on_relayed(struct conn *conn, enum close_reason reason);
