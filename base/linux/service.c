// SPDX-License-Identifier: Apache-2.0
//
// systemd, as sd_notify(3) describes it. Any thread.
#include "base/service.h"

#include "base/clock.h"

#include <inttypes.h>
#include <systemd/sd-daemon.h>

void service_ready(void)
{
    sd_notify(0, "READY=1");
}

void service_reloading(void)
{
    sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%" PRIu64, clock_us());
}

void service_stopping(void)
{
    sd_notify(0, "STOPPING=1");
}
