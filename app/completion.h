// SPDX-License-Identifier: Apache-2.0
//
// What a shell's completion has to know, out of the tables that the commands themselves use, so
// that it cannot be stale: `tidblink --completion`, which the build asks (deploy/completion). Pure.
#pragma once

#include <stddef.h>
#include <stdio.h>

struct command;

// One line per word: command, word, kind of its value, what there is to choose from
// (blank-separated); tabs between. The command is "-" for options that all of them accept. A word
// "-" is the command's first argument. Kinds: "flag" (no value), "file", "folder", "path" (either),
// "words", "list" (words with commas between), "cluster", "value" (nothing is known of it).
void completion_print(const struct command *const *commands, size_t count, FILE *out);
