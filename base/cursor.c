// SPDX-License-Identifier: Apache-2.0
//
// The bounds-checked reader. Any thread.
#include "base/cursor.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct cursor cursor_from(const void *bytes, size_t len)
{
    return (struct cursor){ .at = bytes, .left = len };
}

bool cursor_ok(const struct cursor *cursor)
{
    return !cursor->failed;
}

size_t cursor_left(const struct cursor *cursor)
{
    return cursor->failed ? 0 : cursor->left;
}

const uint8_t *cursor_bytes(struct cursor *cursor, size_t len)
{
    if (cursor->failed || len > cursor->left) {
        cursor->failed = true;
        return NULL;
    }
    const uint8_t *bytes = cursor->at;
    cursor->at += len;
    cursor->left -= len;
    return bytes;
}

static uint32_t read_le(struct cursor *cursor, size_t len)
{
    const uint8_t *bytes = cursor_bytes(cursor, len);
    uint32_t value = 0;
    for (size_t i = len; bytes && i > 0; i--)
        value = value << 8 | bytes[i - 1];
    return value;
}

uint8_t cursor_u8(struct cursor *cursor)
{
    return (uint8_t)read_le(cursor, 1);
}

uint16_t cursor_u16(struct cursor *cursor)
{
    return (uint16_t)read_le(cursor, 2);
}

uint32_t cursor_u24(struct cursor *cursor)
{
    return read_le(cursor, 3);
}

uint32_t cursor_u32(struct cursor *cursor)
{
    return read_le(cursor, 4);
}

const char *cursor_text(struct cursor *cursor, size_t max, size_t *out_len)
{
    size_t seen = cursor_left(cursor);
    const uint8_t *nul = seen ? memchr(cursor->at, 0, seen < max + 1 ? seen : max + 1) : NULL;
    if (!nul) {
        cursor->failed = true;
        return NULL;
    }
    const char *text = (const char *)cursor->at;
    *out_len = (size_t)(nul - cursor->at);
    cursor->left -= *out_len + 1;
    cursor->at = nul + 1;
    return text;
}

bool parse_uint(const char *text, uint64_t min, uint64_t max, uint64_t *out)
{
    if (!*text || strspn(text, "0123456789") != strlen(text))
        return false;
    errno = 0;
    unsigned long long value = strtoull(text, NULL, 10);
    if (errno || value < min || value > max)
        return false;
    *out = value;
    return true;
}
