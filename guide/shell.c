// SPDX-License-Identifier: Apache-2.0
//
// Quoting of what setup and doctor print. The AWS commands themselves are ec2_command.h's.
#include "guide/shell.h"

#include <stdio.h>
#include <string.h>

static bool is_plain(const char *word)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "-_./:=,@%+";
    return *word && word[strspn(word, plain)] == '\0';
}

const char *shell_word(const char *word, char out[SHELL_WORD_BYTES])
{
    if (is_plain(word)) {
        snprintf(out, SHELL_WORD_BYTES, "%s", word);
        return out;
    }
    size_t len = 0;
    out[len++] = '\'';
    for (; *word && len + 6 < SHELL_WORD_BYTES; word++) {
        if (*word == '\'')
            len += (size_t)snprintf(out + len, SHELL_WORD_BYTES - len, "'\\''");
        else
            out[len++] = *word;
    }
    out[len++] = '\'';
    out[len] = '\0';
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
    // The later option wins over --output json.
    ec2_command_add(command, "--output");
    ec2_command_add(command, "text");
    shell_print(command, lines);
    snprintf(out, EC2_TEXT_BYTES, "%s=$(\n%.*s)", variable + 1, EC2_TEXT_BYTES - 16, lines);
}
