// SPDX-License-Identifier: Apache-2.0
//
// Splits a command line by the option tables. Knows nothing of clusters or settings; used by
// settings.c. Pure; any thread.
#include "app/cli.h"

#include "base/err.h"
#include "base/suggest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NAME_BYTES = 64 };

struct tables {
    const struct option_table *const *tables;
    size_t count;
};

static void unknown_option(const struct tables *tables, const char *name, struct err *err)
{
    struct suggest suggest = suggest_for(name);
    for (size_t t = 0; t < tables->count; t++) {
        for (size_t r = 0; r < tables->tables[t]->count; r++) {
            if (!(tables->tables[t]->rows[r].flags & OPTION_NO_FLAG))
                suggest_offer(&suggest, tables->tables[t]->rows[r].name);
        }
    }
    err_set(err, ERR_USAGE, "--%s: unknown option%s", name, suggest_text(&suggest));
}

// NULL if there is none that may be a flag.
static const struct option_row *find_row(
    const struct tables *tables, const char *name, size_t *out_table, struct err *err)
{
    for (size_t t = 0; t < tables->count; t++) {
        const struct option_row *row = option_find(tables->tables[t], name);
        if (!row)
            continue;
        *out_table = t;
        if (!(row->flags & OPTION_NO_FLAG))
            return row;
        err_set(err, ERR_USAGE,
            "--%s: not on the command line, where others could read it: set it in the "
            "configuration file",
            name);
        return NULL;
    }
    unknown_option(tables, name, err);
    return NULL;
}

// argv[0] is the option; *used says how many arguments it took.
static bool split_option(const struct tables *tables, char *const *argv, int argc, int *used,
    struct cli_item *item, struct err *err)
{
    char name[NAME_BYTES];
    const char *text = argv[0] + strspn(argv[0], "-");
    const char *equals = strchr(text, '=');
    size_t len = equals ? (size_t)(equals - text) : strlen(text);
    snprintf(name, sizeof(name), "%.*s", (int)len, text);
    if (argv[0][1] != '-')
        return err_set(err, ERR_USAGE, "-%s: unknown option; options begin with two dashes", name);
    item->row = find_row(tables, name, &item->table, err);
    if (!item->row)
        return false;
    *used = 1;
    if (equals) {
        item->text = equals + 1;
        return true;
    }
    if (item->row->type == OPTION_BOOL) {
        item->text = "on";
        return true;
    }
    if (argc < 2)
        return err_set(err, ERR_USAGE, "--%s: expected a value behind it", name);
    item->text = argv[1];
    *used = 2;
    return true;
}

bool cli_split(struct cli *cli, int argc, char *const *argv,
    const struct option_table *const *tables, size_t table_count, struct err *err)
{
    const struct tables all = { tables, table_count };
    bool words_only = false;
    *cli = (struct cli){ .items = calloc((size_t)argc + 1, sizeof(*cli->items)) };
    if (!cli->items)
        return err_set(err, ERR_MEMORY, "out of memory");
    for (int i = 0, used; i < argc; i += used) {
        struct cli_item item = { .table = (size_t)CLI_WORD, .text = argv[i] };
        used = 1;
        if (!words_only && strcmp(argv[i], "--") == 0) {
            words_only = true;
            continue;
        }
        bool is_option = !words_only && argv[i][0] == '-' && argv[i][1] != '\0';
        if (is_option && !split_option(&all, argv + i, argc - i, &used, &item, err)) {
            cli_done(cli);
            return false;
        }
        cli->items[cli->count++] = item;
    }
    return true;
}

void cli_done(struct cli *cli)
{
    free(cli->items);
    *cli = (struct cli){ 0 };
}

int cli_end(int argc, char *const *argv)
{
    int end = 0;
    while (end < argc && strcmp(argv[end], "--") != 0)
        end++;
    return end;
}
