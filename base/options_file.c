// SPDX-License-Identifier: Apache-2.0
//
// The configuration file. inih splits the lines, but only lines that came through the reader here:
// as built by Debian it would join an indented line to the one above, cut lines at 200 bytes, merge
// sections of the same name and hide empty ones (github.com/benhoyt/inih, README, "Compile-time
// options"). So the reader counts lines, strips comments and blanks, and checks the form first.
#include "base/err.h"
#include "base/options.h"
#include "base/os.h"

#include <errno.h>
#include <ini.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum { ORIGIN_BYTES = 384, SHOWN = 60 };

static const char blanks[] = " \t\r";
static const char name_characters[] = "abcdefghijklmnopqrstuvwxyz"
                                      "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                      "0123456789-_.";

// A section of the file, or a name of the current section, and where it stood.
struct seen {
    SLIST_ENTRY(seen) link;
    unsigned line;
    char text[];
};
SLIST_HEAD(seen_list, seen);

struct reading {
    const char *path;
    FILE *file;
    unsigned line;
    const struct option_reader *reader;
    struct seen_list sections;
    struct seen_list names; // of the current section
    struct err *err;
    bool failed; // err is set, if the caller gave one; nothing more is read
};

static bool fail(struct reading *reading, const char *format, ...) PRINTF_LIKE(2, 3);
static bool fail(struct reading *reading, const char *format, ...)
{
    char text[ERR_TEXT_BYTES];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    reading->failed = true;
    return err_set(reading->err, ERR_OPTION, "%s:%u: %s", reading->path, reading->line, text);
}

// ---- what was seen already ----------------------------------------------------------------------

static const struct seen *seen_find(const struct seen_list *list, const char *text)
{
    const struct seen *seen = NULL;
    SLIST_FOREACH(seen, list, link)
    {
        if (strcmp(seen->text, text) == 0)
            break;
    }
    return seen;
}

static bool seen_add(struct reading *reading, struct seen_list *list, const char *text)
{
    size_t size = strlen(text) + 1;
    struct seen *seen = malloc(sizeof(*seen) + size);
    if (!seen)
        return fail(reading, "out of memory");
    seen->line = reading->line;
    memcpy(seen->text, text, size);
    SLIST_INSERT_HEAD(list, seen, link);
    return true;
}

static void seen_clear(struct seen_list *list)
{
    while (!SLIST_EMPTY(list)) {
        struct seen *seen = SLIST_FIRST(list);
        SLIST_REMOVE_HEAD(list, link);
        free(seen);
    }
}

// ---- from bytes to a clean line -----------------------------------------------------------------

// The next line without its end; false at the end of the file or on failure.
static bool read_line(struct reading *reading, char line[OPTION_LINE_BYTES + 1])
{
    size_t len = 0;
    int byte = getc(reading->file);
    bool at_end = byte == EOF;
    reading->line++;
    for (; byte != EOF && byte != '\n'; byte = getc(reading->file)) {
        if (byte == '\0')
            return fail(reading, "a NUL byte: expected a text file");
        if (len == OPTION_LINE_BYTES)
            return fail(
                reading, "the line is too long: expected at most %d bytes", OPTION_LINE_BYTES);
        line[len++] = (char)byte;
    }
    line[len] = '\0';
    if (ferror(reading->file)) {
        reading->failed = true;
        return err_sys(reading->err, ERR_OPTION, errno, "%s: cannot read the configuration file",
            reading->path);
    }
    return !at_end;
}

static bool is_comment(const char *line, const char *at)
{
    return (*at == '#' || *at == ';') && (at == line || strchr(blanks, at[-1]));
}

char *option_line_clean(char *line, bool is_first)
{
    static const char byte_order_mark[] = "\xEF\xBB\xBF";
    if (is_first && strncmp(line, byte_order_mark, strlen(byte_order_mark)) == 0)
        line += strlen(byte_order_mark);
    line += strspn(line, blanks);
    char *end = line;
    while (*end && !is_comment(line, end))
        end++;
    while (end > line && strchr(blanks, end[-1]))
        end--;
    *end = '\0';
    return line;
}

// ---- sections and values ------------------------------------------------------------------------

const char *option_section_of(const char *line, char out[OPTION_LINE_BYTES + 1])
{
    size_t len = strlen(line);
    size_t used = 0;
    if (len < 2 || *line != '[' || line[len - 1] != ']' || strcspn(line + 1, "[]") != len - 2)
        return NULL;
    for (const char *at = line + 1; *at != ']'; at++) {
        bool blank = strchr(blanks, *at) != NULL;
        if (!blank)
            out[used++] = *at;
        else if (used > 0 && out[used - 1] != ' ')
            out[used++] = ' ';
    }
    if (used > 0 && out[used - 1] == ' ')
        used--;
    out[used] = '\0';
    return used > 0 ? out : NULL;
}

bool option_section_fits(const char *section)
{
    char line[OPTION_LINE_BYTES + 1], read[OPTION_LINE_BYTES + 1];
    int len = snprintf(line, sizeof(line), "[%s]", section);
    return len <= OPTION_LINE_BYTES && section[strcspn(section, "\n")] == '\0' &&
           option_section_of(option_line_clean(line, false), read) && strcmp(read, section) == 0;
}

static bool on_section_line(struct reading *reading, const char *line)
{
    char section[OPTION_LINE_BYTES + 1];
    char origin[ORIGIN_BYTES];
    if (!option_section_of(line, section))
        return fail(
            reading, "\"%.*s\" is not a section head: expected \"[kind name]\"", SHOWN, line);
    const struct seen *earlier = seen_find(&reading->sections, section);
    if (earlier)
        return fail(reading, "[%.*s] is already on line %u: expected each section once", SHOWN,
            section, earlier->line);
    if (!seen_add(reading, &reading->sections, section))
        return false;
    seen_clear(&reading->names);
    snprintf(origin, sizeof(origin), "%s:%u: [%.*s]", reading->path, reading->line, SHOWN, section);
    if (reading->reader->on_section(reading->reader->arg, section, origin, reading->err))
        return true;
    reading->failed = true;
    return false;
}

static bool is_value_line(const char *line)
{
    size_t name = strspn(line, name_characters);
    size_t gap = strspn(line + name, blanks);
    return name > 0 && line[name + gap] == '=';
}

// What stands behind a scheme may be a password: it is not shown.
static void fail_no_option(struct reading *reading, const char *text)
{
    const char *scheme = strstr(text, "://");
    size_t len = scheme ? (size_t)(scheme - text) + strlen("://") : strlen(text);
    fail(reading, "\"%.*s%s\" is not an option: expected \"name = value\" or \"[kind name]\"",
        len < SHOWN ? (int)len : SHOWN, text, scheme ? "..." : "");
}

// inih's fgets: only lines of the right form reach it. NULL ends the parse, at the end of the file
// or at the first failure.
static char *next_line(char *out, int size, void *arg)
{
    struct reading *reading = arg;
    char line[OPTION_LINE_BYTES + 1];
    while (!reading->failed && read_line(reading, line)) {
        const char *text = option_line_clean(line, reading->line == 1);
        if (*text == '\0')
            continue;
        if (*text == '[') {
            if (!on_section_line(reading, text))
                return NULL;
            continue;
        }
        if (!is_value_line(text)) {
            fail_no_option(reading, text);
            return NULL;
        }
        snprintf(out, (size_t)size, "%s", text);
        return out;
    }
    return NULL;
}

static int on_value_line(void *arg, const char *section, const char *name, const char *value)
{
    struct reading *reading = arg;
    char origin[ORIGIN_BYTES];
    const struct seen *earlier = seen_find(&reading->names, name);
    (void)section; // tracked by on_section_line: inih cuts it at 49 bytes
    if (earlier)
        return fail(reading, "%s is already set on line %u: expected it once in a section", name,
            earlier->line);
    if (!seen_add(reading, &reading->names, name))
        return false;
    snprintf(origin, sizeof(origin), "%s:%u: %s", reading->path, reading->line, name);
    if (reading->reader->on_value(reading->reader->arg, name, value, origin, reading->err))
        return true;
    reading->failed = true;
    return false;
}

// Closes the file.
static bool read_stream(
    FILE *file, const char *path, const struct option_reader *reader, struct err *err)
{
    struct reading reading = { .path = path, .file = file, .reader = reader, .err = err };
    SLIST_INIT(&reading.sections);
    SLIST_INIT(&reading.names);
    int broken_line = ini_parse_stream(next_line, &reading, on_value_line, &reading);
    if (broken_line != 0 && !reading.failed)
        fail(&reading, "the configuration parser failed (%d)", broken_line);
    fclose(file);
    seen_clear(&reading.sections);
    seen_clear(&reading.names);
    return !reading.failed;
}

bool option_read_file(const char *path, const struct option_reader *reader, struct err *err)
{
    FILE *file = os_fopen(path, "r");
    if (!file)
        return err_sys(err, ERR_OPTION, errno, "%s: cannot open the configuration file", path);
    return read_stream(file, path, reader, err);
}

bool option_read_text(
    const char *path, char *text, const struct option_reader *reader, struct err *err)
{
    FILE *file = fmemopen(text, strlen(text), "r");
    if (!file)
        return err_sys(err, ERR_MEMORY, errno, "%s: cannot be looked at", path);
    return read_stream(file, path, reader, err);
}
