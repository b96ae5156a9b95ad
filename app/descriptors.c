// SPDX-License-Identifier: Apache-2.0
//
// The limit of open files, counted ahead: two per connection, pipes, spares, refused clients and a
// reserve. Used at start and again before a reload takes a larger max-connections. Main thread.
#include "app/descriptors.h"

#include "app/admin_callers.h"
#include "app/settings.h"
#include "base/err.h"
#include "proxy/gate.h"
#include "proxy/stream.h"
#include "proxy/via.h"

#include <errno.h>
#include <inttypes.h>
#include <sys/resource.h>

// Descriptors that are no connection: loops, workers' mailboxes, DNS and API sockets, files.
enum { RESERVED_FDS = 64, FDS_PER_CONNECTION = 2, FDS_PER_PROGRAM = 2, FDS_PER_PIPE = 2 };

// A jump's program has a pidfd and a pipe besides.
static uint64_t fds_per_connection(const struct settings *settings)
{
    for (size_t i = 0; i < settings->cluster_count; i++)
        if (settings->clusters[i].jump && via_is_program(settings->clusters[i].jump))
            return FDS_PER_CONNECTION + FDS_PER_PROGRAM;
    return FDS_PER_CONNECTION;
}

// As many descriptors as the hard limit allows; refuses when max-connections would not fit.
bool descriptors_raise(const struct settings *settings, struct err *err)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return err_sys(err, ERR_INTERNAL, errno, "cannot read the limit of open files");
    rlim_t wanted = limit.rlim_max;
    size_t listeners = 0;
    for (size_t i = 0; i < settings->cluster_count; i++)
        listeners += settings->clusters[i].listen.count;
    limit.rlim_cur = wanted;
    if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
        return err_sys(err, ERR_INTERNAL, errno, "cannot raise the limit of open files");
    uint64_t pipes = settings->proxy.splice ? proxy_threads(&settings->proxy) * STREAM_PIPES : 0;
    uint64_t fixed = RESERVED_FDS + ADMIN_CALLERS_MAX + GATE_REFUSALS + listeners +
                     pipes * FDS_PER_PIPE + settings->proxy.spares * settings->cluster_count;
    uint64_t each = fds_per_connection(settings);
    uint64_t needed = fixed + each * settings->proxy.max_connections;
    if (wanted == RLIM_INFINITY || needed <= wanted)
        return true;
    uint64_t possible = wanted > fixed ? (wanted - fixed) / each : 0;
    return err_set(err, ERR_OPTION,
        "max-connections = %" PRIu64 " needs %" PRIu64 " open files, and the limit is %" PRIu64
        ": raise it (LimitNOFILE=, ulimit -Hn), or set max-connections to at most %" PRIu64,
        settings->proxy.max_connections, needed, (uint64_t)wanted, possible);
}
