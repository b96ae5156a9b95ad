// SPDX-License-Identifier: Apache-2.0
//
// The fixed words for what a verdict does to new connections. Pure; any thread.
#include "app/words.h"

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

const char *words_action_at(size_t index)
{
    return index < ACTIONS ? actions[index] : NULL;
}
