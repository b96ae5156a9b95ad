// SPDX-License-Identifier: Apache-2.0
//
// Moves bytes between the two sides of a connection until both have closed: one pump for both
// directions, backpressure by not reading, half-close passed on, long streams by splice(2). The
// connection's worker only.
#pragma once

#include "proxy/closing.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct conn;
struct side;

// Both sides have their watch. Ends with one conn_close unless relay_cancel comes first.
void relay_start(struct conn *conn);
void relay_cancel(struct conn *conn);
// Bytes that were read from a side before the relay started: counted and sent on like any. Right
// after relay_start.
void relay_received(struct side *from, const uint8_t *bytes, size_t len);

// What was still to be sent to this side is given up, and its memory given back.
void relay_drop_owed(struct side *side);

// For the sweep:
// Gives back what an idle connection does not need.
void relay_rest(struct conn *conn);
// The server had the time to close after the client's COM_QUIT, and did not.
void relay_end_wait_for_quit(struct conn *conn, uint64_t now_ms);
// True: one side has closed long ago and the other one stays silent; *out_reason is why it ends.
// What is still to be delivered gets the time it needs.
bool relay_is_half_open(const struct conn *conn, uint64_t now_ms, enum close_reason *out_reason);
// Whether something that one side said is still to be sent to this one.
bool relay_is_owed(const struct side *side);
// The server has spoken last, and nothing is still to be delivered.
bool relay_is_idle(const struct conn *conn);
