// SPDX-License-Identifier: Apache-2.0
//
// The longest idle time. Used by metrics.c.
#include "app/idle_age.h"

#include "app/program.h"
#include "base/clock.h"

#include <stdlib.h>

enum { LOOK_MS = 5000, UNREAD_MS = 2 * 60 * 1000 };

struct idle_age {
    struct program *program;
    struct ticker ticker;
    struct census *census; // NULL: none is under way
    uint64_t read_ms;      // when the metrics were read last
    bool is_known;
    uint64_t longest_ms, counted_ms; // as it was then
};

static void on_counted(void *arg, const struct census_result *result)
{
    struct idle_age *idle = arg;
    idle->census = NULL;
    idle->is_known = true;
    idle->counted_ms = result->now_ms;
    idle->longest_ms = 0;
    if (result->row_count == 0)
        return;
    const struct conn_facts *row = result->rows[0];
    uint64_t active_ms = row->active_ms ? row->active_ms : row->began_ms;
    idle->longest_ms = result->now_ms > active_ms ? result->now_ms - active_ms : 0;
}

static void on_tick(struct ticker *ticker)
{
    struct idle_age *idle = CONTAINER_OF(ticker, struct idle_age, ticker);
    static const struct census_plan plan = {
        .order = CENSUS_IDLE, .limit = 1, .target = CENSUS_ALL_TARGETS
    };
    if (clock_ms() - idle->read_ms >= UNREAD_MS) {
        idle->is_known = false;
        return;
    }
    if (!idle->census)
        idle->census = proxy_census(idle->program->proxy, &plan, on_counted, idle);
    ticker_start(ticker, LOOK_MS);
}

bool idle_age_read(struct idle_age *idle, uint64_t *out_ms)
{
    idle->read_ms = clock_ms();
    if (!idle->ticker.is_running)
        ticker_start(&idle->ticker, 0);
    *out_ms = idle->longest_ms;
    return idle->is_known;
}

struct idle_age *idle_age_new(struct program *program)
{
    struct idle_age *idle = calloc(1, sizeof(*idle));
    if (!idle)
        return NULL;
    idle->program = program;
    if (ticker_init(&idle->ticker, program->loop, on_tick))
        return idle;
    free(idle);
    return NULL;
}

void idle_age_free(struct idle_age *idle)
{
    if (!idle)
        return;
    census_cancel(idle->census);
    ticker_done(&idle->ticker);
    free(idle);
}
