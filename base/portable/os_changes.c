// SPDX-License-Identifier: Apache-2.0
//
// POSIX alone tells of nothing: clocks, addresses and the file are looked at every two seconds, and
// routes show only by what they do to addresses.
#include "base/os_changes.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/wake.h"

#include <stdlib.h>
#include <time.h>

enum { TICK_MS = 2000 };

struct os_changes {
    char unused;
};

struct os_changes *os_changes_new(
    struct loop *loop, const char *file, os_changes_fn fn, void *arg, struct err *err)
{
    (void)loop;
    (void)file;
    (void)fn;
    (void)arg;
    struct os_changes *changes = calloc(1, sizeof(*changes));
    if (!changes)
        err_set(err, ERR_MEMORY, "out of memory");
    return changes;
}

void os_changes_free(struct os_changes *changes)
{
    free(changes);
}

void os_changes_read_clocks(struct wake_clocks *out)
{
    struct timespec wall;
    clock_gettime(CLOCK_REALTIME, &wall);
    *out = (struct wake_clocks){
        .mono_ms = clock_ms(),
        .wall_ms = (uint64_t)wall.tv_sec * 1000 + (uint64_t)wall.tv_nsec / 1000000,
    };
}

uint64_t os_changes_tick_ms(void)
{
    return TICK_MS;
}

unsigned os_changes_untold(const struct os_changes *changes)
{
    (void)changes;
    return OS_CHANGE_CLOCKS | OS_CHANGE_ADDRESSES | OS_CHANGE_FILE;
}
