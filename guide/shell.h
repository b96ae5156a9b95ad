// SPDX-License-Identifier: Apache-2.0
//
// Commands for people to paste. Pure.
#pragma once

#include "control/ec2_command.h"

#include <stddef.h>

// Where the ID of an endpoint belongs that does not exist yet: a shell variable, which the command
// that creates it sets.
#define SHELL_ENDPOINT "$VPCE"

enum { SHELL_WORD_BYTES = 300 };
// A word, quoted where a POSIX shell needs it; returns out.
const char *shell_word(const char *word, char out[SHELL_WORD_BYTES]);
// The command over several lines; SHELL_ENDPOINT stays a variable. Frees the command.
void shell_print(struct ec2_command *command, char out[EC2_TEXT_BYTES]);
// The same for the command that creates an endpoint: VPCE=$(…), so that it sets the variable.
void shell_print_creation(struct ec2_command *command, char out[EC2_TEXT_BYTES]);
