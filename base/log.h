// SPDX-License-Identifier: Apache-2.0
//
// Logging to stderr: one event, one line, one write(2), which never waits: a line that stderr does
// not take now is dropped and counted. A line is a message and key=value facts, as text or as one
// JSON object. Bytes that came from a peer are escaped, so that no line can be forged. Any thread.
// Only conn.c, listener.c, reload and the commands log above debug; library-like code returns
// errors instead.
#pragma once

#include "base/defs.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum log_level { LOG_ERROR = 0, LOG_WARN, LOG_INFO, LOG_DEBUG, LOG_TRACE, LOG_LEVELS };
enum log_format { LOG_TEXT = 0, LOG_JSON };

struct err;

// Level and format of the whole process; safe to call again while threads log (reload).
void log_setup(enum log_level level, enum log_format format);
bool log_enabled(enum log_level level);

// A line being built on the caller's stack. What does not fit is cut or left out.
struct log_line {
    enum log_level level;
    bool json;
    size_t len;
    char text[2048];
};

// log_start, then facts in the order in which they should be read, then log_write.
void log_start(struct log_line *line, enum log_level level, const char *format, ...)
    PRINTF_LIKE(3, 4);
void log_str(struct log_line *line, const char *key, const char *value); // NULL: left out
void log_uint(struct log_line *line, const char *key, uint64_t value);
void log_err(struct log_line *line, const struct err *err); // error=<key> and reason=<text>
void log_write(struct log_line *line);

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
void log_message(enum log_level level, const char *format, ...) PRINTF_LIKE(2, 3);
