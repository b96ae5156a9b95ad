// SPDX-License-Identifier: Apache-2.0
//
// The last step of a refused connection: the client is told why in an ERR packet, and its socket is
// read until it hangs up. The connection's worker only.
#pragma once

struct conn;

// conn->setup->why says why. Ends with one conn_close unless linger_cancel comes first.
void linger_start(struct conn *conn);
void linger_cancel(struct conn *conn);
void linger_on_timeout(struct conn *conn);
