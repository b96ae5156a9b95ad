// SPDX-License-Identifier: Apache-2.0
//
// A subcommand: what `tidblink --help` and the dispatch in main.c need of it. Each cmd_*.c has one.
#pragma once

#include "base/options.h"

#include <stdbool.h>

struct command_line;
struct err;

struct command {
    const char *name;
    const char *usage;              // behind the name: "[CLUSTER] [--json]"
    const char *summary;            // for the list of commands
    const char *help;               // paragraphs for COMMAND --help
    const struct option_table *own; // options of this command alone, or NULL
    bool all_options;               // --help lists the global and cluster options as well
    // True: *exit_code is the program's; it is EXIT_DONE
    // unless changed. False: the error is printed and decides the exit code.
    bool (*run)(const struct command_line *line, int *exit_code, struct err *err);
};

extern const struct command cmd_proxy;
extern const struct command cmd_connect;
extern const struct command cmd_dsn;
extern const struct command cmd_clusters;
extern const struct command cmd_status;
extern const struct command cmd_connections;
extern const struct command cmd_setup;
extern const struct command cmd_endpoint;
extern const struct command cmd_doctor;
extern const struct command cmd_wait;
extern const struct command cmd_drain;
extern const struct command cmd_reload;
extern const struct command cmd_upgrade;
