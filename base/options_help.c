// SPDX-License-Identifier: Apache-2.0
//
// --help of an option table: flag and unit on the left, the sentence on the right, wrapped at 80
// columns. What cannot be a flag (secrets) is listed too, with where it can be set.
#include "base/options.h"

#include <string.h>

enum { WIDTH = 80, MARGIN = 2, GAP = 2, HELP_COLUMN_MAX = 32, LEFT_BYTES = 128, RIGHT_BYTES = 512 };

static const char *unit_word(const struct option_row *row)
{
    if (row->unit)
        return row->unit;
    switch (row->type) {
    case OPTION_BOOL:
    case OPTION_CHOICE:
        return "";
    case OPTION_UINT:
        return "N";
    case OPTION_MS:
        return "TIME";
    case OPTION_TEXT:
        return "TEXT";
    case OPTION_LIST:
        return "ITEM[,ITEM]";
    case OPTION_MODE:
        return "MODE";
    }
    return "";
}

// "--hold-timeout TIME"; returns its length.
static size_t format_left(const struct option_row *row, char out[LEFT_BYTES])
{
    const char *unit = unit_word(row);
    const char *dashes = row->flags & OPTION_NO_FLAG ? "" : "--";
    int len = snprintf(out, LEFT_BYTES, "%s%s%s%s", dashes, row->name, *unit ? " " : "", unit);
    if (row->type != OPTION_CHOICE || row->unit)
        return len;
    for (size_t i = 0; row->choices[i] && len < LEFT_BYTES; i++)
        len += snprintf(out + len, LEFT_BYTES - len, "%c%s", i == 0 ? ' ' : '|', row->choices[i]);
    return strlen(out);
}

static void format_right(const struct option_row *row, char out[RIGHT_BYTES])
{
    const char *where = row->flags & OPTION_NO_FLAG ? " (file or environment only)" : "";
    if (row->fallback && *row->fallback && !(row->flags & OPTION_SECRET))
        snprintf(out, RIGHT_BYTES, "%s%s (default %s)", row->help, where, row->fallback);
    else
        snprintf(out, RIGHT_BYTES, "%s%s", row->help, where);
}

// The words of `text` from `column` on; the cursor stands at `column` already.
static void print_wrapped(const char *text, int column, FILE *out)
{
    int at = column;
    while (*text) {
        int word = (int)strcspn(text, " ");
        if (at > column && at + 1 + word > WIDTH) {
            fprintf(out, "\n%*s", column, "");
            at = column;
        }
        at += fprintf(out, "%s%.*s", at > column ? " " : "", word, text);
        text += word;
        text += strspn(text, " ");
    }
    fputc('\n', out);
}

void option_help(const struct option_table *table, FILE *out)
{
    char left[LEFT_BYTES];
    char right[RIGHT_BYTES];
    int column = 0;
    for (size_t i = 0; i < table->count; i++) {
        int wanted = MARGIN + (int)format_left(&table->rows[i], left) + GAP;
        if (wanted > column && wanted <= HELP_COLUMN_MAX)
            column = wanted;
    }
    for (size_t i = 0; i < table->count; i++) {
        int len = (int)format_left(&table->rows[i], left);
        format_right(&table->rows[i], right);
        fprintf(out, "%*s%s", MARGIN, "", left);
        if (MARGIN + len + GAP > column)
            fprintf(out, "\n%*s", column, "");
        else
            fprintf(out, "%*s", column - MARGIN - len, "");
        print_wrapped(right, column, out);
    }
}
