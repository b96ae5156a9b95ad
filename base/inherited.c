// SPDX-License-Identifier: Apache-2.0
//
// A list of descriptors, matched by address or name. Used by whoever listens.
#include "base/inherited.h"

#include "base/err.h"
#include "base/net.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool is_listening(int fd)
{
    int listens = 0, type = 0;
    socklen_t len = sizeof(listens);
    return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &len) == 0 && listens &&
           getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == 0 && type == SOCK_STREAM;
}

static bool note(struct inherited *inherited, const struct inherited_socket *socket)
{
    size_t count = inherited->count + 1;
    struct inherited_socket *grown =
        realloc(inherited->sockets, count * sizeof(*inherited->sockets));
    if (!grown)
        return false;
    inherited->sockets = grown;
    inherited->sockets[inherited->count++] = *socket;
    return true;
}

bool inherited_add(struct inherited *inherited, int fd, enum inherited_from from, const char *name,
    const struct addr *addr, struct err *err)
{
    struct inherited_socket socket = { .fd = fd, .from = from };
    snprintf(socket.name, sizeof(socket.name), "%s", name);
    int flags = fcntl(fd, F_GETFL);
    bool ok = is_listening(fd) && flags >= 0 && fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0 &&
              fcntl(fd, F_SETFD, FD_CLOEXEC) == 0;
    if (!ok) {
        err_set(err, ERR_LISTEN,
            "the socket \"%s\" that was passed to this program is not one that listens for "
            "streams: expected ListenStream=",
            name);
        close(fd);
        return false;
    }
    if (addr) {
        socket.addr = *addr;
    } else {
        socket.addr.len = sizeof(socket.addr.un);
        if (getsockname(fd, &socket.addr.any, &socket.addr.len) < 0)
            socket.addr.len = 0;
    }
    if (note(inherited, &socket))
        return true;
    close(fd);
    return err_set(err, ERR_MEMORY, "out of memory for listeners");
}

static bool is_same_place(
    const struct inherited_socket *socket, const struct addr *addr, const char *name)
{
    if (addr_equal(&socket->addr, addr))
        return true;
    bool is_any_port = addr->any.sa_family != AF_UNIX && addr_port(addr) == 0 &&
                       socket->addr.any.sa_family == addr->any.sa_family &&
                       strcmp(socket->name, name) == 0;
    if (!is_any_port)
        return false;
    struct addr same = addr_with_port(&socket->addr, 0);
    return addr_equal(&same, addr);
}

static bool has_name(
    const struct inherited_socket *socket, const struct addr *addr, const char *name)
{
    bool is_unix = addr->any.sa_family == AF_UNIX;
    bool is_of_kind = (socket->addr.any.sa_family == AF_UNIX) == is_unix;
    return socket->from == INHERITED_ACTIVATION && strcmp(socket->name, name) == 0 &&
           (is_of_kind || strcmp(name, INHERITED_ADMIN) != 0);
}

static struct inherited_socket *find(
    struct inherited *inherited, const struct addr *addr, const char *name)
{
    for (size_t i = 0; i < inherited->count; i++) {
        struct inherited_socket *socket = &inherited->sockets[i];
        if (socket->fd >= 0 && is_same_place(socket, addr, name))
            return socket;
    }
    for (size_t i = 0; i < inherited->count; i++) {
        struct inherited_socket *socket = &inherited->sockets[i];
        if (socket->fd >= 0 && has_name(socket, addr, name))
            return socket;
    }
    return NULL;
}

bool inherited_take(struct inherited *inherited, const struct addr *addr, const char *name,
    struct inherited_socket *out)
{
    struct inherited_socket *socket = inherited ? find(inherited, addr, name) : NULL;
    if (!socket)
        return false;
    *out = *socket;
    socket->fd = -1;
    return true;
}

// Now, and not when it serves: a process that has given up its rights cannot.
static bool give_mode(const struct inherited_socket *socket, unsigned mode, struct err *err)
{
    struct stat status;
    const char *path = socket->addr.un.sun_path;
    if (!inherited_has_file(socket) || stat(path, &status) < 0 || !S_ISSOCK(status.st_mode) ||
        (status.st_mode & 07777) == mode || chmod(path, mode) == 0)
        return true;
    return err_sys(err, ERR_LISTEN, errno,
        "cannot change the mode of the socket %s from %04o to %04o", path,
        (unsigned)(status.st_mode & 07777), mode);
}

bool inherited_listen(struct inherited *inherited, const struct addr *addr, const char *name,
    int backlog, unsigned unix_mode, struct inherited_socket *out, struct err *err)
{
    if (inherited_take(inherited, addr, name, out)) {
        // Its queue as it is configured now, and our process as the peer of who asks (unix(7),
        // SO_PEERCRED: the process that called listen(2)).
        if (out->from != INHERITED_ACTIVATION)
            (void)listen(out->fd, backlog);
        if (give_mode(out, unix_mode, err))
            return true;
        close(out->fd);
        return false;
    }
    *out = (struct inherited_socket){ .from = INHERITED_NOT, .addr = *addr };
    snprintf(out->name, sizeof(out->name), "%s", name);
    out->fd = net_listen(addr, backlog, unix_mode, err);
    if (out->fd < 0)
        return false;
    if (addr->any.sa_family != AF_UNIX) {
        out->addr.len = sizeof(out->addr.un);
        getsockname(out->fd, &out->addr.any, &out->addr.len);
    }
    return true;
}

bool inherited_has_file(const struct inherited_socket *socket)
{
    return socket->from != INHERITED_ACTIVATION && socket->addr.any.sa_family == AF_UNIX &&
           *socket->addr.un.sun_path;
}

const struct inherited_socket *inherited_left(
    const struct inherited *inherited, enum inherited_from from)
{
    for (size_t i = 0; i < inherited->count; i++)
        if (inherited->sockets[i].fd >= 0 && inherited->sockets[i].from == from)
            return &inherited->sockets[i];
    return NULL;
}

void inherited_done(struct inherited *inherited, bool unlink_files)
{
    for (size_t i = 0; i < inherited->count; i++) {
        const struct inherited_socket *socket = &inherited->sockets[i];
        if (socket->fd < 0)
            continue;
        if (unlink_files && inherited_has_file(socket))
            (void)unlink(socket->addr.un.sun_path);
        close(socket->fd);
    }
    free(inherited->sockets);
    *inherited = (struct inherited){ 0 };
}
