// SPDX-License-Identifier: Apache-2.0
//
// Starts, runs and ends the proxy's parts: loop, resolver, proxy (workers), control, admin. Signals
// belong to the main thread: they are blocked while the other threads are made, which inherit that.
// Above it cmd_proxy.c; beside it reload.c, news.c, admin.c.
#include "app/program.h"

#include "app/admin.h"
#include "app/announce.h"
#include "app/dump.h"
#include "app/handover.h"
#include "app/lockdown.h"
#include "app/takeover.h"
#include "base/changes.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/loop.h"
#include "base/service.h"

#include <event2/event.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

// Beyond drain-timeout: for the answers that are under way, and the threads.
enum { STOPPING_MARGIN_MS = 10 * 1000, FORMER_MARGIN_MS = 5 * 1000 };

static void program_done(struct program *program);

// ---- signals ------------------------------------------------------------------------------------

static void on_signal(evutil_socket_t number, short what, void *arg)
{
    struct program *program = arg;
    const struct program_guest *guest = program->guest;
    (void)what;
    if (guest && guest->on_signal(guest->arg, number))
        return;
    if (number == SIGHUP)
        program_reload(program, NULL);
    else if (number == SIGUSR1)
        dump_begin(program);
    else
        program_stop(program, number == SIGINT ? "SIGINT" : "SIGTERM");
}

// A program that serves one command and was started by nohup, or in the background of a shell, goes
// on ignoring what it was told to ignore.
static bool is_ignored(const struct program *program, int number)
{
    struct sigaction now;
    return program->guest && number != SIGTERM && sigaction(number, NULL, &now) == 0 &&
           now.sa_handler == SIG_IGN;
}

static bool watch_signal(struct program *program, int number, struct err *err)
{
    if (is_ignored(program, number))
        return true;
    struct event *event = evsignal_new(loop_base(program->loop), number, on_signal, program);
    program->signals[program->signal_count++] = event;
    return (event && event_add(event, NULL) == 0) ||
           err_set(err, ERR_INTERNAL, "cannot watch signal %d", number);
}

static bool watch_signals(struct program *program, struct err *err)
{
    static const int own[] = { SIGTERM, SIGINT, SIGHUP, SIGUSR1, 0 };
    const int *const lists[] = { own, program->guest ? program->guest->signals : own + 4 };
    for (size_t list = 0; list < ARRAY_LEN(lists); list++)
        for (const int *number = lists[list]; *number; number++)
            if (!watch_signal(program, *number, err))
                return false;
    return true;
}

// ---- what the parts report ----------------------------------------------------------------------

static void on_change(void *arg)
{
    struct program *program = arg;
    if (program->admin)
        admin_changed(program->admin);
    duty_changed(&program->duty);
    if (program->takeover)
        takeover_changed(program->takeover);
    if (program->guest)
        program->guest->on_change(program->guest->arg);
}

static void on_news(void *arg, struct control_news *news)
{
    struct program *program = arg;
    program_log_news(program, news);
    proxy_news(program->proxy, news);
}

static void on_end(void *arg)
{
    const struct program *program = arg;
    loop_stop(program->loop);
}

static uint64_t cut_so_far(const struct program *program)
{
    struct proxy_counters counters;
    proxy_count(program->proxy, &counters);
    return counters.closed[CLOSE_DRAIN_TIMEOUT];
}

// One turn later, in which the admin's answers to POST /drain and to those who waited are written.
static void on_drained(void *arg)
{
    struct program *program = arg;
    struct log_line line;
    program->cut = cut_so_far(program) - program->cut;
    log_start(&line, program->cut ? LOG_WARN : LOG_INFO, "drained");
    log_uint(&line, "connections_cut", program->cut);
    log_write(&line);
    uint64_t longest_ms = program->settings->proxy.drain_timeout_ms + FORMER_MARGIN_MS;
    if (lineage_is_alone(&program->lineage, longest_ms, on_end))
        loop_post(program->loop, on_end, arg);
}

static void drain(struct program *program, const char *why, uint64_t delay_ms)
{
    struct log_line line;
    struct proxy_counters counters;
    bool has_time = program->handed_over && !program->hurries;
    proxy_count(program->proxy, &counters);
    program->stopping = true;
    program->cut = cut_so_far(program);
    handover_refuse(program->handover);
    if (!has_time)
        lineage_hurry(&program->lineage);
    log_start(&line, LOG_INFO, "draining");
    log_str(&line, "why", why);
    log_uint(&line, "connections", counters.open);
    log_uint(&line, "delay_ms", delay_ms);
    log_uint(&line, "timeout_ms", program->settings->proxy.drain_timeout_ms);
    log_write(&line);
    if (delay_ms)
        timer_start(&program->drain_delay, delay_ms);
    else
        proxy_drain(program->proxy, has_time, on_drained, program);
}

// Whoever sends clients here has had the time to see that /readiness fails.
static void on_drain_delay_over(struct timer *timer)
{
    struct program *program = CONTAINER_OF(timer, struct program, drain_delay);
    handover_refuse(program->handover);
    proxy_drain(program->proxy, false, on_drained, program);
    on_change(program);
}

// ---- start --------------------------------------------------------------------------------------

// The sockets that systemd keeps are found by the next start, wherever they are listened on.
static void store_sockets(struct program *program)
{
    const struct inherited_socket *socket;
    int how = program->settings->socket_store;
    if (how == SOCKET_STORE_OFF || (how == SOCKET_STORE_AUTO && !service_has_store()) ||
        !service_is_there())
        return;
    for (size_t target = 0; target < proxy_target_count(program->proxy); target++)
        for (size_t i = 0; (socket = proxy_listener(program->proxy, target, i)); i++)
            if (socket->from != INHERITED_ACTIVATION)
                service_store(socket->fd, &socket->addr);
    proxy_keep_sockets(program->proxy);
}

// What the store has and nobody listens on any more.
static void forget_sockets(const struct program *program)
{
    if (!program->inherited)
        return;
    for (size_t i = 0; i < program->inherited->count; i++) {
        const struct inherited_socket *socket = &program->inherited->sockets[i];
        if (socket->fd >= 0)
            service_forget(&socket->addr);
    }
}

static void tell_ready(struct program *program)
{
    static const char newline[] = "\n";
    if (program->ready_fd < 0)
        return;
    if (write(program->ready_fd, newline, 1) < 0)
        log_debug("nobody waits for this process to be ready any more");
    close(program->ready_fd);
    program->ready_fd = -1;
}

// From now on clients are accepted.
static void serve(struct program *program)
{
    program->owns_sockets = true;
    proxy_accept(program->proxy);
    if (program->admin)
        admin_accept(program->admin);
    if (program->handover)
        handover_serve(program->handover);
    forget_sockets(program);
    if (program->inherited)
        inherited_done(program->inherited, true);
    store_sockets(program);
    duty_serve(&program->duty);
    announce_listeners(program);
    tell_ready(program);
}

static bool start_threads(struct program *program, struct err *err)
{
    const struct settings *settings = program->settings;
    program->proxy = proxy_start(program->loop, &settings->proxy, &settings->proxy_plan,
        program->resolver, on_change, program, err);
    if (!program->proxy)
        return false;
    program->control = control_start(&settings->control, settings->control_targets,
        settings->cluster_count, program->loop, on_news, program, err);
    if (!program->control)
        return false;
    proxy_set_control(program->proxy, program->control);
    return program_watch_changes(program, err);
}

static bool start_parts(struct program *program, struct err *err)
{
    sigset_t all, before;
    // Where it cannot be made, control says that nothing is kept.
    if (program->settings->control.state_dir)
        (void)file_make_folder(program->settings->control.state_dir, NULL);
    program->loop = loop_new("main", err);
    if (!program->loop)
        return false;
    timer_init(&program->drain_delay, program->loop, on_drain_delay_over);
    program_watch_log(program);
    duty_start(&program->duty, program);
    lineage_start(&program->lineage, program);
    program->resolver = resolver_new(program->loop, &program->settings->resolver, err);
    if (!program->resolver || !watch_signals(program, err))
        return false;
    program->lockdown =
        lockdown_new(program->settings, program->guest && program->guest->runs_a_command);
    if (!program->lockdown)
        return err_set(err, ERR_MEMORY, "out of memory for the sandbox");
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    bool ok = start_threads(program, err);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return ok;
}

// Socket activation passes what the unit lists: each of them was meant for something.
static bool check_left(const struct program *program, struct err *err)
{
    char text[ADDR_TEXT_BYTES];
    const struct inherited_socket *left =
        program->inherited ? inherited_left(program->inherited, INHERITED_ACTIVATION) : NULL;
    return !left || err_set(err, ERR_LISTEN,
                        "the service manager passed the socket %s (%s), which nothing here "
                        "listens on: expected an address of listen, admin-listen or admin-socket, "
                        "or FileDescriptorName= with a cluster's name or " INHERITED_ADMIN,
                        addr_format(&left->addr, text), left->name);
}

static bool open_all(struct program *program, struct err *err)
{
    if (!start_parts(program, err))
        return false;
    program->admin = admin_start(program);
    program->handover = handover_start(program);
    return check_left(program, err);
}

bool program_start(struct program *program, const struct settings_request *request,
    struct settings *settings, const struct program_guest *guest, struct program_heritage *heritage,
    struct err *err)
{
    *program = (struct program){
        .request = request, .settings = settings, .guest = guest, .started = clock_wall_s()
    };
    program->ready_fd = heritage ? heritage->ready_fd : -1;
    program->inherited = heritage ? &heritage->inherited : NULL;
    program->takeover = heritage ? heritage->takeover : NULL;
    settings->proxy_plan.inherited = program->inherited;
    sigset_t before;
    announce_start(settings);
    if (!open_all(program, err)) {
        // Another start may follow.
        pthread_sigmask(SIG_SETMASK, NULL, &before);
        program_done(program);
        pthread_sigmask(SIG_SETMASK, &before, NULL);
        return false;
    }
    lockdown_enter(program->lockdown, program);
    if (program->takeover)
        takeover_watch(program->takeover, program);
    else
        serve(program);
    return true;
}

// ---- from process to process --------------------------------------------------------------------

void program_take_over(struct program *program)
{
    int former_fd = takeover_release(program->takeover);
    program->takeover = NULL;
    serve(program);
    lineage_add_former(&program->lineage, former_fd);
    log_info("taken over: the former process lets its connections end");
}

void program_give_up(struct program *program)
{
    program->failed = true;
    loop_stop(program->loop);
}

void program_hand_over(struct program *program, int heir_fd)
{
    lineage_add_heir(&program->lineage, heir_fd);
    timer_stop(&program->drain_delay);
    service_mute();
    program->owns_sockets = false;
    handover_stop(program->handover);
    program->handover = NULL;
    admin_stop(program->admin);
    program->admin = NULL;
    if (proxy_is_draining(program->proxy)) {
        log_info(
            "another process has the admin's sockets from now on, and this one drains as before");
        return;
    }
    program->handed_over = true;
    drain(program, "handed over", 0);
}

void program_hurry(struct program *program, const char *why)
{
    if (program->hurries || !program->handed_over)
        return;
    program->hurries = true;
    drain(program, why, 0);
}

// ---- run and end --------------------------------------------------------------------------------

void program_stop(struct program *program, const char *why)
{
    uint64_t delay_ms = program->settings->drain_delay_ms;
    const struct program_guest *guest = program->guest;
    if (!program->stopping && guest && !guest->on_stop(guest->arg))
        return;
    if (program->takeover) { // nobody is served yet
        program->stopping = true;
        log_facts(LOG_WARN, "stopping now", "why", why, NULL);
        takeover_give_up(program->takeover, "it was told to end");
        loop_stop(program->loop);
        return;
    }
    bool is_first = program->handed_over && !program->was_told;
    program->was_told = true;
    if (is_first) {
        program_hurry(program, why);
        return;
    }
    if (program->stopping) {
        log_facts(LOG_WARN, "stopping now", "why", why, NULL);
        program->cut = 0; // that was asked for
        loop_stop(program->loop);
        return;
    }
    service_stopping(delay_ms + program->settings->proxy.drain_timeout_ms + STOPPING_MARGIN_MS);
    drain(program, why, delay_ms);
    on_change(program);
}

// Nobody is there to be told first.
void program_end_idle(struct program *program)
{
    service_stopping(STOPPING_MARGIN_MS);
    drain(program, "exit-when-idle", 0);
    on_change(program);
}

void program_run(struct program *program)
{
    if (!program->takeover)
        service_ready();
    loop_run(program->loop);
    if (program->guest)
        program->guest->on_end(program->guest->arg);
    program_done(program);
    log_finish();
    log_info("stopped");
}

// The end is under way: one more signal must not turn it into a death by signal, once libevent has
// taken its handlers out.
static void block_signals(void)
{
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, NULL);
}

// Workers know control, and both reach the main loop and the resolver: the opposite order of start.
static void program_done(struct program *program)
{
    block_signals();
    if (program->loop) {
        timer_stop(&program->drain_delay);
        program_unwatch_log(program);
    }
    takeover_free(program->takeover);
    handover_stop(program->handover);
    duty_stop(&program->duty);
    lineage_stop(&program->lineage);
    changes_free(program->changes);
    dump_cancel(program);
    admin_stop(program->admin);
    proxy_stop(program->proxy);
    control_stop(program->control);
    resolver_free(program->resolver);
    for (size_t i = 0; i < program->signal_count; i++) {
        if (program->signals[i])
            event_free(program->signals[i]);
    }
    lockdown_unwatch(program->lockdown);
    if (program->loop)
        loop_free(program->loop);
    lockdown_free(program->lockdown);
    settings_free(program->settings);
    if (program->inherited)
        inherited_done(program->inherited, false);
}
