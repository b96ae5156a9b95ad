// SPDX-License-Identifier: Apache-2.0
//
// The last connections that ended on a worker, for who looks after the fact: a ring that is written
// when a connection closes and read by the census, both on the worker's thread. Nothing is
// allocated for it while the program runs.
#pragma once

#include "base/defs.h"
#include "base/err.h"
#include "proxy/closing.h"
#include "proxy/peer.h"

#include <stdbool.h>
#include <stdint.h>

struct conn;

// What others may know of a connection: numbers as the connection has them, nothing that it owns.
struct conn_facts {
    uint64_t id;
    uint16_t target;
    uint8_t step; // enum conn_state, the last before LINGER or CLOSED
    bool used_spare;
    uint32_t server_id; // the server's own id of it, 0: not seen
    struct peer client, server;
    uint64_t began_ms, active_ms; // loop time; active 0: nothing was relayed yet
    uint64_t client_bytes, server_bytes;
    const char *tls, *client_tls; // "TLSv1.3", static; NULL: none that we speak
};
void closings_facts(const struct conn *conn, struct conn_facts *out);

enum { CLOSINGS_MAX = 64, CLOSINGS_TEXT_BYTES = 400 };

struct closing_entry {
    struct conn_facts conn;
    uint64_t ended_ms; // loop time; 0: there is none
    enum close_reason reason;
    enum err_code error;            // ERR_NONE: it was told nothing
    char text[CLOSINGS_TEXT_BYTES]; // what the client was told, or what the log was
};

struct closings {
    struct closing_entry entries[CLOSINGS_MAX];
    size_t next; // where the next one goes
};

void closings_note(
    struct closings *closings, const struct conn *conn, enum close_reason reason, uint64_t now_ms);
