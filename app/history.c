// SPDX-License-Identifier: Apache-2.0
//
// A ring of samples of the proxy's counters: ten minutes. Used by admin.c.
#include "app/history.h"

#include "app/admin.h"
#include "app/json_out.h"
#include "app/program.h"
#include "base/clock.h"
#include "base/memory_file.h"

#include <stdlib.h>

// Sums since the start, but for `open`: whoever reads takes differences, and a sample that came
// late distorts nothing.
struct sample {
    int64_t wall_s;
    uint64_t at_ms; // monotonic
    uint64_t open, opened, closed, refused, client_bytes, server_bytes;
};

struct history {
    struct program *program;
    struct ticker ticker;
    struct sample samples[HISTORY_SAMPLES];
    size_t next, count;
};

static uint64_t sum_of(const uint64_t *counts, size_t count)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += counts[i];
    return sum;
}

static struct sample take(const struct program *program)
{
    struct proxy_counters counters;
    proxy_count(program->proxy, &counters);
    return (struct sample){
        .wall_s = clock_wall_s(),
        .at_ms = clock_ms(),
        .open = counters.open,
        .opened = counters.accepted,
        .closed = sum_of(counters.closed, CLOSE_REASONS) + counters.dropped,
        .refused = sum_of(counters.refused, ERR_CODES) + counters.dropped,
        .client_bytes = counters.client_bytes,
        .server_bytes = counters.server_bytes,
    };
}

static void on_tick(struct ticker *ticker)
{
    struct history *history = CONTAINER_OF(ticker, struct history, ticker);
    history->samples[history->next] = take(history->program);
    history->next = (history->next + 1) % HISTORY_SAMPLES;
    if (history->count < HISTORY_SAMPLES)
        history->count++;
    ticker_start(ticker, HISTORY_INTERVAL_MS);
}

struct history *history_new(struct program *program)
{
    struct history *history = calloc(1, sizeof(*history));
    if (!history)
        return NULL;
    history->program = program;
    if (!ticker_init(&history->ticker, program->loop, on_tick)) {
        free(history);
        return NULL;
    }
    if (admin_is_asked_for(program))
        on_tick(&history->ticker);
    return history;
}

void history_free(struct history *history)
{
    if (history)
        ticker_done(&history->ticker);
    free(history);
}

static void put_sample(struct json_out *json, const struct sample *sample)
{
    json_out_open(json, NULL, '{');
    json_out_time(json, "time", sample->wall_s);
    json_out_uint(json, "ms", sample->at_ms);
    json_out_uint(json, "open", sample->open);
    json_out_uint(json, "opened", sample->opened);
    json_out_uint(json, "closed", sample->closed);
    json_out_uint(json, "refused", sample->refused);
    json_out_uint(json, "client_bytes", sample->client_bytes);
    json_out_uint(json, "server_bytes", sample->server_bytes);
    json_out_close(json, '}');
}

static void put_all(FILE *out, const struct history *history)
{
    struct json_out json = { .out = out };
    const struct sample now = take(history->program);
    json_out_open(&json, NULL, '{');
    json_out_uint(&json, "interval_ms", HISTORY_INTERVAL_MS);
    json_out_open(&json, "samples", '[');
    for (size_t i = 0; i < history->count; i++) {
        size_t at = (history->next + HISTORY_SAMPLES - history->count + i) % HISTORY_SAMPLES;
        put_sample(&json, &history->samples[at]);
    }
    put_sample(&json, &now);
    json_out_close(&json, ']');
    json_out_close(&json, '}');
    putc('\n', out);
}

char *history_json(const struct history *history)
{
    struct memory_file file;
    if (!memory_file_open(&file))
        return NULL;
    put_all(file.out, history);
    return memory_file_take(&file);
}
