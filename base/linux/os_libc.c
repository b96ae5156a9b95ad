// SPDX-License-Identifier: Apache-2.0
//
// What glibc has beyond POSIX, handed through. Any thread.
#include "base/os.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

void os_wipe(void *bytes, size_t len)
{
    explicit_bzero(bytes, len);
}

bool os_random(void *out, size_t len)
{
    return getrandom(out, len, 0) == (ssize_t)len;
}

uint32_t os_random_below(uint32_t limit)
{
    return arc4random_uniform(limit);
}

const char *os_error_text(int sys, char *buffer, size_t size)
{
    // The GNU form: the result is the text, which may or may not be in the buffer.
    return strerror_r(sys, buffer, size);
}

int64_t os_timegm(const struct tm *utc)
{
    struct tm parts = *utc; // timegm(3) puts odd values right, in place
    return (int64_t)timegm(&parts);
}

int os_asprintf(char **out, const char *format, ...)
{
    va_list values;
    va_start(values, format);
    int len = vasprintf(out, format, values);
    va_end(values);
    return len;
}

int os_vasprintf(char **out, const char *format, va_list values)
{
    return vasprintf(out, format, values);
}

void *os_reallocarray(void *array, size_t count, size_t size)
{
    return reallocarray(array, count, size);
}

void *os_memmem(const void *in, size_t in_len, const void *what, size_t what_len)
{
    return memmem(in, in_len, what, what_len);
}

char *os_strcasestr(const char *in, const char *what)
{
    return strcasestr(in, what);
}

char *os_strsep(char **rest, const char *separators)
{
    return strsep(rest, separators);
}
