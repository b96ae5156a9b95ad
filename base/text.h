// SPDX-License-Identifier: Apache-2.0
//
// Text that came from somewhere else: what of it is UTF-8, and what of it may be shown. Pure.
#pragma once

#include <stddef.h>

// The length of the well-formed UTF-8 sequence (Unicode 15, table 3-7) at the `left` bytes, 0 if
// there is none.
size_t text_utf8_len(const unsigned char *bytes, size_t left);
// In place: control characters become blanks, bytes that are not UTF-8 question marks, so that the
// text can go to a terminal, into JSON and into a metric's label.
void text_clean(char *text);
