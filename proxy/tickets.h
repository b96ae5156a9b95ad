// SPDX-License-Identifier: Apache-2.0
//
// TLS sessions to a cluster that may be resumed, which saves a handshake's certificates and
// signatures. Of one target on one worker; emptied whenever what they were verified against
// changes, because a resumed session is not verified again. The worker's thread only.
#pragma once

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { TICKETS_MAX = 16 };

struct tickets {
    SSL_SESSION *kept[TICKETS_MAX]; // newest last
    size_t count;
    uint64_t generation; // raised when they are emptied
};

// The newest, the caller's. A ticket of TLS 1.3 is given away once only (RFC 8446, C.4); a session
// of TLS 1.2 stays. NULL: none.
SSL_SESSION *tickets_take(struct tickets *tickets);
// Of a connection that began under `generation`. True: the session was taken over.
bool tickets_put(struct tickets *tickets, uint64_t generation, SSL_SESSION *session);
void tickets_empty(struct tickets *tickets);
