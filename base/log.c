// SPDX-License-Identifier: Apache-2.0
//
// Builds log lines and writes each with one write(2), so that lines of several threads never mix.
// The only mutable state of base/: level, format, and the count of lines that nobody took. Any
// thread.
#include "base/log.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/text.h"

#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static atomic_int current_level = LOG_INFO;
static atomic_int current_format = LOG_TEXT;

static const char *const level_names[LOG_LEVELS] = { "error", "warn", "info", "debug", "trace" };

// Room for the end of a cut line: the mark, a closing quote and brace, and the newline.
enum { LOG_TAIL_BYTES = 8 };

void log_setup(enum log_level level, enum log_format format)
{
    atomic_store_explicit(&current_level, (int)level, memory_order_relaxed);
    atomic_store_explicit(&current_format, (int)format, memory_order_relaxed);
}

bool log_enabled(enum log_level level)
{
    return (int)level <= atomic_load_explicit(&current_level, memory_order_relaxed);
}

static size_t line_room(const struct log_line *line)
{
    return sizeof(line->text) - LOG_TAIL_BYTES - line->len;
}

static void put_raw(struct log_line *line, const char *text)
{
    size_t len = strlen(text);
    if (len > line_room(line))
        len = line_room(line);
    memcpy(line->text + line->len, text, len);
    line->len += len;
}

// Control characters, quotes, backslashes and bytes that are not UTF-8 become escapes that are
// valid in JSON and harmless on a terminal. Keeps room for a closing quote.
static void put_escaped(struct log_line *line, const char *text)
{
    size_t left = strlen(text), step;
    for (const unsigned char *c = (const unsigned char *)text; left > 0; c += step, left -= step) {
        char piece[8];
        size_t len = text_utf8_len(c, left);
        if (*c == '"' || *c == '\\')
            snprintf(piece, sizeof(piece), "\\%c", *c);
        else if (*c == '\n')
            snprintf(piece, sizeof(piece), "\\n");
        else if (*c < 0x20 || *c == 0x7f || len == 0)
            snprintf(piece, sizeof(piece), "\\u%04x", *c);
        else
            snprintf(piece, sizeof(piece), "%.*s", (int)len, (const char *)c);
        if (strlen(piece) + 1 > line_room(line))
            return;
        put_raw(line, piece);
        step = len ? len : 1;
    }
}

static void put_key(struct log_line *line, const char *key)
{
    put_raw(line, line->json ? ",\"" : " ");
    put_raw(line, key);
    put_raw(line, line->json ? "\":" : "=");
}

static bool needs_quotes(const char *value)
{
    if (!*value)
        return true;
    for (const unsigned char *c = (const unsigned char *)value; *c; c++)
        if (*c <= ' ' || *c == '"' || *c == '\\' || *c == '=' || *c == 0x7f)
            return true;
    return false;
}

static void PRINTF_LIKE(3, 0)
    line_start(struct log_line *line, enum log_level level, const char *format, va_list values)
{
    char message[1024];
    vsnprintf(message, sizeof(message), format, values);

    char now[CLOCK_TEXT_BYTES];
    clock_format(clock_wall_s(), now);
    line->level = level;
    line->len = 0;
    line->json = atomic_load_explicit(&current_format, memory_order_relaxed) == LOG_JSON;
    put_raw(line, line->json ? "{\"time\":\"" : "");
    put_raw(line, now);
    put_raw(line, line->json ? "\",\"level\":\"" : " ");
    put_raw(line, level_names[level]);
    put_raw(line, line->json ? "\",\"message\":\"" : " ");
    put_escaped(line, message);
    put_raw(line, line->json ? "\"" : "");
}

void log_start(struct log_line *line, enum log_level level, const char *format, ...)
{
    va_list values;
    va_start(values, format);
    line_start(line, level, format, values);
    va_end(values);
}

void log_str(struct log_line *line, const char *key, const char *value)
{
    if (!value)
        return;
    // A fact whose key would be cut is left out whole: half a JSON member is no JSON.
    size_t before = line->len;
    put_key(line, key);
    if (line_room(line) < 3) {
        line->len = before;
        return;
    }
    bool quoted = line->json || needs_quotes(value);
    put_raw(line, quoted ? "\"" : "");
    put_escaped(line, value);
    put_raw(line, quoted ? "\"" : "");
}

void log_uint(struct log_line *line, const char *key, uint64_t value)
{
    char text[24];
    snprintf(text, sizeof(text), "%llu", (unsigned long long)value);
    if (line_room(line) < strlen(key) + strlen(text) + 4)
        return;
    put_key(line, key);
    put_raw(line, text);
}

void log_err(struct log_line *line, const struct err *err)
{
    log_str(line, "error", err_row(err->code)->key);
    log_str(line, "reason", err->text);
}

// A reader that has stopped reading (a full pipe) must not stop the threads that log: what it does
// not take is dropped and counted. A line is shorter than PIPE_BUF, so a descriptor that poll(2)
// calls writable takes it whole; the lock keeps a second thread from filling it in between.
static pthread_mutex_t write_lock = PTHREAD_MUTEX_INITIALIZER;
static uint64_t lines_lost; // under write_lock

static bool write_line(const char *text, size_t len)
{
    struct pollfd out = { .fd = STDERR_FILENO, .events = POLLOUT };
    if (poll(&out, 1, 0) != 1 || !(out.revents & POLLOUT))
        return false;
    ssize_t written = write(STDERR_FILENO, text, len);
    return written >= 0; // nowhere to report a log that cannot be written
}

static void write_lost(bool json)
{
    char text[128];
    int len = snprintf(text, sizeof(text),
        json ? "{\"level\":\"warn\",\"message\":\"log lines were lost\",\"lines\":%llu}\n"
             : "warn log lines were lost lines=%llu\n",
        (unsigned long long)lines_lost);
    if (write_line(text, (size_t)len))
        lines_lost = 0;
}

void log_write(struct log_line *line)
{
    if (!log_enabled(line->level))
        return;
    // LOG_TAIL_BYTES keeps this room free.
    if (line->json)
        line->text[line->len++] = '}';
    line->text[line->len++] = '\n';
    pthread_mutex_lock(&write_lock);
    if (lines_lost)
        write_lost(line->json);
    if (!write_line(line->text, line->len))
        lines_lost++;
    pthread_mutex_unlock(&write_lock);
}

void log_message(enum log_level level, const char *format, ...)
{
    struct log_line line;
    va_list values;
    va_start(values, format);
    line_start(&line, level, format, values);
    va_end(values);
    log_write(&line);
}
