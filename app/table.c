// SPDX-License-Identifier: Apache-2.0
//
// Columns and paragraphs for a terminal of 80 columns: whatever commands print for people. Widths
// are counted in characters of UTF-8, not in bytes.
#include "app/table.h"

#include "base/err.h"
#include "base/os.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { WIDTH = 80, GAP = 2, FIRST_MIN = 8, LABEL = 10, INDENT = 2 };

static size_t width_of(const char *text)
{
    size_t width = 0;
    for (; *text; text++)
        width += ((unsigned char)*text & 0xC0) != 0x80;
    return width;
}

void table_init(struct table *table, size_t columns)
{
    *table = (struct table){ .columns = columns };
}

void table_add(struct table *table, const char *const *cells)
{
    size_t used = table->rows * table->columns;
    char **grown = os_reallocarray(table->cells, used + table->columns, sizeof(*grown));
    if (!grown) {
        table->failed = true;
        return;
    }
    table->cells = grown;
    for (size_t i = 0; i < table->columns; i++) {
        grown[used + i] = strdup(cells[i] ? cells[i] : "");
        table->failed |= !grown[used + i];
    }
    table->rows++;
}

static void measure(const struct table *table, size_t widths[TABLE_COLUMNS_MAX])
{
    size_t total = 0;
    for (size_t column = 0; column < table->columns; column++) {
        widths[column] = 0;
        for (size_t row = 0; row < table->rows; row++) {
            size_t width = width_of(table->cells[row * table->columns + column]);
            if (width > widths[column])
                widths[column] = width;
        }
        total += widths[column] + GAP;
    }
    size_t over = total > WIDTH + GAP ? total - WIDTH - GAP : 0;
    if (over > 0)
        widths[0] = widths[0] > FIRST_MIN + over ? widths[0] - over : FIRST_MIN;
}

// The first `max` characters.
static int bytes_of(const char *text, size_t max)
{
    const char *at = text;
    for (size_t width = 0; *at; at++) {
        if (((unsigned char)*at & 0xC0) == 0x80)
            continue;
        if (width++ == max)
            break;
    }
    return (int)(at - text);
}

static void print_cell(const char *text, size_t width, bool last, FILE *out)
{
    size_t shown = width_of(text);
    if (shown > width) {
        fprintf(out, "%.*s...", bytes_of(text, width - 3), text);
        shown = width;
    } else {
        fputs(text, out);
    }
    if (!last)
        fprintf(out, "%*s", (int)(width - shown + GAP), "");
}

bool table_print(const struct table *table, FILE *out)
{
    size_t widths[TABLE_COLUMNS_MAX] = { 0 };
    if (table->failed)
        return false;
    measure(table, widths);
    for (size_t row = 0; row < table->rows; row++) {
        char *const *cells = table->cells + row * table->columns;
        size_t last = table->columns - 1;
        while (last > 0 && !*cells[last])
            last--;
        for (size_t column = 0; column <= last; column++)
            print_cell(cells[column], widths[column], column == last, out);
        fputc('\n', out);
    }
    return true;
}

void table_done(struct table *table)
{
    for (size_t i = 0; i < table->rows * table->columns; i++)
        free(table->cells[i]);
    free(table->cells);
    *table = (struct table){ 0 };
}

void table_paragraph(FILE *out, const char *lead, size_t column, const char *text)
{
    size_t at = width_of(lead);
    bool begun = false;
    fputs(lead, out);
    while (*text) {
        size_t bytes = strcspn(text, " ");
        char word[512];
        snprintf(word, sizeof(word), "%.*s", (int)bytes, text);
        if (begun && at + 1 + width_of(word) > WIDTH) {
            fprintf(out, "\n%*s", (int)column, "");
            at = column;
            begun = false;
        }
        at += begun + width_of(word);
        fprintf(out, "%s%s", begun ? " " : "", word);
        begun = true;
        text += bytes;
        text += strspn(text, " ");
    }
    fputc('\n', out);
}

void table_field(FILE *out, const char *label, const char *text)
{
    char lead[128];
    if (!text || !*text)
        return;
    snprintf(lead, sizeof(lead), "%*s%-*s", INDENT, "", LABEL, label);
    table_paragraph(out, lead, INDENT + LABEL, text);
}

bool table_flush(FILE *out, struct err *err)
{
    return (!ferror(out) && fflush(out) == 0) ||
           err_sys(err, ERR_FILE, errno, "what it prints cannot be written");
}
