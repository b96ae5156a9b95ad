// SPDX-License-Identifier: Apache-2.0
//
// Random text full of traps; xorshift, because a failure must come again. Pure but for its seed.
#include "any_text.h"

#include "base/defs.h"

#include <string.h>

static uint64_t seed = ANY_SEED;

uint32_t any_below(uint32_t below)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (uint32_t)(seed >> 32) % below;
}

static size_t put_point(char *out, uint32_t point)
{
    static const uint8_t leads[] = { 0, 0x00, 0xc0, 0xe0, 0xf0 };
    size_t len = point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
    for (size_t i = len - 1; i > 0; i--) {
        out[i] = (char)(0x80 | (point & 0x3f));
        point >>= 6;
    }
    out[0] = (char)(leads[len] | point);
    return len;
}

// What a parser may stumble over, in one piece.
static const char *const traps[] = { "%41", "%", "%zz", "+", "&", "=", "@", ":", "/", "?", "#", "'",
    "\"", "\\", "\\\"", "\\x41", "\\u0041", "\\n", "$(x)", "${x}", "$}", "$user", "address=(", ",",
    ";", "[::1]", "<PASSWORD>", "#{x}", "%{x}", "$$", "$${", "\\$", "}}", "{{", "?\?/", "%%", "=\"",
    "\u2019", "\u202e", " ", "  ", "`", "!", "--", "\u2028", "\u2029", "\ufeff", "é", "ÿ" };

static size_t put_any(char *out, bool may_control)
{
    size_t len;
    uint32_t point;
    const char *trap = traps[any_below(ARRAY_LEN(traps))];
    switch (any_below(may_control ? 6 : 5)) {
    case 0:
    case 1:
        len = strlen(trap);
        memcpy(out, trap, len);
        return len;
    case 2:
        return put_point(out, 'a' + any_below(26));
    case 3:
        return put_point(out, ' ' + any_below(95));
    case 4:
        point = 0xa0 + any_below(any_below(2) ? 0x3000 - 0xa0 : 0x110000 - 0xa0);
        return put_point(out, point >= 0xd800 && point < 0xe000 ? 'x' : point);
    default:
        return put_point(out, 1 + any_below(31));
    }
}

void any_text(char *out, size_t size, size_t least, bool may_control)
{
    size_t len = 0;
    for (size_t left = least + any_below(20 - (uint32_t)least); left; left--) {
        if (len + 16 < size)
            len += put_any(out + len, may_control);
    }
    out[len] = '\0';
}
