// SPDX-License-Identifier: Apache-2.0
//
// A library for LD_PRELOAD: landlock(7) as a kernel of another version has it, the one that
// TIDBLINK_TEST_LANDLOCK names, where the real one is at least as new. What that version does not
// know is refused as the kernel does it (security/landlock/syscalls.c). With
// TIDBLINK_TEST_LANDLOCK_THREADS no thread but the main one gets behind the fence: E2BIG.
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/syscall.h>

// Variadic in its header: the kernel's interface passes six words in any case.
long syscall(long number, long first, long second, long third, long fourth, long fifth, long sixth);

// The kernel's interface, without glibc's syscall(2), whose place this takes.
static long ask_kernel(long number, const long words[6])
{
    register long fourth __asm__("r10") = words[3];
    register long fifth __asm__("r8") = words[4];
    register long sixth __asm__("r9") = words[5];
    long result;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(words[0]), "S"(words[1]), "d"(words[2]), "r"(fourth),
                     "r"(fifth), "r"(sixth)
                     : "rcx", "r11", "memory");
    if (result >= 0 || result < -4095)
        return result;
    errno = (int)-result;
    return -1;
}

static int why_not(const uint64_t *attributes, size_t size, long version)
{
    static const unsigned file_rights[] = { 0, 13, 14, 15, 15, 16, 16, 16 };
    size_t known = version >= 6 ? 3 : version >= 4 ? 2 : 1;
    for (size_t i = known; i < size / sizeof(*attributes); i++)
        if (attributes[i])
            return E2BIG;
    return attributes[0] >> file_rights[version] ? EINVAL : 0;
}

long syscall(long number, long first, long second, long third, long fourth, long fifth, long sixth)
{
    const long words[6] = { first, second, third, fourth, fifth, sixth };
    const char *text = getenv("TIDBLINK_TEST_LANDLOCK");
    long version = text ? *text - '0' : 0;
    const long nothing[6] = { 0 };
    if (number == SYS_landlock_restrict_self && getenv("TIDBLINK_TEST_LANDLOCK_THREADS") &&
        ask_kernel(SYS_gettid, nothing) != ask_kernel(SYS_getpid, nothing)) {
        errno = E2BIG;
        return -1;
    }
    if (number != SYS_landlock_create_ruleset || version < 1 || version > 7)
        return ask_kernel(number, words);
    if (words[2] == 1)
        return version;
    int sys = why_not((const uint64_t *)words[0], (size_t)words[1], version);
    if (sys == 0)
        return ask_kernel(number, words);
    errno = sys;
    return -1;
}
