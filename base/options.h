// SPDX-License-Identifier: Apache-2.0
//
// Options as data: one row per option says its name, type, place in a struct, default, bounds,
// flags, unit and help. Flags, TIDBLINK_* variables, the configuration file, --help, and what a
// reload may change all come from the rows; the rows themselves belong to the program
// (app/settings.c, emulator/). Any thread; nothing here keeps state.
#pragma once

#include "base/defs.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct err;

enum option_type {
    OPTION_BOOL,   // bool: on/off, true/false, yes/no, 1/0; a bare flag means on
    OPTION_UINT,   // uint64_t within min..max
    OPTION_MS,     // uint64_t milliseconds: "500ms", "4s", "2m", "1h"; a bare number is refused
    OPTION_TEXT,   // char *, owned
    OPTION_CHOICE, // int, index into choices
    OPTION_LIST,   // struct option_list: comma-separated, blanks around items dropped
    OPTION_MODE,   // uint64_t, octal file mode: "0660"
};

struct option_list {
    char **items; // owned
    size_t count;
};

enum {
    OPTION_RELOAD = 1 << 0,  // SIGHUP applies it to new connections
    OPTION_SECRET = 1 << 1,  // never printed
    OPTION_NO_FLAG = 1 << 2, // not on the command line (secrets)
};

struct option_row {
    const char *name; // as in the file and after "--"
    enum option_type type;
    size_t offset;
    const char *fallback; // parsed like any value; NULL: zero or NULL
    uint64_t min, max;    // UINT and MS; max 0: no bound
    unsigned flags;
    const char *const *choices; // NULL-terminated; CHOICE only
    const char *unit;           // for --help: "ADDR[,ADDR]", "PATH"; NULL for the type's own word
    const char *help;           // one sentence, lower case, no full stop
};

// A table and what its values are stored in.
struct option_table {
    const struct option_row *rows;
    size_t count;
};

// NULL if there is none. `name` with '_' instead of '-' is not found: names have one spelling.
const struct option_row *option_find(const struct option_table *table, const char *name);
// Puts the default of every row into `target` (zeroed memory). Fails only on a wrong table.
bool option_defaults(const struct option_table *table, void *target, struct err *err) MUST_CHECK;
// Reads `text` into target. The error names `origin` ("--listen", "TIDBLINK_LISTEN",
// "tidblink.conf:12: listen"), the value (unless secret) and what was expected. Replaces an old
// value.
bool option_assign(const struct option_row *row, void *target, const char *text, const char *origin,
    struct err *err) MUST_CHECK;
// Frees what the rows own and zeroes it.
void option_free(const struct option_table *table, void *target);
// Whether two targets hold the same value; what a reload compares.
bool option_equal(const struct option_row *row, const void *a, const void *b);
// The value as option_assign would read it; secrets as "(secret)". The caller frees.
char *option_format(const struct option_row *row, const void *target);

// What the environment says for a row (PREFIX_NAME, "TIDBLINK_HOLD_TIMEOUT"), or NULL; `origin`
// gets the variable's name.
enum { OPTION_VARIABLE_BYTES = 96 };
const char *option_variable(
    const struct option_row *row, const char *prefix, char origin[OPTION_VARIABLE_BYTES]);
// Every row for which PREFIX_NAME ("TIDBLINK_HOLD_TIMEOUT") is set in the environment. Unknown
// names with the prefix are ignored: other programs use it too.
bool option_environment(
    const struct option_table *table, const char *prefix, void *target, struct err *err) MUST_CHECK;

// --help lines of the rows, wrapped at 80 columns.
void option_help(const struct option_table *table, FILE *out);

// Reads a configuration file ("name = value", "[kind name]", '#' and ';' comments, lines up to
// OPTION_LINE_BYTES) and calls on_section for every section head, also an empty one, and on_value
// for every value, with the origin "FILE:LINE: name". A duplicate section, a duplicate name in a
// section and a line that is neither are errors; so is a callback's false, whose err is passed on.
enum { OPTION_LINE_BYTES = 198 };
struct option_reader {
    void *arg;
    bool (*on_section)(void *arg, const char *section, const char *origin, struct err *err);
    bool (*on_value)(
        void *arg, const char *name, const char *value, const char *origin, struct err *err);
};
bool option_read_file(
    const char *path, const struct option_reader *reader, struct err *err) MUST_CHECK;
// The same of a text that is to become the file `path`.
bool option_read_text(
    const char *path, char *text, const struct option_reader *reader, struct err *err) MUST_CHECK;
// What the reader makes of a line: in place, without byte order mark, comment, and blanks around.
char *option_line_clean(char *line, bool is_first);
// What is between the brackets of a clean line, runs of blanks as one space; NULL if it is no
// section head.
const char *option_section_of(const char *line, char out[OPTION_LINE_BYTES + 1]);
// Whether a section can have this name, as it stands.
bool option_section_fits(const char *section);

// Sets one value in a section ("cluster orders") of a file that is there, or takes it out when
// value is NULL; a section that is missing is added at the end. All else stays as it was written,
// and the file is replaced as a whole (file.h), but only by what the reader reads back as it was
// meant. The caller knows that name and value are valid.
bool option_file_set(const char *path, const char *section, const char *name, const char *value,
    struct err *err) MUST_CHECK;

void option_list_free(struct option_list *list);
bool option_list_add(struct option_list *list, const char *item) MUST_CHECK; // copies
