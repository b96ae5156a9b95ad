// SPDX-License-Identifier: Apache-2.0
//
// A password from where others cannot read it: a file or a variable, never the command line.
#pragma once

#include "base/defs.h"

#include <stdbool.h>

struct err;

// Of file and variable at most one may be given; with none, *out is NULL. One newline at the end
// of the file does not belong to it. The caller frees with secret_free. One that others could read
// or change is refused (base/secret_file.h). Error texts never hold it.
bool secret_read(const char *file, const char *variable, char **out, struct err *err) MUST_CHECK;
void secret_free(char *secret); // overwrites it first; NULL is allowed
