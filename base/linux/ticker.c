// SPDX-License-Identifier: Apache-2.0
//
// Tickers by timerfd_create(2); base/loop.h says what they are for. The loop's thread only.
#include "base/loop.h"

#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

static void on_tick(struct watch *watch, unsigned what)
{
    struct ticker *ticker = CONTAINER_OF(watch, struct ticker, watch);
    uint64_t times;
    (void)what;
    if (read(ticker->fd, &times, sizeof(times)) < 0)
        return; // it was stopped or moved in this turn
    ticker->is_running = false;
    ticker->fn(ticker);
}

bool ticker_init(struct ticker *ticker, struct loop *loop, ticker_fn fn)
{
    *ticker = (struct ticker){ .fn = fn };
    ticker->fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    if (ticker->fd < 0)
        return false;
    watch_init(&ticker->watch, loop, ticker->fd, on_tick);
    watch_want(&ticker->watch, WATCH_READ);
    return true;
}

static void set_ticker(struct ticker *ticker, uint64_t after_ms)
{
    struct itimerspec when = { 0 };
    when.it_value.tv_sec = (time_t)(after_ms / 1000);
    when.it_value.tv_nsec = (long)(after_ms % 1000 * 1000000);
    (void)timerfd_settime(ticker->fd, 0, &when, NULL);
}

void ticker_start(struct ticker *ticker, uint64_t after_ms)
{
    ticker->is_running = true;
    set_ticker(ticker, after_ms ? after_ms : 1); // 0 would stop it
}

void ticker_stop(struct ticker *ticker)
{
    if (!ticker->is_running)
        return;
    ticker->is_running = false;
    set_ticker(ticker, 0);
}

void ticker_done(struct ticker *ticker)
{
    if (!ticker->fn || ticker->fd < 0)
        return;
    watch_stop(&ticker->watch);
    close(ticker->fd);
    ticker->fd = -1;
}
