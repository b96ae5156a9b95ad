// SPDX-License-Identifier: Apache-2.0
//
// Logging to stderr: one event, one line, one write(2), which never waits: a line that stderr does
// not take now is dropped and counted. A line is a message and key=value facts, as text or as one
// JSON object. Bytes that came from a peer are escaped, so that no line can be forged. Any thread.
// Every event at info and above is in tidblink(1), LOG, with its keys: a message is a constant,
// what varies goes into a key (tests/lint/log_documented.py). Only conn.c, listener.c, reload and
// the commands log above debug; library-like code returns errors instead.
#pragma once

#include "base/defs.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum log_level { LOG_ERROR = 0, LOG_WARN, LOG_INFO, LOG_DEBUG, LOG_TRACE, LOG_LEVELS };
enum log_format { LOG_TEXT = 0, LOG_JSON };

struct err;

// Level and format of the whole process; safe to call again while threads log (reload). Where
// stderr is the journal ($JOURNAL_STREAM, systemd.exec(5)), text lines begin with the priority of
// sd-daemon(3), "<4>", and have no time of their own. `limit`: so many lines of one event are
// written in LOG_INTERVAL_MS, more are summed up (log_burst.h); 0: all are written.
enum { LOG_INTERVAL_MS = 10 * 1000, LOG_BURST = 20 };
void log_setup(enum log_level level, enum log_format format, uint64_t limit);
bool log_enabled(enum log_level level);

// A line being built on the caller's stack. What does not fit is cut or left out.
struct log_line {
    enum log_level level;
    bool json;
    bool forced, single; // see log_force, log_single
    uint64_t event;      // a digest of what makes two lines the same event
    size_t len;
    char text[2048];
};

// log_start, then facts in the order in which they should be read, then log_write.
void log_start(struct log_line *line, enum log_level level, const char *format, ...)
    PRINTF_LIKE(3, 4);
// The line is written whatever the level is, and never summed up: somebody asked for it.
void log_force(struct log_line *line);
// It is never summed up: it has facts that no other line has.
void log_single(struct log_line *line);
// Lines with the same message, level, and values of `cluster`, `error` and `close` are one event.
void log_str(struct log_line *line, const char *key, const char *value); // NULL: left out
void log_uint(struct log_line *line, const char *key, uint64_t value);
void log_err(struct log_line *line, const struct err *err); // error=<key> and reason=<text>
void log_write(struct log_line *line);

// Held lines: `fn` is called, by the thread that logs, when there is the first one; log_flush is
// due LOG_INTERVAL_MS later, and again as long as it says that there are some. fn NULL: nobody
// listens any more, and fn is not running.
void log_on_held(void (*fn)(void *arg), void *arg);
bool log_flush(void);  // writes the sums whose interval is over; true: others are held
void log_finish(void); // writes all of them

// A whole line without facts; the arguments are not evaluated when the level is off.
#define log_at(level, ...)                                                                         \
    do {                                                                                           \
        if (log_enabled(level))                                                                    \
            log_message(level, __VA_ARGS__);                                                       \
    } while (0)
#define log_error(...) log_at(LOG_ERROR, __VA_ARGS__)
#define log_warn(...) log_at(LOG_WARN, __VA_ARGS__)
#define log_info(...) log_at(LOG_INFO, __VA_ARGS__)
#define log_debug(...) log_at(LOG_DEBUG, __VA_ARGS__)
#define log_trace(...) log_at(LOG_TRACE, __VA_ARGS__)
// A line whose facts are texts: a key and its value, and so on, then NULL.
#if defined(__GNUC__)
__attribute__((sentinel))
#endif
void log_facts(enum log_level level, const char *message, ...);
void log_message(enum log_level level, const char *format, ...) PRINTF_LIKE(2, 3);
