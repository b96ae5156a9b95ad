// SPDX-License-Identifier: Apache-2.0
//
// systemd, as sd_notify(3), sd_listen_fds(3) and systemd.service(5) describe it. Any thread.
#include "base/service.h"

#include "base/clock.h"
#include "base/cursor.h"
#include "base/err.h"
#include "base/inherited.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

// What the store's sockets are called: this and the address, its colons replaced (a name may not
// have any, sd_pid_notify_with_fds(3)).
static const char store_prefix[] = "tidblink-";
enum { STORE_NAME_BYTES = sizeof(store_prefix) + ADDR_TEXT_BYTES };

static atomic_bool is_mute;

bool service_is_there(void)
{
    return getenv("NOTIFY_SOCKET") && !is_mute;
}

static void tell(const char *text)
{
    if (!is_mute)
        sd_notify(0, text);
}

void service_ready(void)
{
    tell("READY=1");
}

void service_ready_instead(void)
{
    char text[64];
    snprintf(text, sizeof(text), "MAINPID=%ld\nREADY=1", (long)getpid());
    tell(text);
}

void service_reloading(void)
{
    char text[64];
    snprintf(text, sizeof(text), "RELOADING=1\nMONOTONIC_USEC=%" PRIu64, clock_us());
    tell(text);
}

void service_stopping(uint64_t longest_ms)
{
    char text[64];
    snprintf(text, sizeof(text), "STOPPING=1\nEXTEND_TIMEOUT_USEC=%" PRIu64, longest_ms * 1000);
    tell(text);
}

void service_status(const char *text)
{
    if (!is_mute)
        sd_notifyf(0, "STATUS=%s", text);
}

void service_alive(void)
{
    tell("WATCHDOG=1");
}

uint64_t service_watchdog_us(void)
{
    uint64_t usec = 0;
    return sd_watchdog_enabled(0, &usec) > 0 ? usec : 0;
}

void service_mute(void)
{
    is_mute = true;
}

// ---- sockets ------------------------------------------------------------------------------------

static void store_name(const struct addr *addr, char out[STORE_NAME_BYTES])
{
    char text[ADDR_TEXT_BYTES];
    snprintf(out, STORE_NAME_BYTES, "%s%s", store_prefix, addr_format(addr, text));
    for (char *at = out; (at = strchr(at, ':'));)
        *at = '_';
}

// The address of a socket of the store. A unix socket was bound to its path and six letters more
// (net.h), and is of no use when nobody finds it there any more.
static bool stored_address(int fd, const char *name, struct addr *out)
{
    char found[STORE_NAME_BYTES];
    *out = (struct addr){ .len = sizeof(out->un) };
    if (getsockname(fd, &out->any, &out->len) < 0)
        return false;
    if (out->any.sa_family != AF_UNIX)
        return true;
    char *path = out->un.sun_path;
    char *suffix = strrchr(path, '.');
    if (suffix)
        *suffix = '\0';
    store_name(out, found);
    return strcmp(found, name) == 0 && access(path, F_OK) == 0;
}

static bool add_socket(struct inherited *out, int fd, const char *name, struct err *err)
{
    struct addr addr;
    if (strncmp(name, store_prefix, strlen(store_prefix)) != 0)
        return inherited_add(out, fd, INHERITED_ACTIVATION, name, NULL, err);
    if (stored_address(fd, name, &addr))
        return inherited_add(out, fd, INHERITED_STORE, name, &addr, err);
    close(fd);
    char text[sizeof("FDSTOREREMOVE=1\nFDNAME=") + INHERITED_NAME_BYTES];
    snprintf(text, sizeof(text), "FDSTOREREMOVE=1\nFDNAME=%.255s", name);
    tell(text);
    return true;
}

bool service_sockets(struct inherited *out, struct err *err)
{
    char **names = NULL;
    int count = sd_listen_fds_with_names(1, &names);
    bool ok = true;
    for (int i = 0; i < count; i++) {
        int fd = SD_LISTEN_FDS_START + i;
        const char *name = names && names[i] ? names[i] : "";
        if (ok)
            ok = add_socket(out, fd, name, err);
        else
            close(fd);
    }
    for (int i = 0; names && names[i]; i++)
        free(names[i]);
    free(names);
    return ok;
}

void service_store(int fd, const struct addr *addr)
{
    char name[STORE_NAME_BYTES];
    char text[sizeof("FDSTORE=1\nFDPOLL=0\nFDNAME=") + STORE_NAME_BYTES];
    store_name(addr, name);
    snprintf(text, sizeof(text), "FDSTORE=1\nFDPOLL=0\nFDNAME=%s", name);
    if (!is_mute)
        sd_pid_notify_with_fds(0, 0, text, &fd, 1);
}

void service_forget(const struct addr *addr)
{
    char name[STORE_NAME_BYTES];
    char text[sizeof("FDSTOREREMOVE=1\nFDNAME=") + STORE_NAME_BYTES];
    store_name(addr, name);
    snprintf(text, sizeof(text), "FDSTOREREMOVE=1\nFDNAME=%s", name);
    tell(text);
}

bool service_has_store(void)
{
    uint64_t count;
    const char *max = getenv("FDSTORE"); // systemd.exec(5)
    return max && parse_uint(max, 1, UINT64_MAX, &count);
}
