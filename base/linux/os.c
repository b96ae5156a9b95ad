// SPDX-License-Identifier: Apache-2.0
//
// Linux's own calls: accept4(2), eventfd(2), pipe2(2), splice(2), prctl(2), close_range(2),
// unix(7) SO_PEERCRED, sched(7). Any thread.
#include "base/os.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

const char os_build[] = "";
const char os_own_program[] = "/proc/self/exe";
const char os_unix_sockets_command[] = "ss -lxp";
const char os_addresses_command[] = "ip address";

// ---- descriptors --------------------------------------------------------------------------------

int os_socket(int family, int type)
{
    return socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

int os_accept(int fd, struct sockaddr *addr, socklen_t *len)
{
    return accept4(fd, addr, len, SOCK_NONBLOCK | SOCK_CLOEXEC);
}

bool os_pipe(int out[2])
{
    return pipe2(out, O_CLOEXEC) == 0;
}

bool os_socketpair(int out[2])
{
    return socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, out) == 0;
}

bool os_packet_pair(int out[2])
{
    return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, out) == 0;
}

FILE *os_fopen(const char *path, const char *mode)
{
    return fopen(path, *mode == 'w' ? "we" : "re");
}

int os_mkstemps(char *path, size_t suffix_len)
{
    return mkostemps(path, (int)suffix_len, O_CLOEXEC);
}

const char *os_port_command(unsigned port, char out[OS_COMMAND_BYTES])
{
    snprintf(out, OS_COMMAND_BYTES, "ss -ltnp 'sport = :%u'", port);
    return out;
}

bool os_splice_pipe(int out[2], size_t bytes)
{
    if (pipe2(out, O_NONBLOCK | O_CLOEXEC) < 0)
        return false;
    // Refused when the user has many pipes already: then it has the system's size.
    (void)fcntl(out[1], F_SETPIPE_SZ, (int)bytes);
    return true;
}

ssize_t os_splice(int from_fd, int to_fd, size_t bytes)
{
    return splice(from_fd, NULL, to_fd, NULL, bytes, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
}

// ---- wake-ups -----------------------------------------------------------------------------------

bool os_bell_open(struct os_bell *bell)
{
    bell->read_fd = bell->write_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    return bell->read_fd >= 0;
}

void os_bell_ring(const struct os_bell *bell)
{
    const uint64_t one = 1;
    if (write(bell->write_fd, &one, sizeof(one)) < 0)
        abort(); // an eventfd of ours that refuses 1 is a broken invariant
}

void os_bell_quiet(const struct os_bell *bell)
{
    uint64_t count;
    ssize_t got = read(bell->read_fd, &count, sizeof(count));
    (void)got;
}

void os_bell_close(struct os_bell *bell)
{
    if (bell->read_fd >= 0)
        close(bell->read_fd);
    bell->read_fd = bell->write_fd = -1;
}

// ---- processes ----------------------------------------------------------------------------------

bool os_peer(int fd, uint32_t *out_pid, uint32_t *out_uid)
{
    struct ucred creds = { 0 };
    socklen_t len = sizeof(creds);
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &creds, &len) < 0)
        return false;
    *out_pid = (uint32_t)creds.pid;
    *out_uid = (uint32_t)creds.uid;
    return true;
}

const bool os_knows_peers = true;

bool os_peer_is_in(int fd, uint32_t group)
{
    enum { GROUPS_MAX = 65536 }; // NGROUPS_MAX of linux/limits.h
    struct ucred creds = { 0 };
    socklen_t len = sizeof(creds);
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &creds, &len) == 0 && creds.gid == group)
        return true;
    // Linux 4.13; it says how many there are when they do not fit.
    len = 0;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, NULL, &len) == 0 || errno != ERANGE)
        return false;
    gid_t *groups = len <= GROUPS_MAX * sizeof(gid_t) ? malloc(len) : NULL;
    bool found = false;
    if (groups && getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &len) == 0)
        for (size_t i = 0; !found && i < len / sizeof(gid_t); i++)
            found = groups[i] == group;
    free(groups);
    return found;
}

void os_protect_memory(void)
{
    const struct rlimit none = { 0, 0 };
    // Both only fail on wrong arguments, and nothing depends on them.
    (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    (void)setrlimit(RLIMIT_CORE, &none);
}

int os_batch_scheduling(void)
{
    const struct sched_param none = { 0 };
    return pthread_setschedparam(pthread_self(), SCHED_BATCH, &none);
}

void os_adopt_orphans(void)
{
    (void)prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
}

int os_follow_parent(pid_t parent)
{
    if (prctl(PR_SET_PDEATHSIG, SIGTERM) < 0)
        return errno;
    return getppid() == parent ? 0 : ESRCH; // it died before that
}

void os_close_at_exec(unsigned first, unsigned last)
{
    // Before Linux 5.11 they stay open, which is untidy and no more.
    (void)close_range(first, last, CLOSE_RANGE_CLOEXEC);
}

void os_execvpe(const char *name, char *const *argv, char *const *env)
{
    execvpe(name, argv, env);
}

int os_signal_limit(void)
{
    return NSIG;
}

char **os_environment(void)
{
    return environ;
}

bool os_program_id(char out[OS_PROGRAM_ID_BYTES])
{
    struct stat status;
    if (stat("/proc/self/exe", &status) < 0)
        return false;
    snprintf(out, OS_PROGRAM_ID_BYTES, "%llx:%llx:%llx:%llx.%lx", (unsigned long long)status.st_dev,
        (unsigned long long)status.st_ino, (unsigned long long)status.st_size,
        (unsigned long long)status.st_mtim.tv_sec, status.st_mtim.tv_nsec);
    return true;
}
