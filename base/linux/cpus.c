// SPDX-License-Identifier: Apache-2.0
//
// CPU count from affinity and cgroup quota: a container with half a CPU on a 64-core host must not
// start 64 workers. docs.kernel.org/admin-guide/cgroup-v2.html (cpu.max), cgroup-v1/… cfs_quota_us.
#include "base/cpus.h"

#include "base/cursor.h"
#include "base/os.h"

#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static bool read_line(const char *path, char *out, size_t size)
{
    FILE *file = os_fopen(path, "r");
    if (!file)
        return false;
    bool got = fgets(out, (int)size, file) != NULL;
    fclose(file);
    out[got ? strcspn(out, "\n") : 0] = '\0';
    return got;
}

static unsigned ceiling(uint64_t quota_us, uint64_t period_us)
{
    return (unsigned)((quota_us + period_us - 1) / period_us);
}

// "max 100000" or "150000 100000" in the file of our own cgroup; 0: no limit found.
static unsigned quota_v2(void)
{
    char line[512], path[600];
    uint64_t quota_us, period_us;
    if (!read_line("/proc/self/cgroup", line, sizeof(line)) || strncmp(line, "0::", 3) != 0)
        return 0;
    snprintf(path, sizeof(path), "/sys/fs/cgroup%s/cpu.max", line + 3);
    if (!read_line(path, line, sizeof(line)) &&
        !read_line("/sys/fs/cgroup/cpu.max", line, sizeof(line)))
        return 0;
    char *period = strchr(line, ' ');
    if (!period)
        return 0;
    *period++ = '\0';
    if (!parse_uint(line, 1, UINT64_MAX / 2, &quota_us) ||
        !parse_uint(period, 1, UINT64_MAX / 2, &period_us))
        return 0;
    return ceiling(quota_us, period_us);
}

static unsigned quota_v1(void)
{
    char quota[32], period[32];
    uint64_t quota_us, period_us;
    if (!read_line("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", quota, sizeof(quota)) ||
        !read_line("/sys/fs/cgroup/cpu/cpu.cfs_period_us", period, sizeof(period)))
        return 0;
    if (!parse_uint(quota, 1, UINT64_MAX / 2, &quota_us) ||
        !parse_uint(period, 1, UINT64_MAX / 2, &period_us))
        return 0;
    return ceiling(quota_us, period_us);
}

unsigned cpus_usable(void)
{
    cpu_set_t set;
    unsigned count = 1;
    if (sched_getaffinity(0, sizeof(set), &set) == 0)
        count = (unsigned)CPU_COUNT(&set);
    unsigned quota = quota_v2();
    if (!quota)
        quota = quota_v1();
    if (quota && quota < count)
        count = quota;
    return count ? count : 1;
}
