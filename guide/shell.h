// SPDX-License-Identifier: Apache-2.0
//
// Commands for people to paste. Pure.
#pragma once

#include "control/ec2_command.h"

#include <stddef.h>

// Where IDs belong that are not known yet, of an endpoint and of its security group: shell
// variables, which commands in front of them set.
#define SHELL_ENDPOINT "$VPCE"
#define SHELL_GROUP "$GROUP"

enum { SHELL_WORD_BYTES = 1200 }; // of the longest ID, an Azure resource's
// text_shell_word in a buffer that is large enough; returns out. What is longer nevertheless is
// TOO_LONG, never "".
const char *shell_word(const char *word, char out[SHELL_WORD_BYTES]);
// The command over several lines. The variables stay variables. Frees the command.
void shell_print(struct ec2_command *command, char out[EC2_TEXT_BYTES]);
// The same, and its answer goes into a variable: "VPCE=$(…)". `query`: what of it (JMESPath).
void shell_print_into(
    struct ec2_command *command, const char *variable, const char *query, char out[EC2_TEXT_BYTES]);
