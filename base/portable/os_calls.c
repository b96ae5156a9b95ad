// SPDX-License-Identifier: Apache-2.0
//
// POSIX has no way to give system calls up.
#include "base/os_sandbox.h"

#include <errno.h>

int os_calls_limit(void)
{
    return ENOSYS;
}

void os_calls_print(FILE *out)
{
    (void)out;
}
