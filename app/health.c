// SPDX-License-Identifier: Apache-2.0
//
// Health from cached facts. The probes mean different things on purpose: a liveness that depends on
// the cloud restarts proxies during its outages, and a readiness that dials loads the database.
// Pure; used by health_now.c.
#include "app/health.h"

#include "base/text.h"
#include "proxy/via.h"

#include <inttypes.h>
#include <stdarg.h>
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

static bool no(struct health_reasons *reasons, const char *cluster, const char *format, ...)
    PRINTF_LIKE(3, 4);

static bool no(struct health_reasons *reasons, const char *cluster, const char *format, ...)
{
    if (reasons->count == HEALTH_REASONS_MAX)
        return false;
    struct health_reason *reason = &reasons->reasons[reasons->count++];
    va_list args;
    reason->cluster = cluster;
    va_start(args, format);
    vsnprintf(reason->text, sizeof(reason->text), format, args);
    va_end(args);
    return false;
}

// ---- one cluster --------------------------------------------------------------------------------

typedef bool (*ask_fn)(const struct health_facts *facts, const struct proxy_target_state *target,
    struct health_reasons *reasons);

static bool state_is_known(const struct proxy_target_state *target, struct health_reasons *reasons)
{
    if (target->news && target->news->verdict.action != VERDICT_UNKNOWN)
        return true;
    return no(reasons, target->alias, "its state is not known yet");
}

static bool name_resolves(const struct proxy_target_state *target, struct health_reasons *reasons)
{
    if (target->addrs)
        return true;
    return no(reasons, target->alias, "%s",
        target->dns_failure ? target->dns_failure->text : "its host name is not resolved yet");
}

// Why no address was any good, when a client was told.
static const char *why_unreachable(const struct proxy_target_state *target)
{
    bool is_known = target->unreachable && target->unreachable->code != ERR_NONE;
    return is_known ? target->unreachable->text : "no address of it answered";
}

static bool has_greeted(const struct proxy_target_state *target, struct health_reasons *reasons)
{
    if (target->reached_ms)
        return true;
    return no(reasons, target->alias, "%s",
        target->failed_ms ? why_unreachable(target) : "no server of it has greeted yet");
}

// A refused or held cluster has started: its clients are told why.
static bool target_started(const struct health_facts *facts,
    const struct proxy_target_state *target, struct health_reasons *reasons)
{
    if (facts->startup == HEALTH_STARTUP_OFF)
        return true;
    if (!state_is_known(target, reasons))
        return false;
    if (target->news->verdict.action != VERDICT_ALLOW)
        return true;
    return name_resolves(target, reasons) &&
           (facts->startup != HEALTH_STARTUP_GREETING || has_greeted(target, reasons));
}

static bool is_reached(const struct health_facts *facts, const struct proxy_target_state *target,
    struct health_reasons *reasons)
{
    bool failed_last = target->failed_ms && target->failed_ms > target->reached_ms;
    if (!failed_last || facts->now_ms - target->failed_ms >= HEALTH_FAILED_MS)
        return true;
    return no(reasons, target->alias, "%s", why_unreachable(target));
}

static bool can_start_jump(const struct health_facts *facts,
    const struct proxy_target_state *target, struct health_reasons *reasons)
{
    if (!facts->has_lost_programs || !target->via || !via_is_program(target->via))
        return true;
    return no(reasons, target->alias,
        "the process that starts the programs of %s has ended: restart tidblink",
        target->via->shown);
}

static bool target_ready(const struct health_facts *facts, const struct proxy_target_state *target,
    struct health_reasons *reasons)
{
    static const char us[] = "tidblink: ";
    if (!state_is_known(target, reasons))
        return false;
    const struct verdict *verdict = &target->news->verdict;
    if (verdict->action == VERDICT_ALLOW)
        return can_start_jump(facts, target, reasons) && name_resolves(target, reasons) &&
               is_reached(facts, target, reasons);
    bool named = strncmp(verdict->text, us, strlen(us)) == 0;
    return no(reasons, target->alias, "%s", verdict->text + (named ? strlen(us) : 0));
}

static bool target_active(const struct health_facts *facts, const struct proxy_target_state *target,
    struct health_reasons *reasons)
{
    if (!target_ready(facts, target, reasons))
        return false;
    if (!target->news->verdict.unchecked)
        return true;
    return no(reasons, target->alias, "it is served, but its state could not be checked");
}

// ---- the program --------------------------------------------------------------------------------

static bool loops_turn(const struct health_facts *facts, struct health_reasons *reasons)
{
    for (size_t i = 0; i < facts->lag_count; i++)
        if (facts->lags_ms[i] >= HEALTH_LAG_MS)
            no(reasons, NULL, "worker %zu has taken no event for %" PRIu64 " s", i,
                facts->lags_ms[i] / 1000);
    return reasons->count == 0;
}

bool health_ask(
    enum health health, const struct health_facts *facts, struct health_reasons *reasons)
{
    static const ask_fn asks[HEALTHS] = {
        [HEALTH_STARTED] = target_started,
        [HEALTH_READY] = target_ready,
        [HEALTH_ACTIVE] = target_active,
    };
    reasons->count = 0;
    if (health == HEALTH_LIVE)
        return loops_turn(facts, reasons);
    if (health == HEALTH_STARTED && facts->was_started)
        return true;
    if (facts->draining && health != HEALTH_STARTED)
        return no(reasons, NULL, "the proxy is draining");
    if (facts->full && health != HEALTH_STARTED)
        no(reasons, NULL, "max-connections are open");
    for (size_t i = 0; i < facts->count; i++)
        asks[health](facts, &facts->targets[i], reasons);
    return reasons->count == 0;
}

const char *health_line(const struct health_reasons *reasons, char out[HEALTH_LINE_BYTES])
{
    const struct health_reason *first = &reasons->reasons[0];
    out[0] = '\0';
    if (reasons->count && first->cluster)
        snprintf(out, HEALTH_LINE_BYTES, "cluster %.100s: %s", first->cluster, first->text);
    else if (reasons->count)
        snprintf(out, HEALTH_LINE_BYTES, "%s", first->text);
    text_clean(out);
    return out;
}
