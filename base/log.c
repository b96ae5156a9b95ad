// SPDX-License-Identifier: Apache-2.0
//
// Builds log lines and writes each with one write(2), so that lines of several threads never mix.
// The only mutable state of base/: level, format, what bursts hold back (log_burst.h), and the
// count of lines that nobody took. Any thread.
#include "base/log.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/hash.h"
#include "base/log_burst.h"
#include "base/text.h"

#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static atomic_int current_level = LOG_INFO;
static atomic_int current_format = LOG_TEXT;
static atomic_bool to_journal;

// Under the lock, which also keeps lines whole: a line is shorter than PIPE_BUF, so a descriptor
// that poll(2) calls writable takes it whole, if no second thread fills it in between.
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct log_burst burst = { .next_ms = UINT64_MAX };
static uint64_t lines_lost;
static void (*held_fn)(void *arg);
static void *held_arg;

// With their priorities in the journal (sd-daemon(3), syslog(3)).
static const struct {
    const char *name;
    int priority;
} levels[LOG_LEVELS] = { { "error", 3 }, { "warn", 4 }, { "info", 6 }, { "debug", 7 },
    { "trace", 7 } };

// Room for the end of a line: a closing quote, `repeated` with its number, brace and newline.
static const char repeated_key[] = "repeated";
enum { LOG_TAIL_BYTES = 8, LOG_REPEATED_BYTES = sizeof(repeated_key) + 28 };

// Its device and inode tell it from a descriptor that came later, and from a child's own stderr.
static bool is_journal(int fd)
{
    struct stat status;
    const char *stream = getenv("JOURNAL_STREAM");
    char own[64];
    if (!stream || fstat(fd, &status) < 0)
        return false;
    snprintf(own, sizeof(own), "%ju:%ju", (uintmax_t)status.st_dev, (uintmax_t)status.st_ino);
    return strcmp(stream, own) == 0;
}

void log_setup(enum log_level level, enum log_format format, uint64_t limit)
{
    atomic_store_explicit(&current_level, (int)level, memory_order_relaxed);
    atomic_store_explicit(&current_format, (int)format, memory_order_relaxed);
    atomic_store_explicit(&to_journal, is_journal(STDERR_FILENO), memory_order_relaxed);
    pthread_mutex_lock(&lock);
    burst.limit = limit;
    pthread_mutex_unlock(&lock);
}

bool log_enabled(enum log_level level)
{
    return (int)level <= atomic_load_explicit(&current_level, memory_order_relaxed);
}

static size_t line_room(const struct log_line *line)
{
    return sizeof(line->text) - LOG_TAIL_BYTES - LOG_REPEATED_BYTES - line->len;
}

static void put_raw(struct log_line *line, const char *text)
{
    size_t len = strlen(text);
    if (len > line_room(line))
        len = line_room(line);
    memcpy(line->text + line->len, text, len);
    line->len += len;
}

// What a reader may take for the end of a line, or a terminal for a command: the control characters
// of ASCII and of Latin-1, the separators of lines and paragraphs, and what turns the direction of
// writing. The code point, 0 if it is none of them.
static unsigned hidden(const unsigned char *c, size_t len)
{
    unsigned point = len == 1 ? c[0] : 0;
    if (len == 2)
        point = (c[0] & 0x1fU) << 6 | (c[1] & 0x3fU);
    if (len == 3)
        point = (c[0] & 0x0fU) << 12 | (c[1] & 0x3fU) << 6 | (c[2] & 0x3fU);
    bool is_control = point && (point < 0x20 || (point >= 0x7f && point < 0xa0));
    bool is_layout = (point >= 0x2028 && point <= 0x202e) || (point >= 0x2066 && point <= 0x2069);
    return is_control || is_layout ? point : 0;
}

// Quotes, backslashes, what is hidden and bytes that are not UTF-8 become escapes that are valid in
// JSON and harmless on a terminal. Keeps room for a closing quote.
static void put_escaped(struct log_line *line, const char *text)
{
    size_t left = strlen(text), step;
    for (const unsigned char *c = (const unsigned char *)text; left > 0; c += step, left -= step) {
        char piece[8];
        size_t len = text_utf8_len(c, left);
        unsigned point = len ? hidden(c, len) : *c;
        if (*c == '"' || *c == '\\')
            snprintf(piece, sizeof(piece), "\\%c", *c);
        else if (*c == '\n')
            snprintf(piece, sizeof(piece), "\\n");
        else if (point)
            snprintf(piece, sizeof(piece), "\\u%04x", point & 0xffffU);
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

// With its zero byte, so that "ab", "c" is not "a", "bc".
static void note_event(struct log_line *line, const char *text)
{
    line->event = hash_bytes(line->event, text, strlen(text) + 1);
}

// "2026-11-22T10:19:50.123Z"
static void put_time(struct log_line *line)
{
    char now[CLOCK_TEXT_BYTES], millis[8];
    int64_t wall_ms = clock_wall_ms();
    clock_format(wall_ms / 1000, now);
    now[strcspn(now, "Z")] = '\0';
    snprintf(millis, sizeof(millis), ".%03dZ", (int)(wall_ms % 1000));
    put_raw(line, now);
    put_raw(line, millis);
}

static void put_head(struct log_line *line)
{
    char priority[8];
    if (line->json) {
        put_raw(line, "{\"time\":\"");
        put_time(line);
        put_raw(line, "\",\"level\":\"");
        put_raw(line, levels[line->level].name);
        put_raw(line, "\",\"message\":\"");
        return;
    }
    if (atomic_load_explicit(&to_journal, memory_order_relaxed)) {
        snprintf(priority, sizeof(priority), "<%d>", levels[line->level].priority);
        put_raw(line, priority);
    } else {
        put_time(line);
        put_raw(line, " ");
    }
    put_raw(line, levels[line->level].name);
    put_raw(line, " ");
}

static void PRINTF_LIKE(3, 0)
    line_start(struct log_line *line, enum log_level level, const char *format, va_list values)
{
    char message[1024];
    vsnprintf(message, sizeof(message), format, values);

    line->level = level;
    line->len = 0;
    line->forced = line->single = false;
    line->json = atomic_load_explicit(&current_format, memory_order_relaxed) == LOG_JSON;
    put_head(line);
    put_escaped(line, message);
    put_raw(line, line->json ? "\"" : "");
    line->event = HASH_START + (uint64_t)level;
    note_event(line, message);
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
    if (strcmp(key, "cluster") == 0 || strcmp(key, "error") == 0 || strcmp(key, "close") == 0)
        note_event(line, value);
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

void log_force(struct log_line *line)
{
    line->forced = line->single = true;
}

void log_single(struct log_line *line)
{
    line->single = true;
}

// ---- writing ------------------------------------------------------------------------------------

// A reader that has stopped reading (a full pipe) must not stop the threads that log: what it does
// not take is dropped and counted. So is a line that a full disk took in part: the next one begins
// on a line of its own.
static bool write_text(const char *text, size_t len)
{
    static bool is_torn;
    struct pollfd out = { .fd = STDERR_FILENO, .events = POLLOUT };
    if (poll(&out, 1, 0) != 1 || !(out.revents & POLLOUT))
        return false;
    if (is_torn && write(STDERR_FILENO, "\n", 1) != 1)
        return false;
    ssize_t written = write(STDERR_FILENO, text, len);
    is_torn = written > 0 && (size_t)written < len;
    return written == (ssize_t)len; // nowhere to report a log that cannot be written
}

// LOG_TAIL_BYTES keeps this room free.
static bool write_line(struct log_line *line)
{
    if (line->json)
        line->text[line->len++] = '}';
    line->text[line->len++] = '\n';
    return write_text(line->text, line->len);
}

static void write_count(enum log_level level, const char *message, uint64_t count)
{
    struct log_line line;
    log_start(&line, level, "%s", message);
    log_uint(&line, "lines", count);
    if (!write_line(&line))
        lines_lost += count;
}

static void write_or_count(struct log_line *line, uint64_t stands_for)
{
    uint64_t lost = lines_lost;
    lines_lost = 0;
    if (lost)
        write_count(LOG_WARN, "log lines were lost", lost);
    if (!write_line(line))
        lines_lost += stands_for;
}

// `repeated` has its room behind what line_room gives away.
static void put_repeated(struct log_line *line, uint64_t repeated)
{
    size_t room = sizeof(line->text) - LOG_TAIL_BYTES - line->len;
    int len = snprintf(line->text + line->len, room,
        line->json ? ",\"%s\":%" PRIu64 : " %s=%" PRIu64, repeated_key, repeated);
    line->len += (size_t)len;
}

static void write_sums(uint64_t now_ms)
{
    uint64_t held;
    bool is_rest;
    struct log_line *line;
    while ((line = log_burst_due(&burst, now_ms, &held, &is_rest))) {
        if (is_rest) {
            write_count(LOG_WARN, "lines of other events were left out", held);
            continue;
        }
        if (held > 1)
            put_repeated(line, held - 1);
        write_or_count(line, held);
    }
}

void log_write(struct log_line *line)
{
    if (!line->forced && !log_enabled(line->level))
        return;
    // Who has turned debug on wants to see each of its lines.
    bool may_hold = !line->single && line->level <= LOG_INFO;
    uint64_t now_ms = clock_ms();
    pthread_mutex_lock(&lock);
    write_sums(now_ms);
    bool was_empty = burst.next_ms == UINT64_MAX;
    if (!may_hold || log_burst_admit(&burst, line, now_ms))
        write_or_count(line, 1);
    else if (was_empty && held_fn)
        held_fn(held_arg);
    pthread_mutex_unlock(&lock);
}

void log_on_held(void (*fn)(void *arg), void *arg)
{
    pthread_mutex_lock(&lock);
    held_fn = fn;
    held_arg = arg;
    if (fn && burst.next_ms != UINT64_MAX)
        fn(arg);
    pthread_mutex_unlock(&lock);
}

bool log_flush(void)
{
    pthread_mutex_lock(&lock);
    write_sums(clock_ms());
    bool holds = burst.next_ms != UINT64_MAX;
    pthread_mutex_unlock(&lock);
    return holds;
}

void log_finish(void)
{
    pthread_mutex_lock(&lock);
    write_sums(UINT64_MAX);
    pthread_mutex_unlock(&lock);
}

void log_facts(enum log_level level, const char *message, ...)
{
    struct log_line line;
    va_list facts;
    const char *key;
    log_start(&line, level, "%s", message);
    va_start(facts, message);
    while ((key = va_arg(facts, const char *)))
        log_str(&line, key, va_arg(facts, const char *));
    va_end(facts);
    log_write(&line);
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
