// SPDX-License-Identifier: Apache-2.0
//
// Who is at the admin's unix socket. Its mode (0600) keeps others out; this does so again, should
// somebody have opened it to them, or a socket that was handed over have another mode. Main thread.
#include "app/admin.h"

#include "base/log.h"
#include "base/os.h"
#include "proxy/peer.h"

#include <event2/bufferevent.h>
#include <event2/http.h>
#include <stdio.h>
#include <unistd.h>

bool admin_peer_may(struct evhttp_request *request, char why[ADMIN_PEER_TEXT_BYTES])
{
    char text[PEER_TEXT_BYTES];
    struct evhttp_connection *connection = evhttp_request_get_connection(request);
    struct bufferevent *stream = connection ? evhttp_connection_get_bufferevent(connection) : NULL;
    struct peer peer = { .family = AF_UNIX };
    if (!os_knows_peers)
        return true;
    bool is_known = stream && os_peer(bufferevent_getfd(stream), &peer.pid, &peer.uid);
    if (is_known && (peer.uid == 0 || peer.uid == (uint32_t)geteuid()))
        return true;
    if (!is_known)
        peer.uid = PEER_UID_UNKNOWN;
    log_facts(LOG_WARN, "a user who may not use the admin socket was refused", "client",
        peer_format(&peer, text), NULL);
    snprintf(why, ADMIN_PEER_TEXT_BYTES,
        "only uid %u, which runs tidblink, and root may use this\n", (unsigned)geteuid());
    return false;
}
