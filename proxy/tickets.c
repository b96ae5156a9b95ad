// SPDX-License-Identifier: Apache-2.0
//
// Sessions to resume. Fed by OpenSSL through tls_trust.c, used by tls.c, emptied by worker.c.
#include "proxy/tickets.h"

#include <string.h>

static void drop_oldest(struct tickets *tickets)
{
    SSL_SESSION_free(tickets->kept[0]);
    tickets->count--;
    memmove(&tickets->kept[0], &tickets->kept[1], tickets->count * sizeof(SSL_SESSION *));
}

SSL_SESSION *tickets_take(struct tickets *tickets)
{
    while (tickets->count) {
        SSL_SESSION *session = tickets->kept[tickets->count - 1];
        bool is_good = SSL_SESSION_is_resumable(session);
        if (is_good && SSL_SESSION_get_protocol_version(session) < TLS1_3_VERSION) {
            SSL_SESSION_up_ref(session);
            return session;
        }
        tickets->count--;
        if (is_good)
            return session;
        SSL_SESSION_free(session);
    }
    return NULL;
}

bool tickets_put(struct tickets *tickets, uint64_t generation, SSL_SESSION *session)
{
    if (generation != tickets->generation || !SSL_SESSION_is_resumable(session))
        return false;
    // Under TLS 1.2 every connection of one session tells of the same one.
    for (size_t i = 0; i < tickets->count; i++)
        if (tickets->kept[i] == session)
            return false;
    if (tickets->count == TICKETS_MAX)
        drop_oldest(tickets);
    tickets->kept[tickets->count++] = session;
    return true;
}

void tickets_empty(struct tickets *tickets)
{
    while (tickets->count)
        SSL_SESSION_free(tickets->kept[--tickets->count]);
    tickets->generation++;
}
