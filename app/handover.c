// SPDX-License-Identifier: Apache-2.0
//
// Gives listening sockets away. One asker at a time; a second one is told so. What it does with
// them is takeover.c. It only sends: no socket is opened here once the program runs.
#include "app/handover.h"

#include "app/admin.h"
#include "app/handover_wire.h"
#include "app/program.h"
#include "base/credentials.h"
#include "base/inherited.h"
#include "base/log.h"
#include "base/os.h"
#include "base/service.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BACKLOG = 8, SOCKET_MODE = 0600, PATIENCE_MS = 90 * 1000 };

struct handover {
    struct program *program;
    struct inherited_socket socket;
    char id[OS_PROGRAM_ID_BYTES]; // of the program, "" where it is not known
    int credentials;              // their folder; -1: there is none
    struct watch watch;
    // The one who asks:
    int fd; // -1: nobody
    struct watch peer;
    struct timer patience;
    struct handover_record record;
    bool is_sending;    // the sockets; otherwise it is listened to
    size_t next_socket; // to send
    bool has_all;
};

// ---- the asker ----------------------------------------------------------------------------------

// Returns the descriptor, which is the caller's; -1: nobody asks.
static int let_go(struct handover *handover)
{
    int fd = handover->fd;
    if (fd < 0)
        return -1;
    watch_stop(&handover->peer);
    timer_stop(&handover->patience);
    handover_empty(&handover->record);
    handover->fd = -1;
    return fd;
}

static void hang_up(struct handover *handover)
{
    int fd = let_go(handover);
    if (fd >= 0)
        close(fd);
}

static void refuse(int fd, const char *why)
{
    const char *const fields[] = { "no", why, NULL };
    (void)handover_put(fd, -1, fields); // it gives up in any case
}

static void give_up(struct handover *handover, const char *why)
{
    log_facts(LOG_WARN, "the take-over has failed, and this process goes on", "reason", why, NULL);
    refuse(handover->fd, why);
    hang_up(handover);
}

// In the order in which they are sent; false behind the last one. Who drains has only those of the
// admin any more.
static bool socket_at(
    const struct handover *handover, size_t index, const struct inherited_socket **out)
{
    const struct program *program = handover->program;
    for (size_t target = 0; target < proxy_target_count(program->proxy); target++)
        for (size_t i = 0; (*out = proxy_listener(program->proxy, target, i)); i++)
            if (index-- == 0)
                return true;
    for (size_t i = 0; program->admin && (*out = admin_socket(program->admin, i)); i++)
        if (index-- == 0)
            return true;
    *out = &handover->socket;
    return index == 0;
}

static bool send_socket(int fd, const struct inherited_socket *socket)
{
    char text[ADDR_TEXT_BYTES];
    const char *from = socket->from == INHERITED_ACTIVATION ? "activation" : "";
    const char *const fields[] = { "socket", addr_format(&socket->addr, text), socket->name, from,
        NULL };
    return handover_put(fd, socket->fd, fields);
}

// For a new process that was started at a terminal, which somebody leaves. The first records always
// fit; whoever does without this one misses nothing but it.
static void send_log(const struct handover *handover)
{
    static const char *const log[] = { "log", NULL };
    if (!service_is_there() && fcntl(STDERR_FILENO, F_GETFD) >= 0)
        (void)handover_put(handover->fd, STDERR_FILENO, log);
}

// It hung up before it had them all; what it said last is there to be read.
static void give_up_sending(struct handover *handover, int sys)
{
    const char *why = err_errno_text(sys);
    bool has_spoken = handover_get(handover->fd, &handover->record) == HANDOVER_WHOLE;
    if (has_spoken && strcmp(handover->record.fields[0], "no") == 0)
        why = handover->record.fields[1];
    else if (sys == EPIPE || sys == ECONNRESET)
        why = "it ended before it was ready";
    give_up(handover, why);
}

// As many as its end takes now.
static void send_sockets(struct handover *handover)
{
    const struct inherited_socket *socket;
    static const char *const end[] = { "end", NULL };
    bool sent = true;
    while (sent && socket_at(handover, handover->next_socket, &socket)) {
        sent = send_socket(handover->fd, socket);
        handover->next_socket += sent;
    }
    if (sent)
        sent = handover->has_all = handover_put(handover->fd, -1, end);
    if (!sent && errno != EAGAIN) {
        give_up_sending(handover, errno);
        return;
    }
    handover->is_sending = !sent;
    watch_want(&handover->peer, sent ? WATCH_READ : WATCH_READ | WATCH_WRITE);
}

static void answer(struct handover *handover, bool takes)
{
    char pid[24];
    const char *watchdog = getenv("WATCHDOG_USEC"); // sd_watchdog_enabled(3)
    const char *folder = credentials_folder();
    snprintf(pid, sizeof(pid), "%ld", (long)getpid());
    const char *const fields[] = { "running", HANDOVER_PROTOCOL, TIDBLINK_VERSION, pid,
        handover->id, watchdog ? watchdog : "", service_is_there() ? "service" : "",
        folder ? folder : "", NULL };
    if (!handover_put(handover->fd, handover->credentials, fields) || !takes) {
        hang_up(handover);
        return;
    }
    log_info("another process takes over");
    send_log(handover);
    send_sockets(handover);
}

static const char told[] = "it was told to end itself";

// A service manager waits for the end of the process that it has told, and would wait for that of a
// new main process, which was told nothing.
static bool ends_with_its_service(const struct handover *handover)
{
    return handover->program->stopping && service_is_there();
}

static void on_ask(struct handover *handover)
{
    const char *const *fields = handover->record.fields;
    bool takes = strcmp(fields[3], "take") == 0;
    if (strcmp(fields[1], HANDOVER_PROTOCOL) != 0) {
        refuse(handover->fd, "the running proxy is of another version, which does it in another "
                             "way: restart it instead");
        hang_up(handover);
    } else if (takes && ends_with_its_service(handover)) {
        refuse(handover->fd, told);
        hang_up(handover);
    } else {
        handover_empty(&handover->record);
        answer(handover, takes);
    }
}

static void on_record(struct handover *handover)
{
    const char *kind = handover->record.fields[0];
    if (strcmp(kind, "ask") == 0 && !handover->next_socket && !handover->has_all) {
        on_ask(handover);
    } else if (strcmp(kind, "ready") == 0 && handover->has_all) {
        program_hand_over(handover->program, let_go(handover)); // and we are gone
    } else if (strcmp(kind, "no") == 0) {
        give_up(handover, handover->record.fields[1]);
    } else {
        give_up(handover, "it said what does not belong here");
    }
}

static void on_peer(struct watch *watch, unsigned what)
{
    struct handover *handover = CONTAINER_OF(watch, struct handover, peer);
    if ((what & WATCH_WRITE) && handover->is_sending)
        send_sockets(handover);
    if (!(what & WATCH_READ) || handover->fd < 0)
        return;
    switch (handover_get(handover->fd, &handover->record)) {
    case HANDOVER_WHOLE:
        on_record(handover);
        break;
    case HANDOVER_ENDED:
        if (handover->next_socket)
            give_up(handover, "it ended before it was ready");
        else
            hang_up(handover);
        break;
    case HANDOVER_MORE:
        break;
    }
}

static void on_patience_over(struct timer *timer)
{
    struct handover *handover = CONTAINER_OF(timer, struct handover, patience);
    give_up(handover, "it was not ready in 90 s");
}

static void on_asker(struct watch *watch, unsigned what)
{
    struct handover *handover = CONTAINER_OF(watch, struct handover, watch);
    struct addr addr = { .len = sizeof(addr.un) };
    (void)what;
    int fd = os_accept(handover->socket.fd, &addr.any, &addr.len);
    if (fd < 0)
        return;
    if (!handover_peer_may(fd) || handover->fd >= 0) {
        refuse(fd, handover->fd >= 0 ? "another process is taking over already"
                                     : "only root and the proxy's own user may take over");
        close(fd);
        return;
    }
    handover->fd = fd;
    handover->record = (struct handover_record){ .fd = -1 };
    handover->next_socket = 0;
    handover->has_all = handover->is_sending = false;
    watch_init(&handover->peer, handover->program->loop, fd, on_peer);
    watch_want(&handover->peer, WATCH_READ);
    timer_start(&handover->patience, PATIENCE_MS);
}

// ---- life ---------------------------------------------------------------------------------------

// systemd shows them to the process that it has started, and to no other of the unit: a reload that
// starts the next one finds an empty place at the same path.
static int open_credentials(void)
{
    const char *folder = getenv("CREDENTIALS_DIRECTORY"); // systemd.exec(5)
    return folder ? open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
}

struct handover *handover_start(struct program *program)
{
    struct err err;
    struct addr addr;
    struct handover *handover = calloc(1, sizeof(*handover));
    if (!handover || program->settings->admin_unix.len == 0) {
        free(handover);
        return NULL;
    }
    if (!handover_address(&program->settings->admin_unix, &addr)) {
        log_warn("admin-socket is too long a path for a take-over: expected a shorter one");
        free(handover);
        return NULL;
    }
    if (!inherited_listen(program->inherited, &addr, "take-over", BACKLOG, SOCKET_MODE,
            &handover->socket, &err)) {
        log_facts(
            LOG_WARN, "no other process can take over from this one", "reason", err.text, NULL);
        free(handover);
        return NULL;
    }
    handover->program = program;
    handover->fd = -1;
    handover->credentials = open_credentials();
    (void)os_program_id(handover->id);
    watch_init(&handover->watch, program->loop, handover->socket.fd, on_asker);
    timer_init(&handover->patience, program->loop, on_patience_over);
    return handover;
}

void handover_serve(struct handover *handover)
{
    watch_want(&handover->watch, WATCH_READ);
}

void handover_refuse(struct handover *handover)
{
    if (!handover || handover->fd < 0)
        return;
    refuse(handover->fd, told);
    hang_up(handover);
}

// Who drains and ends before the other one is ready leaves it the sockets that it has got.
static bool is_left_to_asker(const struct handover *handover)
{
    return handover->fd >= 0 && handover->has_all && proxy_is_draining(handover->program->proxy);
}

void handover_stop(struct handover *handover)
{
    if (!handover)
        return;
    struct program *program = handover->program;
    if (is_left_to_asker(handover)) {
        program->owns_sockets = false;
        hang_up(handover);
    }
    handover_refuse(handover);
    watch_stop(&handover->watch);
    if (program->owns_sockets && inherited_has_file(&handover->socket))
        (void)unlink(handover->socket.addr.un.sun_path);
    close(handover->socket.fd);
    if (handover->credentials >= 0)
        close(handover->credentials);
    free(handover);
}
