// SPDX-License-Identifier: Apache-2.0
//
// The dial. Whatever happens (an answer, a failure, a timer) leads to `go_on`, which looks at the
// facts and decides. Called by conn.c and spare.c.
#include "proxy/dial.h"

#include "base/clock.h"
#include "base/net.h"
#include "base/os.h"
#include "proxy/dial_notes.h"
#include "proxy/jump.h"
#include "proxy/jump_run.h"
#include "proxy/paths.h"
#include "proxy/refusal.h"
#include "proxy/via.h"
#include "proxy/view.h"
#include "proxy/worker.h"

#include <errno.h>
#include <unistd.h>

static const struct addr *address_of(const struct dial *dial, int address)
{
    return &dial->view->addrs->addrs[address];
}

// The jump is one: there is no socket to an address.
static bool is_program(const struct dial *dial)
{
    return dial->view->via && via_is_program(dial->view->via);
}

// A failure of this machine's own, for which no address is to blame. Local ports are used up
// towards one address at a time, descriptors for all of them.
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

static void release(const struct dial *dial, int address, bool on_trial)
{
    if (on_trial)
        paths_unpicked(dial_paths(dial), address_of(dial, address));
}

// ---- one address --------------------------------------------------------------------------------

static void leave_jump(struct attempt *attempt)
{
    jump_end(attempt->jump);
    jump_run_end(attempt->run);
    attempt->jump = NULL;
    attempt->run = NULL;
}

static void attempt_end(struct attempt *attempt)
{
    watch_stop(&attempt->watch);
    leave_jump(attempt);
    if (is_program(attempt->dial))
        jump_child_release(&attempt->dial->worker->children, attempt->fd, false);
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
        dial_note_failure(dial, address_of(dial, attempt->address), ETIMEDOUT);
    else
        release(dial, attempt->address, attempt->on_trial);
}

// Nothing came of the address.
static void note_end(struct dial *dial, int address, bool on_trial, int sys)
{
    dial->sys = sys;
    dial->addr = addr_with_port(address_of(dial, address), view_dial_port(dial->view));
    if (is_ours(sys))
        release(dial, address, on_trial);
    else
        dial_note_failure(dial, address_of(dial, address), sys);
}

static void attempt_fail(struct attempt *attempt, int sys)
{
    attempt_end(attempt);
    note_end(attempt->dial, attempt->address, attempt->on_trial, sys);
}

static void go_on(struct dial *dial);

static void give_up_because(struct dial *dial, const struct err *err);

static void succeed(struct attempt *attempt)
{
    struct dial *dial = attempt->dial;
    dial_note_connected(dial, attempt->began_us);
    dial->addr = addr_with_port(address_of(dial, attempt->address), view_dial_port(dial->view));
    dial->reached = attempt->address;
    dial->reached_on_trial = attempt->on_trial;
    watch_stop(&attempt->watch);
    leave_jump(attempt);
    dial->fd = attempt->fd;
    attempt->fd = -1;
    for (size_t i = 0; i < DIAL_WAYS; i++)
        attempt_abandon(&dial->attempts[i], true);
    timer_stop(&dial->timer);
    dial->fn(dial, NULL);
}

// What the jump says, all of its addresses would: none of them is to blame, and none is tried.
static void on_jumped(void *arg, const struct err *err)
{
    struct attempt *attempt = arg;
    struct dial *dial = attempt->dial;
    if (!err) {
        succeed(attempt);
        return;
    }
    worker_count(&dial->worker->counters.dial_failures, 1);
    dial->addr = addr_with_port(address_of(dial, attempt->address), view_dial_port(dial->view));
    give_up_because(dial, err);
}

static struct jump_plan jump_plan_of(struct attempt *attempt)
{
    const struct dial *dial = attempt->dial;
    return (struct jump_plan){
        .worker = dial->worker, .view = dial->view, .fn = on_jumped, .arg = attempt
    };
}

static void begin_jump(struct attempt *attempt)
{
    struct dial *dial = attempt->dial;
    const struct jump_plan plan = jump_plan_of(attempt);
    watch_want(&attempt->watch, 0);
    attempt->jump = jump_start(&plan, attempt->fd);
    if (attempt->jump)
        return;
    attempt_fail(attempt, ENOMEM);
    go_on(dial);
}

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
    if (dial->view->via)
        begin_jump(attempt);
    else
        succeed(attempt);
}

static int open_socket(const struct dial *dial, int family)
{
    int fd = os_socket(family, SOCK_STREAM);
    if (fd < 0)
        return -1;
    net_nodelay(fd);
    net_keepalive(fd, dial->view->options.keepalive_ms);
    // Until the relay starts; an established flow must be allowed a closed window for any time.
    net_user_timeout(fd, (unsigned)dial->view->options.connect_timeout_ms);
    return fd;
}

// The source addresses take turns, so that each has its own range of local ports. False with errno.
static bool bind_next_source(const struct dial *dial, int fd, int family)
{
    const struct proxy_options *options = &dial->view->options;
    for (size_t i = 0; i < options->source_count; i++) {
        size_t at = dial->worker->next_source++ % options->source_count;
        if (options->sources[at].any.sa_family == family)
            return net_bind_source(fd, &options->sources[at]);
    }
    return true;
}

// A connecting socket, or -1 with errno.
static int begin_connect(const struct dial *dial, const struct addr *addr)
{
    int fd = open_socket(dial, addr->any.sa_family);
    if (fd < 0)
        return -1;
    if (bind_next_source(dial, fd, addr->any.sa_family) &&
        (connect(fd, &addr->any, addr->len) == 0 || errno == EINPROGRESS))
        return fd;
    int sys = errno;
    close(fd);
    errno = sys;
    return -1;
}

// A source that is gone, or has no port left towards this address, leaves the others.
static int begin_from_any_source(const struct dial *dial, const struct addr *addr)
{
    int fd = begin_connect(dial, addr);
    for (size_t i = 1; fd < 0 && errno == EADDRNOTAVAIL && i < dial->view->options.source_count;
         i++)
        fd = begin_connect(dial, addr);
    return fd;
}

static void begin_run(struct attempt *attempt)
{
    const struct jump_plan plan = jump_plan_of(attempt);
    attempt->run = jump_run_start(&plan, &attempt->fd);
    if (!attempt->run) {
        attempt->fd = -1;
        note_end(attempt->dial, attempt->address, attempt->on_trial, errno);
        return;
    }
    watch_init(&attempt->watch, attempt->dial->worker->loop, attempt->fd, on_connected);
}

static void attempt_begin(struct attempt *attempt, int address, bool on_trial)
{
    struct dial *dial = attempt->dial;
    struct addr addr = addr_with_port(address_of(dial, address), view_dial_port(dial->view));
    attempt->address = address;
    attempt->on_trial = on_trial;
    attempt->began_ms = loop_now_ms(dial->worker->loop);
    attempt->began_us = clock_us();
    dial->tried |= UINT32_C(1) << address;
    worker_count(&dial->worker->counters.dials, 1);
    if (is_program(dial)) {
        begin_run(attempt);
        return;
    }
    attempt->fd = begin_from_any_source(dial, &addr);
    if (attempt->fd < 0) {
        note_end(dial, address, on_trial, errno);
        return;
    }
    watch_init(&attempt->watch, dial->worker->loop, attempt->fd, on_connected);
    watch_want(&attempt->watch, WATCH_WRITE);
}

// ---- all of them --------------------------------------------------------------------------------

static bool begin_next(struct dial *dial)
{
    bool on_trial;
    uint64_t now_ms = loop_now_ms(dial->worker->loop);
    int address = paths_pick(dial_paths(dial), dial->view->addrs, dial->tried, now_ms, &on_trial);
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

static void give_up_because(struct dial *dial, const struct err *err)
{
    struct err why = *err; // of the jump, which ends
    uint64_t now_ms = loop_now_ms(dial->worker->loop);
    if (why.code != ERR_LIMIT)
        dial_note_broken(dial, &why, now_ms);
    dial_cancel(dial);
    dial->fn(dial, &why);
}

static void give_up(struct dial *dial)
{
    struct err err;
    int sys = dial->sys ? dial->sys : ETIMEDOUT;
    if (dial->jump_is_silent)
        refusal_jump_far(dial->view, "it has not answered in time", &err);
    else
        refusal_dial(dial->view, (size_t)__builtin_popcount(dial->tried), &dial->addr, sys, &err);
    give_up_because(dial, &err);
}

// A jump answers when its own connection to the cluster stands, which has the whole budget.
static uint64_t attempt_limit_ms(const struct attempt *attempt)
{
    const struct proxy_options *options = &attempt->dial->view->options;
    return attempt->jump || attempt->run ? options->dial_budget_ms : options->connect_timeout_ms;
}

static void end_late_attempts(struct dial *dial, uint64_t now_ms)
{
    for (size_t i = 0; i < DIAL_WAYS; i++) {
        struct attempt *attempt = &dial->attempts[i];
        uint64_t waited_ms = now_ms - attempt->began_ms;
        uint64_t limit_ms = attempt_limit_ms(attempt);
        if (attempt->fd < 0 || (waited_ms < limit_ms && now_ms < dial->until_ms))
            continue;
        // The budget may end one that has only begun.
        dial->jump_is_silent = attempt->jump || attempt->run;
        if (!dial->jump_is_silent && (waited_ms >= limit_ms || waited_ms >= DIAL_RACE_MS))
            attempt_fail(attempt, ETIMEDOUT);
        else
            attempt_abandon(attempt, false);
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
            sooner(&at_ms, dial->attempts[i].began_ms + attempt_limit_ms(&dial->attempts[i]));
    if (in_flight(dial) < DIAL_WAYS && latest_ms(dial) + DIAL_RACE_MS > now_ms)
        sooner(&at_ms, latest_ms(dial) + DIAL_RACE_MS);
    timer_start(&dial->timer, at_ms > now_ms ? at_ms - now_ms : 0);
}

// Starts what is to be started now. False when nothing is left to wait for. Without descriptors no
// other address is tried, but the one that is under way may still answer.
static bool begin(struct dial *dial, uint64_t now_ms)
{
    while (!net_is_shortage(dial->sys) && now_ms < dial->until_ms) {
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

static void start(struct dial *dial)
{
    uint64_t now_ms = loop_now_ms(dial->worker->loop);
    // Nobody is called back from here: what is over already is told by the timer.
    if (begin(dial, now_ms))
        arm(dial, now_ms);
    else
        timer_start(&dial->timer, 0);
}

void dial_start(struct dial *dial, const struct dial_plan *plan)
{
    uint64_t now_ms = loop_now_ms(plan->worker->loop);
    *dial = (struct dial){
        .worker = plan->worker,
        .target = plan->target,
        .view = plan->view,
        .fn = plan->fn,
        .is_probe = plan->is_probe,
        .began_ms = now_ms,
        .until_ms = now_ms + plan->view->options.dial_budget_ms,
        .reached = PATHS_NONE,
        .fd = -1,
    };
    for (size_t i = 0; i < DIAL_WAYS; i++) {
        dial->attempts[i].dial = dial;
        dial->attempts[i].fd = -1;
    }
    timer_init(&dial->timer, dial->worker->loop, on_timer);
    start(dial);
}

void dial_confirm(struct dial *dial, int fd)
{
    const struct addr *addr = address_of(dial, dial->reached);
    dial->is_probe = false;
    dial->reached = PATHS_NONE;
    dial_note_greeted(dial, addr, fd);
}

bool dial_reject(struct dial *dial, const struct err *why)
{
    uint64_t now_ms = loop_now_ms(dial->worker->loop);
    dial_note_failure(dial, address_of(dial, dial->reached), why->sys);
    dial->reached = PATHS_NONE;
    bool all_tried = (size_t)__builtin_popcount(dial->tried) >= dial->view->addrs->count;
    if (!all_tried && now_ms < dial->until_ms) {
        dial->sys = 0;
        start(dial);
        return true;
    }
    dial_note_broken(dial, why, now_ms);
    return false;
}

void dial_cancel(struct dial *dial)
{
    if (!dial->worker)
        return;
    timer_stop(&dial->timer);
    for (size_t i = 0; i < DIAL_WAYS; i++)
        attempt_abandon(&dial->attempts[i], false);
    if (dial->reached != PATHS_NONE)
        release(dial, dial->reached, dial->reached_on_trial);
    dial->reached = PATHS_NONE;
    if (dial->is_probe)
        paths_probed(dial_paths(dial));
    dial->is_probe = false;
}
