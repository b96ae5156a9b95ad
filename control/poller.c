// SPDX-License-Identifier: Apache-2.0
//
// Drives rounds over the API client, one ask at a time, and decides when the next one begins with
// schedule.c. What is asked and what answers mean is round.h's business. Used by control.c
// and, for one look, by account_look.c.
#include "control/poller.h"

#include "base/clock.h"
#include "base/loop.h"
#include "base/os.h"
#include "control/control.h"
#include "control/round.h"
#include "control/schedule.h"

#include <stdlib.h>
#include <string.h>

// Between the end of a round and one that a nudge brings forward.
enum { NUDGE_AFTER_MS = 1000 };
// Between an answer and a round that a change of this machine's network begins.
enum { WAKE_AFTER_MS = 10 * 1000 };
// Between two rounds that such a change breaks off because they have had no answer yet.
enum { BREAK_AFTER_MS = 5000 };

struct poller {
    struct loop *loop;
    struct api *api;
    struct round *round;
    poller_fn fn;
    void *arg;
    struct poller_options options;
    struct poller_counters counters;
    struct timer timer;
    struct ask ask;       // the one under way
    struct err failure;   // of the last round; code ERR_NONE: none
    enum err_code ending; // how its last ask went
    unsigned failures;    // rounds in a row that nothing came of
    unsigned requests;    // of this round
    uint64_t ended_ms;    // when the last round did
    uint64_t broke_ms;    // when one was broken off, see poller_wake; 0: never
    uint64_t answered_ms; // when the API last did; 0: never
    uint64_t due_ms;      // when the next one begins
    bool running;         // a round is under way
    bool brought_forward; // the next round is due to a nudge
    bool nudged;          // the last one was, or the next one is
    bool forced_pause;    // 429: not even a nudge shortens it
};

static void begin_round(struct poller *poller);

static void on_timer(struct timer *timer)
{
    struct poller *poller = CONTAINER_OF(timer, struct poller, timer);
    begin_round(poller);
}

static double jitter(void)
{
    return (double)os_random_below(1000) / 1000;
}

static uint64_t next_delay_ms(const struct poller *poller)
{
    enum err_code ending = poller->ending;
    struct schedule_facts facts = {
        .steady_ms = poller->options.steady_ms,
        .changing_ms = poller->options.changing_ms,
        .changing = round_is_changing(poller->round),
        .failures = poller->failures,
        .key_refused = ending == ERR_API_KEY || ending == ERR_API_FORBIDDEN,
        .rate_limited = ending == ERR_API_RATE,
        .requests = poller->requests,
        .quota = poller->counters.quota,
    };
    return schedule_delay_ms(&facts, jitter());
}

static void come_back(struct poller *poller, uint64_t due_ms)
{
    uint64_t now_ms = clock_ms();
    uint64_t delay_ms = due_ms > now_ms ? due_ms - now_ms : 0;
    poller->due_ms = due_ms;
    poller->counters.next_poll = clock_wall_s() + (int64_t)((delay_ms + 999) / 1000);
    timer_start(&poller->timer, delay_ms);
}

static void schedule(struct poller *poller)
{
    poller->forced_pause = poller->ending == ERR_API_RATE;
    poller->ended_ms = clock_ms();
    come_back(poller, poller->ended_ms + next_delay_ms(poller));
}

static void end_round(struct poller *poller)
{
    poller->failure = *round_end(poller->round, clock_wall_s());
    poller->running = false;
    poller->counters.polled = true;
    poller->failures = round_was_in_vain(poller->round) ? poller->failures + 1 : 0;
    schedule(poller);
    poller->fn(poller->arg);
}

static void on_answer(void *arg, const struct api_answer *answer, const struct err *err);

static void ask_next(struct poller *poller)
{
    if (!round_next(poller->round, &poller->ask)) {
        end_round(poller);
        return;
    }
    api_get(poller->api, poller->ask.path, on_answer, poller);
}

// A gateway's 500 may say nothing about the quota, which goes on. After silence, or a 429 that does
// not tell, only the limit is still known.
static void note_quota(struct api_quota *quota, const struct api_answer *answer)
{
    int64_t limit = quota->limit;
    bool told = answer->quota.limit >= 0 || answer->quota.remaining >= 0;
    if (!told && answer->status != 0 && answer->status != 429)
        return;
    *quota = answer->quota;
    if (!told)
        quota->limit = limit;
}

static void note_answer(
    struct poller *poller, const struct api_answer *answer, const struct err *err)
{
    if (answer->status != 0)
        poller->answered_ms = clock_ms();
    poller->requests += answer->requests;
    poller->counters.requests += answer->requests;
    poller->counters.failures += err != NULL;
    note_quota(&poller->counters.quota, answer);
}

static void on_answer(void *arg, const struct api_answer *answer, const struct err *err)
{
    struct poller *poller = arg;
    note_answer(poller, answer, err);
    struct err failure = { 0 };
    if (err != NULL)
        failure = *err;
    else if (!round_answer(
                 poller->round, &poller->ask, answer->body, answer->len, clock_wall_s(), &failure))
        poller->counters.failures++;
    poller->ending = failure.code;
    if (failure.code != ERR_NONE)
        round_failed(poller->round, &poller->ask, answer->status, &failure);
    ask_next(poller);
}

static void begin_round(struct poller *poller)
{
    poller->running = true;
    poller->nudged = poller->brought_forward;
    poller->brought_forward = false;
    poller->requests = 0;
    poller->ending = ERR_NONE;
    poller->counters.next_poll = 0;
    round_begin(poller->round);
    ask_next(poller);
}

struct poller *poller_new(struct loop *loop, struct api *api, struct model *belief,
    const struct poller_options *options, poller_fn fn, void *arg)
{
    struct poller *poller = calloc(1, sizeof(*poller));
    if (poller == NULL)
        abort();
    poller->loop = loop;
    poller->api = api;
    poller->options = *options;
    poller->fn = fn;
    poller->arg = arg;
    poller->counters.quota = (struct api_quota){ -1, -1, -1, -1 };
    poller->round = round_new(belief, &options->round);
    timer_init(&poller->timer, loop, on_timer);
    return poller;
}

void poller_free(struct poller *poller)
{
    if (poller == NULL)
        return;
    api_cancel(poller->api);
    timer_stop(&poller->timer);
    round_free(poller->round);
    free(poller);
}

void poller_start(struct poller *poller)
{
    timer_start(&poller->timer, 0);
}

void poller_use_intervals(struct poller *poller, uint64_t steady_ms, uint64_t changing_ms)
{
    poller->options.steady_ms = steady_ms;
    poller->options.changing_ms = changing_ms;
    if (!poller->running && !poller->forced_pause && poller->counters.polled)
        come_back(poller, poller->ended_ms + next_delay_ms(poller));
}

void poller_nudge(struct poller *poller)
{
    if (poller->running || poller->nudged || poller->forced_pause || !poller->counters.polled)
        return;
    uint64_t now_ms = clock_ms();
    uint64_t at_ms = poller->ended_ms + NUDGE_AFTER_MS;
    if (at_ms < now_ms)
        at_ms = now_ms;
    if (at_ms >= poller->due_ms)
        return;
    poller->nudged = true;
    poller->brought_forward = true;
    poller->due_ms = at_ms;
    timer_start(&poller->timer, at_ms - now_ms);
}

static uint64_t less(uint64_t value, uint64_t by)
{
    return value > by ? value - by : 0;
}

static uint64_t later(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

void poller_wake(struct poller *poller, uint64_t slept_ms)
{
    uint64_t now_ms = clock_ms(), at_ms = now_ms;
    // Events that come one after the other must not keep it from its first answer.
    bool goes_well = poller->requests > 0 ||
                     (!slept_ms && poller->broke_ms && now_ms - poller->broke_ms < BREAK_AFTER_MS);
    if (poller->running ? goes_well : !poller->counters.polled)
        return; // or the first one is due at once
    if (poller->running)
        poller->broke_ms = now_ms;
    if (poller->answered_ms)
        at_ms = later(at_ms, less(poller->answered_ms + WAKE_AFTER_MS, slept_ms));
    if (poller->forced_pause)
        at_ms = later(at_ms, less(poller->due_ms, slept_ms));
    api_renew(poller->api);
    poller->running = false;
    poller->failures = 0; // what failed did so in the other network
    poller->due_ms = at_ms;
    poller->counters.next_poll = clock_wall_s() + (int64_t)((at_ms - now_ms + 999) / 1000);
    timer_start(&poller->timer, at_ms - now_ms);
}

const struct round_target *poller_target(const struct poller *poller, size_t target)
{
    return round_target(poller->round, target);
}

const struct err *poller_failure(const struct poller *poller)
{
    return &poller->failure;
}

const struct poller_counters *poller_counters(const struct poller *poller)
{
    return &poller->counters;
}
