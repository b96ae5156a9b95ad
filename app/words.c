// SPDX-License-Identifier: Apache-2.0
//
// The fixed words for what a verdict does to new connections, and for next steps. Pure; any thread.
#include "app/words.h"

#include <stdio.h>
#include <string.h>

enum action { WAIT = 0, ALLOW, ALLOW_UNCHECKED, HOLD, REFUSE, ACTIONS };

static const char *const actions[ACTIONS] = {
    [WAIT] = "wait",
    [ALLOW] = "allow",
    [ALLOW_UNCHECKED] = "allow-unchecked",
    [HOLD] = "hold",
    [REFUSE] = "refuse",
};

const char *words_action(const struct verdict *verdict)
{
    switch (verdict->action) {
    case VERDICT_UNKNOWN:
        return actions[WAIT];
    case VERDICT_ALLOW:
        return actions[verdict->unchecked ? ALLOW_UNCHECKED : ALLOW];
    case VERDICT_HOLD:
        return actions[HOLD];
    case VERDICT_REFUSE:
        return actions[REFUSE];
    }
    return actions[WAIT];
}

const char *words_effect(enum verdict_action action)
{
    return words_action(&(const struct verdict){ .action = action });
}

const char *words_action_at(size_t index)
{
    return index < ACTIONS ? actions[index] : NULL;
}

const char *words_tls(enum tls_mode mode)
{
    static const char *const words[] = {
        [TLS_PASSTHROUGH] = "passthrough",
        [TLS_OFF] = "off",
        [TLS_VERIFY_CA] = "verify-ca",
        [TLS_VERIFY_FULL] = "verify-full",
    };
    return words[mode];
}

const char *words_client_tls(enum client_tls client)
{
    static const char *const words[] = {
        [CLIENT_TLS_OFF] = "off",
        [CLIENT_TLS_OPTIONAL] = "optional",
        [CLIENT_TLS_REQUIRED] = "required",
    };
    return words[client];
}

const char *words_step(const char *step, const char *alias, char out[WORDS_STEP_BYTES])
{
    static const char word[] = "CLUSTER";
    const char *at = strstr(step, word);
    int before = at ? (int)(at - step) : (int)strlen(step);
    snprintf(out, WORDS_STEP_BYTES, "%.*s%s%s", before, step, at ? alias : "",
        at ? at + strlen(word) : "");
    return out;
}

const char *words_step_alone(
    const char *step, const char *alias, bool is_endpoint, char out[WORDS_STEP_BYTES])
{
    const char *at = strstr(step, "tidblink wait");
    if (!at)
        return words_step(step, alias, out);
    snprintf(out, WORDS_STEP_BYTES, "%.*stidblink %s%s%s", (int)(at - step), step,
        is_endpoint ? "endpoint wait " : "status ", alias, is_endpoint ? "" : " --watch");
    return out;
}

const char *words_connect(const struct verdict *verdict, char out[WORDS_CONNECT_BYTES])
{
    static const char *const words[ACTIONS] = {
        [WAIT] = "not known yet",
        [ALLOW] = "yes",
        [ALLOW_UNCHECKED] = "yes, unchecked",
        [HOLD] = "not yet; clients are held for a moment, then told why",
        [REFUSE] = "no; clients are told why",
    };
    const char *action = words_action(verdict);
    size_t index = 0;
    while (actions[index] != action)
        index++;
    bool decided = *verdict->what != '\0' && *verdict->state != '\0' && index > ALLOW;
    snprintf(out, WORDS_CONNECT_BYTES, "%s%s%s%s%s%s", words[index], decided ? " (" : "",
        decided ? verdict->what : "", decided ? " " : "", decided ? verdict->state : "",
        decided ? ")" : "");
    return out;
}
