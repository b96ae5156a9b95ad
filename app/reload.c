// SPDX-License-Identifier: Apache-2.0
//
// SIGHUP and POST /reload: the settings are built anew from the same command line, environment and
// file. When they are valid, what may change while running takes effect for new connections, and
// what may not is named; when they are not, the old ones stay. Main thread.
#include "app/program.h"

#include "app/descriptors.h"
#include "app/lockdown.h"
#include "base/confine.h"
#include "base/service.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { NAMES_BYTES = 1024 };

static void add_name(char names[NAMES_BYTES], const char *name)
{
    size_t len = strlen(names);
    snprintf(names + len, NAMES_BYTES - len, "%s%s", len ? ", " : "", name);
}

// TLS towards applications is one for all clusters, whose list has to be the one that runs.
static bool is_applied(const struct option_row *row, bool same_clusters)
{
    return (row->flags & OPTION_RELOAD) &&
           (same_clusters || strncmp(row->name, "client-", strlen("client-")) != 0);
}

// Adds the rows whose values differ: to `changed` those that a reload may change, to `waiting` the
// others.
static void compare(const struct option_table *table, const void *before, const void *after,
    bool same_clusters, char changed[NAMES_BYTES], char waiting[NAMES_BYTES])
{
    for (size_t i = 0; i < table->count; i++) {
        const struct option_row *row = &table->rows[i];
        if (!option_equal(row, before, after))
            add_name(is_applied(row, same_clusters) ? changed : waiting, row->name);
    }
}

static bool same_clusters(const struct settings *before, const struct settings *after)
{
    bool same = before->cluster_count == after->cluster_count;
    for (size_t i = 0; same && i < before->cluster_count; i++)
        same = strcmp(before->clusters[i].alias, after->clusters[i].alias) == 0;
    return same;
}

// The old settings stay where the running parts point into them; only what a reload may change is
// taken over, so that `status` never shows what is not in force.
static struct proxy_options merge(const struct settings *settings, const struct settings *fresh)
{
    struct proxy_options proxy = fresh->proxy;
    proxy.threads = settings->proxy.threads;
    proxy.backlog = settings->proxy.backlog;
    proxy.socket_mode = settings->proxy.socket_mode;
    proxy.batch = settings->proxy.batch;
    proxy.proves_way = settings->proxy.proves_way;
    proxy.busy_poll_us = settings->proxy.busy_poll_us;
    proxy.sources = settings->proxy.sources;
    proxy.source_count = settings->proxy.source_count;
    proxy.loss_refuses = settings->proxy.loss_refuses;
    return proxy;
}

static void adopt(struct settings *settings, struct settings *fresh, bool same_clusters)
{
    for (size_t i = 0; same_clusters && i < settings->cluster_count; i++)
        settings->clusters[i].listener_max = settings->proxy_targets[i].listener_max =
            fresh->clusters[i].listener_max;
    if (same_clusters) {
        settings_adopt_tls(settings, fresh);
        settings_adopt_allow(settings, fresh);
    }
    const struct option_list allowed = settings->resolver.allowed_cidrs;
    settings->resolver.allowed_cidrs = fresh->resolver.allowed_cidrs;
    fresh->resolver.allowed_cidrs = allowed;
    settings->resolver.allow_loopback = fresh->resolver.allow_loopback;
    settings->resolver.timeout_ms = fresh->resolver.timeout_ms;
    settings->control.poll_ms = fresh->control.poll_ms;
    settings->control.poll_changing_ms = fresh->control.poll_changing_ms;
    settings->drain_delay_ms = fresh->drain_delay_ms;
    settings->exit_when_idle_ms = fresh->exit_when_idle_ms;
    settings->log_level = fresh->log_level;
    settings->log_format = fresh->log_format;
    settings->log_burst = fresh->log_burst;
}

// Before `adopt`. Asks nobody anything when nothing of it is different.
static bool use_elsewhere(struct program *program, const struct settings *fresh, struct err *err)
{
    static const char *const policy[] = { "allowed-cidrs", "allow-loopback" };
    const struct settings *settings = program->settings;
    const struct control_options *polls = &fresh->control;
    if (!resolver_adopt(program->resolver, &fresh->resolver, err))
        return false;
    bool is_other = false;
    for (size_t i = 0; i < ARRAY_LEN(policy); i++)
        is_other = is_other ||
                   !option_equal(option_find(&settings_global_table, policy[i]), settings, fresh);
    if (is_other)
        proxy_look_again(program->proxy);
    if (polls->poll_ms != settings->control.poll_ms ||
        polls->poll_changing_ms != settings->control.poll_changing_ms)
        control_use_intervals(program->control, polls->poll_ms, polls->poll_changing_ms);
    return true;
}

static struct settings *build_again(const struct settings_request *request, struct err *err)
{
    if (request->own)
        option_free(request->own, request->own_values);
    return settings_build(request, err);
}

static void log_result(const char *changed, const char *waiting)
{
    struct log_line line;
    log_start(&line, LOG_INFO, "configuration reloaded");
    log_str(&line, "changed", *changed ? changed : "nothing");
    log_write(&line);
    if (!*waiting)
        return;
    log_start(&line, LOG_WARN, "changed options that need a restart");
    log_str(&line, "options", waiting);
    log_write(&line);
}

static bool reload(struct program *program, struct err *err)
{
    char changed[NAMES_BYTES] = "", waiting[NAMES_BYTES] = "";
    struct settings *settings = program->settings;
    if (!lockdown_covers(program->lockdown, settings, err))
        return false;
    struct settings *fresh = build_again(program->request, err);
    if (!fresh) {
        confine_explain(err);
        return false;
    }
    bool same = same_clusters(settings, fresh);
    const struct proxy_options proxy = merge(settings, fresh);
    // Other clusters need a restart; the files of those that run are read again.
    const struct proxy_plan *plan = same ? &fresh->proxy_plan : &settings->proxy_plan;
    if (!lockdown_covers(program->lockdown, fresh, err) || !descriptors_raise(fresh, err) ||
        !proxy_reload(program->proxy, &proxy, plan, err) || !use_elsewhere(program, fresh, err)) {
        settings_free(fresh);
        return false;
    }
    compare(&settings_global_table, settings, fresh, same, changed, waiting);
    if (!same)
        add_name(waiting, "the list of clusters");
    for (size_t i = 0; same && i < fresh->cluster_count; i++)
        compare(&settings_cluster_table, &settings->clusters[i], &fresh->clusters[i], same, changed,
            waiting);
    settings->proxy = proxy;
    adopt(settings, fresh, same);
    settings_free(fresh);
    duty_reloaded(&program->duty);
    log_setup((enum log_level)settings->log_level, (enum log_format)settings->log_format,
        settings->log_burst);
    log_result(changed, waiting);
    return true;
}

bool program_reload(struct program *program, struct err *err)
{
    struct err own;
    struct err *why = err ? err : &own;
    service_reloading();
    bool ok = reload(program, why);
    if (!ok) {
        struct log_line line;
        log_start(&line, LOG_ERROR, "configuration not reloaded: the old one stays");
        log_err(&line, why);
        log_write(&line);
    }
    service_ready();
    return ok;
}
