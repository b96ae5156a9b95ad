// SPDX-License-Identifier: Apache-2.0
//
// Warm spares: connections to a cluster that are opened ahead, their greeting already read, so that
// the next client is greeted at once instead of after two round trips; where we speak TLS to the
// cluster, that is up and verified as well if the server is a bare TiDB: it takes the client's
// capabilities from behind the TLS handshake, while TiProxy takes them from the SSLRequest, which
// must then be the client's own (pingcap/tiproxy, pkg/proxy/backend/authenticator.go). Only for
// servers whose greeting names TiDB, which lets an unused connection wait as long as it likes (no
// timeout before authentication, no limit it counts against: pingcap/tidb pkg/server/conn.go);
// MySQL and MariaDB count abandoned ones against the host and block it. Each worker has its share
// of them.
//
// A spare is discarded by whatever happens on it before it is handed out, at its age limit, when
// its address is no longer the cluster's, and all are while the cluster is not to be connected to.
// A greeting is shown to one client only: it holds that connection's nonce. The worker's thread
// only.
#pragma once

#include "proxy/dial.h"
#include "proxy/io.h"

#include <sys/queue.h>

struct mysql_greeting;
struct wake_plan;

enum { SPARE_GREETING_BYTES = 512 };

struct spare {
    struct dial dial;  // until it is connected
    struct view *view; // a reference
    struct spares *spares;
    struct watch watch;
    struct io io; // with TLS already, or to begin it when the client has answered
    struct addr addr;
    uint64_t expires_ms;
    bool is_ready;
    uint32_t server_id;
    size_t greeting_len;
    uint8_t greeting[SPARE_GREETING_BYTES];
    TAILQ_ENTRY(spare) link;
    struct deferred reap;
};

// Of one target on one worker.
struct spares {
    struct worker *worker;
    size_t target;
    bool fits;   // the cluster's last greeting named TiDB
    bool proves; // one is opened whatever the server is, again and again until a server greets
    TAILQ_HEAD(, spare) all; // newest first
    size_t count;
    unsigned failures; // in a row
    struct timer timer;
    uint64_t refill_ms; // not before
    unsigned seed;      // of the jitter
};

void spares_init(struct spares *spares, struct worker *worker, size_t target);
void spares_done(struct spares *spares); // closes them all; none come until spares_see
// startup-check = greeting: whether a server greets is found out before a client needs it.
void spares_prove(struct spares *spares);
// The target's view changed: drop what it no longer allows, open what is missing.
void spares_see(struct spares *spares);
// Something happened to this machine: drops those whose way is another one by now, all after sleep.
// Where it concerns a cluster, what is being connected begins again, without waiting for what went
// wrong before.
void spares_wake(struct spares *spares, const struct wake_plan *plan);
// A server of the cluster has greeted.
void spares_learn(struct spares *spares, const struct mysql_greeting *greeting);
// The newest that is ready, now the caller's: its io, then spare_free. NULL: none.
struct spare *spares_take(struct spares *spares);
void spare_free(struct spare *spare); // without its io
