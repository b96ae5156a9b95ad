// SPDX-License-Identifier: Apache-2.0
//
// A text that is written by stdio into memory. The owner's thread only.
#pragma once

#include "base/defs.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct memory_file {
    FILE *out; // to write to
    char *text;
    size_t size;
};

bool memory_file_open(struct memory_file *file) MUST_CHECK; // false: out of memory
// Ends it: what was written, which the caller frees; NULL when there was no memory for all of it.
char *memory_file_take(struct memory_file *file) MUST_CHECK;
