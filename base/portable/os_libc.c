// SPDX-License-Identifier: Apache-2.0
//
// Functions of C libraries that POSIX.1-2008 has not, by what it has; random bytes by OpenSSL,
// which needs no descriptor for them when there is none left. Any thread.
#include "base/os.h"

#include <errno.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

void os_wipe(void *bytes, size_t len)
{
    memset(bytes, 0, len);
    __asm__ volatile("" : : "r"(bytes) : "memory"); // the compiler must think that somebody looks
}

bool os_random(void *out, size_t len)
{
    if (RAND_bytes(out, (int)len) == 1)
        return true;
    errno = EIO;
    return false;
}

uint32_t os_random_below(uint32_t limit)
{
    uint32_t number;
    // What is above the last whole multiple of `limit` would make its first numbers likelier.
    uint32_t uneven = limit ? (uint32_t)(-limit) % limit : 0;
    do
        if (!os_random(&number, sizeof(number)))
            abort();
    while (number < uneven);
    return limit ? number % limit : 0;
}

const char *os_error_text(int sys, char *buffer, size_t size)
{
    if (strerror_r(sys, buffer, size) != 0)
        snprintf(buffer, size, "error %d", sys);
    return buffer;
}

// POSIX.1-2017, XBD 4.16 "Seconds Since the Epoch", with its leap years.
int64_t os_timegm(const struct tm *utc)
{
    static const int before[] = { 0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334 };
    int64_t year = utc->tm_year + 1900;
    int64_t leap_year = utc->tm_mon > 1 ? year : year - 1; // whose 29 February has been
    int64_t leaps = leap_year / 4 - leap_year / 100 + leap_year / 400 - 477; // since 1970
    int64_t days = (year - 1970) * 365 + leaps + before[utc->tm_mon] + utc->tm_mday - 1;
    return ((days * 24 + utc->tm_hour) * 60 + utc->tm_min) * 60 + utc->tm_sec;
}

int os_vasprintf(char **out, const char *format, va_list values)
{
    va_list again;
    va_copy(again, values);
    int len = vsnprintf(NULL, 0, format, values);
    *out = len >= 0 ? malloc((size_t)len + 1) : NULL;
    if (*out)
        vsnprintf(*out, (size_t)len + 1, format, again);
    va_end(again);
    return *out ? len : -1;
}

int os_asprintf(char **out, const char *format, ...)
{
    va_list values;
    va_start(values, format);
    int len = os_vasprintf(out, format, values);
    va_end(values);
    return len;
}

void *os_reallocarray(void *array, size_t count, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes)) {
        errno = ENOMEM;
        return NULL;
    }
    return realloc(array, bytes);
}

void *os_memmem(const void *in, size_t in_len, const void *what, size_t what_len)
{
    const char *at = in;
    if (!what_len)
        return (void *)(uintptr_t)at;
    for (size_t left = in_len; left >= what_len; left = in_len - (size_t)(at - (const char *)in)) {
        const char *first = memchr(at, *(const char *)what, left - what_len + 1);
        if (!first)
            return NULL;
        if (memcmp(first, what, what_len) == 0)
            return (void *)(uintptr_t)first;
        at = first + 1;
    }
    return NULL;
}

char *os_strcasestr(const char *in, const char *what)
{
    size_t len = strlen(what);
    for (const char *at = in; strlen(at) >= len; at++)
        if (strncasecmp(at, what, len) == 0)
            return (char *)(uintptr_t)at;
    return NULL;
}

char *os_strsep(char **rest, const char *separators)
{
    char *word = *rest;
    if (!word)
        return NULL;
    char *end = strpbrk(word, separators);
    if (end)
        *end++ = '\0';
    *rest = end;
    return word;
}
