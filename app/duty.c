// SPDX-License-Identifier: Apache-2.0
//
// Status, watchdog, exit-when-idle. Used by program.c.
#include "app/duty.h"

#include "app/program.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/service.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum {
    ALIVE_SHARE = 4,         // signs of life in the time of the watchdog
    STATUS_SOON_MS = 500,    // several changes at once are one line
    STATUS_LATER_MS = 30000, // numbers of connections change all the time
    STATUS_DRAIN_MS = 5000,
    STATUS_CLUSTERS = 4, // that are named
    IDLE_SHARE = 4,
    IDLE_LOOK_MS_MAX = 1000,
};

// ---- signs of life ------------------------------------------------------------------------------

static void log_stuck(uint64_t silent_ms)
{
    struct log_line line;
    log_start(&line, LOG_ERROR,
        "a worker thread does not answer: the service manager's watchdog is not told that all is "
        "well");
    log_uint(&line, "for_ms", silent_ms);
    log_write(&line);
}

static uint64_t most_silent_ms(struct proxy *proxy)
{
    uint64_t most_ms = 0;
    for (size_t i = 0; i < proxy_worker_count(proxy); i++) {
        uint64_t lag_ms = proxy_worker_lag_ms(proxy, i);
        most_ms = lag_ms > most_ms ? lag_ms : most_ms;
    }
    proxy_ping(proxy);
    return most_ms;
}

static void on_alive(struct timer *timer)
{
    struct duty *duty = CONTAINER_OF(timer, struct duty, alive);
    uint64_t silent_ms = most_silent_ms(duty->program->proxy);
    bool is_stuck = silent_ms > duty->watchdog_us / 2000;
    if (!is_stuck)
        service_alive();
    else if (!duty->is_stuck)
        log_stuck(silent_ms);
    duty->is_stuck = is_stuck;
    timer_start(timer, duty->watchdog_us / ALIVE_SHARE / 1000);
}

// ---- status -------------------------------------------------------------------------------------

static const char *state_of(const struct proxy_target_state *target)
{
    if (!target->news)
        return "not known yet";
    const struct verdict *verdict = &target->news->verdict;
    if (verdict->action != VERDICT_ALLOW)
        return *verdict->state ? verdict->state : "not usable";
    if (!target->addrs && !target->via)
        return "its name does not resolve";
    if (verdict->unchecked)
        return "served unchecked";
    return *verdict->state ? verdict->state : "served";
}

static size_t add_clusters(const struct program *program, char *out, size_t size)
{
    size_t len = 0, count = proxy_target_count(program->proxy);
    for (size_t i = 0; i < count && i < STATUS_CLUSTERS && len < size; i++) {
        struct proxy_target_state target = proxy_target_state(program->proxy, i);
        len += (size_t)snprintf(
            out + len, size - len, "%s%s: %s", i ? ", " : "", target.alias, state_of(&target));
    }
    if (count > STATUS_CLUSTERS && len < size)
        len += (size_t)snprintf(out + len, size - len, ", %zu more", count - STATUS_CLUSTERS);
    return len < size ? len : size - 1;
}

static void write_status(const struct program *program, char *out, size_t size)
{
    struct proxy_counters counters;
    proxy_count(program->proxy, &counters);
    const char *plural = counters.open == 1 ? "" : "s";
    if (program->stopping) {
        snprintf(out, size, "draining: %" PRIu64 " connection%s left", counters.open, plural);
        return;
    }
    size_t len = add_clusters(program, out, size);
    snprintf(out + len, size - len, "; %" PRIu64 " connection%s", counters.open, plural);
}

static void show_status(struct duty *duty)
{
    char text[sizeof(duty->shown)];
    write_status(duty->program, text, sizeof(text));
    if (strcmp(text, duty->shown) != 0) {
        memcpy(duty->shown, text, sizeof(text));
        service_status(text);
    }
    duty->looks_soon = false;
    timer_start(&duty->status, duty->program->stopping ? STATUS_DRAIN_MS : STATUS_LATER_MS);
}

static void on_status(struct timer *timer)
{
    show_status(CONTAINER_OF(timer, struct duty, status));
}

void duty_changed(struct duty *duty)
{
    if (!duty->program || !duty->serves || duty->looks_soon || !service_is_there())
        return;
    duty->looks_soon = true;
    timer_start(&duty->status, STATUS_SOON_MS);
}

// ---- the end by itself --------------------------------------------------------------------------

static void look_for_idleness(struct duty *duty)
{
    struct proxy_counters counters;
    struct program *program = duty->program;
    uint64_t now_ms = clock_ms(), limit_ms = program->settings->exit_when_idle_ms;
    proxy_count(program->proxy, &counters);
    bool is_busy = counters.open || counters.accepted != duty->accepted;
    // Connections of the process that this one took over from are of those that are waited for.
    if (is_busy || lineage_has_former(&program->lineage))
        duty->idle_since_ms = now_ms;
    duty->accepted = counters.accepted;
    if (limit_ms && duty->idle_since_ms && now_ms - duty->idle_since_ms >= limit_ms)
        program_end_idle(program);
}

static void on_idle(struct timer *timer)
{
    struct duty *duty = CONTAINER_OF(timer, struct duty, idle);
    uint64_t limit_ms = duty->program->settings->exit_when_idle_ms;
    uint64_t look_ms = limit_ms / IDLE_SHARE;
    if (!limit_ms || duty->program->stopping)
        return; // a reload may turn it on again
    timer_start(timer, look_ms < IDLE_LOOK_MS_MAX ? look_ms : IDLE_LOOK_MS_MAX);
    look_for_idleness(duty);
}

// ---- life ---------------------------------------------------------------------------------------

void duty_start(struct duty *duty, struct program *program)
{
    duty->program = program;
    duty->watchdog_us = service_watchdog_us();
    timer_init(&duty->alive, program->loop, on_alive);
    timer_init(&duty->status, program->loop, on_status);
    timer_init(&duty->idle, program->loop, on_idle);
}

void duty_serve(struct duty *duty)
{
    duty->serves = true;
    if (duty->watchdog_us)
        on_alive(&duty->alive);
    if (service_is_there())
        timer_start(&duty->status, 0); // behind the news that it is ready
    duty_reloaded(duty);
}

void duty_reloaded(struct duty *duty)
{
    if (!timer_is_running(&duty->idle))
        on_idle(&duty->idle);
}

void duty_stop(struct duty *duty)
{
    if (!duty->program)
        return;
    timer_stop(&duty->alive);
    timer_stop(&duty->status);
    timer_stop(&duty->idle);
    duty->program = NULL;
}
