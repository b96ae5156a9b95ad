// SPDX-License-Identifier: Apache-2.0
//
// Where a connection string leads: the proxy's listener, or the private endpoint. Main thread.
#pragma once

#include "base/addr.h"
#include "control/verdict.h"
#include "strings/client.h"

#include <stdbool.h>

struct err;
struct settings;

// What the command line says; NULL and 0: nothing.
struct dsn_wish {
    const char *host;
    uint16_t port;
    const char *socket;
    bool direct;
};

struct dsn_place {
    char host[VERDICT_HOST_BYTES];
    uint16_t port;
    char socket[ADDR_TEXT_BYTES]; // "": TCP
    const char *ca; // what the client verifies against: the cluster's tls-ca where its TLS goes to
                    // the cluster; points into the settings; NULL: none
    enum string_tls tls; // the mode that suits the place, when nobody asks for one
};

// The only cluster of the settings. A listener on port 0 is asked of the running proxy; the private
// endpoint comes from the configuration, the last known state, or the control API.
bool dsn_place_find(const struct settings *settings, const struct dsn_wish *wish,
    struct dsn_place *out, struct err *err) MUST_CHECK;
// The same in the running proxy, which must not wait: for its cluster of this index, through this
// listener of its own, or straight (listener NULL) to where the verdict says; verdict NULL: there
// is none yet.
bool dsn_place_known(const struct settings *settings, size_t index, const struct addr *listener,
    const struct verdict *verdict, struct dsn_place *out, struct err *err) MUST_CHECK;
