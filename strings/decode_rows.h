// SPDX-License-Identifier: Apache-2.0
//
// What the decoders share, and those that have files of their own: decode_code.c, decode_file.c.
// Pure; the table is in decode.c.
#pragma once

#include "strings/decode.h"

#include <stdint.h>

struct decoding {
    const char *at; // not read yet
    const char *end;
    struct buf *out;
};

// True, with `at` behind the value; false when the client would refuse.
typedef bool decode_fn(struct decoding *decoding);

decode_fn decode_json, decode_dollar, decode_braces, decode_octal, decode_python,
    decode_python_bytes, decode_python_latin, decode_single, decode_single_part, decode_pdo,
    decode_hcl;
decode_fn decode_sql, decode_powershell, decode_option, decode_ado, decode_odbc, decode_xml,
    decode_yaml, decode_yaml_dollar, decode_properties, decode_systemd, decode_systemd_part;
decode_fn decode_dotenv, decode_dotenv_expand, decode_dotenv_php, decode_dotenv_python;

size_t decode_left(const struct decoding *decoding);
// Whether `text` comes next; takes it if so.
bool decode_take(struct decoding *decoding, const char *text) MUST_CHECK;
bool decode_put(struct decoding *decoding, const char *bytes, size_t len) MUST_CHECK;
// Moves the next `len` bytes to the value.
bool decode_keep(struct decoding *decoding, size_t len) MUST_CHECK;
// Appends the UTF-8 of a code point; false for none (surrogates, NUL, too large).
bool decode_put_point(struct decoding *decoding, uint32_t point) MUST_CHECK;
// Takes from `least` to `most` digits of `base` (8 or 16).
bool decode_number(
    struct decoding *decoding, uint32_t base, size_t least, size_t most, uint32_t *out) MUST_CHECK;
// What stands between two `quote`s, a doubled one being one.
bool decode_doubled(struct decoding *decoding, char quote) MUST_CHECK;
// Reads with `first`, and what it read with `second`.
bool decode_again(struct decoding *decoding, decode_fn *first, decode_fn *second) MUST_CHECK;
// How many bytes come next that no format looks into: no blanks, quotes, brackets, signs.
size_t decode_bare_len(const struct decoding *decoding);
