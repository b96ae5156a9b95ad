// SPDX-License-Identifier: Apache-2.0
//
// The ring of the last closings. Written by closing.c, read by census.c; the worker's thread only.
#include "proxy/closings.h"

#include "proxy/conn.h"
#include "proxy/tls.h"

#include <stdio.h>

static const char *tls_version(const struct tls *tls)
{
    return tls && SSL_is_init_finished(tls->ssl) ? SSL_get_version(tls->ssl) : NULL;
}

void closings_facts(const struct conn *conn, struct conn_facts *out)
{
    *out = (struct conn_facts){
        .id = conn->id,
        .target = conn->target,
        .step = conn->state < CONN_LINGER ? conn->state : conn->reached,
        .used_spare = conn->used_spare,
        .server_id = conn->server_id,
        .client = conn->client_peer,
        .server = conn->server_peer,
        .began_ms = conn->began_ms,
        .active_ms = conn->active_ms,
        .client_bytes = conn->client.received,
        .server_bytes = conn->server.received,
        .tls = tls_version(conn->server.io.tls),
        .client_tls = tls_version(conn->client.io.tls),
    };
}

void closings_note(
    struct closings *closings, const struct conn *conn, enum close_reason reason, uint64_t now_ms)
{
    struct closing_entry *entry = &closings->entries[closings->next];
    const struct err *why = conn->setup ? conn->setup->why : NULL;
    closings->next = (closings->next + 1) % CLOSINGS_MAX;
    closings_facts(conn, &entry->conn);
    entry->ended_ms = now_ms;
    entry->reason = reason;
    entry->error = why ? why->code : ERR_NONE;
    snprintf(entry->text, sizeof(entry->text), "%s", why ? why->text : "");
}
