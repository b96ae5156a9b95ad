// SPDX-License-Identifier: Apache-2.0
//
// CPUs that the machine has: POSIX knows no share of them. Any thread.
#include "base/cpus.h"

#include <unistd.h>

unsigned cpus_usable(void)
{
    long count = sysconf(_SC_NPROCESSORS_ONLN); // not in POSIX, but in Linux, macOS and FreeBSD
    return count > 0 ? (unsigned)count : 1;
}
