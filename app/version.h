// SPDX-License-Identifier: Apache-2.0
//
// Our version and those of the libraries that this process really runs with. Main thread.
#pragma once

#include <stdio.h>

struct log_line;

void version_print(FILE *out);
void version_log(struct log_line *line); // one fact per library
