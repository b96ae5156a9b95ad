// SPDX-License-Identifier: Apache-2.0
//
// Moves bytes between the two sides of a connection until both have closed: one pump for both
// directions, backpressure by not reading, half-close passed on. The connection's worker only.
#pragma once

#include <stddef.h>
#include <stdint.h>

struct conn;
struct side;

enum { RELAY_SCRATCH_BYTES = 256 * 1024 };

// Ends with one conn_on_relayed unless relay_cancel comes first.
void relay_start(struct conn *conn);
void relay_cancel(struct conn *conn);
// Bytes that were read from a side before the relay started: counted and sent on like any. Right
// after relay_start.
void relay_received(struct side *from, const uint8_t *bytes, size_t len);
// The connection's timer ran out during the relay: one side has closed long ago.
void relay_on_timeout(struct conn *conn);
