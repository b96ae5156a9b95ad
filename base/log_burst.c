// SPDX-License-Identifier: Apache-2.0
//
// Counts events per interval. Called by log.c.
#include "base/log_burst.h"

#include <string.h>

void log_burst_init(struct log_burst *burst, uint64_t limit)
{
    memset(burst, 0, sizeof(*burst));
    burst->limit = limit;
    burst->next_ms = UINT64_MAX;
}

// A new interval begins. It sums up from the start if the one before, right before, was a burst.
static void begin(struct log_burst *burst, struct log_burst_event *event, uint64_t now_ms)
{
    bool follows = event->until_ms && now_ms - event->until_ms < LOG_INTERVAL_MS;
    event->is_summing = follows && event->seen > burst->limit;
    event->seen = 0;
    event->until_ms = now_ms + LOG_INTERVAL_MS;
}

static struct log_burst_event *place_of(struct log_burst *burst, uint64_t event, uint64_t now_ms)
{
    struct log_burst_event *unused = NULL;
    for (size_t i = 0; i < LOG_BURST_EVENTS; i++) {
        struct log_burst_event *entry = &burst->events[i];
        if (entry->until_ms && entry->event == event)
            return entry;
        // One that was a burst is remembered for another interval.
        bool is_over = !entry->held && now_ms >= entry->until_ms + LOG_INTERVAL_MS;
        if (!unused && (!entry->until_ms || is_over))
            unused = entry;
    }
    if (unused) {
        unused->event = event;
        unused->until_ms = 0;
    }
    return unused ? unused : &burst->rest;
}

bool log_burst_admit(struct log_burst *burst, const struct log_line *line, uint64_t now_ms)
{
    if (burst->limit == 0)
        return true;
    struct log_burst_event *entry = place_of(burst, line->event, now_ms);
    // What is held keeps its interval open until log_burst_due has taken it.
    if (!entry->until_ms || (!entry->held && now_ms >= entry->until_ms))
        begin(burst, entry, now_ms);
    entry->seen++;
    if (!entry->is_summing && entry->seen <= burst->limit)
        return true;
    entry->held++;
    entry->last = *line;
    if (entry->until_ms < burst->next_ms)
        burst->next_ms = entry->until_ms;
    return false;
}

struct log_line *log_burst_due(
    struct log_burst *burst, uint64_t now_ms, uint64_t *out_held, bool *out_rest)
{
    struct log_burst_event *due = NULL;
    if (now_ms < burst->next_ms)
        return NULL;
    burst->next_ms = UINT64_MAX;
    for (size_t i = 0; i <= LOG_BURST_EVENTS; i++) {
        struct log_burst_event *entry = i < LOG_BURST_EVENTS ? &burst->events[i] : &burst->rest;
        if (!entry->held)
            continue;
        if (!due && now_ms >= entry->until_ms)
            due = entry;
        else if (entry->until_ms < burst->next_ms)
            burst->next_ms = entry->until_ms;
    }
    if (!due)
        return NULL;
    *out_held = due->held;
    *out_rest = due == &burst->rest;
    due->held = 0;
    begin(burst, due, now_ms);
    return &due->last;
}
