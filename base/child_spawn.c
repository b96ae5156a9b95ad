// SPDX-License-Identifier: Apache-2.0
//
// From a specification to a running program. posix_spawn(3) costs the same however much memory we
// have, so it is the proxy's way. A program that is to die with us needs a call of its own between
// fork and exec, which posix_spawn cannot make: that is the way of commands, which are small. Used
// by child.c and foreground.c.
#include "base/child_spawn.h"

#include "base/child.h"
#include "base/foreground.h"
#include "base/os.h"
#include "base/spawner.h"
#include "base/spawner_words.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

// ---- a program that may outlive us --------------------------------------------------------------

// SIGPIPE, which we ignore, and the signals that our threads block are as new in the child.
static int prepare_attributes(posix_spawnattr_t *attributes)
{
    sigset_t none;
    sigset_t pipe_only;
    sigemptyset(&none);
    sigemptyset(&pipe_only);
    sigaddset(&pipe_only, SIGPIPE);
    posix_spawnattr_setsigmask(attributes, &none);
    posix_spawnattr_setsigdefault(attributes, &pipe_only);
    posix_spawnattr_setpgroup(attributes, 0);
    return posix_spawnattr_setflags(
        attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
}

static int prepare_files(posix_spawn_file_actions_t *actions, int out_fd, int errors_fd)
{
    int sys = posix_spawn_file_actions_addopen(actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    if (sys == 0)
        sys = posix_spawn_file_actions_adddup2(actions, out_fd, STDOUT_FILENO);
    if (sys == 0)
        sys = posix_spawn_file_actions_adddup2(actions, errors_fd, STDERR_FILENO);
    return sys;
}

static int spawn_freely(const struct child_spec *spec, int out_fd, int errors_fd, pid_t *out_pid)
{
    posix_spawnattr_t attributes;
    posix_spawn_file_actions_t actions;
    posix_spawnattr_init(&attributes);
    posix_spawn_file_actions_init(&actions);
    int sys = prepare_attributes(&attributes);
    if (sys == 0)
        sys = prepare_files(&actions, out_fd, errors_fd);
    // POSIX gives argv and environment without const for C's sake and changes neither.
    if (sys == 0)
        sys = posix_spawnp(out_pid, spec->argv[0], &actions, &attributes,
            (char *const *)(uintptr_t)spec->argv,
            spec->env ? (char *const *)(uintptr_t)spec->env : os_environment());
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    return sys;
}

// ---- a program that dies with us ----------------------------------------------------------------

// exec resets handlers, but until then one of ours would run in the child, and tell our loop (its
// pipe is shared) of signals that only the child got.
static void drop_handlers(void)
{
    struct sigaction now;
    const struct sigaction normal = { .sa_handler = SIG_DFL };
    int limit = os_signal_limit();
    for (int number = 1; number < limit; number++)
        if (sigaction(number, NULL, &now) == 0 && now.sa_handler != SIG_DFL &&
            (now.sa_handler != SIG_IGN || number == SIGPIPE))
            sigaction(number, &normal, NULL);
}

// What the program is to be, put in place between fork and exec: there, other threads' locks may be
// held for ever, so these make system calls only. The errno, 0 on success.
typedef int (*prepare_fn)(const void *arg);

struct bound {
    const char *program; // NULL: argv[0]
    const char *const *argv;
    const char *const *env; // NULL: ours
    prepare_fn prepare;
    const void *arg;
};

// Returns the errno if it comes back.
static int become(const struct bound *bound, pid_t parent)
{
    sigset_t none;
    sigemptyset(&none);
    int sys = bound->prepare(bound->arg);
    if (sys != 0)
        return sys;
    sys = os_follow_parent(parent);
    if (sys != 0)
        return sys;
    drop_handlers();
    sigprocmask(SIG_SETMASK, &none, NULL);
    os_execvpe(bound->program ? bound->program : bound->argv[0],
        (char *const *)(uintptr_t)bound->argv,
        bound->env ? (char *const *)(uintptr_t)bound->env : os_environment());
    return errno;
}

// What the child reports before it ends: an errno; nothing once the program runs, since exec closes
// its end.
static int read_report(int fd)
{
    int sys = 0;
    ssize_t got;
    do
        got = read(fd, &sys, sizeof(sys));
    while (got < 0 && errno == EINTR);
    return got == (ssize_t)sizeof(sys) ? sys : 0;
}

static int spawn_bound(const struct bound *bound, pid_t *out_pid)
{
    int report[2];
    sigset_t all;
    sigset_t before;
    if (!os_pipe(report))
        return errno;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pid_t parent = getpid();
    pid_t pid = fork();
    int sys = pid < 0 ? errno : 0;
    if (pid == 0) {
        sys = become(bound, parent);
        _exit(write(report[1], &sys, sizeof(sys)) == (ssize_t)sizeof(sys) ? 127 : 126);
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    close(report[1]);
    if (pid > 0)
        sys = read_report(report[0]);
    close(report[0]);
    if (sys != 0 && pid > 0)
        while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
            continue;
    *out_pid = pid;
    return sys;
}

// All but what was given to us; curl's sockets have no close-on-exec.
static void close_ours_at_exec(const struct foreground_legacy *legacy)
{
    unsigned first = STDERR_FILENO + 1;
    for (size_t i = 0; i < legacy->fd_count; i++) {
        unsigned kept = (unsigned)legacy->fds[i];
        if (kept > first)
            os_close_at_exec(first, kept - 1);
        first = kept + 1;
    }
    os_close_at_exec(first, UINT_MAX);
}

struct pipes {
    int out_fd, errors_fd;
    bool is_stream; // out_fd is its input as well
};

static int prepare_pipes(const void *arg)
{
    static const struct foreground_legacy nothing = { 0 };
    const struct pipes *pipes = arg;
    if (pipes->is_stream)
        close_ours_at_exec(&nothing);
    int in_fd = pipes->is_stream ? pipes->out_fd : open("/dev/null", O_RDONLY | O_CLOEXEC);
    bool done = in_fd >= 0 && dup2(in_fd, STDIN_FILENO) >= 0 &&
                dup2(pipes->out_fd, STDOUT_FILENO) >= 0 &&
                dup2(pipes->errors_fd, STDERR_FILENO) >= 0 && setpgid(0, 0) == 0;
    return done ? 0 : errno;
}

int child_spawn(const struct child_spec *spec, int out_fd, int errors_fd, pid_t *out_pid)
{
    const struct pipes pipes = { out_fd, errors_fd, spec->has_stream };
    const struct bound bound = {
        .argv = spec->argv, .env = spec->env, .prepare = prepare_pipes, .arg = &pipes
    };
    return spec->dies_with_us ? spawn_bound(&bound, out_pid)
                              : spawn_freely(spec, out_fd, errors_fd, out_pid);
}

// ---- the spawner
// ---------------------------------------------------------------------------------

// A group of its own: Ctrl-C is for us, who may still need it.
static int prepare_spawner(const void *arg)
{
    static const struct foreground_legacy socket_only = { .fds = { SPAWNER_FD }, .fd_count = 1 };
    int socket_fd = *(const int *)arg;
    close_ours_at_exec(&socket_only);
    // dup2(2) onto itself would leave close-on-exec as it is.
    bool done = socket_fd == SPAWNER_FD ? fcntl(SPAWNER_FD, F_SETFD, 0) == 0
                                        : dup2(socket_fd, SPAWNER_FD) >= 0;
    return done && setpgid(0, 0) == 0 ? 0 : errno;
}

int child_spawn_spawner(int socket_fd, pid_t *out_pid)
{
    const char *const argv[] = { "tidblink", SPAWNER_COMMAND, NULL };
    const struct bound bound = {
        .program = os_own_program, .argv = argv, .prepare = prepare_spawner, .arg = &socket_fd
    };
    return spawn_bound(&bound, out_pid);
}

// ---- a program in our place ---------------------------------------------------------------------

static int prepare_legacy(const void *arg)
{
    const struct foreground_legacy *legacy = arg;
    close_ours_at_exec(legacy);
    // What was raised for ourselves may hurt a program that closes or selects on every descriptor.
    return setrlimit(RLIMIT_NOFILE, &legacy->files) == 0 ? 0 : errno;
}

int child_spawn_foreground(const struct foreground_spec *spec, pid_t *out_pid)
{
    const struct bound bound = {
        .argv = spec->argv, .env = spec->env, .prepare = prepare_legacy, .arg = spec->legacy
    };
    return spawn_bound(&bound, out_pid);
}
