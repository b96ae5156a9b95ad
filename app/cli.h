// SPDX-License-Identifier: Apache-2.0
//
// A command line split into words and options, before any value is read: who reads it decides the
// order (settings.c applies flags after the file and the environment). Pure.
#pragma once

#include "base/options.h"

// One word, or one option with its value. Points into argv.
struct cli_item {
    size_t table;                 // index of the option's table; CLI_WORD for a word
    const struct option_row *row; // NULL for a word
    const char *text;             // the word, or the value
};
enum { CLI_WORD = -1 };

struct cli {
    struct cli_item *items;
    size_t count;
};

// "--name value", "--name=value", a bare "--name" for OPTION_BOOL; "--" makes words of the rest.
// Options are looked up in `tables` in order. ERR_USAGE on anything else, with the nearest name.
bool cli_split(struct cli *cli, int argc, char *const *argv,
    const struct option_table *const *tables, size_t table_count, struct err *err) MUST_CHECK;
void cli_done(struct cli *cli);
// Where "--" stands, which ends the options; argc if nowhere.
int cli_end(int argc, char *const *argv);
