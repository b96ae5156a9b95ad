// SPDX-License-Identifier: Apache-2.0
//
// The bounded byte buffer. The owner's thread only.
#include "base/buf.h"

#include "base/os.h"

#include <stdlib.h>
#include <string.h>

enum { BUF_FIRST_BYTES = 1024 };

void buf_init(struct buf *buf, size_t limit_bytes)
{
    *buf = (struct buf){ .limit = limit_bytes };
}

void buf_init_secret(struct buf *buf, size_t limit_bytes)
{
    *buf = (struct buf){ .limit = limit_bytes, .is_secret = true };
}

static void free_bytes(struct buf *buf)
{
    if (buf->is_secret && buf->bytes)
        os_wipe(buf->bytes, buf->size);
    free(buf->bytes);
}

void buf_done(struct buf *buf)
{
    free_bytes(buf);
    *buf = (struct buf){ .limit = buf->limit, .is_secret = buf->is_secret };
}

size_t buf_len(const struct buf *buf)
{
    return buf->end - buf->start;
}

size_t buf_room(const struct buf *buf)
{
    return buf->limit - buf_len(buf);
}

bool buf_is_empty(const struct buf *buf)
{
    return buf->end == buf->start;
}

const char *buf_head(const struct buf *buf)
{
    return buf->bytes ? buf->bytes + buf->start : "";
}

// Makes room for `more` bytes behind the end: by moving what is there to the front if that is
// enough, by growing otherwise.
static bool make_room(struct buf *buf, size_t more)
{
    size_t len = buf_len(buf);
    if (buf->size - buf->end >= more)
        return true;
    if (buf->size - len >= more) {
        memmove(buf->bytes, buf->bytes + buf->start, len);
    } else {
        size_t size = buf->size ? buf->size : BUF_FIRST_BYTES;
        while (size < len + more)
            size *= 2;
        char *bytes = malloc(size);
        if (!bytes)
            return false;
        if (len)
            memcpy(bytes, buf->bytes + buf->start, len);
        free_bytes(buf);
        buf->bytes = bytes;
        buf->size = size;
    }
    buf->start = 0;
    buf->end = len;
    return true;
}

bool buf_append(struct buf *buf, const void *bytes, size_t len)
{
    if (len > buf_room(buf))
        return false;
    if (!len)
        return true;
    if (!make_room(buf, len))
        return false;
    memcpy(buf->bytes + buf->end, bytes, len);
    buf->end += len;
    return true;
}

void buf_consume(struct buf *buf, size_t len)
{
    if (len >= buf_len(buf))
        buf_done(buf);
    else
        buf->start += len;
}

char *buf_take_text(struct buf *buf)
{
    size_t len = buf_len(buf);
    char *text = malloc(len + 1);
    if (!text)
        return NULL;
    if (len)
        memcpy(text, buf_head(buf), len);
    text[len] = '\0';
    buf_done(buf);
    return text;
}
