// SPDX-License-Identifier: Apache-2.0
//
// Text that came from somewhere else: what of it is UTF-8, and what of it may be shown. Pure.
#pragma once

#include <stddef.h>

// The length of the well-formed UTF-8 sequence (Unicode 15, table 3-7) at the `left` bytes, 0 if
// there is none.
size_t text_utf8_len(const unsigned char *bytes, size_t left);
// In place: bytes that are not UTF-8 become question marks, so that the text can go into JSON.
void text_mend(char *text);
// In place: control characters become blanks, bytes that are not UTF-8 question marks, so that the
// text can go to a terminal, into JSON and into a metric's label.
void text_clean(char *text);

// In place: "***" for a secret wherever it stands, and for what is left of one at the beginning of
// a text whose head was cut off. One of fewer than 8 bytes could be any word, and stays. The whole
// text, before anything is cut: half a secret is not found.
void text_hide(char *text, const char *secret);

// A word for a POSIX shell: bare when no shell looks into it, else in single quotes (POSIX.1-2017,
// XCU 2.2.2). Returns its length without the NUL, whatever `size` is. What is longer is not written
// at all, since a word that is cut off would mean something else; `out` is "" then.
size_t text_shell_word(const char *word, char *out, size_t size);
