// SPDX-License-Identifier: Apache-2.0
//
// POSIX has no way to give files or system calls up. mlock(2) wants whole pages, and so do its
// neighbours.
#include "base/os_sandbox.h"

#include "base/os.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct os_fence *os_fence_new(const struct os_fence_plan *plan)
{
    (void)plan;
    errno = ENOSYS;
    return NULL;
}

void os_fence_free(struct os_fence *fence)
{
    (void)fence;
}

unsigned os_fence_version(const struct os_fence *fence)
{
    (void)fence;
    return 0;
}

bool os_fence_allow(struct os_fence *fence, const char *path, unsigned rights)
{
    (void)fence;
    (void)path;
    (void)rights;
    errno = ENOSYS;
    return false;
}

bool os_fence_enter(const struct os_fence *fence)
{
    (void)fence;
    errno = ENOSYS;
    return false;
}

const char *const os_library_files[] = { NULL };

bool os_is_mounted(const char *path)
{
    (void)path;
    return false;
}

// ---- secrets ------------------------------------------------------------------------------------

static size_t whole_pages(size_t len, size_t page)
{
    return (len + page - 1) / page * page;
}

void *os_secret_new(size_t len)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    void *secret = NULL;
    int sys = posix_memalign(&secret, page, whole_pages(len, page));
    errno = sys;
    if (sys != 0)
        return NULL;
    memset(secret, 0, len);
    (void)!mlock(secret, len);
    return secret;
}

void os_secret_share(void *secret, size_t len, bool shares)
{
    (void)secret; // POSIX knows of no other way
    (void)len;
    (void)shares;
}

void os_secret_free(void *secret, size_t len)
{
    if (!secret)
        return;
    os_wipe(secret, len);
    (void)munlock(secret, len);
    free(secret);
}
