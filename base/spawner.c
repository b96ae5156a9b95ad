// SPDX-License-Identifier: Apache-2.0
//
// Our side: requests go as packets over one socket, which any thread may use (a packet is whole),
// and each program has a line of its own, a socketpair(2), for its start, its end and signals.
#include "base/spawner.h"

#include "base/child.h"
#include "base/child_spawn.h"
#include "base/err.h"
#include "base/loop.h"
#include "base/os.h"
#include "base/spawner_words.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

// A start takes milliseconds, and nothing else may wait for one for ever.
enum { START_MS = 10000 };

static int socket_fd = -1; // set before there are threads
static pid_t pid;
static struct {
    struct watch watch;
    spawner_fn fn; // NULL: nobody listens
    void *arg;
} listener;

bool spawner_is_there(void)
{
    return socket_fd >= 0;
}

// ---- packets ------------------------------------------------------------------------------------

// The errno, 0 when it is on its way; EPIPE when nobody is there to take it.
static int send_packet(const struct spawner_packet *packet, const int *fds, size_t fd_count)
{
    union {
        struct cmsghdr head;
        char bytes[CMSG_SPACE(SPAWNER_FDS * sizeof(int))];
    } control = { 0 };
    struct iovec parts[] = {
        { .iov_base = (void *)(uintptr_t)&packet->head, .iov_len = sizeof(packet->head) },
        { .iov_base = (void *)(uintptr_t)packet->texts, .iov_len = packet->len },
    };
    struct msghdr message = { .msg_iov = parts, .msg_iovlen = ARRAY_LEN(parts) };
    if (fd_count) {
        message.msg_control = control.bytes;
        message.msg_controllen = CMSG_SPACE(fd_count * sizeof(int));
        control.head.cmsg_level = SOL_SOCKET;
        control.head.cmsg_type = SCM_RIGHTS;
        control.head.cmsg_len = CMSG_LEN(fd_count * sizeof(int));
        memcpy(CMSG_DATA(&control.head), fds, fd_count * sizeof(int));
    }
    while (sendmsg(socket_fd, &message, OS_SEND) < 0)
        if (errno != EINTR)
            return errno == ECONNRESET ? EPIPE : errno; // it left without reading all
    return 0;
}

static struct spawner_packet *new_packet(
    enum spawner_kind kind, const char *const *argv, const char *const *env)
{
    struct spawner_packet *packet = malloc(sizeof(*packet));
    if (!packet)
        return NULL;
    packet->head = (struct spawner_head){ .kind = kind };
    if (spawner_put(packet, argv, env))
        return packet;
    free(packet);
    return NULL;
}

static bool say(
    enum spawner_kind kind, const char *const *argv, const char *const *env, struct err *err)
{
    struct spawner_packet *packet = new_packet(kind, argv, env);
    if (!packet)
        return err_set(err, ERR_CHILD, "the command line of %s is too long", argv ? argv[0] : "");
    int sys = send_packet(packet, NULL, 0);
    free(packet);
    return sys == 0 ||
           err_sys(err, ERR_CHILD, sys, "cannot reach the process that starts programs");
}

bool spawner_allow(const char *const *argv, const char *const *env, struct err *err)
{
    return say(SPAWNER_ALLOW, argv, env, err);
}

bool spawner_seal(struct err *err)
{
    return say(SPAWNER_SEAL, NULL, NULL, err);
}

// ---- life ---------------------------------------------------------------------------------------

// Our own program again: its memory has never held anything of ours.
bool spawner_start(struct err *err)
{
    int fds[2];
    if (!os_packet_pair(fds))
        return err_sys(err, ERR_CHILD, errno, "cannot make a socket");
    int sys = child_spawn_spawner(fds[1], &pid);
    close(fds[1]);
    if (sys == 0) {
        socket_fd = fds[0];
        return true;
    }
    close(fds[0]);
    return err_sys(err, ERR_CHILD, sys, "cannot start the process that starts programs");
}

void spawner_end(bool may_wait)
{
    if (socket_fd < 0)
        return;
    close(socket_fd);
    socket_fd = -1;
    while (may_wait && waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        continue;
}

static void on_news(struct watch *watch, unsigned what)
{
    struct spawner_loss loss = { 0 };
    (void)what;
    ssize_t got = recv(socket_fd, &loss, sizeof(loss), MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    bool is_gone = got != (ssize_t)sizeof(loss);
    if (is_gone)
        watch_stop(watch);
    listener.fn(listener.arg, is_gone ? SPAWNER_GONE : loss.exit_code);
}

void spawner_watch(struct loop *loop, spawner_fn fn, void *arg)
{
    listener.fn = fn;
    listener.arg = arg;
    watch_init(&listener.watch, loop, socket_fd, on_news);
    watch_want(&listener.watch, WATCH_READ);
}

void spawner_unwatch(void)
{
    if (listener.fn)
        watch_stop(&listener.watch);
    listener.fn = NULL;
}

// ---- programs -----------------------------------------------------------------------------------

// What is said about the start.
static int read_start(int line)
{
    struct spawner_news news = { 0 };
    struct pollfd wait = { .fd = line, .events = POLLIN };
    int ready;
    do
        ready = poll(&wait, 1, START_MS);
    while (ready < 0 && errno == EINTR);
    if (ready <= 0)
        return ready < 0 ? errno : ETIMEDOUT;
    return recv(line, &news, sizeof(news), 0) == (ssize_t)sizeof(news) ? news.sys : ECONNABORTED;
}

int spawner_run(const struct child_spec *spec, int out_fd, int errors_fd, int *out_line)
{
    int line[2];
    struct spawner_packet *packet = new_packet(SPAWNER_RUN, spec->argv, NULL);
    if (!packet)
        return E2BIG;
    packet->head.flags = (uint8_t)((spec->dies_with_us ? SPAWNER_DIES_WITH_US : 0) |
                                   (spec->has_stream ? SPAWNER_HAS_STREAM : 0));
    if (!os_packet_pair(line)) {
        free(packet);
        return errno;
    }
    const int fds[SPAWNER_FDS] = {
        [SPAWNER_LINE] = line[1], [SPAWNER_OUT] = out_fd, [SPAWNER_ERRORS] = errors_fd
    };
    int sys = send_packet(packet, fds, SPAWNER_FDS);
    free(packet);
    close(line[1]);
    if (sys == 0)
        sys = read_start(line[0]);
    if (sys == 0 && fcntl(line[0], F_SETFL, O_NONBLOCK) < 0)
        sys = errno;
    if (sys == 0)
        *out_line = line[0];
    else
        close(line[0]);
    return sys;
}

void spawner_signal(int line, int number)
{
    int32_t wanted = number;
    // Who has ended, or whose line is full of signals, needs none.
    (void)!send(line, &wanted, sizeof(wanted), OS_SEND);
}

bool spawner_has_ended(int line, int *out_exit_code)
{
    struct spawner_news news = { 0 };
    ssize_t got = recv(line, &news, sizeof(news), 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return false;
    *out_exit_code = got == (ssize_t)sizeof(news) ? news.exit_code : 128 + SIGKILL;
    return true;
}
