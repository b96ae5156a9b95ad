// SPDX-License-Identifier: Apache-2.0
//
// Changing one value in a configuration file that a person wrote: every other byte of it, comments
// and blanks too, stays as it is. What a line means is what options_file.c, the reader, says.
#include "base/err.h"
#include "base/file.h"
#include "base/memory_file.h"
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

// The line as the reader sees it.
static char *clean(struct span line, bool is_first, char out[OPTION_LINE_BYTES + 1])
{
    size_t len = line.len > 0 && line.at[line.len - 1] == '\n' ? line.len - 1 : line.len;
    snprintf(out, OPTION_LINE_BYTES + 1, "%.*s", (int)len, line.at);
    return option_line_clean(out, is_first);
}

static bool is_section(const char *line, const char *section)
{
    char name[OPTION_LINE_BYTES + 1];
    return option_section_of(line, name) && strcmp(name, section) == 0;
}

static bool is_value(const char *line, const char *name)
{
    size_t len = strlen(name);
    return strncmp(line, name, len) == 0 && line[len + strspn(line + len, " \t\r")] == '=';
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
        char copy[OPTION_LINE_BYTES + 1];
        line = next_line(at);
        const char *words = clean(line, at == text, copy);
        if (*words == '[') {
            if (inside)
                break;
            inside = is_section(words, section);
            if (inside)
                place = (struct place){ { at + line.len, 0 }, true };
        } else if (inside && is_value(words, name)) {
            return (struct place){ line, true };
        } else if (inside && *words) {
            place.old.at = at + line.len;
        }
    }
    return place;
}

// The new text of the file; the caller frees. NULL without memory.
static char *edit(const char *text, const char *section, const char *name, const char *value)
{
    struct place place = find_place(text, section, name);
    struct memory_file file;
    if (!memory_file_open(&file))
        return NULL;
    fprintf(file.out, "%.*s", (int)(place.old.at - text), text);
    bool needs_newline = place.old.at > text && place.old.at[-1] != '\n';
    if (value && needs_newline)
        fputc('\n', file.out);
    if (value && !place.has_section)
        fprintf(file.out, "%s[%s]\n", *text ? "\n" : "", section);
    if (value)
        fprintf(file.out, "%s = %s\n", name, value);
    fputs(place.old.at + place.old.len, file.out);
    return memory_file_take(&file);
}

// ---- reading it back ----------------------------------------------------------------------------

struct reading_back {
    const char *section, *name, *value;
    bool inside, found, differs;
};

static bool on_section(void *arg, const char *section, const char *origin, struct err *err)
{
    struct reading_back *back = arg;
    (void)origin;
    (void)err;
    back->inside = strcmp(section, back->section) == 0;
    return true;
}

static bool on_value(
    void *arg, const char *name, const char *value, const char *origin, struct err *err)
{
    struct reading_back *back = arg;
    (void)origin;
    (void)err;
    if (!back->inside || strcmp(name, back->name) != 0)
        return true;
    back->found = true;
    back->differs = !back->value || strcmp(value, back->value) != 0;
    return true;
}

// A file that no command could read any more, or that says something else, is not written.
static bool reads_back(const char *path, char *edited, const char *section, const char *name,
    const char *value, struct err *err)
{
    struct reading_back back = { .section = section, .name = name, .value = value };
    const struct option_reader reader = { &back, on_section, on_value };
    if (!option_read_text(path, edited, &reader, err))
        return err_prefix(err, "it is left as it is, since it could not be read afterwards");
    if (back.found == !!value && !back.differs)
        return true;
    return err_set(err, ERR_OPTION,
        "%s: [%s] cannot have %s = %s, so the file is left as it is: expected a section name "
        "without brackets, # and ;",
        path, section, name, value ? value : "");
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
    bool done = same || (reads_back(path, edited, section, name, value, err) &&
                            file_replace(path, edited, strlen(edited), NEW_FILE_MODE, err));
    free(edited);
    return done;
}
