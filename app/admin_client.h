// SPDX-License-Identifier: Apache-2.0
//
// Asks a running proxy over its admin socket: for the commands. Blocks its caller, whatever thread.
#pragma once

#include "base/defs.h"

#include <stdbool.h>
#include <stdint.h>

struct err;

enum admin_result {
    ADMIN_ANSWERED = 0,
    ADMIN_ABSENT,  // nobody listens there
    ADMIN_TIMEOUT, // no answer in time
    ADMIN_FAILED,  // anything else, in err
};

// Of an answer's status (RFC 9110, section 15).
enum { ADMIN_OK = 200, ADMIN_UNKNOWN = 404, ADMIN_BUSY = 503 };
enum { ADMIN_ANSWER_BYTES = 32 << 20 }; // a thousand clusters have 3 MB

struct admin_answer {
    long status; // HTTP
    char *text;  // NUL-terminated, at most ADMIN_ANSWER_BYTES; free it when ADMIN_ANSWERED
};

enum admin_method { ADMIN_GET = 0, ADMIN_POST };

// What is asked of the proxy whose socket is `socket`.
struct admin_question {
    enum admin_method method;
    const char *socket, *path;
    const char *cluster; // its alias, for ?cluster=; NULL: none
    const char *json;    // the body of a POST; NULL: none
    uint64_t timeout_ms;
};

// Asks the proxy whose socket is `socket` for `path`. err is filled unless it answered; ERR_USAGE:
// `socket` is "off", as the option may be.
enum admin_result admin_client_ask(enum admin_method method, const char *socket, const char *path,
    uint64_t timeout_ms, struct admin_answer *out, struct err *err) MUST_CHECK;
enum admin_result admin_client_put(
    const struct admin_question *question, struct admin_answer *out, struct err *err) MUST_CHECK;
