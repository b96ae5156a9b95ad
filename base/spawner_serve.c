// SPDX-License-Identifier: Apache-2.0
//
// Its side. It holds no secret and does not trust who asks: that process may have been taken over.
// The keeper learns what is allowed; a fork of it serves, by a loop, one thread, and ends when the
// socket does; what is to die with it gets SIGTERM by that. The keeper waits for it and, when it
// was killed, forks another one.
#include "base/spawner.h"

#include "base/child.h"
#include "base/child_spawn.h"
#include "base/err.h"
#include "base/exit_watch.h"
#include "base/loop.h"
#include "base/os.h"
#include "base/spawner_words.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

enum { AGAIN_MS = 100 };

struct allowed {
    struct spawner_packet packet;
    struct spawner_lists lists; // into the packet
    SLIST_ENTRY(allowed) link;
};

struct server {
    struct loop *loop;
    struct watch watch;
    bool is_sealed;
    SLIST_HEAD(, allowed) allowed;
};

// A program that runs.
struct job {
    struct loop *loop;
    struct watch line; // closed once its owner has left
    int line_fd;
    pid_t pid;
    bool dies_with_us;
    struct exit_watch exit_watch;
    struct deferred freeing;
};

bool spawner_is_called(void)
{
    int type = 0;
    socklen_t len = sizeof(type);
    return getsockopt(SPAWNER_FD, SOL_SOCKET, SO_TYPE, &type, &len) == 0 && type == SOCK_SEQPACKET;
}

// ---- what is allowed ----------------------------------------------------------------------------

static void learn(struct server *server, const struct spawner_packet *packet)
{
    struct allowed *allowed = malloc(sizeof(*allowed));
    if (!allowed)
        abort();
    allowed->packet = *packet;
    if (!spawner_read(&allowed->packet, &allowed->lists) || !allowed->lists.argv[0])
        abort();
    SLIST_INSERT_HEAD(&server->allowed, allowed, link);
}

static bool fits(const struct allowed *allowed, const char *const *argv)
{
    size_t i = 0;
    while (allowed->lists.argv[i] && argv[i] && spawner_fits(allowed->lists.argv[i], argv[i]))
        i++;
    return !allowed->lists.argv[i] && !argv[i];
}

static const struct allowed *find(const struct server *server, const char *const *argv)
{
    const struct allowed *allowed;
    SLIST_FOREACH(allowed, &server->allowed, link)
    if (fits(allowed, argv))
        return allowed;
    return NULL;
}

static bool is_replaced(const char *variable, const char *const *by)
{
    size_t len = strcspn(variable, "=") + 1;
    for (; *by; by++)
        if (strncmp(variable, *by, len) == 0)
            return true;
    return false;
}

// Ours, which has no keys, and on top of it what is its own. Borrows the texts; the caller frees.
static const char **make_environment(const char *const *own)
{
    size_t count = 0, own_count = 0, kept = 0;
    char **ours = os_environment();
    while (ours[count])
        count++;
    while (own[own_count])
        own_count++;
    const char **env = calloc(count + own_count + 1, sizeof(*env));
    if (!env)
        abort();
    for (size_t i = 0; i < count; i++)
        if (!is_replaced(ours[i], own))
            env[kept++] = ours[i];
    memcpy(env + kept, own, own_count * sizeof(*own));
    return env;
}

// ---- programs -----------------------------------------------------------------------------------

static void close_line(struct job *job)
{
    watch_stop(&job->line);
    if (job->line_fd >= 0)
        close(job->line_fd);
    job->line_fd = -1;
}

static void on_freeing(struct deferred *deferred)
{
    free(CONTAINER_OF(deferred, struct job, freeing));
}

static void tell(int line, const struct spawner_news *news)
{
    (void)!send(line, news, sizeof(*news), OS_SEND | MSG_DONTWAIT);
}

static void on_exit_seen(struct exit_watch *watch)
{
    struct job *job = CONTAINER_OF(watch, struct job, exit_watch);
    const struct spawner_news news = { .exit_code = exit_watch_reap(watch) };
    if (job->line_fd >= 0)
        tell(job->line_fd, &news);
    close_line(job);
    loop_defer(job->loop, &job->freeing, on_freeing);
}

// A signal, or the end of who asked.
static void on_line(struct watch *watch, unsigned what)
{
    struct job *job = CONTAINER_OF(watch, struct job, line);
    int32_t number = 0;
    (void)what;
    ssize_t got = recv(job->line_fd, &number, sizeof(number), MSG_DONTWAIT);
    if (got == (ssize_t)sizeof(number)) {
        (void)kill(-job->pid, number);
        return;
    }
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (job->dies_with_us)
        (void)kill(-job->pid, SIGTERM);
    close_line(job);
}

// Of one that runs; the line is the job's from now on, when this is 0.
static int follow(struct server *server, const struct child_spec *spec, int line, pid_t pid)
{
    struct job *job = calloc(1, sizeof(*job));
    int sys = job ? 0 : ENOMEM;
    if (job) {
        *job = (struct job){ .loop = server->loop, .line_fd = line, .pid = pid };
        job->dies_with_us = spec->dies_with_us;
        sys = exit_watch_start(&job->exit_watch, server->loop, pid, on_exit_seen);
    }
    if (sys != 0) {
        (void)kill(-pid, SIGKILL);
        free(job);
        return sys;
    }
    watch_init(&job->line, server->loop, line, on_line);
    watch_want(&job->line, WATCH_READ);
    return 0;
}

static void run(struct server *server, const struct spawner_packet *packet, const int *fds)
{
    struct spawner_lists lists;
    struct spawner_news news = { .sys = EACCES };
    bool is_read = spawner_read(packet, &lists) && lists.argv[0];
    const struct allowed *allowed = is_read ? find(server, lists.argv) : NULL;
    pid_t pid = 0;
    if (allowed) {
        const char **env = make_environment(allowed->lists.env);
        const struct child_spec spec = {
            .argv = lists.argv,
            .env = env,
            .dies_with_us = packet->head.flags & SPAWNER_DIES_WITH_US,
            .has_stream = packet->head.flags & SPAWNER_HAS_STREAM,
        };
        news.sys = child_spawn(&spec, fds[SPAWNER_OUT], fds[SPAWNER_ERRORS], &pid);
        if (news.sys == 0)
            news.sys = follow(server, &spec, fds[SPAWNER_LINE], pid);
        free(env);
    }
    tell(fds[SPAWNER_LINE], &news);
    close(fds[SPAWNER_OUT]);
    close(fds[SPAWNER_ERRORS]);
    if (news.sys != 0)
        close(fds[SPAWNER_LINE]);
}

// ---- packets ------------------------------------------------------------------------------------

// As many as the kernel may put into the space, which is rounded up: one more than belongs there.
enum { FDS_ROOM = (CMSG_SPACE(SPAWNER_FDS * sizeof(int)) - CMSG_LEN(0)) / sizeof(int) };

static size_t take_descriptors(struct msghdr *message, int fds[FDS_ROOM])
{
    struct cmsghdr *head = CMSG_FIRSTHDR(message);
    if (!head || head->cmsg_level != SOL_SOCKET || head->cmsg_type != SCM_RIGHTS)
        return 0;
    size_t count = (head->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    memcpy(fds, CMSG_DATA(head), count * sizeof(int));
    for (size_t i = 0; i < count; i++)
        (void)fcntl(fds[i], F_SETFD, FD_CLOEXEC);
    return count;
}

static void obey(
    struct server *server, const struct spawner_packet *packet, const int *fds, size_t fd_count)
{
    bool runs = packet->head.kind == SPAWNER_RUN && server->is_sealed && fd_count == SPAWNER_FDS;
    for (size_t i = 0; !runs && i < fd_count; i++)
        close(fds[i]);
    if (packet->head.kind == SPAWNER_ALLOW && !server->is_sealed)
        learn(server, packet);
    else if (packet->head.kind == SPAWNER_SEAL)
        server->is_sealed = true;
    else if (runs)
        run(server, packet, fds);
}

// Takes one packet, and does what it says. False: there will be none any more.
static bool take_packet(struct server *server, int flags)
{
    static struct spawner_packet packet;
    int fds[FDS_ROOM];
    union {
        struct cmsghdr head;
        char bytes[CMSG_SPACE(SPAWNER_FDS * sizeof(int))];
    } control;
    struct iovec parts[] = { { &packet.head, sizeof(packet.head) },
        { packet.texts, sizeof(packet.texts) } };
    struct msghdr message = { .msg_iov = parts,
        .msg_iovlen = ARRAY_LEN(parts),
        .msg_control = control.bytes,
        .msg_controllen = sizeof(control.bytes) };
    ssize_t got = recvmsg(SPAWNER_FD, &message, flags);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return true;
    if (got <= 0)
        return false;
    size_t fd_count = take_descriptors(&message, fds);
    if (got < (ssize_t)sizeof(packet.head))
        packet.head = (struct spawner_head){ 0 }; // of no kind
    else
        packet.len = (size_t)got - sizeof(packet.head);
    obey(server, &packet, fds, fd_count);
    return true;
}

static void on_packet(struct watch *watch, unsigned what)
{
    struct server *server = CONTAINER_OF(watch, struct server, watch);
    (void)what;
    if (!take_packet(server, MSG_DONTWAIT))
        loop_stop(server->loop);
}

// ---- life ---------------------------------------------------------------------------------------

static void on_signal(int number)
{
    (void)number;
}

// Whoever ends all processes of a service means the one that asks: it drains, and ends this one. A
// handler, unlike SIG_IGN, does not go through exec.
static void outlive_signals(void)
{
    const struct sigaction handler = { .sa_handler = on_signal, .sa_flags = SA_RESTART };
    const int numbers[] = { SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2 };
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
        sigaction(numbers[i], &handler, NULL);
}

// Until the other side has left.
static NORETURN void serve(struct server *server)
{
    struct err err;
    server->loop = loop_new("spawner", &err);
    if (!server->loop)
        _exit(EXIT_FAILURE);
    watch_init(&server->watch, server->loop, SPAWNER_FD, on_packet);
    watch_want(&server->watch, WATCH_READ);
    loop_run(server->loop);
    _exit(EXIT_SUCCESS);
}

// What programs leave behind is waited for as well: in a container the first process may be a
// proxy, which can wait for nobody in its sandbox.
static int wait_for(pid_t child)
{
    int status = 0;
    pid_t ended;
    while ((ended = waitpid(-1, &status, 0)) != child && (ended > 0 || errno == EINTR))
        continue;
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

// A moment in which the other side does not leave: whatever ends one after the other must not have
// the machine.
static bool is_still_wanted(void)
{
    struct pollfd other = { .fd = SPAWNER_FD };
    return poll(&other, 1, AGAIN_MS) <= 0;
}

static void keep(struct server *server)
{
    do {
        pid_t child = fork();
        if (child == 0)
            serve(server);
        const struct spawner_loss loss = { .exit_code = child > 0 ? wait_for(child) : 0 };
        if (child > 0 && loss.exit_code == EXIT_SUCCESS)
            return;
        if (child > 0)
            (void)!send(SPAWNER_FD, &loss, sizeof(loss), OS_SEND | MSG_DONTWAIT);
    } while (is_still_wanted());
}

int spawner_serve(void)
{
    struct server server = { 0 };
    sigset_t none;
    outlive_signals();
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    (void)fcntl(SPAWNER_FD, F_SETFD, FD_CLOEXEC);
    bool is_wanted = true;
    while (is_wanted && !server.is_sealed)
        is_wanted = take_packet(&server, 0);
    os_adopt_orphans();
    if (is_wanted)
        keep(&server);
    _exit(EXIT_SUCCESS);
}
