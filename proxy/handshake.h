// SPDX-License-Identifier: Apache-2.0
//
// The step CONN_HANDSHAKE: waits for the server's greeting. What the greeting means is conn.c's.
// The connection's worker only.
#pragma once

struct conn;

void handshake_start(struct conn *conn);
void handshake_cancel(struct conn *conn);
void handshake_on_timeout(struct conn *conn);
