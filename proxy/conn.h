// SPDX-License-Identifier: Apache-2.0
//
// A connection: a client and a server side that point at each other, and the steps between accept
// and reap. It lives and dies on one worker's thread; everything here belongs to that thread.
//
// What only the way to the relay needs (deadlines, the dial, a refusal) is in struct conn_setup,
// which is gone once the relay runs: most connections are idle relays, and they are kept small.
#pragma once

#include "base/err.h"
#include "base/log.h"
#include "base/loop.h"
#include "proxy/boundary.h"
#include "proxy/closing.h"
#include "proxy/dial.h"
#include "proxy/io.h"
#include "proxy/peer.h"

#include <sys/queue.h>

struct mysql_greeting;

struct login;
struct stream_pipe;
struct view;
struct worker;

// In the order in which a connection passes them; conn.c has a row for each.
enum conn_state {
    CONN_NEW = 0,
    CONN_HOLD,      // waits for a verdict
    CONN_RESOLVE,   // waits for the first addresses
    CONN_DIAL,      // connects to one of the addresses; a warm spare skips what follows
    CONN_HANDSHAKE, // waits for the server's greeting
    CONN_LOGIN,     // takes part in the login: TLS on either side, until the server says OK
    CONN_RELAY,     // bytes both ways
    CONN_LINGER,    // was told why it is refused; reads until the client hangs up
    CONN_CLOSED,    // freed at the end of this turn
    CONN_STATES
};
const char *conn_state_name(enum conn_state state);

enum { CONN_NO_PLACE = UINT16_MAX };

struct side {
    struct watch watch;
    struct io io;
    struct stream_pipe *pipe; // the other side streams: its bytes are in here
    uint64_t received;        // bytes read from this side
    bool is_client;
    bool eof;            // it will send no more
    bool shut;           // we will send it no more
    bool careful;        // the other side was slow to take what this one said: read less at a time
    bool asked;          // was sent something since the sweep last found all of it acknowledged
    bool heard;          // said something since the last sweep
    bool said_quit;      // the last that it said was COM_QUIT
    uint8_t large_reads; // in a row
    uint8_t silent_sweeps; // in a row that found something unacknowledged and sent again
};

struct conn_setup {
    struct conn *conn;
    struct timer timer; // the step's one deadline
    struct dial dial;
    struct login *login; // NULL: the login is none of our business
    struct err *why;     // NULL unless we refuse
    uint8_t sequence;    // of an ERR packet of ours: 0 until the client has spoken
    uint64_t resolve_us; // clock_us() at which it began to wait for addresses; 0: it did not
    bool waits;          // on the worker's list of those whom a new view concerns
    union {
        TAILQ_ENTRY(conn_setup) wait_link;
        struct conn_setup *next; // unused: in the worker's pool
    };
};

struct conn {
    uint32_t magic;
    uint16_t target;
    uint16_t listener; // CONN_NO_PLACE: it takes none of a listener's places
    uint64_t id;
    struct worker *worker;
    struct view *view; // a reference; replaced while the connection waits, fixed from the dial on
    struct conn_setup *setup; // NULL once the relay runs
    LIST_ENTRY(conn) link;    // on the worker's busy, quiet or closed list
    struct side client, server;
    uint64_t began_ms, active_ms;            // loop time; active: bytes moved
    uint32_t ready_after_ms, ended_after_ms; // since began_ms; ended: one side has
    uint32_t server_id;                      // the server's own id of this connection, 0: not seen
    struct peer client_peer, server_peer;
    struct boundary boundary;
    uint8_t state, reached; // enum conn_state; reached: the last step before LINGER or CLOSED
    uint8_t lost_reason;    // enum close_reason of is_lost
    uint8_t questioned; // enum close_reason if the server does not answer (wake.h); 0: not asked
    uint8_t asked_retransmits; // at that moment
    uint32_t other_way;        // a digest of the address it would have by now; 0: the one it has
    bool asked_anew : 1;       // something was sent again since
    bool is_cut : 1;           // there was no way to its server when that was looked at last
    bool is_lost : 1;          // one side was reset or is dead
    bool client_lost : 1;      // which
    bool is_busy : 1;          // the sweep looks at it
    bool used_spare : 1;
    bool server_spoke_last : 1; // nothing is owed to the client
    bool client_closed_first : 1;
};

// An accepted socket on its way to a worker.
struct arrival {
    struct worker *worker;
    uint64_t id;
    int client_fd;
    uint16_t target, listener; // as in struct conn
    struct peer client;
    struct err *refusal; // NULL: admitted; owned
};

// Takes over the socket and the refusal: with one the client is only told and lingered. false: out
// of memory, the socket is closed.
bool conn_start(const struct arrival *arrival);
// A new view of its target: the step that waits decides again.
void conn_see(struct conn *conn, struct view *view);
// Tells the client why in an ERR packet and ends the connection; only before the relay.
void conn_refuse(struct conn *conn, const struct err *err);
// Lets go of the server; what the client still has to read (the server's own ERR packet) gets the
// time it needs.
void conn_linger(struct conn *conn);

// The client cannot be told: ends the connection, and `err` goes to the log.
void conn_give_up(struct conn *conn, const struct err *err, enum close_reason reason);

// For the steps: the one that is under way is over.
// The server greeted. NULL: a passthrough connection, whose greeting is whatever `bytes` are.
void conn_greeted(
    struct conn *conn, const struct mysql_greeting *greeting, const uint8_t *bytes, size_t len);
// It did not, and nothing was said to the client yet: another address may serve it.
void conn_not_greeted(struct conn *conn, const char *what, int sys);
// Nothing is left to be done but to move bytes.
void conn_relay(struct conn *conn);
// A line about it that has no other facts.
void conn_log(const struct conn *conn, enum log_level level, const char *message);
void conn_log_step(const struct conn *conn, enum conn_state next); // at trace
// From anywhere, any number of times; the connection is freed at the end of the turn.
void conn_close(struct conn *conn, enum close_reason reason);
// Of the worker's closed list.
void conn_reap(struct conn *conn);

static inline struct conn *side_conn(struct side *side)
{
    return side->is_client ? CONTAINER_OF(side, struct conn, client)
                           : CONTAINER_OF(side, struct conn, server);
}

static inline struct side *side_peer(struct side *side)
{
    struct conn *conn = side_conn(side);
    return side->is_client ? &conn->server : &conn->client;
}
