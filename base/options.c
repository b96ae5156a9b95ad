// SPDX-License-Identifier: Apache-2.0
//
// The option engine: text into typed values and back, as the rows of a table say. What the rows are
// is the program's business (app/settings.c, emulator/); options_file.c reads the configuration
// file and options_help.c prints --help. Keeps no state; any thread.
#include "base/options.h"

#include "base/cursor.h"
#include "base/err.h"
#include "base/os.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum { QUOTE_BYTES = 72, EXPECTED_BYTES = 256, RANGE_BYTES = 80, DURATION_BYTES = 32 };

// Largest first: a duration is printed in the first unit that divides it.
static const struct {
    const char *suffix;
    uint64_t ms;
} duration_units[] = {
    { "h", 3600000 },
    { "m", 60000 },
    { "s", 1000 },
    { "ms", 1 },
};

const struct option_row *option_find(const struct option_table *table, const char *name)
{
    for (size_t i = 0; i < table->count; i++) {
        if (strcmp(table->rows[i].name, name) == 0)
            return &table->rows[i];
    }
    return NULL;
}

static void *place(const struct option_row *row, void *target)
{
    return (char *)target + row->offset;
}

static const void *place_const(const struct option_row *row, const void *target)
{
    return (const char *)target + row->offset;
}

// ---- what is wrong with a value, in words -------------------------------------------------------

// The value in quotes, printable and cut; a secret never leaves its option.
static const char *quote(const struct option_row *row, const char *text, char out[QUOTE_BYTES])
{
    enum { SHOWN = 60 };
    if (row->flags & OPTION_SECRET)
        return "the value (secret)";
    snprintf(out, QUOTE_BYTES, "\"%.*s%s\"", SHOWN, text, strlen(text) > SHOWN ? "..." : "");
    for (char *at = out; *at; at++) {
        if (iscntrl((unsigned char)*at))
            *at = '?';
    }
    return out;
}

static bool refuse(const struct option_row *row, const char *text, const char *origin,
    struct err *err, const char *expected, ...) PRINTF_LIKE(5, 6);
static bool refuse(const struct option_row *row, const char *text, const char *origin,
    struct err *err, const char *expected, ...)
{
    char quoted[QUOTE_BYTES];
    char words[EXPECTED_BYTES];
    va_list args;
    va_start(args, expected);
    vsnprintf(words, sizeof(words), expected, args);
    va_end(args);
    return err_set(err, ERR_OPTION, "%s: %s is not valid: expected %s", origin,
        quote(row, text, quoted), words);
}

static const char *format_duration(uint64_t ms, char out[DURATION_BYTES])
{
    if (ms == 0)
        return "0s";
    size_t unit = 0;
    while (ms % duration_units[unit].ms != 0)
        unit++;
    snprintf(out, DURATION_BYTES, "%" PRIu64 "%s", ms / duration_units[unit].ms,
        duration_units[unit].suffix);
    return out;
}

static const char *format_bound(const struct option_row *row, uint64_t n, char out[DURATION_BYTES])
{
    if (row->type == OPTION_MS)
        return format_duration(n, out);
    snprintf(out, DURATION_BYTES, "%" PRIu64, n);
    return out;
}

// " from 1 to 64", " of at least 1", or nothing.
static const char *format_range(const struct option_row *row, char out[RANGE_BYTES])
{
    char min[DURATION_BYTES];
    char max[DURATION_BYTES];
    const char *from = format_bound(row, row->min, min);
    if (row->max != 0)
        snprintf(out, RANGE_BYTES, " from %s to %s", from, format_bound(row, row->max, max));
    else if (row->min != 0)
        snprintf(out, RANGE_BYTES, " of at least %s", from);
    else
        out[0] = '\0';
    return out;
}

static uint64_t upper_bound(const struct option_row *row)
{
    return row->max != 0 ? row->max : UINT64_MAX;
}

// ---- one reader per type: text into the row's place, untouched on failure
// ------------------------

typedef bool (*read_fn)(
    const struct option_row *row, void *at, const char *text, const char *origin, struct err *err);

static bool read_bool(
    const struct option_row *row, void *at, const char *text, const char *origin, struct err *err)
{
    static const char *const words[][2] = {
        { "off", "on" },
        { "false", "true" },
        { "no", "yes" },
        { "0", "1" },
    };
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        for (int value = 0; value < 2; value++) {
            if (strcmp(text, words[i][value]) == 0) {
                *(bool *)at = value == 1;
                return true;
            }
        }
    }
    return refuse(row, text, origin, err, "on or off");
}

static bool read_uint(
    const struct option_row *row, void *at, const char *text, const char *origin, struct err *err)
{
    char range[RANGE_BYTES];
    if (parse_uint(text, row->min, upper_bound(row), at))
        return true;
    return refuse(row, text, origin, err, "a whole number%s", format_range(row, range));
}

// The milliseconds of a unit's suffix, 0 if it is none.
static uint64_t unit_of(const char *suffix)
{
    for (size_t i = 0; i < ARRAY_LEN(duration_units); i++) {
        if (strcmp(suffix, duration_units[i].suffix) == 0)
            return duration_units[i].ms;
    }
    return 0;
}

static bool read_ms(
    const struct option_row *row, void *at, const char *text, const char *origin, struct err *err)
{
    char range[RANGE_BYTES];
    char number[DURATION_BYTES];
    uint64_t count = 0;
    size_t digits = strspn(text, "0123456789");
    if (digits > 0 && text[digits] == '\0' && !(row->flags & OPTION_SECRET))
        return refuse(
            row, text, origin, err, "a unit behind the number, as in %sms or %ss", text, text);
    snprintf(number, sizeof(number), "%.*s", (int)digits, text);
    uint64_t unit_ms = unit_of(text + digits);
    if (digits < sizeof(number) && unit_ms != 0 &&
        parse_uint(number, 0, upper_bound(row) / unit_ms, &count) && count * unit_ms >= row->min) {
        *(uint64_t *)at = count * unit_ms;
        return true;
    }
    return refuse(row, text, origin, err, "a duration%s, written like 250ms, 4s, 2m or 1h",
        format_range(row, range));
}

// An empty text is no text: `state-dir =` takes the default back, and so does an empty variable.
static bool read_text(
    const struct option_row *row, void *at, const char *text, const char *origin, struct err *err)
{
    char **place_of_text = at;
    char *copy = NULL;
    if (!*text)
        text = row->fallback;
    if (text && !(copy = strdup(text)))
        return err_set(err, ERR_MEMORY, "%s: out of memory", origin);
    free(*place_of_text);
    *place_of_text = copy;
    return true;
}

static bool read_choice(
    const struct option_row *row, void *at, const char *text, const char *origin, struct err *err)
{
    char words[EXPECTED_BYTES] = "";
    size_t len = 0;
    for (int i = 0; row->choices[i]; i++) {
        if (strcmp(text, row->choices[i]) == 0) {
            *(int *)at = i;
            return true;
        }
        const char *joint = i == 0 ? "" : row->choices[i + 1] ? ", " : " or ";
        if (len < sizeof(words))
            len += snprintf(words + len, sizeof(words) - len, "%s%s", joint, row->choices[i]);
    }
    return refuse(row, text, origin, err, "%s", words);
}

static bool split_list(char *text, struct option_list *out)
{
    static const char blanks[] = " \t";
    for (char *rest = text, *item; (item = os_strsep(&rest, ","));) {
        item += strspn(item, blanks);
        size_t len = strlen(item);
        while (len > 0 && strchr(blanks, item[len - 1]))
            len--;
        item[len] = '\0';
        if (len == 0 || !option_list_add(out, item))
            return false;
    }
    return true;
}

static bool read_list(
    const struct option_row *row, void *at, const char *text, const char *origin, struct err *err)
{
    struct option_list list = { 0 };
    char *copy = strdup(text);
    bool ok = copy && (text[strspn(text, " \t")] == '\0' || split_list(copy, &list));
    free(copy);
    if (!ok) {
        option_list_free(&list);
        return refuse(row, text, origin, err, "items with commas between them, none of them empty");
    }
    option_list_free(at);
    *(struct option_list *)at = list;
    return true;
}

static bool read_mode(
    const struct option_row *row, void *at, const char *text, const char *origin, struct err *err)
{
    size_t len = strlen(text);
    if (len < 3 || len > 4 || strspn(text, "01234567") != len || (len == 4 && text[0] != '0'))
        return refuse(row, text, origin, err, "an octal file mode such as 0660");
    uint64_t mode = 0;
    for (const char *digit = text; *digit; digit++)
        mode = mode * 8 + (uint64_t)(*digit - '0');
    *(uint64_t *)at = mode;
    return true;
}

bool option_assign(const struct option_row *row, void *target, const char *text, const char *origin,
    struct err *err)
{
    static const read_fn readers[] = {
        [OPTION_BOOL] = read_bool,
        [OPTION_UINT] = read_uint,
        [OPTION_MS] = read_ms,
        [OPTION_TEXT] = read_text,
        [OPTION_CHOICE] = read_choice,
        [OPTION_LIST] = read_list,
        [OPTION_MODE] = read_mode,
    };
    return readers[row->type](row, place(row, target), text, origin, err);
}

// ---- whole tables -------------------------------------------------------------------------------

bool option_defaults(const struct option_table *table, void *target, struct err *err)
{
    for (size_t i = 0; i < table->count; i++) {
        const struct option_row *row = &table->rows[i];
        char origin[64];
        snprintf(origin, sizeof(origin), "default of %s", row->name);
        if (row->fallback && !option_assign(row, target, row->fallback, origin, err))
            return false;
    }
    return true;
}

void option_free(const struct option_table *table, void *target)
{
    for (size_t i = 0; i < table->count; i++) {
        void *at = place(&table->rows[i], target);
        switch (table->rows[i].type) {
        case OPTION_BOOL:
            *(bool *)at = false;
            break;
        case OPTION_UINT:
        case OPTION_MS:
        case OPTION_MODE:
            *(uint64_t *)at = 0;
            break;
        case OPTION_CHOICE:
            *(int *)at = 0;
            break;
        case OPTION_TEXT:
            free(*(char **)at);
            *(char **)at = NULL;
            break;
        case OPTION_LIST:
            option_list_free(at);
            break;
        }
    }
}

static bool equal_texts(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

static bool equal_lists(const struct option_list *a, const struct option_list *b)
{
    if (a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; i++) {
        if (strcmp(a->items[i], b->items[i]) != 0)
            return false;
    }
    return true;
}

bool option_equal(const struct option_row *row, const void *a, const void *b)
{
    const void *left = place_const(row, a);
    const void *right = place_const(row, b);
    switch (row->type) {
    case OPTION_BOOL:
        return *(const bool *)left == *(const bool *)right;
    case OPTION_UINT:
    case OPTION_MS:
    case OPTION_MODE:
        return *(const uint64_t *)left == *(const uint64_t *)right;
    case OPTION_CHOICE:
        return *(const int *)left == *(const int *)right;
    case OPTION_TEXT:
        return equal_texts(*(char *const *)left, *(char *const *)right);
    case OPTION_LIST:
        return equal_lists(left, right);
    }
    abort();
}

static char *format_list(const struct option_list *list)
{
    size_t size = 1;
    for (size_t i = 0; i < list->count; i++)
        size += strlen(list->items[i]) + strlen(", ");
    char *text = calloc(1, size);
    size_t len = 0;
    for (size_t i = 0; text && i < list->count; i++)
        len += snprintf(text + len, size - len, "%s%s", i == 0 ? "" : ", ", list->items[i]);
    return text;
}

char *option_format(const struct option_row *row, const void *target)
{
    const void *at = place_const(row, target);
    char number[DURATION_BYTES];
    if (row->flags & OPTION_SECRET)
        return strdup("(secret)");
    switch (row->type) {
    case OPTION_BOOL:
        return strdup(*(const bool *)at ? "on" : "off");
    case OPTION_UINT:
    case OPTION_MS:
        return strdup(format_bound(row, *(const uint64_t *)at, number));
    case OPTION_MODE:
        snprintf(number, sizeof(number), "%04" PRIo64, *(const uint64_t *)at);
        return strdup(number);
    case OPTION_CHOICE:
        return strdup(row->choices[*(const int *)at]);
    case OPTION_TEXT:
        return strdup(*(char *const *)at ? *(char *const *)at : "");
    case OPTION_LIST:
        return format_list(at);
    }
    abort();
}

const char *option_variable(
    const struct option_row *row, const char *prefix, char origin[OPTION_VARIABLE_BYTES])
{
    snprintf(origin, OPTION_VARIABLE_BYTES, "%s_%s", prefix, row->name);
    for (char *at = origin; *at; at++) {
        if (*at == '-')
            *at = '_';
        else if (*at >= 'a' && *at <= 'z') // toupper() would ask the locale
            *at = (char)(*at - 'a' + 'A');
    }
    return getenv(origin);
}

bool option_environment(
    const struct option_table *table, const char *prefix, void *target, struct err *err)
{
    for (size_t i = 0; i < table->count; i++) {
        char name[OPTION_VARIABLE_BYTES];
        const char *text = option_variable(&table->rows[i], prefix, name);
        if (text && !option_assign(&table->rows[i], target, text, name, err))
            return false;
    }
    return true;
}

// ---- lists --------------------------------------------------------------------------------------

void option_list_free(struct option_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        free(list->items[i]);
    free(list->items);
    *list = (struct option_list){ 0 };
}

bool option_list_add(struct option_list *list, const char *item)
{
    char **items = os_reallocarray(list->items, list->count + 1, sizeof(*items));
    if (!items)
        return false;
    list->items = items;
    items[list->count] = strdup(item);
    if (!items[list->count])
        return false;
    list->count++;
    return true;
}
