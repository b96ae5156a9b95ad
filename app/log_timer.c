// SPDX-License-Identifier: Apache-2.0
//
// When lines that a burst held back are summed up (base/log.h): a timer of the main loop, which
// runs only while some are held. Main thread, but for on_held.
#include "app/program.h"

static void begin(void *arg)
{
    struct program *program = arg;
    timer_start(&program->log_timer, LOG_INTERVAL_MS);
}

// Any thread, under the log's lock.
static void on_held(void *arg)
{
    const struct program *program = arg;
    loop_post(program->loop, begin, arg);
}

static void on_interval_over(struct timer *timer)
{
    if (log_flush())
        timer_start(timer, LOG_INTERVAL_MS);
}

void program_watch_log(struct program *program)
{
    timer_init(&program->log_timer, program->loop, on_interval_over);
    log_on_held(on_held, program);
}

void program_unwatch_log(struct program *program)
{
    log_on_held(NULL, NULL);
    timer_stop(&program->log_timer);
}
