// SPDX-License-Identifier: Apache-2.0
//
// Clocks and their texts. Any thread.
#include "base/clock.h"

#include "base/os.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

uint64_t clock_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

uint64_t clock_ms(void)
{
    return clock_us() / 1000;
}

int64_t clock_wall_s(void)
{
    return (int64_t)time(NULL);
}

int64_t clock_wall_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

const char *clock_format(int64_t wall_s, char out[CLOCK_TEXT_BYTES])
{
    time_t seconds = (time_t)wall_s;
    struct tm parts;
    if (!gmtime_r(&seconds, &parts) ||
        !strftime(out, CLOCK_TEXT_BYTES, "%Y-%m-%dT%H:%M:%SZ", &parts))
        snprintf(out, CLOCK_TEXT_BYTES, "?");
    return out;
}

bool clock_parse(const char *text, int64_t *out_wall_s)
{
    struct tm parts = { 0 };
    const char *end = strptime(text, "%Y-%m-%dT%H:%M:%SZ", &parts);
    if (!end || *end)
        return false;
    *out_wall_s = os_timegm(&parts);
    return true;
}

int64_t clock_wall_since_s(int64_t wall_s)
{
    int64_t now_s = clock_wall_s();
    return now_s > wall_s ? now_s - wall_s : 0;
}

const char *clock_age(int64_t seconds, char out[CLOCK_TEXT_BYTES])
{
    if (seconds < 0)
        seconds = 0;
    long long s = seconds;
    if (s < 120)
        snprintf(out, CLOCK_TEXT_BYTES, "%lld s", s);
    else if (s < 7200)
        snprintf(out, CLOCK_TEXT_BYTES, "%lld min", s / 60);
    else if (s < 48LL * 3600)
        snprintf(out, CLOCK_TEXT_BYTES, "%lld h %lld min", s / 3600, s % 3600 / 60);
    else
        snprintf(out, CLOCK_TEXT_BYTES, "%lld d", s / 86400);
    return out;
}
