// SPDX-License-Identifier: Apache-2.0
//
// Asks for listening sockets, and tells when it serves with them. The other side is handover.c.
#include "app/takeover.h"

#include "app/handover_wire.h"
#include "app/health_now.h"
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
#include <sys/time.h>
#include <unistd.h>

// The other process's main loop answers; and what it is asked for is longer than its own patience.
enum { ANSWER_S = 10, READY_MS = 60 * 1000 };

struct takeover {
    int fd;
    int log_fd;              // where the other one writes its log; -1: not told, or not wanted
    struct program *program; // NULL: it is starting
    struct watch watch;
    struct timer timer, first_look;
    struct handover_record record;
};

// ---- asking -------------------------------------------------------------------------------------

// -1 with ERR_NONE: nobody is there.
static int dial(const struct settings *settings, struct err *err)
{
    struct addr addr;
    *err = (struct err){ 0 };
    if (settings->admin_unix.len == 0 || !handover_address(&settings->admin_unix, &addr)) {
        err_set(err, ERR_USAGE,
            "without an admin-socket no running proxy can be found: expected its path");
        return -1;
    }
    int fd = os_socket(AF_UNIX, SOCK_STREAM);
    const struct timeval patience = { .tv_sec = ANSWER_S };
    if (fd < 0 || fcntl(fd, F_SETFL, 0) < 0 ||
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) < 0 ||
        setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)) < 0)
        err_sys(err, ERR_INTERNAL, errno, "cannot make a socket");
    else if (connect(fd, &addr.any, addr.len) == 0)
        return fd;
    else if (errno != ENOENT && errno != ECONNREFUSED)
        err_sys(err, ERR_FILE, errno, "cannot ask the running proxy on %s", addr.un.sun_path);
    if (fd >= 0)
        close(fd);
    return -1;
}

static const char *field(const struct handover_record *record, size_t index)
{
    return record->fields[index] ? record->fields[index] : "";
}

static bool next_record(int fd, struct handover_record *record, struct err *err)
{
    handover_empty(record);
    switch (handover_get(fd, record)) {
    case HANDOVER_WHOLE:
        break;
    case HANDOVER_MORE:
        return err_set(err, ERR_FILE, "the running proxy did not answer within %d s", ANSWER_S);
    case HANDOVER_ENDED:
        return err_set(err, ERR_FILE, "the running proxy hung up");
    }
    if (strcmp(field(record, 0), "no") != 0)
        return true;
    return err_set(err, ERR_FILE, "the running proxy does not hand over: %s", field(record, 1));
}

static bool ask(int fd, const char *what, struct handover_record *record, struct err *err)
{
    const char *const fields[] = { "ask", HANDOVER_PROTOCOL, TIDBLINK_VERSION, what, NULL };
    if (!handover_peer_may(fd))
        return err_set(err, ERR_FILE,
            "the proxy that has the take-over socket is not root's nor this user's: be the user "
            "that runs it");
    // Who refuses at once may have hung up by now; its reason is there to be read.
    if (!handover_put(fd, -1, fields) && errno != EPIPE)
        return err_sys(err, ERR_FILE, errno, "cannot ask the running proxy");
    if (!next_record(fd, record, err))
        return false;
    return strcmp(field(record, 0), "running") == 0 ||
           err_set(err, ERR_FILE, "the running proxy answered \"%.20s\"", field(record, 0));
}

// systemd gives and shows them only to the process that it has started itself. The next process
// asks us for them.
static void take_credentials(struct handover_record *record)
{
    if (record->fd >= 0)
        credentials_take(record->fd, field(record, 7));
    record->fd = -1;
}

bool takeover_ask(const struct settings *settings, struct takeover_found *out, struct err *err)
{
    char id[OS_PROGRAM_ID_BYTES];
    struct handover_record record = { .fd = -1 };
    *out = (struct takeover_found){ 0 };
    int fd = dial(settings, err);
    if (fd < 0)
        return err->code == ERR_NONE;
    bool ok = ask(fd, "who", &record, err);
    if (ok) {
        take_credentials(&record);
        out->runs = true;
        out->is_this_program = os_program_id(id) && strcmp(id, field(&record, 4)) == 0;
    }
    handover_empty(&record);
    close(fd);
    return ok;
}

static void say_no(int fd, const char *why)
{
    const char *const no[] = { "no", why, NULL };
    (void)handover_put(fd, -1, no); // it goes on in any case
}

// What ends with the running process would take this one with it.
static bool may_replace(int fd, const struct handover_record *record, struct err *err)
{
    uint32_t pid = 0, uid;
    if (*field(record, 6) && !service_is_there())
        return err_set(err, ERR_FILE,
            "the running proxy is a service of systemd, which would take its end for the "
            "service's: use systemctl reload, with NotifyAccess=all and ExecReload=tidblink reload "
            "--upgrade in the unit");
    // Of our own namespace, pid_namespaces(7): from another one it would be 0 here.
    if (os_peer(fd, &pid, &uid) && pid == 1)
        return err_set(err, ERR_FILE,
            "the running proxy is process 1 of this container, which ends with it: start another "
            "container instead");
    return true;
}

// ---- taking -------------------------------------------------------------------------------------

static bool take_socket(
    struct inherited *inherited, struct handover_record *record, struct err *err)
{
    struct addr addr;
    bool is_activated = strcmp(field(record, 3), "activation") == 0;
    int fd = record->fd;
    record->fd = -1;
    if (fd >= 0 && addr_parse(field(record, 1), &addr, NULL))
        return inherited_add(inherited, fd, is_activated ? INHERITED_ACTIVATION : INHERITED_RUNNING,
            field(record, 2), &addr, err);
    if (fd >= 0)
        close(fd);
    return err_set(err, ERR_FILE, "the running proxy sent the socket \"%.60s\" without a socket",
        field(record, 1));
}

static bool take_sockets(struct takeover *takeover, struct inherited *inherited,
    struct handover_record *record, struct err *err)
{
    while (next_record(takeover->fd, record, err)) {
        if (strcmp(field(record, 0), "end") == 0)
            return true;
        if (strcmp(field(record, 0), "log") == 0 && takeover->log_fd < 0) {
            takeover->log_fd = record->fd;
            record->fd = -1;
        } else if (!take_socket(inherited, record, err)) {
            return false;
        }
    }
    return false;
}

// The one who speaks for the service has to keep the watchdog's time, which the service manager
// tells only to the process that it has started itself. Before there are threads.
static void take_service(struct handover_record *record)
{
    if (*field(record, 5)) {
        (void)setenv("WATCHDOG_USEC", field(record, 5), 1);
        (void)unsetenv("WATCHDOG_PID");
    }
    take_credentials(record);
}

// It ended while it was asked: then there is nobody to take over from.
static bool is_gone(const struct settings *settings)
{
    struct err err;
    int fd = dial(settings, &err);
    if (fd >= 0)
        close(fd);
    return fd < 0 && err.code == ERR_NONE;
}

bool takeover_begin(const struct settings *settings, struct inherited *inherited,
    struct takeover **out, struct err *err)
{
    *out = NULL;
    int fd = dial(settings, err);
    if (fd < 0)
        return err->code == ERR_NONE;
    struct handover_record record = { .fd = -1 };
    struct takeover *takeover = calloc(1, sizeof(*takeover));
    if (takeover)
        *takeover = (struct takeover){ .fd = fd, .log_fd = -1, .record = { .fd = -1 } };
    bool asked = takeover && ask(fd, "take", &record, err);
    bool ok = asked && may_replace(fd, &record, err);
    if (asked && !ok)
        say_no(fd, err->text);
    if (ok)
        take_service(&record);
    ok = ok && take_sockets(takeover, inherited, &record, err);
    handover_empty(&record);
    if (ok) {
        (void)fcntl(fd, F_SETFL, O_NONBLOCK);
        *out = takeover;
        return true;
    }
    inherited_done(inherited, false);
    if (takeover)
        takeover_free(takeover);
    else
        close(fd);
    return is_gone(settings);
}

// ---- in the running program ---------------------------------------------------------------------

// `tidblink upgrade` at a terminal: until here it is told there what is wrong, and then the log
// goes on where it was.
static void use_log(const struct takeover *takeover)
{
    bool is_left_behind = takeover->program->ready_fd >= 0 && isatty(STDERR_FILENO);
    if (is_left_behind && takeover->log_fd >= 0)
        (void)dup2(takeover->log_fd, STDERR_FILENO);
}

static void commit(struct takeover *takeover)
{
    struct program *program = takeover->program;
    static const char *const ready[] = { "ready", NULL };
    if (program->failed || program->stopping)
        return; // the last turn of the loop
    // First: the former main process may end as soon as it knows, and the service must not end with
    // it.
    service_ready_instead();
    if (!handover_put(takeover->fd, -1, ready))
        log_facts(LOG_WARN, "the process that was to hand over is gone", "reason",
            err_errno_text(errno), NULL);
    use_log(takeover);
    program_take_over(program); // and we are gone
}

static void fail(struct takeover *takeover, const char *why)
{
    struct program *program = takeover->program;
    log_facts(LOG_ERROR, "not taken over, and the running proxy goes on", "reason", why, NULL);
    takeover_give_up(takeover, why);
    program_give_up(program);
}

void takeover_give_up(struct takeover *takeover, const char *why)
{
    say_no(takeover->fd, why);
}

void takeover_changed(struct takeover *takeover)
{
    struct health_reasons reasons;
    if (takeover->program && health_now(takeover->program, HEALTH_STARTED, NULL, &reasons))
        commit(takeover);
}

// All may be known from the start on.
static void on_first_look(struct timer *timer)
{
    takeover_changed(CONTAINER_OF(timer, struct takeover, first_look));
}

static void on_record(struct watch *watch, unsigned what)
{
    struct takeover *takeover = CONTAINER_OF(watch, struct takeover, watch);
    (void)what;
    switch (handover_get(takeover->fd, &takeover->record)) {
    case HANDOVER_WHOLE:
        fail(takeover, field(&takeover->record, 1));
        break;
    case HANDOVER_ENDED: // by a crash: whoever lives has the sockets
        commit(takeover);
        break;
    case HANDOVER_MORE:
        break;
    }
}

static void on_timeout(struct timer *timer)
{
    char reason[HEALTH_LINE_BYTES];
    struct health_reasons reasons = { 0 };
    struct takeover *takeover = CONTAINER_OF(timer, struct takeover, timer);
    (void)health_now(takeover->program, HEALTH_STARTED, NULL, &reasons);
    health_line(&reasons, reason);
    fail(takeover, *reason ? reason : "it was not ready in time");
}

void takeover_watch(struct takeover *takeover, struct program *program)
{
    takeover->program = program;
    watch_init(&takeover->watch, program->loop, takeover->fd, on_record);
    watch_want(&takeover->watch, WATCH_READ);
    timer_init(&takeover->timer, program->loop, on_timeout);
    timer_start(&takeover->timer, READY_MS);
    timer_init(&takeover->first_look, program->loop, on_first_look);
    timer_start(&takeover->first_look, 0);
}

int takeover_release(struct takeover *takeover)
{
    int fd = takeover->fd;
    if (takeover->program) {
        watch_stop(&takeover->watch);
        timer_stop(&takeover->timer);
        timer_stop(&takeover->first_look);
    }
    handover_empty(&takeover->record);
    if (takeover->log_fd >= 0)
        close(takeover->log_fd);
    free(takeover);
    return fd;
}

void takeover_free(struct takeover *takeover)
{
    if (takeover)
        close(takeover_release(takeover));
}
