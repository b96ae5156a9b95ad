// SPDX-License-Identifier: Apache-2.0
//
// What a service manager is told and asked, and nobody where there is none: systemd's sd_notify(3),
// sd_listen_fds(3), sd_watchdog_enabled(3). Any thread, unless it says otherwise.
#pragma once

#include "base/defs.h"

#include <stdbool.h>
#include <stdint.h>

struct addr;
struct err;
struct inherited;

bool service_is_there(void); // somebody listens to what follows
void service_ready(void);
// Ready, and the main process of the service from now on, in place of another one.
void service_ready_instead(void);
void service_reloading(void); // then service_ready: Type=notify-reload waits for both
// The end may take so long.
void service_stopping(uint64_t longest_ms);
void service_status(const char *text);
void service_alive(void); // for the watchdog
// The next of these within so many microseconds; 0: there is no watchdog. Main thread, at the
// start.
uint64_t service_watchdog_us(void);
// From now on nobody is told anything: another process speaks for the service.
void service_mute(void);

// The sockets of socket activation and those of the store, which are told by their names. Main
// thread, once, before anything else is opened.
bool service_sockets(struct inherited *out, struct err *err) MUST_CHECK;
// The manager keeps this socket when the process ends (FileDescriptorStoreMax=), or no longer.
// `path`: where a unix socket is found.
void service_store(int fd, const struct addr *addr);
void service_forget(const struct addr *addr);
// It says that it keeps some (systemd 254 and later).
bool service_has_store(void);
