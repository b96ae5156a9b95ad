// SPDX-License-Identifier: Apache-2.0
//
// No service manager asks. Any thread.
#include "base/service.h"

bool service_is_there(void)
{
    return false;
}

void service_ready(void)
{
}

void service_ready_instead(void)
{
}

void service_reloading(void)
{
}

void service_stopping(uint64_t longest_ms)
{
    (void)longest_ms;
}

void service_status(const char *text)
{
    (void)text;
}

void service_alive(void)
{
}

uint64_t service_watchdog_us(void)
{
    return 0;
}

void service_mute(void)
{
}

bool service_sockets(struct inherited *out, struct err *err)
{
    (void)out;
    (void)err;
    return true;
}

void service_store(int fd, const struct addr *addr)
{
    (void)fd;
    (void)addr;
}

void service_forget(const struct addr *addr)
{
    (void)addr;
}

bool service_has_store(void)
{
    return false;
}
