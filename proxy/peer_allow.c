// SPDX-License-Identifier: Apache-2.0
//
// Lists of users and groups. Called by app/settings_allow.c (new) and proxy.c (admits).
#include "proxy/peer_allow.h"

#include "base/cursor.h"
#include "base/err.h"
#include "base/os.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SHOWN_BYTES = 200, NAME_BUFFER_BYTES = 64 * 1024 };

struct ids {
    uint32_t *items;
    size_t count;
};

struct peer_allow {
    unsigned refs;
    struct ids users, groups;
    char shown[SHOWN_BYTES]; // "allow-users = app, 1001; allow-groups = dba"
};

// ---- the lists ----------------------------------------------------------------------------------

// False: the text is no number. The last one stands for "none" in system calls.
static bool read_id(const char *text, uint32_t *out)
{
    uint64_t value;
    if (!parse_uint(text, 0, UINT32_MAX - 1, &value))
        return false;
    *out = (uint32_t)value;
    return true;
}

static bool find_user(const char *name, char *buffer, uint32_t *out)
{
    struct passwd entry, *found = NULL;
    if (getpwnam_r(name, &entry, buffer, NAME_BUFFER_BYTES, &found) != 0 || !found)
        return false;
    *out = (uint32_t)entry.pw_uid;
    return true;
}

static bool find_group(const char *name, char *buffer, uint32_t *out)
{
    struct group entry, *found = NULL;
    if (getgrnam_r(name, &entry, buffer, NAME_BUFFER_BYTES, &found) != 0 || !found)
        return false;
    *out = (uint32_t)entry.gr_gid;
    return true;
}

// A look-up does not say that it could not read the file: what it returns depends on
// nsswitch.conf(5).
static int why_unreadable(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    int sys = fd < 0 ? errno : 0;
    if (fd >= 0)
        close(fd);
    return sys == ENOENT ? 0 : sys;
}

static bool refuse_name(const char *name, bool is_group, struct err *err)
{
    const char *path = is_group ? "/etc/group" : "/etc/passwd";
    int sys = why_unreadable(path);
    if (sys != 0)
        return err_sys(err, ERR_OPTION, sys, "\"%.60s\" cannot be looked up in %s", name, path);
    return err_set(err, ERR_OPTION,
        "\"%.60s\" is no %s of this machine: expected a name that \"getent %s\" shows, or an id",
        name, is_group ? "group" : "user", is_group ? "group" : "passwd");
}

static bool read_list(
    const struct option_list *list, struct ids *out, bool are_groups, char *buffer, struct err *err)
{
    out->items = calloc(list->count + 1, sizeof(*out->items));
    if (!out->items)
        return err_set(err, ERR_MEMORY, "out of memory");
    for (size_t i = 0; i < list->count; i++) {
        const char *name = list->items[i];
        uint32_t *id = &out->items[out->count];
        bool found = read_id(name, id) ||
                     (are_groups ? find_group(name, buffer, id) : find_user(name, buffer, id));
        if (!found)
            return refuse_name(name, are_groups, err);
        out->count++;
    }
    return true;
}

static void show(struct peer_allow *allow, const char *option, const struct option_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        size_t len = strlen(allow->shown);
        const char *name = list->items[i];
        if (i > 0)
            snprintf(allow->shown + len, SHOWN_BYTES - len, ", %s", name);
        else
            snprintf(
                allow->shown + len, SHOWN_BYTES - len, "%s%s = %s", len ? "; " : "", option, name);
    }
}

struct peer_allow *peer_allow_new(
    const struct option_list *users, const struct option_list *groups, struct err *err)
{
    if (!os_knows_peers) {
        err_set(err, ERR_OPTION, "this system does not tell who connects to a unix socket");
        return NULL;
    }
    struct peer_allow *allow = calloc(1, sizeof(*allow));
    char *buffer = malloc(NAME_BUFFER_BYTES);
    bool done = allow && buffer && read_list(users, &allow->users, false, buffer, err) &&
                read_list(groups, &allow->groups, true, buffer, err);
    if (!allow || !buffer)
        err_set(err, ERR_MEMORY, "out of memory");
    free(buffer);
    if (allow)
        allow->refs = 1;
    if (!done) {
        peer_allow_unref(allow);
        return NULL;
    }
    show(allow, "allow-users", users);
    show(allow, "allow-groups", groups);
    return allow;
}

struct peer_allow *peer_allow_ref(struct peer_allow *allow)
{
    if (allow)
        allow->refs++;
    return allow;
}

void peer_allow_unref(struct peer_allow *allow)
{
    if (!allow || --allow->refs > 0)
        return;
    free(allow->users.items);
    free(allow->groups.items);
    free(allow);
}

// ---- who comes ----------------------------------------------------------------------------------

static bool is_listed(const struct peer_allow *allow, int fd, const struct peer *peer)
{
    for (size_t i = 0; i < allow->users.count; i++)
        if (allow->users.items[i] == peer->uid)
            return true;
    for (size_t i = 0; i < allow->groups.count; i++)
        if (os_peer_is_in(fd, allow->groups.items[i]))
            return true;
    return false;
}

bool peer_allow_admits(const struct peer_allow *allow, int fd, const struct peer *peer,
    const char *alias, struct err *err)
{
    if (!allow || peer->family != AF_UNIX)
        return true;
    if (peer->uid == PEER_UID_UNKNOWN)
        return err_set(err, ERR_DENIED,
            "tidblink: who connects to %.60s here is not known, and only some may (%s)", alias,
            allow->shown);
    return is_listed(allow, fd, peer) || err_set(err, ERR_DENIED,
                                             "tidblink: uid %u may not connect to %.60s here: %s. "
                                             "Connect as one of these, or add "
                                             "it there and run: tidblink reload",
                                             (unsigned)peer->uid, alias, allow->shown);
}
