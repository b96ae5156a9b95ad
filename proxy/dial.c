// SPDX-License-Identifier: Apache-2.0
//
// The dial. Whatever happens (an answer, a failure, a timer) leads to `go_on`, which looks at the
// facts and decides. Called by conn.c and spare.c.
#include "proxy/dial.h"

#include "base/log.h"
#include "base/net.h"
#include "proxy/paths.h"
#include "proxy/refusal.h"
#include "proxy/view.h"
#include "proxy/worker.h"

#include <errno.h>
#include <unistd.h>

static struct paths *paths_of(const struct dial *dial)
{
    return &dial->worker->paths[dial->target];
}

static const struct addr *address_of(const struct dial *dial, int address)
{
    return &dial->view->addrs->addrs[address];
}

static struct addr with_port(const struct addr *addr, uint16_t port)
{
    struct addr out = *addr;
    if (out.any.sa_family == AF_INET6)
        out.in6.sin6_port = htons(port);
    else
        out.in4.sin_port = htons(port);
    return out;
}

// A failure of this machine's own, for which no address is to blame.
static bool is_ours(int sys)
{
    return net_is_shortage(sys) || sys == EADDRNOTAVAIL;
}

static size_t in_flight(const struct dial *dial)
{
    size_t count = 0;
    for (size_t i = 0; i < DIAL_WAYS; i++)
        count += dial->attempts[i].fd >= 0;
    return count;
}

// ---- what the address book and the log learn ----------------------------------------------------

static void note_failure(const struct dial *dial, int address, int sys)
{
    uint64_t now_ms = loop_now_ms(dial->worker->loop);
    const struct addr *addr = address_of(dial, address);
    worker_count(&dial->worker->counters.dial_failures, 1);
    if (!paths_failed(paths_of(dial), addr, now_ms))
        return;
    char text[ADDR_TEXT_BYTES];
    struct addr full = with_port(addr, dial->view->port);
    struct log_line line;
    log_start(&line, LOG_WARN, "an address does not answer: left alone for a while");
    log_str(&line, "cluster", dial->view->alias);
    log_str(&line, "server", addr_format(&full, text));
    log_str(&line, "reason", err_errno_text(sys));
    log_uint(&line, "for_ms", paths_quarantine_ms(paths_of(dial), addr, now_ms));
    log_write(&line);
}

static void note_success(const struct dial *dial, const struct attempt *attempt)
{
    uint64_t now_ms = loop_now_ms(dial->worker->loop);
    const struct addr *addr = address_of(dial, attempt->address);
    uint32_t connect_us =
        paths_wants_time(paths_of(dial), addr, now_ms) ? net_rtt_us(attempt->fd) : 0;
    if (!paths_connected(paths_of(dial), addr, connect_us, now_ms))
        return;
    char text[ADDR_TEXT_BYTES];
    struct log_line line;
    log_start(&line, LOG_INFO, "an address answers again");
    log_str(&line, "cluster", dial->view->alias);
    log_str(&line, "server", addr_format(&dial->addr, text));
    log_write(&line);
}

// ---- one address --------------------------------------------------------------------------------

static void attempt_end(struct attempt *attempt)
{
    watch_stop(&attempt->watch);
    close(attempt->fd);
    attempt->fd = -1;
}

// Called off: the address is not to blame, unless it let the other one overtake it.
static void attempt_abandon(struct attempt *attempt, bool overtaken)
{
    const struct dial *dial = attempt->dial;
    if (attempt->fd < 0)
        return;
    uint64_t waited_ms = loop_now_ms(dial->worker->loop) - attempt->began_ms;
    attempt_end(attempt);
    if (overtaken && waited_ms >= DIAL_RACE_MS)
        note_failure(dial, attempt->address, ETIMEDOUT);
    else if (attempt->on_trial)
        paths_unpicked(paths_of(dial), address_of(dial, attempt->address));
}

static void attempt_fail(struct attempt *attempt, int sys)
{
    struct dial *dial = attempt->dial;
    attempt_end(attempt);
    dial->sys = sys;
    dial->addr = with_port(address_of(dial, attempt->address), dial->view->port);
    if (!is_ours(sys))
        note_failure(dial, attempt->address, sys);
    else if (attempt->on_trial)
        paths_unpicked(paths_of(dial), address_of(dial, attempt->address));
}

static void go_on(struct dial *dial);

static void on_connected(struct watch *watch, unsigned what)
{
    struct attempt *attempt = CONTAINER_OF(watch, struct attempt, watch);
    struct dial *dial = attempt->dial;
    (void)what;
    int sys = net_socket_error(attempt->fd);
    if (sys) {
        attempt_fail(attempt, sys);
        go_on(dial);
        return;
    }
    dial->addr = with_port(address_of(dial, attempt->address), dial->view->port);
    note_success(dial, attempt);
    watch_stop(&attempt->watch);
    dial->fd = attempt->fd;
    attempt->fd = -1;
    for (size_t i = 0; i < DIAL_WAYS; i++)
        attempt_abandon(&dial->attempts[i], true);
    timer_stop(&dial->timer);
    dial->is_probe = false;
    dial->fn(dial, NULL);
}

// The source addresses take turns, so that each has its own range of local ports.
static int bind_source(const struct dial *dial, int fd, int family)
{
    const struct proxy_options *options = &dial->view->options;
    for (size_t i = 0; i < options->source_count; i++) {
        size_t at = dial->worker->next_source++ % options->source_count;
        if (options->sources[at].any.sa_family == family)
            return net_bind_source(fd, &options->sources[at]) ? 0 : errno;
    }
    return 0;
}

static int open_socket(const struct dial *dial, int family)
{
    int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    net_nodelay(fd);
    net_keepalive(fd, (unsigned)dial->view->options.keepalive_ms);
    // Until the relay starts; an established flow must be allowed a closed window for any time.
    net_user_timeout(fd, (unsigned)dial->view->options.connect_timeout_ms);
    return fd;
}

static void attempt_begin(struct attempt *attempt, int address, bool on_trial)
{
    struct dial *dial = attempt->dial;
    struct addr addr = with_port(address_of(dial, address), dial->view->port);
    attempt->address = address;
    attempt->on_trial = on_trial;
    attempt->began_ms = loop_now_ms(dial->worker->loop);
    dial->tried |= UINT32_C(1) << address;
    worker_count(&dial->worker->counters.dials, 1);
    attempt->fd = open_socket(dial, addr.any.sa_family);
    if (attempt->fd < 0) {
        dial->sys = errno;
        if (on_trial)
            paths_unpicked(paths_of(dial), address_of(dial, address));
        return;
    }
    watch_init(&attempt->watch, dial->worker->loop, attempt->fd, on_connected);
    int sys = bind_source(dial, attempt->fd, addr.any.sa_family);
    if (!sys && connect(attempt->fd, &addr.any, addr.len) < 0 && errno != EINPROGRESS)
        sys = errno;
    if (sys)
        attempt_fail(attempt, sys);
    else
        watch_want(&attempt->watch, WATCH_WRITE);
}

// ---- all of them --------------------------------------------------------------------------------

static bool begin_next(struct dial *dial)
{
    bool on_trial;
    uint64_t now_ms = loop_now_ms(dial->worker->loop);
    int address = paths_pick(paths_of(dial), dial->view->addrs, dial->tried, now_ms, &on_trial);
    if (address == PATHS_NONE)
        return false;
    for (size_t i = 0; i < DIAL_WAYS; i++) {
        if (dial->attempts[i].fd < 0) {
            attempt_begin(&dial->attempts[i], address, on_trial);
            return true;
        }
    }
    return false;
}

static void give_up(struct dial *dial)
{
    struct err err;
    uint64_t now_ms = loop_now_ms(dial->worker->loop);
    int sys = dial->sys ? dial->sys : ETIMEDOUT;
    dial->is_probe = false;
    refusal_dial(dial->view, (size_t)__builtin_popcount(dial->tried), &dial->addr, sys, &err);
    if (is_ours(sys))
        paths_probed(paths_of(dial));
    else
        paths_broke(paths_of(dial), &err, now_ms - dial->began_ms, now_ms);
    dial_cancel(dial);
    dial->fn(dial, &err);
}

static void end_late_attempts(struct dial *dial, uint64_t now_ms)
{
    uint64_t limit_ms = dial->view->options.connect_timeout_ms;
    for (size_t i = 0; i < DIAL_WAYS; i++) {
        struct attempt *attempt = &dial->attempts[i];
        if (attempt->fd >= 0 &&
            (now_ms - attempt->began_ms >= limit_ms || now_ms >= dial->until_ms))
            attempt_fail(attempt, ETIMEDOUT);
    }
}

static uint64_t latest_ms(const struct dial *dial)
{
    uint64_t latest = 0;
    for (size_t i = 0; i < DIAL_WAYS; i++)
        if (dial->attempts[i].fd >= 0 && dial->attempts[i].began_ms > latest)
            latest = dial->attempts[i].began_ms;
    return latest;
}

static void sooner(uint64_t *at_ms, uint64_t other_ms)
{
    if (other_ms < *at_ms)
        *at_ms = other_ms;
}

// The timer runs to whatever comes first: a race, an address's time, the budget.
static void arm(struct dial *dial, uint64_t now_ms)
{
    uint64_t at_ms = dial->until_ms;
    for (size_t i = 0; i < DIAL_WAYS; i++)
        if (dial->attempts[i].fd >= 0)
            sooner(&at_ms, dial->attempts[i].began_ms + dial->view->options.connect_timeout_ms);
    if (in_flight(dial) < DIAL_WAYS && latest_ms(dial) + DIAL_RACE_MS > now_ms)
        sooner(&at_ms, latest_ms(dial) + DIAL_RACE_MS);
    timer_start(&dial->timer, at_ms > now_ms ? at_ms - now_ms : 0);
}

// Starts what is to be started now. False when nothing is left to wait for. Without descriptors no
// other address is tried, but the one that is under way may still answer.
static bool begin(struct dial *dial, uint64_t now_ms)
{
    while (!is_ours(dial->sys) && now_ms < dial->until_ms) {
        size_t count = in_flight(dial);
        bool is_slow = count && now_ms - latest_ms(dial) >= DIAL_RACE_MS;
        if (count == DIAL_WAYS || (count && !is_slow) || !begin_next(dial))
            break;
        if (count)
            worker_count(&dial->worker->counters.dial_races, 1);
    }
    return in_flight(dial) && now_ms < dial->until_ms;
}

static void go_on(struct dial *dial)
{
    uint64_t now_ms = loop_now_ms(dial->worker->loop);
    end_late_attempts(dial, now_ms);
    if (begin(dial, now_ms))
        arm(dial, now_ms);
    else
        give_up(dial);
}

static void on_timer(struct timer *timer)
{
    go_on(CONTAINER_OF(timer, struct dial, timer));
}

void dial_start(
    struct dial *dial, struct worker *worker, size_t target, const struct view *view, dial_fn fn)
{
    bool is_probe = dial->is_probe;
    uint64_t now_ms = loop_now_ms(worker->loop);
    *dial = (struct dial){
        .worker = worker,
        .target = target,
        .view = view,
        .fn = fn,
        .is_probe = is_probe,
        .began_ms = now_ms,
        .until_ms = now_ms + view->options.dial_budget_ms,
        .fd = -1,
    };
    for (size_t i = 0; i < DIAL_WAYS; i++) {
        dial->attempts[i].dial = dial;
        dial->attempts[i].fd = -1;
    }
    timer_init(&dial->timer, worker->loop, on_timer);
    // Nobody is called back from here: what is over already is told by the timer.
    if (begin(dial, now_ms))
        arm(dial, now_ms);
    else
        timer_start(&dial->timer, 0);
}

void dial_cancel(struct dial *dial)
{
    if (!dial->worker)
        return;
    timer_stop(&dial->timer);
    for (size_t i = 0; i < DIAL_WAYS; i++)
        attempt_abandon(&dial->attempts[i], false);
    if (dial->is_probe)
        paths_probed(paths_of(dial));
    dial->is_probe = false;
}
