// SPDX-License-Identifier: Apache-2.0
//
// What POSIX.1-2008 offers for base/os.h, with the names of macOS and FreeBSD where they have more:
// procctl(2) and accept4(2) of FreeBSD 14, ptrace(2) and <sys/un.h> of macOS 14, getpeereid(3) of
// both. Written by their manuals; the build on Linux is what has been run. Any thread.
#include "base/os.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#if defined(__APPLE__)
#include <sys/ptrace.h>
#elif defined(__FreeBSD__)
#include <sys/procctl.h>
#include <sys/wait.h>
#endif

const char os_build[] = "portable";
const char os_own_program[] = "tidblink"; // found in PATH; no sandbox asks for it
const char os_unix_sockets_command[] = "lsof -U";
const char os_addresses_command[] = "ifconfig";

// POSIX wants it declared by its user.
extern char **environ;

enum { RANDOM_CHARS = 6, CLOSED_MAX = 65536 };

// ---- descriptors --------------------------------------------------------------------------------

static bool set_flags(int fd, bool non_blocking)
{
    int status = fcntl(fd, F_GETFL);
    return fcntl(fd, F_SETFD, FD_CLOEXEC) == 0 && status >= 0 &&
           (!non_blocking || fcntl(fd, F_SETFL, status | O_NONBLOCK) == 0);
}

// A new descriptor with its flags, or -1 with errno and nothing open.
static int with_flags(int fd)
{
    if (fd < 0 || set_flags(fd, true))
        return fd;
    int sys = errno;
    close(fd);
    errno = sys;
    return -1;
}

int os_socket(int family, int type)
{
    return with_flags(socket(family, type, 0));
}

int os_accept(int fd, struct sockaddr *addr, socklen_t *len)
{
#if defined(__FreeBSD__)
    return accept4(fd, addr, len, SOCK_NONBLOCK | SOCK_CLOEXEC);
#else
    return with_flags(accept(fd, addr, len));
#endif
}

static bool open_pipe(int out[2], bool non_blocking)
{
    if (pipe(out) < 0)
        return false;
    if (set_flags(out[0], non_blocking) && set_flags(out[1], non_blocking))
        return true;
    int sys = errno;
    close(out[0]);
    close(out[1]);
    out[0] = out[1] = -1;
    errno = sys;
    return false;
}

bool os_pipe(int out[2])
{
    return open_pipe(out, false);
}

static bool make_pair(int type, int out[2])
{
    if (socketpair(AF_UNIX, type, 0, out) < 0)
        return false;
    (void)fcntl(out[0], F_SETFD, FD_CLOEXEC); // cannot fail
    (void)fcntl(out[1], F_SETFD, FD_CLOEXEC);
    return true;
}

bool os_socketpair(int out[2])
{
    return make_pair(SOCK_STREAM, out);
}

bool os_packet_pair(int out[2])
{
    return make_pair(SOCK_SEQPACKET, out);
}

FILE *os_fopen(const char *path, const char *mode)
{
    bool writes = *mode == 'w';
    int flags = writes ? O_WRONLY | O_CREAT | O_TRUNC : O_RDONLY;
    int fd = open(path, flags | O_CLOEXEC, 0666); // less the umask, as fopen(3) does it
    FILE *file = fd >= 0 ? fdopen(fd, writes ? "w" : "r") : NULL;
    if (file || fd < 0)
        return file;
    int sys = errno;
    close(fd);
    errno = sys;
    return NULL;
}

int os_mkstemps(char *path, size_t suffix_len)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz012345";
    char *mark = path + strlen(path) - suffix_len - RANDOM_CHARS;
    for (int tries = 0; tries < 100; tries++) {
        uint8_t random[RANDOM_CHARS];
        if (!os_random(random, sizeof(random)))
            return -1;
        for (size_t i = 0; i < sizeof(random); i++)
            mark[i] = letters[random[i] % (sizeof(letters) - 1)];
        int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, S_IRUSR | S_IWUSR);
        if (fd >= 0 || errno != EEXIST)
            return fd;
    }
    return -1;
}

const char *os_port_command(unsigned port, char out[OS_COMMAND_BYTES])
{
    snprintf(out, OS_COMMAND_BYTES, "lsof -nP -iTCP:%u -sTCP:LISTEN", port);
    return out;
}

bool os_splice_pipe(int out[2], size_t bytes)
{
    (void)bytes;
    out[0] = out[1] = -1;
    errno = ENOSYS;
    return false;
}

ssize_t os_splice(int from_fd, int to_fd, size_t bytes)
{
    (void)from_fd;
    (void)to_fd;
    (void)bytes;
    errno = ENOSYS;
    return -1;
}

// ---- wake-ups: a pipe that has a byte or more in it ---------------------------------------------

bool os_bell_open(struct os_bell *bell)
{
    int fds[2];
    *bell = (struct os_bell){ -1, -1 };
    if (!open_pipe(fds, true))
        return false;
    *bell = (struct os_bell){ .read_fd = fds[0], .write_fd = fds[1] };
    return true;
}

void os_bell_ring(const struct os_bell *bell)
{
    while (write(bell->write_fd, "", 1) < 0) {
        if (errno == EAGAIN)
            return; // full: it rings
        if (errno != EINTR)
            abort(); // a pipe of ours that is broken is a broken invariant
    }
}

void os_bell_quiet(const struct os_bell *bell)
{
    char bytes[64];
    ssize_t got;
    do
        got = read(bell->read_fd, bytes, sizeof(bytes));
    while (got == (ssize_t)sizeof(bytes) || (got < 0 && errno == EINTR));
}

void os_bell_close(struct os_bell *bell)
{
    if (bell->read_fd >= 0) {
        close(bell->read_fd);
        close(bell->write_fd);
    }
    *bell = (struct os_bell){ -1, -1 };
}

// ---- processes ----------------------------------------------------------------------------------

#if defined(__APPLE__) || defined(__FreeBSD__)
const bool os_knows_peers = true;
#else
const bool os_knows_peers = false;
#endif

bool os_peer_is_in(int fd, uint32_t group)
{
#if defined(__APPLE__) || defined(__FreeBSD__)
    uid_t uid;
    gid_t gid;
    return getpeereid(fd, &uid, &gid) == 0 && gid == group;
#else
    (void)fd;
    (void)group;
    return false;
#endif
}

bool os_peer(int fd, uint32_t *out_pid, uint32_t *out_uid)
{
    *out_pid = 0;
#if defined(__APPLE__) || defined(__FreeBSD__)
    uid_t uid;
    gid_t gid;
    if (getpeereid(fd, &uid, &gid) < 0)
        return false;
    *out_uid = (uint32_t)uid;
#if defined(__APPLE__)
    pid_t pid = 0;
    socklen_t len = sizeof(pid);
    if (getsockopt(fd, SOL_LOCAL, LOCAL_PEERPID, &pid, &len) == 0)
        *out_pid = (uint32_t)pid;
#endif
    return true;
#else
    (void)fd;
    *out_uid = 0;
    return false;
#endif
}

void os_protect_memory(void)
{
    const struct rlimit none = { 0, 0 };
    // All of these only fail on wrong arguments, and nothing depends on them.
    (void)setrlimit(RLIMIT_CORE, &none);
#if defined(__APPLE__)
    (void)ptrace(PT_DENY_ATTACH, 0, NULL, 0);
#elif defined(__FreeBSD__)
    int off = PROC_TRACE_CTL_DISABLE;
    (void)procctl(P_PID, getpid(), PROC_TRACE_CTL, &off);
#endif
}

int os_batch_scheduling(void)
{
    return ENOTSUP;
}

// macOS has nothing of the kind: a program that we started outlives us there.
int os_follow_parent(pid_t parent)
{
#if defined(__FreeBSD__)
    int number = SIGTERM;
    if (procctl(P_PID, 0, PROC_PDEATHSIG_CTL, &number) < 0)
        return errno;
#endif
    return getppid() == parent ? 0 : ESRCH; // it died before that
}

void os_adopt_orphans(void)
{
}

void os_close_at_exec(unsigned first, unsigned last)
{
    long limit = sysconf(_SC_OPEN_MAX);
    unsigned end = limit > 0 && limit < CLOSED_MAX ? (unsigned)limit : CLOSED_MAX;
    for (unsigned fd = first; fd < end && fd <= last; fd++)
        (void)fcntl((int)fd, F_SETFD, FD_CLOEXEC);
}

// Searches the PATH of `env`: our commands are given ours.
void os_execvpe(const char *name, char *const *argv, char *const *env)
{
    environ = (char **)(uintptr_t)env;
    execvp(name, argv);
}

int os_signal_limit(void)
{
#if defined(NSIG)
    return NSIG;
#else
    return SIGRTMAX + 1;
#endif
}

char **os_environment(void)
{
    return environ;
}

bool os_program_id(char out[OS_PROGRAM_ID_BYTES])
{
    *out = '\0';
    return false;
}
