// SPDX-License-Identifier: Apache-2.0
//
// Connects a connection's server side to one of the addresses in its view: one after the other,
// each with its own deadline, all within the dial budget. The connection's worker only.
#pragma once

#include "base/addr.h"

struct conn;

// Ends with one conn_on_dialed, on a later turn, unless dial_cancel comes first.
void dial_start(struct conn *conn);
void dial_cancel(struct conn *conn);
// The address that is being dialled or was reached, with its port.
struct addr dial_address(const struct conn *conn);
// The connection's timer ran out during the dial: this address failed, the next one is tried.
void dial_on_timeout(struct conn *conn);
