// SPDX-License-Identifier: Apache-2.0
//
// Tickers are the loop's timers where the system has none that can be watched; they cost what
// base/loop.h says. The loop's thread only.
#include "base/loop.h"

static void on_time(struct timer *timer)
{
    struct ticker *ticker = CONTAINER_OF(timer, struct ticker, timer);
    ticker->is_running = false;
    ticker->fn(ticker);
}

bool ticker_init(struct ticker *ticker, struct loop *loop, ticker_fn fn)
{
    *ticker = (struct ticker){ .fn = fn, .fd = -1 };
    timer_init(&ticker->timer, loop, on_time);
    return true;
}

void ticker_start(struct ticker *ticker, uint64_t after_ms)
{
    ticker->is_running = true;
    timer_start(&ticker->timer, after_ms);
}

void ticker_stop(struct ticker *ticker)
{
    ticker->is_running = false;
    timer_stop(&ticker->timer);
}

void ticker_done(struct ticker *ticker)
{
    if (ticker->fn)
        ticker_stop(ticker);
}
