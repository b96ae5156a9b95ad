// SPDX-License-Identifier: Apache-2.0
//
// The main thread's copy of what workers know of addresses. Kept by target.c.
#include "proxy/path_book.h"

#include <stdlib.h>
#include <string.h>

static bool is_of(const struct path_entry *entry, size_t worker, const struct peer *peer)
{
    return entry->worker == worker && entry->path.peer.family == peer->family &&
           memcmp(entry->path.peer.ip, peer->ip, sizeof(peer->ip)) == 0;
}

// The place of an address that this worker told of before, else a new one; NULL: out of memory. As
// in the workers' own books, the one measured longest ago gives way.
static struct path_entry *place_of(struct path_book *book, size_t worker, const struct peer *peer)
{
    struct path_entry *oldest = NULL;
    size_t of_worker = 0;
    for (size_t i = 0; i < book->count; i++) {
        struct path_entry *entry = &book->entries[i];
        if (is_of(entry, worker, peer))
            return entry;
        if (entry->worker != worker)
            continue;
        of_worker++;
        if (!oldest || entry->path.measured_ms < oldest->path.measured_ms)
            oldest = entry;
    }
    if (of_worker >= PATHS_MAX)
        return oldest;
    if (book->count == book->size) {
        size_t size = book->size ? 2 * book->size : 8;
        struct path_entry *entries = realloc(book->entries, size * sizeof(*entries));
        if (!entries)
            return NULL;
        book->entries = entries;
        book->size = size;
    }
    return &book->entries[book->count++];
}

void path_book_told(struct path_book *book, size_t worker, const struct path *path)
{
    struct path_entry *entry = place_of(book, worker, &path->peer);
    if (entry)
        *entry = (struct path_entry){ worker, *path };
}

struct path_sum path_book_sum(
    const struct path_book *book, const struct addr *addr, uint64_t now_ms)
{
    struct path_sum sum = { 0 };
    uint64_t measured_ms = 0;
    for (size_t i = 0; i < book->count; i++) {
        const struct path *path = &book->entries[i].path;
        if (!peer_has_ip(&path->peer, addr))
            continue;
        if (path->connect_us && path->measured_ms >= measured_ms) {
            measured_ms = path->measured_ms;
            sum.connect_us = path->connect_us;
        }
        if (path->failures > sum.failures)
            sum.failures = path->failures;
        if (path->until_ms > now_ms && path->until_ms - now_ms > sum.left_alone_ms)
            sum.left_alone_ms = path->until_ms - now_ms;
    }
    return sum;
}

void path_book_done(struct path_book *book)
{
    free(book->entries);
    *book = (struct path_book){ 0 };
}
