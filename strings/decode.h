// SPDX-License-Identifier: Apache-2.0
//
// How clients read a value: for each encoding of encode.h the parser at the other end, written from
// the clients' documentation and sources and not from our encoders. Pure.
#pragma once

#include "strings/encode.h"

// Appends to `out` what the client reads from the beginning of the `len` bytes at `text`, and says
// in `used` how many of them it took for this value, quotes included; what has no quotes ends with
// the text or, in a file, with the line. False: the client would refuse or take the value for
// something else than text; also out of memory.
bool decode_text(enum string_encoding encoding, const char *text, size_t len, struct buf *out,
    size_t *used) MUST_CHECK;
