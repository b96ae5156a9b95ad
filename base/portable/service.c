// SPDX-License-Identifier: Apache-2.0
//
// No service manager asks. Any thread.
#include "base/service.h"

void service_ready(void)
{
}

void service_reloading(void)
{
}

void service_stopping(void)
{
}
