// SPDX-License-Identifier: Apache-2.0
//
// The hops behind the greeting that need no log-in: how users are authenticated, and what ends
// connections that do nothing.
#include "base/net.h"
#include "guide/doctor.h"

#include <stdio.h>
#include <string.h>

enum {
    // docs.aws.amazon.com/elasticloadbalancing, "Network Load Balancers", idle timeout.
    IDLE_S = 350,
};

// Those of TiDB (docs.pingcap.com/tidb, "Security Compatibility with MySQL") that drivers know.
static const char *const plugins[] = {
    "mysql_native_password",
    "caching_sha2_password",
    "tidb_sm3_password",
    "tidb_auth_token",
    "authentication_ldap_simple",
    "authentication_ldap_sasl",
    "sha256_password",
    "mysql_clear_password",
};

static bool is_usual(const char *plugin)
{
    for (size_t i = 0; i < ARRAY_LEN(plugins); i++)
        if (strcmp(plugins[i], plugin) == 0)
            return true;
    return false;
}

void hop_plugin(struct doctor *doctor, struct hop_view *out)
{
    const char *plugin = NULL;
    for (size_t i = 0; i < doctor->try_count && !plugin; i++)
        if (doctor->tries[i].answer.greeted)
            plugin = doctor->tries[i].answer.greeting.plugin;
    if (!plugin || !*plugin) {
        hop_is(out, HOP_SKIP, "the greeting names none");
        return;
    }
    hop_detail(out, "plugin", plugin);
    hop_is(out, HOP_OK, "%s", plugin);
    if (is_usual(plugin))
        return;
    out->status = HOP_WARN;
    hop_why(out, "many drivers do not know it, and it may mean the server's own machine only; "
                 "users of another plugin are not touched");
    hop_advise(out, "SET GLOBAL default_authentication_plugin = 'caching_sha2_password'");
}

void hop_idle(struct doctor *doctor, struct hop_view *out)
{
    const uint64_t own_s = doctor->plan->keepalive_ms / 1000, system_s = net_system_keepalive_s();
    hop_detail_number(out, "keepalive_s", (double)own_s);
    hop_detail_number(out, "system_keepalive_s", (double)system_s);
    hop_is(out, HOP_OK, "keepalive after %llu s, before PrivateLink's %d s",
        (unsigned long long)own_s, IDLE_S);
    if (own_s >= IDLE_S) {
        hop_is(out, HOP_FAIL, "keepalive = %llus is not before PrivateLink's %d s",
            (unsigned long long)own_s, IDLE_S);
        hop_why(out, "AWS forgets a connection that is idle for %d s, and its next query hangs",
            IDLE_S);
        hop_advise(out, "set \"keepalive = 60s\" in %s", doctor_file(doctor));
        return;
    }
    hop_saw_more(out, "; the server's own limit is told by SHOW VARIABLES LIKE 'wait_timeout'");
    if (system_s >= IDLE_S)
        hop_saw_more(out, "; without the proxy the system's %llu s are too long",
            (unsigned long long)system_s);
}
