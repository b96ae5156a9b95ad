// SPDX-License-Identifier: Apache-2.0
//
// Why connections end: the fixed list, how a broken one is told from another, and the one log line
// that each gets. The connection's worker only.
#pragma once

#include <stdbool.h>

struct conn;
struct side;

// In the log line and as a metric label; tidblink(1) has the same list.
enum close_reason {
    CLOSE_CLIENT_QUIT = 0, // the client closed first and everything was delivered
    CLOSE_CLIENT_RESET,    // the client reset the connection
    CLOSE_CLIENT_GONE,     // the client left before it was served
    CLOSE_CLIENT_DEAD,     // the client acknowledged nothing for 30 s
    CLOSE_SERVER_QUIT,     // the server closed first and everything was delivered
    CLOSE_SERVER_RESET,    // the server reset the connection
    CLOSE_SERVER_DEAD,     // the server acknowledged nothing for 30 s
    CLOSE_NETWORK_CHANGED, // this machine has no way to the server any more, or another one
    CLOSE_SLEPT,           // the server did not answer, or reset it, when this machine woke up
    CLOSE_IDLE_DROPPED,    // it had been idle, and the next sign of life found the way cut
    CLOSE_HALF_OPEN,       // one side had closed and the other stayed silent
    CLOSE_REFUSED,         // we said why in an ERR packet
    CLOSE_LOGIN_REFUSED,   // the server said why, before or instead of the end of the login
    CLOSE_CLIENT_TLS,      // TLS with the client failed
    CLOSE_TLS_BROKEN,      // … on a running connection, on either side
    CLOSE_LIMIT,           // we said in an ERR packet that there are too many connections
    CLOSE_DRAINED,         // SIGTERM, the verdict or dns-drain said to drain
    CLOSE_DRAIN_TIMEOUT,   // … and it did not come to an end within drain-timeout
    CLOSE_STOPPED,         // we were told to stop now
    CLOSE_KILLED,          // somebody asked for its end by its id
    CLOSE_INTERNAL,        // out of memory or descriptors
    CLOSE_REASONS
};
const char *closing_reason_name(enum close_reason reason);

// What it means that the side's socket failed with errno `sys`, by what the kernel knows of the
// connection (TCP_INFO).
enum close_reason closing_reason_of(struct side *side, int sys);
// Closes the sockets. What one side did by a reset is passed on as a reset, unless the other side
// still has to get something.
void closing_close_sockets(struct conn *conn);
// Logs it and keeps it among the worker's last ones (closings.h).
void closing_note(const struct conn *conn, enum close_reason reason);
