// SPDX-License-Identifier: Apache-2.0
//
// What a service manager is told, and nobody where there is none: systemd's sd_notify(3). Any
// thread.
#pragma once

void service_ready(void);
void service_reloading(void); // then service_ready: Type=notify-reload waits for both
void service_stopping(void);
