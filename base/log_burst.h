// SPDX-License-Identifier: Apache-2.0
//
// A burst of the same event, thousands of refused clients a second for one: the first lines of an
// interval are written, the others are counted, and one line per interval stands for them: the last
// of them, with `repeated`, how many more there were. So the lines, and `repeated` of each added to
// them, are as many as the events. As long as it goes on, there is that one line per interval. The
// table is bounded: events that find no room share a count. Pure, with the caller's clock and lock.
#pragma once

#include "base/log.h"

enum { LOG_BURST_EVENTS = 64 };

struct log_burst_event {
    uint64_t event;
    uint64_t until_ms; // the interval's end; 0: unused
    uint64_t seen;     // in this interval, written or held
    uint64_t held;     // not written yet
    bool is_summing;   // the interval before was a burst: nothing is written at once
    struct log_line last;
};

struct log_burst {
    uint64_t limit;   // lines of an event that are written in an interval; 0: all
    uint64_t next_ms; // when the first sum is due; UINT64_MAX: nothing is held
    struct log_burst_event events[LOG_BURST_EVENTS];
    struct log_burst_event rest; // of all that found no room
};

void log_burst_init(struct log_burst *burst, uint64_t limit);
// True: write the line now. False: it is kept, and will be part of a sum.
bool log_burst_admit(struct log_burst *burst, const struct log_line *line, uint64_t now_ms);
// The next sum that is due, taken out: a line that stands for *out_held events, until the next
// call. *out_rest: they were of several events, and the line is the last of them. NULL: none is.
struct log_line *log_burst_due(
    struct log_burst *burst, uint64_t now_ms, uint64_t *out_held, bool *out_rest);
