// SPDX-License-Identifier: Apache-2.0
//
// Health from cached facts. The three probes mean different things on purpose: a liveness that
// depends on the cloud restarts proxies during its outages, and a readiness that dials loads the
// database. Pure; used by admin.c.
#include "app/health.h"

#include <stdio.h>
#include <string.h>

static const char *const names[HEALTHS] = {
    [HEALTH_STARTED] = "started",
    [HEALTH_LIVE] = "live",
    [HEALTH_READY] = "ready",
    [HEALTH_ACTIVE] = "active",
};

const char *health_name(enum health health)
{
    return names[health];
}

bool health_find(const char *name, enum health *out)
{
    for (size_t i = 0; i < HEALTHS; i++) {
        if (strcmp(names[i], name) == 0) {
            *out = (enum health)i;
            return true;
        }
    }
    return false;
}

static bool no(
    char reason[HEALTH_REASON_BYTES], const struct proxy_target_state *target, const char *why)
{
    snprintf(reason, HEALTH_REASON_BYTES, "cluster %s: %s", target->alias, why);
    return false;
}

static bool state_is_known(
    const struct proxy_target_state *target, char reason[HEALTH_REASON_BYTES])
{
    if (target->news && target->news->verdict.action != VERDICT_UNKNOWN)
        return true;
    return no(reason, target, "its state is not known yet");
}

static bool name_resolves(const struct proxy_target_state *target, char reason[HEALTH_REASON_BYTES])
{
    if (target->addrs)
        return true;
    return no(reason, target,
        target->dns_failure ? target->dns_failure->text : "its host name is not resolved yet");
}

// A refused or held cluster has started: its clients are told why.
static bool target_started(
    const struct proxy_target_state *target, char reason[HEALTH_REASON_BYTES])
{
    return state_is_known(target, reason) &&
           (target->news->verdict.action != VERDICT_ALLOW || name_resolves(target, reason));
}

static bool target_ready(const struct proxy_target_state *target, char reason[HEALTH_REASON_BYTES])
{
    static const char us[] = "tidblink: ";
    if (!state_is_known(target, reason))
        return false;
    const struct verdict *verdict = &target->news->verdict;
    if (verdict->action == VERDICT_ALLOW)
        return name_resolves(target, reason);
    bool named = strncmp(verdict->text, us, strlen(us)) == 0;
    return no(reason, target, verdict->text + (named ? strlen(us) : 0));
}

static bool target_active(const struct proxy_target_state *target, char reason[HEALTH_REASON_BYTES])
{
    if (!target_ready(target, reason))
        return false;
    if (!target->news->verdict.unchecked)
        return true;
    return no(reason, target, "it is served, but its state could not be checked");
}

bool health_ask(
    enum health health, const struct health_facts *facts, char reason[HEALTH_REASON_BYTES])
{
    static bool (*const asks[HEALTHS])(const struct proxy_target_state *, char *) = {
        [HEALTH_STARTED] = target_started,
        [HEALTH_READY] = target_ready,
        [HEALTH_ACTIVE] = target_active,
    };
    reason[0] = '\0';
    if (health == HEALTH_LIVE || (health == HEALTH_STARTED && facts->was_started))
        return true;
    if (facts->draining && health != HEALTH_STARTED) {
        snprintf(reason, HEALTH_REASON_BYTES, "the proxy is draining");
        return false;
    }
    if (facts->full && health != HEALTH_STARTED) {
        snprintf(reason, HEALTH_REASON_BYTES, "max-connections are open");
        return false;
    }
    for (size_t i = 0; i < facts->count; i++) {
        if (!asks[health](&facts->targets[i], reason))
            return false;
    }
    return true;
}
