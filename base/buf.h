// SPDX-License-Identifier: Apache-2.0
//
// A bounded first-in first-out byte buffer that allocates only while it holds bytes; one for
// secrets overwrites what it gives back to the heap. The owner's thread only.
#pragma once

#include "base/defs.h"

#include <stdbool.h>
#include <stddef.h>

struct buf {
    char *bytes;  // NULL while empty
    size_t start; // first unread byte
    size_t end;   // behind the last byte
    size_t size;  // allocated
    size_t limit; // never holds more than this
    bool is_secret;
};

void buf_init(struct buf *buf, size_t limit_bytes);
void buf_init_secret(struct buf *buf, size_t limit_bytes);
void buf_done(struct buf *buf); // frees; the buffer may be used again

size_t buf_len(const struct buf *buf);
size_t buf_room(const struct buf *buf); // what may still be appended
bool buf_is_empty(const struct buf *buf);
const char *buf_head(
    const struct buf *buf); // buf_len() readable bytes; valid until the next change

// Appends all or nothing; false at the limit or out of memory.
bool buf_append(struct buf *buf, const void *bytes, size_t len) MUST_CHECK;
// Drops `len` bytes from the head; the memory is freed when the last byte goes.
void buf_consume(struct buf *buf, size_t len);
// NUL-terminates the contents (not counted in buf_len) and gives them to the caller, who frees
// them. NULL out of memory; an empty buffer gives "".
char *buf_take_text(struct buf *buf) MUST_CHECK;
