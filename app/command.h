// SPDX-License-Identifier: Apache-2.0
//
// A subcommand: what `tidblink --help` and the dispatch in main.c need of it. Each cmd_*.c has one.
#pragma once

#include "base/options.h"

#include <stdbool.h>

struct err;

struct command {
    const char *name;
    const char *usage;              // behind the name: "[CLUSTER] [--json]"
    const char *summary;            // for the list of commands
    const char *help;               // paragraphs for COMMAND --help
    const struct option_table *own; // options of this command alone, or NULL
    bool all_options;               // --help lists the global and cluster options as well
    // argv is what stands behind the name. True: *exit_code is the program's; it is EXIT_DONE
    // unless changed. False: the error is printed and decides the exit code.
    bool (*run)(int argc, char *const *argv, int *exit_code, struct err *err);
};

extern const struct command cmd_proxy;
