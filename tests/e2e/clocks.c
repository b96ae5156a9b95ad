// SPDX-License-Identifier: Apache-2.0
//
// A library for LD_PRELOAD: the clocks of a machine that sleeps when tests/e2e/clocks.py says so. A
// test cannot put its machine to sleep, so this stands where the kernel would answer. The offsets
// are in the file that TIDBLINK_TEST_CLOCKS names; a timer of the wall clock is a pipe beside it,
// and a byte in that is its cancellation (timerfd_create(2), TFD_TIMER_CANCEL_ON_SET).
// A sleep can be made to begin when the boot clock has just been read.
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { PATH_BYTES = 4096 };

struct offsets {
    int64_t mono_ms, boot_ms, wall_ms;
    int64_t next_boot_ms;   // added once the boot clock was read
    int64_t waits_for_read; // 1: it was not yet
};

// sys/timerfd.h has them.
int timerfd_create(clockid_t clock_id, int flags);
int timerfd_settime(int ufd, int flags, const struct itimerspec *utmr, struct itimerspec *otmr);

static volatile struct offsets *offsets;
static int pipe_fd = -1;

__attribute__((constructor)) static void start(void)
{
    const char *path = getenv("TIDBLINK_TEST_CLOCKS");
    int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
    if (fd < 0)
        return;
    void *mapped = mmap(NULL, sizeof(*offsets), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (mapped != MAP_FAILED)
        offsets = mapped;
}

static int64_t read_boot(void)
{
    int64_t boot_ms = offsets->boot_ms + (offsets->waits_for_read ? 0 : offsets->next_boot_ms);
    offsets->waits_for_read = 0;
    return boot_ms;
}

static int64_t offset_of(clockid_t clock)
{
    if (!offsets)
        return 0;
    switch (clock) {
    case CLOCK_MONOTONIC:
    case CLOCK_MONOTONIC_COARSE:
        return offsets->mono_ms;
    case CLOCK_BOOTTIME:
        return read_boot();
    case CLOCK_REALTIME:
        return offsets->wall_ms;
    default:
        return 0;
    }
}

int clock_gettime(clockid_t clock_id, struct timespec *tp)
{
    int result = (int)syscall(SYS_clock_gettime, clock_id, tp);
    int64_t offset_ms = offset_of(clock_id);
    int64_t ns = tp->tv_nsec + offset_ms % 1000 * 1000000;
    tp->tv_sec += offset_ms / 1000 + ns / 1000000000;
    tp->tv_nsec = ns % 1000000000;
    return result;
}

time_t time(time_t *timer)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (timer)
        *timer = now.tv_sec;
    return now.tv_sec;
}

int timerfd_create(clockid_t clock_id, int flags)
{
    char path[PATH_BYTES];
    if (clock_id != CLOCK_REALTIME || !offsets)
        return (int)syscall(SYS_timerfd_create, clock_id, flags);
    snprintf(path, sizeof(path), "%s.pipe", getenv("TIDBLINK_TEST_CLOCKS"));
    pipe_fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
    return pipe_fd;
}

int timerfd_settime(int ufd, int flags, const struct itimerspec *utmr, struct itimerspec *otmr)
{
    if (ufd == pipe_fd)
        return 0;
    return (int)syscall(SYS_timerfd_settime, ufd, flags, utmr, otmr);
}

ssize_t read(int fd, void *buf, size_t nbytes)
{
    ssize_t got = syscall(SYS_read, fd, buf, fd == pipe_fd ? 1 : nbytes);
    if (fd != pipe_fd || got < 0)
        return got;
    errno = ECANCELED;
    return -1;
}
