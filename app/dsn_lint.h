// SPDX-License-Identifier: Apache-2.0
//
// tidblink dsn lint CLIENT: reads a connection string on standard input and says what the client
// would read out of it. Used by cmd_dsn.c.
#pragma once

#include "base/defs.h"

#include <stdbool.h>

struct command_line;
struct err;

// The words behind "lint". *exit_code: EXIT_DONE, or EXIT_FAILED with a finding that is an error.
bool dsn_lint(int argc, char *const *argv, int *exit_code, struct err *err) MUST_CHECK;
