// SPDX-License-Identifier: Apache-2.0
//
// What a process gives up for good, as far as the system can do that: files (landlock(7)), system
// calls (seccomp(2)), pages that reach the swap space. Twins in base/linux/ and base/portable/,
// where all of this says that the system cannot do it. What is given up when is app/lockdown.c's.
#pragma once

#include "base/defs.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

// ---- files --------------------------------------------------------------------------------------

// What may be done with a file, or in a folder and in all that is below it.
enum os_right {
    OS_RIGHT_READ = 1,
    OS_RIGHT_LIST = 2,
    OS_RIGHT_WRITE = 4,
    OS_RIGHT_MAKE = 8,        // regular files and links; a file may be renamed within its folder
    OS_RIGHT_REMOVE = 16,     // files, sockets and links
    OS_RIGHT_REMOVE_DIR = 32, // empty folders
};

// What libraries read while a program runs: certificates, the modules of nsswitch.conf(5), numbers
// of the kernel's. Ends with NULL.
extern const char *const os_library_files[];
// Whether something is mounted there: a file, in containers.
bool os_is_mounted(const char *path);

struct os_fence;
struct os_fence_plan {
    bool binds_any_port;   // a TCP socket may be bound to port 0, which the system chooses
    bool abstract_sockets; // those of others may be connected to (unix(7))
};

// A fence without a gate. NULL with errno when the system has none. One thread at a time.
struct os_fence *os_fence_new(const struct os_fence_plan *plan) MUST_CHECK;
void os_fence_free(struct os_fence *fence); // NULL is allowed; whoever is inside stays there
// The version of the kernel's own interface (landlock(7), "Landlock ABI versions").
unsigned os_fence_version(const struct os_fence *fence);
// Rights that a file cannot have are left out. False with errno: it is not there, as a rule.
bool os_fence_allow(struct os_fence *fence, const char *path, unsigned rights) MUST_CHECK;
// The calling thread and the threads that it makes from then on; nobody gets out again. It gains no
// rights by exec either (no_new_privs). False with errno.
bool os_fence_enter(const struct os_fence *fence) MUST_CHECK;

// ---- system calls -------------------------------------------------------------------------------

// All threads of the process, whenever they were made, for good: what is not on the list fails
// with EPERM where the call is known to do harm, and else with ENOSYS, for which libraries have
// another way. The kernel's audit log tells which call it was. The errno, 0 when done; ENOTSUP
// where nobody has made the list for this machine.
int os_calls_limit(void);
// The list, a name a line.
void os_calls_print(FILE *out);

// ---- memory -------------------------------------------------------------------------------------

// Zeroed pages of their own for a secret, which reach no swap space where RLIMIT_MEMLOCK allows, no
// core dump and no forked process. NULL with errno.
void *os_secret_new(size_t len) MUST_CHECK;
void os_secret_free(void *secret, size_t len); // wipes; NULL is allowed
// From now on a forked process gets it after all, or no longer.
void os_secret_share(void *secret, size_t len, bool shares);
