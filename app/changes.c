// SPDX-License-Identifier: Apache-2.0
//
// The machine slept, or is in another network: one log line, and everybody who holds sockets or
// answers is told. Main thread; started by program.c.
#include "base/changes.h"

#include "app/program.h"

static enum program_event event_of(const struct change *change)
{
    if (change->slept_ms)
        return EVENT_SLEPT;
    if (change->stopped_ms)
        return EVENT_STOPPED;
    bool is_of_names =
        change->names && !change->addresses && !change->routes && !change->back_count;
    return is_of_names ? EVENT_RESOLV_CONF : EVENT_NETWORK;
}

static void begin_line(struct log_line *line, const struct change *change, bool matters)
{
    static const char *const names[PROGRAM_EVENTS] = {
        [EVENT_SLEPT] = "the machine slept",
        [EVENT_STOPPED] = "this process was stopped",
        [EVENT_NETWORK] = "the network changed",
        [EVENT_RESOLV_CONF] = "resolv.conf changed",
    };
    enum program_event event = event_of(change);
    enum log_level level = matters ? LOG_INFO : LOG_DEBUG;
    uint64_t lost_ms = change->slept_ms ? change->slept_ms : change->stopped_ms;
    log_start(line, level, "%s", names[event]);
    if (lost_ms)
        log_uint(line, "for_s", (lost_ms + 500) / 1000);
    log_str(line, "then",
        lost_ms   ? "connections are questioned, names are resolved anew"
        : matters ? "names are resolved anew"
                  : "no cluster is concerned");
}

static void log_change(const struct program *program, const struct change *change, bool matters)
{
    struct proxy_counters counters;
    struct log_line line;
    proxy_count(program->proxy, &counters);
    begin_line(&line, change, matters);
    log_str(&line, "own_addresses",
        change->addresses    ? "others"
        : change->back_count ? "back"
                             : NULL);
    log_str(&line, "routes", change->routes ? "others" : NULL);
    log_str(&line, "resolv_conf", change->names ? "other" : NULL);
    log_uint(&line, "connections", counters.steps[CONN_RELAY]);
    log_write(&line);
}

static void on_change(void *arg, const struct change *change)
{
    struct program *program = arg;
    enum proxy_concern concern = proxy_wake(program->proxy, change);
    bool matters = concern == PROXY_CONCERNED;
    log_change(program, change, matters);
    program->events[event_of(change)] += matters;
    if (concern != PROXY_UNCONCERNED && program->control)
        control_wake(program->control, change->slept_ms);
}

bool program_watch_changes(struct program *program, struct err *err)
{
    program->changes = changes_new(
        program->loop, program->settings->resolver.resolv_conf, on_change, program, err);
    return program->changes != NULL;
}
