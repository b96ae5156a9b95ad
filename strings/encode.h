// SPDX-License-Identifier: Apache-2.0
//
// How a value is written so that a client's parser reads the same bytes back: one encoder per
// format. Pure. Values are UTF-8 (encode_is_utf8), without NUL.
#pragma once

#include "base/buf.h"
#include "base/defs.h"
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

enum string_encoding {
    ENCODING_RAW =
        0, // as it is: the format has no escapes, and the row's limits say what it cannot carry
    ENCODING_LINE,         // as it is, on a line of its own: no control characters
    ENCODING_PERCENT,      // any URL or query value: decoded alike by every percent-decoder we know
    ENCODING_FILE_URL,     // a path in a file: URL that is itself a query value
    ENCODING_SHELL,        // one word of a POSIX shell
    ENCODING_JSON,         // a string literal of JSON, JavaScript or Go
    ENCODING_PYTHON,       // a string literal of Python
    ENCODING_PYTHON_BYTES, // likewise, and turned into UTF-8 bytes when it is not ASCII
    ENCODINGS
};

// Appends `text` to `out`. False: the format cannot carry it (err says why) or out of memory.
bool encode_text(
    enum string_encoding encoding, const char *text, struct buf *out, struct err *err) MUST_CHECK;
// Appends a placeholder: unencoded, so that people recognize it, in the quotes of the encoding.
bool encode_placeholder(
    enum string_encoding encoding, const char *text, struct buf *out, struct err *err) MUST_CHECK;
// What whoever replaces the placeholder by hand must do to the value; for people.
const char *encode_advice(enum string_encoding encoding);
// The encoding with this name (as templates write it); false if there is none.
bool encode_find(const char *name, size_t len, enum string_encoding *out);

bool encode_is_utf8(const char *bytes, size_t len);
bool encode_is_ascii(const char *text);
// Control characters, DEL included; C1 too (U+0080..U+009F: some terminals obey them).
bool encode_has_control(const char *text);
