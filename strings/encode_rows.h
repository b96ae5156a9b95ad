// SPDX-License-Identifier: Apache-2.0
//
// What the encoders share, and the encoders that have files of their own: literals of programming
// languages (encode_code.c), values in files (encode_file.c), the dialects of .env files
// (encode_dotenv.c). The table that names them all is in encode.c. Pure.
#pragma once

#include "strings/encode.h"

#include <stdint.h>

// Appends what stands for `text`; false with the reason when nothing can.
typedef bool encode_fn(const char *text, struct buf *out, struct err *err);

encode_fn encode_json, encode_dollar, encode_braces, encode_octal, encode_python,
    encode_python_bytes, encode_python_latin, encode_single, encode_single_part, encode_pdo;
encode_fn encode_sql, encode_powershell, encode_option, encode_ado, encode_odbc, encode_xml,
    encode_yaml, encode_yaml_dollar, encode_properties, encode_hcl, encode_systemd,
    encode_systemd_part;
encode_fn encode_dotenv, encode_dotenv_expand, encode_dotenv_php, encode_dotenv_python;

bool encode_put(struct buf *out, const char *bytes, size_t len, struct err *err) MUST_CHECK;
bool encode_put_text(struct buf *out, const char *text, struct err *err) MUST_CHECK;
// Appends `text` between two quotes, each byte of `special` behind `escape`.
bool encode_put_quoted(struct buf *out, const char *text, const char *quote, const char *special,
    char escape, struct err *err) MUST_CHECK;
bool encode_is_alnum(unsigned char byte);
bool encode_is_ascii_control(unsigned char byte);
// Only A-Z a-z 0-9 - . _ / : and at least one: no format looks into these.
bool encode_is_bare(const char *text);
// The code point of the well-formed UTF-8 character at `at`, and its length in bytes.
uint32_t encode_code_point(const char *at, size_t *len);
// A character that a source file or a data file must not hold as it is: control characters, what
// ends a line somewhere, what turns the direction of writing, the byte order mark, no characters.
bool encode_is_delicate(uint32_t point);
bool encode_has_delicate(const char *text);
