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
static void unquote_variable(char *text)
{
    static const char quoted[] = "'" SHELL_ENDPOINT "'";
    for (char *at = text; (at = strstr(at, quoted)); at++)
        at[0] = at[sizeof(quoted) - 2] = '"';
}

void shell_print(struct ec2_command *command, char out[EC2_TEXT_BYTES])
{
    ec2_command_lines(command, out);
    unquote_variable(out);
    ec2_command_done(command);
}

void shell_print_creation(struct ec2_command *command, char out[EC2_TEXT_BYTES])
{
    char lines[EC2_TEXT_BYTES];
    ec2_command_add(command, "--query");
    ec2_command_add(command, "VpcEndpoint.VpcEndpointId");
    // The later option wins over --output json.
    ec2_command_add(command, "--output");
    ec2_command_add(command, "text");
    ec2_command_lines(command, lines);
    snprintf(out, EC2_TEXT_BYTES, "VPCE=$(%.*s)", EC2_TEXT_BYTES - 16, lines);
    ec2_command_done(command);
}
