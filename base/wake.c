// SPDX-License-Identifier: Apache-2.0
//
// The judgement about clocks. Called by changes.c.
#include "base/wake.h"

static uint64_t above(uint64_t value, uint64_t base)
{
    return value > base ? value - base : 0;
}

static uint64_t at_least(uint64_t value, uint64_t least)
{
    return value >= least ? value : 0;
}

bool wake_judge(const struct wake_clocks *before, const struct wake_clocks *now,
    uint64_t planned_ms, struct wake *out)
{
    uint64_t ran_ms = above(now->mono_ms, before->mono_ms);
    uint64_t slept_ms =
        now->boot_ms ? at_least(above(now->boot_ms, before->boot_ms + ran_ms), WAKE_SLEPT_MS)
                     : at_least(above(now->wall_ms, before->wall_ms + ran_ms), WAKE_SLEPT_WALL_MS);
    *out = (struct wake){
        .slept_ms = slept_ms,
        .stopped_ms = at_least(above(ran_ms, planned_ms), WAKE_STOPPED_MS),
    };
    return out->slept_ms || out->stopped_ms;
}
