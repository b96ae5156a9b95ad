// SPDX-License-Identifier: Apache-2.0
//
// A library for LD_PRELOAD: does in a running program's own threads what somebody would who had
// taken it over, once for every round that tests/e2e/trespass.py calls, when a thread comes to wait
// for events. What came of it goes, a line each, to a file that was opened at the start. Everything
// by syscall(2), so that nothing but the kernel is asked.
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PATH_BYTES = 4096, LINE_BYTES = 128, PAGE_BYTES = 4096 };

static const volatile uint8_t *round_called;
static int results = -1;
static const char *outside; // a folder that has nothing to do with the configuration

__attribute__((constructor)) static void start(void)
{
    char path[PATH_BYTES];
    const char *file = getenv("TIDBLINK_TEST_TRESPASS");
    // The spawner (base/spawner.h) is not meant: it starts programs.
    int type = 0;
    socklen_t len = sizeof(type);
    if (getsockopt(3, SOL_SOCKET, SO_TYPE, &type, &len) == 0 && type == SOCK_SEQPACKET)
        return;
    int fd = file ? open(file, O_RDONLY | O_CLOEXEC) : -1;
    if (fd < 0)
        return;
    void *mapped = mmap(NULL, 1, PROT_READ, MAP_SHARED, fd, 0);
    close(fd);
    if (mapped == MAP_FAILED)
        return;
    snprintf(path, sizeof(path), "%s.results", file);
    results = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    outside = getenv("TIDBLINK_TEST_OUTSIDE");
    round_called = mapped;
}

// ---- attempts: 0 or an errno --------------------------------------------------------------------

static int result_of(long result)
{
    return result < 0 ? errno : 0;
}

static int open_at(const char *path, int flags)
{
    long fd = syscall(SYS_openat, AT_FDCWD, path, flags | O_CLOEXEC, 0600);
    int sys = result_of(fd);
    if (fd >= 0)
        syscall(SYS_close, fd);
    return sys;
}

static const char *of_outside(const char *name)
{
    static _Thread_local char path[PATH_BYTES];
    snprintf(path, sizeof(path), "%s/%s", outside, name);
    return path;
}

static int read_passwd(void)
{
    return open_at("/etc/passwd", O_RDONLY);
}

static int read_outside(void)
{
    return open_at(of_outside("secret"), O_RDONLY);
}

static int write_outside(void)
{
    return open_at(of_outside("secret"), O_WRONLY);
}

static int make_outside(void)
{
    return open_at(of_outside("made"), O_WRONLY | O_CREAT);
}

static int list_outside(void)
{
    return open_at(of_outside(""), O_RDONLY | O_DIRECTORY);
}

static int remove_outside(void)
{
    return result_of(syscall(SYS_unlinkat, AT_FDCWD, of_outside("victim"), 0));
}

// There is no such program: where it is allowed, nothing is replaced.
static int run_program(void)
{
    char *const none[] = { NULL };
    return result_of(syscall(SYS_execve, of_outside("program"), none, none));
}

static int end_and_wait(long pid)
{
    if (pid == 0)
        syscall(SYS_exit_group, 0);
    int sys = result_of(pid);
    if (pid > 0)
        syscall(SYS_wait4, pid, NULL, __WALL, NULL);
    return sys;
}

static int make_process(void)
{
    return end_and_wait(syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0));
}

static int with_socket(int family, int type, int (*then)(int fd))
{
    long fd = syscall(SYS_socket, family, type | SOCK_CLOEXEC, 0);
    int sys = result_of(fd);
    if (fd < 0)
        return sys;
    sys = then ? then((int)fd) : 0;
    syscall(SYS_close, fd);
    return sys;
}

static int listen_on(int fd)
{
    return result_of(syscall(SYS_listen, fd, 1));
}

static int bind_any(int fd)
{
    const struct sockaddr_in any = { .sin_family = AF_INET,
        .sin_addr = { htonl(INADDR_LOOPBACK) } };
    return result_of(syscall(SYS_bind, fd, &any, sizeof(any)));
}

static int listen_again(void)
{
    return with_socket(AF_INET, SOCK_STREAM, listen_on);
}

static int bind_port(void)
{
    return with_socket(AF_INET, SOCK_STREAM, bind_any);
}

static int open_packets(void)
{
    return with_socket(AF_PACKET, SOCK_RAW, NULL);
}

static int open_raw(void)
{
    return with_socket(AF_INET, SOCK_RAW, NULL);
}

// The parent is not traced by us, so that nothing happens to it.
static int trace_parent(void)
{
    return result_of(syscall(SYS_ptrace, PTRACE_DETACH, getppid(), 0, 0));
}

static int write_memory(void)
{
    return result_of(syscall(SYS_process_vm_writev, getppid(), NULL, 0, NULL, 0, 0));
}

static int signal_parent(void)
{
    return result_of(syscall(SYS_kill, getppid(), 0));
}

static int new_users(void)
{
    return result_of(syscall(SYS_unshare, CLONE_NEWUSER));
}

static int new_ring(void)
{
    return result_of(syscall(SYS_io_uring_setup, 1, NULL));
}

static int map_code(void)
{
    long at = syscall(SYS_mmap, NULL, PAGE_BYTES, PROT_READ | PROT_WRITE | PROT_EXEC,
        MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    int sys = result_of(at);
    if (sys == 0)
        syscall(SYS_munmap, at, PAGE_BYTES);
    return sys;
}

// What must go on: the state of the clusters, and connections.
static int connect_out(void)
{
    return with_socket(AF_INET, SOCK_STREAM, NULL);
}

static int read_hosts(void)
{
    return open_at("/etc/hosts", O_RDONLY);
}

static const struct {
    const char *name;
    int (*attempt)(void);
} attempts[] = {
    { "read-passwd", read_passwd },
    { "read-outside", read_outside },
    { "write-outside", write_outside },
    { "make-outside", make_outside },
    { "list-outside", list_outside },
    { "remove-outside", remove_outside },
    { "exec", run_program },
    { "fork", make_process },
    { "listen", listen_again },
    { "bind", bind_port },
    { "packets", open_packets },
    { "raw", open_raw },
    { "ptrace", trace_parent },
    { "write-memory", write_memory },
    { "kill", signal_parent },
    { "unshare", new_users },
    { "io-uring", new_ring },
    { "code", map_code },
    { "socket", connect_out },
    { "read-hosts", read_hosts },
};

// ---- when ---------------------------------------------------------------------------------------

static void trespass(void)
{
    static _Thread_local uint8_t round_done;
    char line[LINE_BYTES];
    if (!round_called || *round_called == round_done)
        return;
    round_done = *round_called;
    for (size_t i = 0; i < sizeof(attempts) / sizeof(attempts[0]); i++) {
        int sys = attempts[i].attempt();
        int len = snprintf(line, sizeof(line), "%u %ld %s %d\n", round_done, syscall(SYS_gettid),
            attempts[i].name, sys);
        if (syscall(SYS_write, results, line, len) < 0)
            abort();
    }
    int len = snprintf(line, sizeof(line), "%u %ld done 0\n", round_done, syscall(SYS_gettid));
    if (syscall(SYS_write, results, line, len) < 0)
        abort();
}

int epoll_wait(int epfd, struct epoll_event *events, int maxevents, int timeout)
{
    trespass();
    int count = (int)syscall(SYS_epoll_wait, epfd, events, maxevents, timeout);
    int sys = errno;
    trespass();
    errno = sys;
    return count;
}
