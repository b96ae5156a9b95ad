// SPDX-License-Identifier: Apache-2.0
//
// What the workers have told of the ways to one cluster, for those who want to see it: each worker
// keeps an address book of its own (paths.h) and tells only what changed, a measure at most once a
// second. Main thread only.
#pragma once

#include "proxy/paths.h"

struct path_entry {
    size_t worker;
    struct path path;
};

struct path_book {
    struct path_entry *entries;
    size_t count, size;
};

// One address, over all workers.
struct path_sum {
    uint32_t connect_us;    // as measured last; 0: not known
    unsigned failures;      // since the last success, of the worker that saw most
    uint64_t left_alone_ms; // from now on, by the worker that does longest; 0: by none
};

void path_book_told(struct path_book *book, size_t worker, const struct path *path);
struct path_sum path_book_sum(
    const struct path_book *book, const struct addr *addr, uint64_t now_ms);
void path_book_done(struct path_book *book); // empties it, too
