// SPDX-License-Identifier: Apache-2.0
//
// Changing one value in a configuration file that a person wrote: every other byte of it, comments
// and blanks too, stays as it is. The lines are those that options_file.c reads.
#include "base/err.h"
#include "base/file.h"
#include "base/options.h"

#include <stdlib.h>
#include <string.h>

enum { CONFIG_BYTES_MAX = 1 << 20, NEW_FILE_MODE = 0640 };

// A stretch of the file's text.
struct span {
    const char *at;
    size_t len;
};

static struct span next_line(const char *text)
{
    const char *end = strchr(text, '\n');
    return (struct span){ text, end ? (size_t)(end - text) + 1 : strlen(text) };
}

static struct span trim(struct span line)
{
    while (line.len > 0 && strchr(" \t\r\n", line.at[line.len - 1]))
        line.len--;
    while (line.len > 0 && strchr(" \t", *line.at)) {
        line.at++;
        line.len--;
    }
    return line;
}

static bool is_text(struct span span, const char *text)
{
    return span.len == strlen(text) && strncmp(span.at, text, span.len) == 0;
}

// "[cluster orders]   # comment" names `section`.
static bool is_section(struct span line, const char *section)
{
    const char *end = memchr(line.at, ']', line.len);
    if (line.len < 2 || *line.at != '[' || !end)
        return false;
    return is_text(trim((struct span){ line.at + 1, (size_t)(end - line.at) - 1 }), section);
}

static bool is_value(struct span line, const char *name)
{
    const char *equals = memchr(line.at, '=', line.len);
    return equals && is_text(trim((struct span){ line.at, (size_t)(equals - line.at) }), name);
}

// Where the value goes: in place of `old` (len 0: a new line in front of it).
struct place {
    struct span old;
    bool has_section;
};

// A new line goes behind the section's last value, before the blanks and comments that lead to the
// next section.
static struct place find_place(const char *text, const char *section, const char *name)
{
    struct place place = { .old = { text + strlen(text), 0 } };
    struct span line;
    bool inside = false;
    for (const char *at = text; *at; at += line.len) {
        line = next_line(at);
        struct span words = trim(line);
        if (words.len > 0 && *words.at == '[') {
            if (inside)
                break;
            inside = is_section(words, section);
            if (inside)
                place = (struct place){ { at + line.len, 0 }, true };
        } else if (inside && is_value(words, name)) {
            return (struct place){ line, true };
        } else if (inside && words.len > 0 && !strchr("#;", *words.at)) {
            place.old.at = at + line.len;
        }
    }
    return place;
}

// The new text of the file; the caller frees. NULL without memory.
static char *edit(const char *text, const char *section, const char *name, const char *value)
{
    struct place place = find_place(text, section, name);
    char *out = NULL;
    size_t len = 0;
    FILE *stream = open_memstream(&out, &len);
    if (!stream)
        return NULL;
    fprintf(stream, "%.*s", (int)(place.old.at - text), text);
    bool needs_newline = place.old.at > text && place.old.at[-1] != '\n';
    if (value && needs_newline)
        fputc('\n', stream);
    if (value && !place.has_section)
        fprintf(stream, "%s[%s]\n", *text ? "\n" : "", section);
    if (value)
        fprintf(stream, "%s = %s\n", name, value);
    fputs(place.old.at + place.old.len, stream);
    bool written = fclose(stream) == 0;
    if (written)
        return out;
    free(out);
    return NULL;
}

bool option_file_set(
    const char *path, const char *section, const char *name, const char *value, struct err *err)
{
    char *text = file_read(path, CONFIG_BYTES_MAX, NULL, err);
    if (!text)
        return false;
    char *edited = edit(text, section, name, value);
    bool same = edited && strcmp(edited, text) == 0;
    free(text);
    if (!edited)
        return err_set(err, ERR_MEMORY, "out of memory");
    bool done = same || file_replace(path, edited, strlen(edited), NEW_FILE_MODE, err);
    free(edited);
    return done;
}
