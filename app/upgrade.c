// SPDX-License-Identifier: Apache-2.0
//
// tidblink upgrade. The new process is a copy of this one, so that it is the program that is on
// disk now and has the keys that only our memory has (main.c); it becomes a proxy, and says by a
// pipe that it serves.
#include "app/upgrade.h"

#include "app/cmd_proxy.h"
#include "app/command.h"
#include "app/settings.h"
#include "app/takeover.h"
#include "base/err.h"
#include "base/os.h"
#include "control/keys.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static void wait_for(pid_t pid)
{
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        continue;
}

// fork(2), whose child has the keys as well; errno says why there is none.
static pid_t fork_with_keys(const struct settings_request *request)
{
    keys_share(request->line->keys, true);
    pid_t pid = fork();
    int sys = errno;
    keys_share(request->line->keys, false);
    errno = sys;
    return pid;
}

// systemd notices the end of a main process, and waits for it at a stop, only when that is a child
// of its own at the moment when it becomes the main process: so ours is nobody's from the start.
static void leave_parent(const struct settings_request *request)
{
    pid_t between = getpid();
    pid_t pid = fork_with_keys(request);
    if (pid != 0)
        _exit(pid < 0 ? EXIT_FAILED : EXIT_DONE);
    while (getppid() == between)
        sched_yield(); // it ends at once
}

// Whoever reads what the command prints, ssh or $(...), waits until nobody can print there any
// more.
static void leave_streams(void)
{
    for (int fd = STDIN_FILENO; fd <= STDOUT_FILENO; fd++) {
        int nothing = open("/dev/null", O_RDWR);
        if (nothing >= 0 && nothing != fd) {
            (void)dup2(nothing, fd);
            close(nothing);
        }
    }
}

static void become_proxy(const struct settings_request *request, int ready_fd)
{
    struct err err = { 0 };
    int exit_code = EXIT_DONE;
    leave_parent(request);
    int code_fd = fcntl(ready_fd, F_DUPFD_CLOEXEC, 0);
    const struct proxy_start how = { .request = request, .take_over = true, .ready_fd = ready_fd };
    leave_streams();
    (void)setsid(); // whoever upgrades may close the terminal
    // The watchdog, if there is one, is for this process from now on (sd_watchdog_enabled(3)).
    (void)unsetenv("WATCHDOG_PID");
    if (!proxy_serve(&how, &exit_code, &err)) {
        fprintf(stderr, "tidblink upgrade: %s\n", err.text);
        exit_code = err_row(err.code)->exit_code;
    }
    // Where somebody still listens, it has not served.
    (void)!write(code_fd, &(char){ (char)exit_code }, 1);
    exit(exit_code);
}

// True when it has said that it serves; false when it has ended: with this code, -1: not known.
static bool hear(int fd, int *out_code)
{
    char byte;
    ssize_t got;
    while ((got = read(fd, &byte, 1)) < 0 && errno == EINTR)
        continue;
    *out_code = got == 1 ? byte : -1;
    return got == 1 && byte == '\n';
}

bool upgrade_start(const struct settings_request *request, struct err *err)
{
    int ready[2];
    if (!os_pipe(ready))
        return err_sys(err, ERR_INTERNAL, errno, "cannot make a pipe");
    fflush(NULL);
    pid_t pid = fork_with_keys(request);
    int sys = errno;
    if (pid == 0) {
        close(ready[0]);
        become_proxy(request, ready[1]);
    }
    close(ready[1]);
    int code = -1;
    bool serves = pid > 0 && hear(ready[0], &code);
    close(ready[0]);
    if (pid < 0)
        return err_sys(err, ERR_INTERNAL, sys, "cannot start another process");
    wait_for(pid);
    if (!serves && code < 0)
        return err_set(err, ERR_FILE,
            "the new process was killed before it served, and the running proxy goes on: dmesg may "
            "say by what");
    return serves || err_set(err, ERR_FILE,
                         "the new process ended with %d before it served (its log says why), and "
                         "the running proxy goes on",
                         code);
}

// ---- the command --------------------------------------------------------------------------------

static bool check_runs(const struct settings_request *request, struct err *err)
{
    struct takeover_found found;
    struct settings_request asks = *request;
    asks.serves = false; // its files may be those of the running one, which is not asked yet
    struct settings *settings = settings_build(&asks, err);
    bool asked = settings && takeover_ask(settings, &found, err);
    if (asked && !found.runs)
        asked = err_set(err, ERR_FILE,
            "no proxy with this configuration runs: expected one, start it with tidblink proxy");
    settings_free(settings);
    settings = asked ? settings_build(request, err) : NULL;
    asked = settings != NULL;
    settings_free(settings);
    return asked;
}

static bool run(const struct command_line *line, int *exit_code, struct err *err)
{
    const struct settings_request request = {
        .line = line,
        .clusters_max = PROXY_CLUSTERS_MAX,
        .serves = true,
    };
    (void)exit_code;
    return check_runs(&request, err) && upgrade_start(&request, err);
}

const struct command cmd_upgrade = {
    .name = "upgrade",
    .usage = "[--config FILE] [CLUSTER [OPTION...]]...",
    .summary = "let this program take over from a running proxy",
    .help = "Starts a proxy, as tidblink proxy with the same arguments does, that takes the\n"
            "listening sockets of the one that runs with this configuration: no client is\n"
            "refused. Returns when the new one serves; the former one lets its connections\n"
            "end. When the new one cannot start, the running one goes on, and this ends\n"
            "with 1.",
    .all_options = true,
    .run = run,
};
