// SPDX-License-Identifier: Apache-2.0
//
// Asks on standard error, so that standard output stays what was asked for. Used by cmd_setup.c and
// cmd_endpoint.c.
#include "app/choose.h"

#include "app/table.h"
#include "base/cursor.h"
#include "base/err.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { ANSWER_BYTES = 128 };

bool choose_can_ask(void)
{
    return isatty(STDIN_FILENO) && isatty(STDERR_FILENO);
}

static bool read_answer(const char *question, char out[ANSWER_BYTES])
{
    fprintf(stderr, "%s ", question);
    fflush(stderr);
    if (!fgets(out, ANSWER_BYTES, stdin))
        return false;
    out[strcspn(out, "\n")] = '\0';
    return true;
}

static bool print_numbered(const struct table *table)
{
    struct table numbered;
    const char *cells[TABLE_COLUMNS_MAX] = { "NUMBER" };
    table_init(&numbered, table->columns + 1);
    for (size_t row = 0; row < table->rows; row++) {
        char number[24];
        snprintf(number, sizeof(number), "%zu", row);
        if (row > 0)
            cells[0] = number;
        for (size_t i = 0; i < table->columns; i++)
            cells[i + 1] = table->cells[row * table->columns + i];
        table_add(&numbered, cells);
    }
    bool printed = table_print(&numbered, stderr);
    table_done(&numbered);
    return printed;
}

bool choose_row(const char *question, const struct table *table, size_t *out, struct err *err)
{
    char answer[ANSWER_BYTES];
    uint64_t number;
    if (!print_numbered(table))
        return err_set(err, ERR_MEMORY, "out of memory");
    if (!read_answer(question, answer))
        return err_set(err, ERR_USAGE, "no answer");
    if (!parse_uint(answer, 1, table->rows - 1, &number))
        return err_set(err, ERR_USAGE, "\"%.40s\" is not one of the numbers: expected 1 to %zu",
            answer, table->rows - 1);
    *out = (size_t)number - 1;
    return true;
}

bool choose_yes(const char *question)
{
    char answer[ANSWER_BYTES];
    return read_answer(question, answer) && strcmp(answer, "yes") == 0;
}
