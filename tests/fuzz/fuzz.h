// SPDX-License-Identifier: Apache-2.0
//
// What the harnesses share. Each one is a program twice: with libFuzzer (scripts/fuzz), and with
// replay.c over its corpus (the suite `fuzz`). Source: llvm.org/docs/LibFuzzer.html.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define CHECK(condition) fuzz_check(condition, __FILE__, __LINE__, #condition)

static inline void fuzz_check(bool holds, const char *file, int line, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "%s:%d: not so: %s\n", file, line, what);
    abort();
}

// Of exactly this size, so that the address sanitizer sees every read behind the end.
static inline uint8_t *fuzz_copy(const uint8_t *bytes, size_t len)
{
    uint8_t *copy = malloc(len ? len : 1);
    CHECK(copy != NULL);
    if (len)
        memcpy(copy, bytes, len);
    return copy;
}

// What goes into logs: ends within its array, and has nothing that a terminal would obey.
static inline bool fuzz_is_printable(const char *text, size_t size)
{
    size_t len = strnlen(text, size);
    for (size_t i = 0; i < len; i++)
        if (text[i] < 0x20 || text[i] > 0x7e)
            return false;
    return len < size;
}
