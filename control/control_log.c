// SPDX-License-Identifier: Apache-2.0
//
// Compares facts with what has been logged about a target. Called by control_news.c after each
// look.
#include "control/control_log.h"

#include "base/log.h"
#include "control/control.h"

#include <stdio.h>
#include <string.h>

static void log_unknown(char *said, size_t size, const struct verdict_facts *facts,
    const char *what, const struct observed_state *state)
{
    if (state->value != 0 || state->text == NULL || strncmp(said, state->text, size - 1) == 0)
        return;
    snprintf(said, size, "%s", state->text);
    if (state->text[0] == '\0')
        return;
    struct log_line line;
    log_start(&line, LOG_WARN, "a state that this version does not know; it counts as ACTIVE");
    log_str(&line, "cluster", facts->target->alias);
    log_str(&line, "what", what);
    log_str(&line, "state", state->text);
    log_write(&line);
}

static bool differs(const struct verdict_facts *facts, struct verdict_address api)
{
    const struct control_target *target = facts->target;
    return (target->host != NULL && api.host != NULL && strcmp(target->host, api.host) != 0) ||
           (target->port != 0 && api.port != 0 && target->port != api.port);
}

static void log_address(struct control_log *said, const struct verdict_facts *facts)
{
    struct verdict_address api = verdict_api_address(facts);
    char address[sizeof(said->address)];
    snprintf(address, sizeof(address), "%.255s:%u", api.host != NULL ? api.host : "", api.port);
    if (!differs(facts, api) || strcmp(address, said->address) == 0)
        return;
    snprintf(said->address, sizeof(said->address), "%s", address);
    struct log_line line;
    log_start(
        &line, LOG_WARN, "host or port of the configuration is not what the control API tells");
    log_str(&line, "cluster", facts->target->alias);
    log_str(&line, "host", facts->target->host);
    log_uint(&line, "port", facts->target->port);
    log_str(&line, "api_address", address);
    log_write(&line);
}

void control_log_facts(struct control_log *said, const struct verdict_facts *facts)
{
    static const char *const levels[] = { "cluster", "node group", "service", "endpoint" };
    const struct node_group *group = facts->group;
    const struct observed_state *states[4] = {
        facts->cluster != NULL ? &facts->cluster->state : NULL,
        group != NULL ? &group->state : NULL,
        group != NULL ? &group->service : NULL,
        NULL,
    };
    for (size_t i = 0; group != NULL && i < group->endpoint_count; i++)
        if (group->endpoints[i].state.value == ENDPOINT_UNKNOWN)
            states[3] = &group->endpoints[i].state;
    for (size_t i = 0; i < 4; i++)
        if (states[i] != NULL)
            log_unknown(said->unknown[i], sizeof(said->unknown[i]), facts, levels[i], states[i]);
    log_address(said, facts);
}
