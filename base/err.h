// SPDX-License-Identifier: Apache-2.0
//
// One error: a code that says whose fault it is and what follows from it, the errno if a system
// call failed, and a text for the person who meets it. A function that can fail returns bool (or a
// pointer), takes `struct err *err` as its last parameter, and fills it only on failure.
// Everything that depends on the code (log key and level, metric label, MySQL error number and
// SQLSTATE, exit code) is one row of the table in err.c.
#pragma once

#include "base/defs.h"

#include <stdbool.h>
#include <stdint.h>

enum err_code {
    ERR_NONE = 0,
    ERR_INTERNAL,        // a broken invariant, or a system call that should never fail
    ERR_MEMORY,          // out of memory
    ERR_USAGE,           // the command line
    ERR_OPTION,          // a configuration value or file
    ERR_LISTEN,          // a local address is taken or not usable
    ERR_FILE,            // a file could not be read or written
    ERR_CHILD,           // a child process failed
    ERR_LIMIT,           // a limit of ours is reached
    ERR_DRAINING,        // this proxy is shutting down
    ERR_TRANSITION,      // the cluster or its endpoint is not ready yet
    ERR_REFUSED,         // a state of the cluster or its endpoint refuses connections
    ERR_UNKNOWN_CLUSTER, // no such cluster, or its name is ambiguous
    ERR_API_UNREACHABLE, // the control API does not answer, or answers 5xx
    ERR_API_KEY,         // 401: the key is wrong
    ERR_API_FORBIDDEN,   // 403: the key has no right to this
    ERR_API_RATE,        // 429
    ERR_API_ANSWER,      // the control API answered something that cannot be understood
    ERR_API_NOT_FOUND,   // 404
    ERR_API_CONFLICT,    // 409: it exists already, or its state does not allow this
    ERR_AWS,             // AWS refused, or its CLI is not there
    ERR_AWS_CREDENTIALS, // no credentials, or they are wrong or expired
    ERR_AWS_DENIED,      // the credentials have no right to this
    ERR_DNS_NXDOMAIN,    // the name does not exist
    ERR_DNS_NODATA,      // the name exists and has no address
    ERR_DNS_SERVFAIL,    // the DNS server failed
    ERR_DNS_TIMEOUT,     // the DNS server did not answer
    ERR_DNS_POLICY,      // the name resolves to an address that is not private
    ERR_DIAL,            // no address accepted a TCP connection
    ERR_DIAL_TIMEOUT,    // no address answered in time
    ERR_JUMP,            // the jump (via) did not lead to the cluster
    ERR_GREETING,        // the server closed, or said nothing, before its greeting
    ERR_TLS,             // TLS to the cluster failed, or its certificate is not the right one
    ERR_LOGIN,           // the server left during the authentication
    ERR_DENIED,          // this client may not connect here
    ERR_TLS_REQUIRED,    // the client must use TLS and does not
    ERR_CLIENT_PROTOCOL, // the client does not speak MySQL
    ERR_CLIENT_OLD,      // … or one of before 4.1
    ERR_CLIENT_TLS,      // TLS with the client failed
    ERR_CLIENT_SLOW,     // the client did not answer the greeting in time
    ERR_CODES
};

enum { ERR_TEXT_BYTES = 512 };

struct err {
    enum err_code code;
    int sys; // errno, 0 if no system call was involved
    char text[ERR_TEXT_BYTES];
};

enum { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2, EXIT_STATE = 3, EXIT_CONTROL = 4 };

struct err_row {
    const char *key;      // in logs and metric labels; stable
    uint16_t mysql_errno; // what a client is told before the server's greeting
    char sqlstate[6];     // goes with mysql_errno once the client has spoken
    bool retriable;       // the same attempt may succeed a little later
    uint8_t exit_code;    // of a command that ends with this error
};

// The row of a code; never NULL. Any thread.
const struct err_row *err_row(enum err_code code);

// All return false, so that a failing function can end with `return err_set(err, …)`.
// err_sys adds ": " and the text of errno `sys`. err may be NULL: the text is dropped.
bool err_set(struct err *err, enum err_code code, const char *format, ...) PRINTF_LIKE(3, 4);
bool err_sys(struct err *err, enum err_code code, int sys, const char *format, ...)
    PRINTF_LIKE(4, 5);
// Puts "<prefix>: " in front of the text of an error that is passed on; keeps the code.
bool err_prefix(struct err *err, const char *format, ...) PRINTF_LIKE(2, 3);

// The text of an errno in a buffer of the calling thread, valid until its next call.
const char *err_errno_text(int sys);
