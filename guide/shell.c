// SPDX-License-Identifier: Apache-2.0
//
// Quoting of what setup and doctor print. The AWS commands themselves are ec2_command.h's.
#include "guide/shell.h"

#include "base/text.h"

#include <stdio.h>
#include <string.h>

const char *shell_word(const char *word, char out[SHELL_WORD_BYTES])
{
    // Nothing at all would make the command mean something else: this one fails.
    if (text_shell_word(word, out, SHELL_WORD_BYTES) >= SHELL_WORD_BYTES)
        snprintf(out, SHELL_WORD_BYTES, "TOO_LONG");
    return out;
}

// ec2_command_lines quotes the dollar away; here it is meant.
static void unquote_variable(char *text, const char *variable)
{
    char quoted[32];
    snprintf(quoted, sizeof(quoted), "'%s'", variable);
    for (char *at = text; (at = strstr(at, quoted)); at++)
        at[0] = at[strlen(quoted) - 1] = '"';
}

void shell_print(struct ec2_command *command, char out[EC2_TEXT_BYTES])
{
    ec2_command_lines(command, out);
    unquote_variable(out, SHELL_ENDPOINT);
    unquote_variable(out, SHELL_GROUP);
    ec2_command_done(command);
}

void shell_print_into(
    struct ec2_command *command, const char *variable, const char *query, char out[EC2_TEXT_BYTES])
{
    char lines[EC2_TEXT_BYTES];
    ec2_command_add(command, "--query");
    ec2_command_add(command, query);
    ec2_command_add(command, "--output");
    ec2_command_add(command, "text");
    shell_print(command, lines);
    snprintf(out, EC2_TEXT_BYTES, "%s=$(\n%.*s)", variable + 1, EC2_TEXT_BYTES - 16, lines);
}
