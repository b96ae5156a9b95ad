// SPDX-License-Identifier: Apache-2.0
//
// A reader over bytes that cannot leave them, for wire formats; and the only place in the tree
// where text becomes a number. After the first read that fails, every later one fails too, so a
// parser may read a whole record and ask cursor_ok() once. Any thread.
#pragma once

#include "base/defs.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cursor {
    const uint8_t *at;
    size_t left;
    bool failed;
};

struct cursor cursor_from(const void *bytes, size_t len);
bool cursor_ok(const struct cursor *cursor);
size_t cursor_left(const struct cursor *cursor);

// Little-endian integers, as MySQL has them; 0 on failure.
uint8_t cursor_u8(struct cursor *cursor);
uint16_t cursor_u16(struct cursor *cursor);
uint32_t cursor_u24(struct cursor *cursor);
uint32_t cursor_u32(struct cursor *cursor);
// `len` bytes, or NULL on failure.
const uint8_t *cursor_bytes(struct cursor *cursor, size_t len);
// A NUL-terminated string of at most `max` bytes without its NUL; the cursor goes behind the NUL.
const char *cursor_text(struct cursor *cursor, size_t max, size_t *out_len);

// Whole text, decimal, no sign, no blanks, min..max; false otherwise and out is untouched.
bool parse_uint(const char *text, uint64_t min, uint64_t max, uint64_t *out) MUST_CHECK;
