// SPDX-License-Identifier: Apache-2.0
//
// Facts for the probes. Every two seconds each worker gets a message that asks for nothing: a loop
// that does not take it, or does not come back from what it is doing, lags behind. Called by
// admin.c, admin_wait.c and status_json.c.
#include "app/health_now.h"

#include "app/admin.h"
#include "app/json_out.h"
#include "app/lockdown.h"
#include "app/program.h"
#include "base/clock.h"
#include "base/memory_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BEAT_MS = 2000, BEAT_LATE_MS = 2 * BEAT_MS };

struct heartbeat {
    struct program *program;
    struct ticker ticker;
    uint64_t beat_ms;    // the last one
    uint64_t resumed_ms; // this thread itself came so late that nobody's lag before it counts
};

// ---- the heartbeat ------------------------------------------------------------------------------

static void note_lateness(struct heartbeat *heartbeat)
{
    uint64_t now_ms = clock_ms();
    if (now_ms - heartbeat->beat_ms > BEAT_LATE_MS)
        heartbeat->resumed_ms = now_ms;
    if (now_ms - heartbeat->beat_ms > BEAT_MS)
        heartbeat->beat_ms = now_ms;
}

static void on_beat(struct ticker *ticker)
{
    struct heartbeat *heartbeat = CONTAINER_OF(ticker, struct heartbeat, ticker);
    struct health_reasons reasons;
    struct program *program = heartbeat->program;
    note_lateness(heartbeat);
    heartbeat->beat_ms = clock_ms();
    proxy_ping(program->proxy);
    if (!program->was_started) // whether or not somebody asks in time
        (void)health_now(program, HEALTH_STARTED, NULL, &reasons);
    // A failure may be long ago now.
    if (program->admin)
        admin_beat(program->admin);
    ticker_start(ticker, BEAT_MS);
}

struct heartbeat *health_now_beat(struct program *program)
{
    struct heartbeat *heartbeat = calloc(1, sizeof(*heartbeat));
    if (!heartbeat)
        return NULL;
    heartbeat->program = program;
    heartbeat->beat_ms = heartbeat->resumed_ms = clock_ms();
    if (!ticker_init(&heartbeat->ticker, program->loop, on_beat)) {
        free(heartbeat);
        return NULL;
    }
    if (admin_is_asked_for(program))
        ticker_start(&heartbeat->ticker, BEAT_MS);
    return heartbeat;
}

void health_now_rest(struct heartbeat *heartbeat)
{
    if (heartbeat)
        ticker_done(&heartbeat->ticker);
    free(heartbeat);
}

static void measure_lags(const struct program *program, uint64_t *lags_ms, size_t count)
{
    struct heartbeat *heartbeat = program->heartbeat;
    note_lateness(heartbeat);
    uint64_t most_ms = clock_ms() - heartbeat->resumed_ms;
    for (size_t i = 0; i < count; i++) {
        lags_ms[i] = proxy_worker_lag_ms(program->proxy, i);
        if (lags_ms[i] > most_ms)
            lags_ms[i] = most_ms;
    }
}

// ---- the question -------------------------------------------------------------------------------

static size_t pick_targets(
    const struct program *program, const char *alias, struct proxy_target_state *targets)
{
    size_t count = 0;
    for (size_t i = 0; i < proxy_target_count(program->proxy); i++) {
        struct proxy_target_state state = proxy_target_state(program->proxy, i);
        if (!alias || strcmp(alias, state.alias) == 0)
            targets[count++] = state;
    }
    return count;
}

bool health_now(
    struct program *program, enum health health, const char *alias, struct health_reasons *reasons)
{
    uint64_t lags_ms[CENSUS_WORKERS_MAX];
    size_t workers = proxy_worker_count(program->proxy);
    struct proxy_target_state *targets =
        calloc(proxy_target_count(program->proxy) + 1, sizeof(*targets));
    const struct health_facts facts = {
        .targets = targets,
        .count = targets ? pick_targets(program, alias, targets) : 0,
        .now_ms = clock_ms(),
        .lags_ms = lags_ms,
        .lag_count = workers,
        .startup = (enum health_startup)program->settings->startup_check,
        .was_started = program->was_started, // all of them, so each
        .draining = program->stopping || proxy_is_draining(program->proxy),
        .full = proxy_is_full(program->proxy),
        .has_lost_programs = lockdown_has_lost_programs(program->lockdown),
    };
    measure_lags(program, lags_ms, workers);
    bool healthy = health_ask(health, &facts, reasons);
    if (!targets && health != HEALTH_LIVE) {
        healthy = false;
        reasons->count = 1;
        reasons->reasons[0] = (struct health_reason){ .text = "out of memory" };
    }
    free(targets);
    if (healthy && health == HEALTH_STARTED && !alias)
        program->was_started = true;
    return healthy;
}

static void write_json(struct json_out *json, bool healthy, const struct health_reasons *reasons)
{
    json_out_open(json, NULL, '{');
    json_out_text(json, "status", healthy ? "ok" : "unavailable");
    if (!healthy)
        json_out_open(json, "reasons", '[');
    for (size_t i = 0; !healthy && i < reasons->count; i++) {
        json_out_open(json, NULL, '{');
        json_out_text(json, "cluster", reasons->reasons[i].cluster);
        json_out_text(json, "reason", reasons->reasons[i].text);
        json_out_close(json, '}');
    }
    if (!healthy)
        json_out_close(json, ']');
    json_out_close(json, '}');
}

char *health_now_json(
    struct program *program, enum health health, const char *alias, bool *out_healthy)
{
    struct health_reasons reasons;
    struct memory_file file;
    *out_healthy = health_now(program, health, alias, &reasons);
    if (!memory_file_open(&file))
        return NULL;
    struct json_out json = { .out = file.out };
    write_json(&json, *out_healthy, &reasons);
    putc('\n', file.out);
    return memory_file_take(&file);
}
