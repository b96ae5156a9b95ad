// SPDX-License-Identifier: Apache-2.0
//
// Listening sockets and socket options. A unix socket is made under a temporary name beside its
// path and put there when it listens, so that nobody ever finds it with a wider mode (chmod after
// bind) or deaf, and no umask is changed under other threads. Any thread.
#include "base/net.h"

#include "base/err.h"
#include "base/os.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

// ".XXXXXX" behind the path.
enum { SUFFIX_CHARS = 7 };

static void set_int(int fd, int level, int name, int value)
{
    // What is set here improves a socket that works without; on the wrong kind of socket it fails
    // and changes nothing.
    (void)setsockopt(fd, level, name, &value, sizeof(value));
}

static int open_socket(int family, struct err *err)
{
    int fd = os_socket(family, SOCK_STREAM);
    if (fd < 0)
        err_sys(err, ERR_LISTEN, errno, "cannot make a socket");
    return fd;
}

// ---- TCP ----------------------------------------------------------------------------------------

static bool explain_tcp(const struct addr *addr, int sys, struct err *err)
{
    char text[ADDR_TEXT_BYTES];
    char command[OS_COMMAND_BYTES];
    addr_format(addr, text);
    if (sys == EADDRINUSE)
        return err_set(err, ERR_LISTEN,
            "%s is already in use: choose another port, or find who has it with %s", text,
            os_port_command(addr_port(addr), command));
    if (sys == EADDRNOTAVAIL)
        return err_set(err, ERR_LISTEN,
            "%s is not an address of this machine: choose one that \"%s\" shows", text,
            os_addresses_command);
    if (sys == EACCES)
        return err_set(err, ERR_LISTEN,
            "%s needs the capability CAP_NET_BIND_SERVICE: choose a port from 1024 on", text);
    return err_sys(err, ERR_LISTEN, sys, "cannot listen on %s", text);
}

static int listen_tcp(const struct addr *addr, int backlog, struct err *err)
{
    int fd = open_socket(addr->any.sa_family, err);
    if (fd < 0)
        return -1;
    set_int(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    // "[::]" means IPv6 alone, whatever net.ipv6.bindv6only says.
    if (addr->any.sa_family == AF_INET6)
        set_int(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
    if (bind(fd, &addr->any, addr->len) < 0 || listen(fd, backlog) < 0) {
        explain_tcp(addr, errno, err);
        close(fd);
        return -1;
    }
    return fd;
}

// ---- unix sockets -------------------------------------------------------------------------------

// Whether `path` is a socket on which nobody listens any more. On false err says what it is.
static bool is_stale(const char *path, struct err *err)
{
    struct stat status;
    struct addr addr = { .un.sun_family = AF_UNIX, .len = sizeof(addr.un) };
    if (lstat(path, &status) < 0)
        return err_sys(err, ERR_LISTEN, errno, "cannot look at %s", path);
    if (!S_ISSOCK(status.st_mode))
        return err_set(err, ERR_LISTEN,
            "%s exists and is not a socket: choose another path, or remove it", path);
    int fd = open_socket(AF_UNIX, err);
    if (fd < 0)
        return false;
    snprintf(addr.un.sun_path, sizeof(addr.un.sun_path), "%s", path);
    int sys = connect(fd, &addr.any, addr.len) < 0 ? errno : 0;
    close(fd);
    if (sys == ECONNREFUSED)
        return true;
    // EAGAIN: it listens and its queue is full.
    if (sys == 0 || sys == EAGAIN)
        return err_set(err, ERR_LISTEN,
            "%s is already in use: choose another path, or find who has it with %s", path,
            os_unix_sockets_command);
    return err_sys(err, ERR_LISTEN, sys, "%s exists and cannot be tried", path);
}

// Locks the folder of `path` until the descriptor is closed, so that of several programs that find
// the same stale socket one replaces it and the others find a live one. -1 on failure.
static int lock_folder(const char *path, struct err *err)
{
    char folder[sizeof(((struct sockaddr_un *)NULL)->sun_path)];
    int len = (int)(strrchr(path, '/') - path);
    snprintf(folder, sizeof(folder), "%.*s/", len, path);
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0 && flock(fd, LOCK_EX) == 0)
        return fd;
    err_sys(err, ERR_LISTEN, errno, "cannot lock the folder %s for the socket %s", folder, path);
    if (fd >= 0)
        close(fd);
    return -1;
}

// Puts the listening socket `made` at `path`, where nothing or a stale socket may be.
static bool publish(const char *made, const char *path, struct err *err)
{
    int lock = lock_folder(path, err);
    if (lock < 0)
        return false;
    // link(2), unlike rename(2), never replaces anything.
    bool ok = link(made, path) == 0;
    if (!ok && errno != EEXIST)
        err_sys(err, ERR_LISTEN, errno, "cannot make the socket %s", path);
    else if (!ok && is_stale(path, err)) {
        ok = rename(made, path) == 0;
        if (!ok)
            err_sys(err, ERR_LISTEN, errno, "cannot replace the stale socket %s", path);
    }
    close(lock);
    return ok;
}

// `path` with a random suffix.
static bool name_beside(const char *path, struct addr *out, struct err *err)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz012345";
    uint8_t random[SUFFIX_CHARS - 1];
    size_t len = strlen(path);
    if (len + SUFFIX_CHARS >= sizeof(out->un.sun_path))
        return err_set(err, ERR_LISTEN,
            "the socket path %s is %zu bytes long: expected at most %zu", path, len,
            sizeof(out->un.sun_path) - 1 - SUFFIX_CHARS);
    if (!os_random(random, sizeof(random)))
        return err_sys(err, ERR_INTERNAL, errno, "cannot get random bytes");
    *out = (struct addr){ .un.sun_family = AF_UNIX, .len = sizeof(out->un) };
    memcpy(out->un.sun_path, path, len);
    out->un.sun_path[len++] = '.';
    for (size_t i = 0; i < sizeof(random); i++)
        out->un.sun_path[len + i] = letters[random[i] % (sizeof(letters) - 1)];
    return true;
}

static int listen_unix(const struct addr *addr, int backlog, unsigned mode, struct err *err)
{
    struct addr beside = { 0 };
    const char *path = addr->un.sun_path;
    if (!name_beside(path, &beside, err))
        return -1;
    int fd = open_socket(AF_UNIX, err);
    if (fd < 0)
        return -1;
    const char *made = beside.un.sun_path;
    // Linux makes the file with the mode of the socket's own inode, less the umask (net/unix/
    // af_unix.c, unix_bind_bsd); chmod gives back what the umask took. POSIX leaves fchmod on a
    // socket open: where it does nothing, chmod still comes before anybody can connect.
    (void)fchmod(fd, mode);
    if (bind(fd, &beside.any, beside.len) < 0) {
        err_sys(err, ERR_LISTEN, errno, "cannot make the socket %s", path);
        close(fd);
        return -1;
    }
    bool ok = chmod(made, mode) == 0 && listen(fd, backlog) == 0;
    if (!ok)
        err_sys(err, ERR_LISTEN, errno, "cannot listen on %s", path);
    ok = ok && publish(made, path, err);
    (void)unlink(made);
    if (ok)
        return fd;
    close(fd);
    return -1;
}

int net_listen(const struct addr *addr, int backlog, unsigned unix_mode, struct err *err)
{
    if (addr->any.sa_family == AF_UNIX)
        return listen_unix(addr, backlog, unix_mode, err);
    return listen_tcp(addr, backlog, err);
}

// ---- options of connected sockets ---------------------------------------------------------------

void net_nodelay(int fd)
{
    set_int(fd, IPPROTO_TCP, TCP_NODELAY, 1);
}

int net_socket_error(int fd)
{
    int sys = 0;
    socklen_t len = sizeof(sys);
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &sys, &len) < 0)
        return errno;
    return sys;
}

bool net_has_input(int fd)
{
    char byte;
    return recv(fd, &byte, 1, MSG_PEEK) >= 0 || !net_is_transient(errno);
}

void net_reset_on_close(int fd)
{
    struct linger hard = { .l_onoff = 1, .l_linger = 0 };
    (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
}

bool net_is_transient(int sys)
{
    // ECONNABORTED: the client left between its SYN and our accept(2).
    return sys == EAGAIN || sys == EINTR || sys == ECONNABORTED;
}

bool net_is_shortage(int sys)
{
    return sys == EMFILE || sys == ENFILE || sys == ENOBUFS || sys == ENOMEM;
}
