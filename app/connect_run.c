// SPDX-License-Identifier: Apache-2.0
//
// The life of a run, downward: look (again and again) -> open -> the command runs -> on_child_end
// -> its last connections settle -> the program drains and ends. Without a command, a signal ends
// it. Above it cmd_connect.c.
#include "app/connect_run.h"

#include "app/connect_env.h"
#include "app/connect_forms.h"
#include "app/connect_login.h"
#include "app/connect_show.h"
#include "app/dsn_place.h"
#include "app/health.h"
#include "app/words.h"
#include "base/foreground.h"
#include "proxy/jump_words.h"
#include "proxy/via.h"
#include "strings/request.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

enum {
    PATIENCE_MS = 1000,
    SETTLING_MS = 20,
    SETTLINGS_MAX = 10,
    LOGIN_GRACE_MS = 200,
    SIGNALLED = 128,
    SAID_BYTES = 1024
};
enum { CODE_NOT_RUNNABLE = 126, CODE_NOT_FOUND = 127 };

// For the command. Without one, SIGHUP ends us as SIGTERM does, and the others do what they do.
static const int command_signals[] = { SIGQUIT, SIGUSR2, 0 };
static const int no_signals[] = { 0 };

static void say(const char *format, ...) PRINTF_LIKE(1, 2);
static void say(const char *format, ...)
{
    char text[SAID_BYTES];
    va_list values;
    va_start(values, format);
    vsnprintf(text, sizeof(text), format, values);
    va_end(values);
    fprintf(stderr, "tidblink connect: %s\n", text);
}

static void end(struct connect_run *run, const char *why)
{
    run->is_ending = true;
    timer_stop(&run->deadline);
    timer_stop(&run->patience);
    program_stop(&run->program, why);
}

static uint64_t open_connections(const struct connect_run *run)
{
    struct proxy_counters counters;
    proxy_count(run->program.proxy, &counters);
    return counters.open;
}

static void say_open_connections(const struct connect_run *run, const char *lead)
{
    uint64_t open = open_connections(run);
    if (open > 0)
        say("%s%" PRIu64 " connection%s still open: %s up to %" PRIu64 " s to end%s", lead, open,
            open == 1 ? " is" : "s are", open == 1 ? "it gets" : "they get",
            (run->program.settings->proxy.drain_timeout_ms + 999) / 1000,
            "; SIGTERM or Ctrl-C ends them now");
}

// ---- the command --------------------------------------------------------------------------------

static void on_settling_over(struct timer *timer)
{
    struct connect_run *run = CONTAINER_OF(timer, struct connect_run, settling);
    if (open_connections(run) > 0 && run->settlings++ < SETTLINGS_MAX) {
        timer_start(&run->settling, SETTLING_MS);
        return;
    }
    say_open_connections(run, "the command has ended, and ");
    end(run, "the command has ended");
}

static void on_child_end(void *arg, int exit_code)
{
    struct connect_run *run = arg;
    run->child = NULL;
    run->exit_code = exit_code;
    timer_stop(&run->grace);
    connect_file_remove(&run->file);
    // The ends of its connections are on their way to us.
    on_settling_over(&run->settling);
}

// Again and again: a signal that comes just before ssh begins to read a passphrase is noticed at
// the next one, and SIGKILL would leave the terminal without its echo.
static void stop_login(struct connect_run *run)
{
    foreground_signal(run->login, SIGTERM);
    timer_start(&run->grace, LOGIN_GRACE_MS);
}

static void on_grace_over(struct timer *timer)
{
    struct connect_run *run = CONTAINER_OF(timer, struct connect_run, grace);
    if (run->child)
        foreground_signal(run->child, SIGKILL);
    else if (run->login)
        stop_login(run);
}

// A stopped program takes the signal only when it goes on.
static void stop_child(struct connect_run *run)
{
    foreground_signal(run->child, SIGTERM);
    foreground_signal(run->child, SIGCONT);
    if (!timer_is_running(&run->grace))
        timer_start(&run->grace, run->program.settings->proxy.drain_timeout_ms);
}

static bool fill_environment(struct connect_run *run, const struct string_request *request,
    struct connect_env *env, struct err *err)
{
    const struct connect_plan *plan = &run->plan;
    bool ok = (connect_env_init(env) || err_set(err, ERR_MEMORY, "out of memory")) &&
              connect_forms_apply_place(request, env, err);
    for (size_t i = 0; ok && i < plan->form_count; i++) {
        const struct connect_form *form = plan->forms[i];
        ok = connect_forms_apply(form, request, env, err);
        if (ok && connect_forms_has_file(form))
            ok = connect_file_make(&run->file, request, err) &&
                 (connect_env_set(env, "MYSQL_HOME", run->file.folder) ||
                     err_set(err, ERR_MEMORY, "out of memory"));
        if (ok && request->ca_path && !connect_forms_has_ca(form))
            say("--env %s has no place for tls-ca: its clients do not verify the cluster",
                connect_forms_name(form));
    }
    return ok;
}

static bool start_child(
    struct connect_run *run, const struct string_request *request, struct err *err)
{
    struct connect_env env = { 0 };
    bool ok = fill_environment(run, request, &env, err);
    const struct foreground_spec spec = {
        .argv = (const char *const *)run->plan.command,
        .env = (const char *const *)env.items,
        .legacy = run->plan.legacy,
    };
    if (ok)
        run->child = foreground_start(run->program.loop, &spec, on_child_end, run, err);
    connect_env_done(&env);
    return run->child;
}

// As a shell does it; false: something else is wrong.
static bool explain_child(struct connect_run *run, const struct err *err)
{
    const char *name = run->plan.command[0];
    if (err->code != ERR_CHILD)
        return false;
    run->exit_code = err->sys == ENOENT ? CODE_NOT_FOUND : CODE_NOT_RUNNABLE;
    if (err->sys == ENOENT)
        say("%s: no such command: expected a program's path, or its name if its folder is in PATH",
            name);
    else
        say("%s cannot be run: %s: expected a program (ls -l shows whether it may be executed)",
            name, err_errno_text(err->sys));
    return true;
}

// ---- the way is open ----------------------------------------------------------------------------

// Where it leads, as clients should be told.
static bool settle(
    struct connect_run *run, struct dsn_place *place, struct string_request *out, struct err *err)
{
    struct string_request asked = run->plan.request;
    struct addr addr;
    char host[ADDR_TEXT_BYTES];
    struct dsn_wish wish = { 0 };
    if (!proxy_listen_address(run->program.proxy, 0, 0, &addr))
        return err_set(err, ERR_INTERNAL, "there is no listener");
    if (addr.any.sa_family == AF_UNIX) {
        wish.socket = addr.un.sun_path;
    } else {
        wish.host = addr_format_ip(&addr, host);
        wish.port = addr_port(&addr);
    }
    if (!dsn_place_find(run->program.settings, &wish, place, err))
        return false;
    asked.host = place->host;
    asked.port = place->port;
    asked.socket = *place->socket ? place->socket : NULL;
    asked.ca_path = asked.socket ? NULL : place->ca;
    asked.tls = place->tls;
    return request_settle(&asked, out, err);
}

static void open_way(struct connect_run *run)
{
    struct dsn_place place;
    struct string_request request = { 0 };
    struct err err = { 0 };
    const char *alias = run->program.settings->clusters[0].alias;
    run->is_open = true;
    timer_stop(&run->deadline);
    timer_stop(&run->patience);
    bool ok = settle(run, &place, &request, &err);
    if (ok && run->plan.command)
        ok = start_child(run, &request, &err);
    else if (ok)
        ok = connect_show(alias, run->plan.client, &request, &err);
    if (ok)
        return;
    connect_file_remove(&run->file);
    if (!run->plan.command || !explain_child(run, &err))
        run->failure = err;
    end(run, "it cannot go on");
}

// ---- the login at a jump ------------------------------------------------------------------------

static void on_login_end(void *arg, int exit_code)
{
    struct connect_run *run = arg;
    const struct via *via = proxy_target_state(run->program.proxy, 0).via;
    char step[SAID_BYTES];
    run->login = NULL;
    timer_stop(&run->grace);
    if (run->is_ending) {
        end(run, "the login was ended");
        return;
    }
    if (exit_code == 0) {
        run->is_logged_in = true;
        open_way(run);
        return;
    }
    jump_words_try(via, step, sizeof(step));
    err_set(&run->failure, ERR_JUMP, "the login at the jump %s failed (ssh's exit code %d). %s",
        via->shown, exit_code, step);
    end(run, "the login failed");
}

// It takes as long as a person takes.
static void log_in(struct connect_run *run)
{
    timer_stop(&run->deadline);
    timer_stop(&run->patience);
    run->login = connect_login_start(
        run->program.loop, run->program.proxy, run->plan.legacy, on_login_end, run, &run->failure);
    if (!run->login)
        end(run, "it cannot go on");
}

static void open_or_log_in(struct connect_run *run)
{
    run->is_logged_in = run->is_logged_in || !connect_login_is_wanted(run->program.proxy);
    if (run->is_logged_in)
        open_way(run);
    else
        log_in(run);
}

// ---- waiting ------------------------------------------------------------------------------------

static const char *without_name(const char *text)
{
    static const char us[] = "tidblink: ";
    return text + (strncmp(text, us, strlen(us)) == 0 ? strlen(us) : 0);
}

// The refusal's sentences, with a next step for who has no proxy that could be asked.
static void explain_verdict(
    const struct verdict *verdict, const char *alias, bool with_step, char out[HEALTH_REASON_BYTES])
{
    char step[WORDS_STEP_BYTES];
    const char *text = without_name(verdict->text);
    const char *found = *verdict->next_step ? strstr(text, verdict->next_step) : NULL;
    size_t len = found ? (size_t)(found - text) : strlen(text);
    while (len > 0 && text[len - 1] == ' ')
        len--;
    words_step_alone(
        found ? verdict->next_step : "", alias, strcmp(verdict->what, "endpoint") == 0, step);
    snprintf(out, HEALTH_REASON_BYTES, "%.*s%s%s", (int)len, text, with_step && *step ? " " : "",
        with_step ? step : "");
}

static void explain_wait(struct connect_run *run, bool with_step, char out[HEALTH_REASON_BYTES])
{
    const struct proxy_target_state state = proxy_target_state(run->program.proxy, 0);
    const struct verdict *verdict = state.news ? &state.news->verdict : NULL;
    if (!verdict || (verdict->action != VERDICT_ALLOW && !*verdict->text))
        snprintf(out, HEALTH_REASON_BYTES, "the state of %s is not known yet", state.alias);
    else if (verdict->action != VERDICT_ALLOW)
        explain_verdict(verdict, state.alias, with_step, out);
    else if (state.dns_failure)
        snprintf(out, HEALTH_REASON_BYTES, "%s", without_name(state.dns_failure->text));
    else
        snprintf(out, HEALTH_REASON_BYTES, "the host name of %s is not resolved yet", state.alias);
}

static void tell(struct connect_run *run)
{
    char reason[HEALTH_REASON_BYTES];
    explain_wait(run, false, reason);
    timer_stop(&run->patience);
    if (run->is_told && strcmp(reason, run->told) == 0)
        return;
    run->is_told = true;
    snprintf(run->told, sizeof(run->told), "%s", reason);
    say("waiting: %s", reason);
}

static void on_patience_over(struct timer *timer)
{
    tell(CONTAINER_OF(timer, struct connect_run, patience));
}

static void refuse(struct connect_run *run, const struct verdict *verdict, const char *alias)
{
    char reason[HEALTH_REASON_BYTES];
    explain_verdict(verdict, alias, true, reason);
    err_set(&run->failure, verdict->code, "%s", reason);
    end(run, "the cluster refuses connections");
}

static void on_deadline(struct timer *timer)
{
    struct connect_run *run = CONTAINER_OF(timer, struct connect_run, deadline);
    char reason[HEALTH_REASON_BYTES];
    explain_wait(run, true, reason);
    // Whatever it was: it may have passed by the next run, which is what exit code 3 means.
    err_set(&run->failure, ERR_TRANSITION, "not open after %" PRIu64 " s: %s",
        run->plan.wait_ms / 1000, reason);
    end(run, "the wait is over");
}

static void look(struct connect_run *run)
{
    const struct proxy_target_state state = proxy_target_state(run->program.proxy, 0);
    const struct verdict *verdict = state.news ? &state.news->verdict : NULL;
    if (run->is_open || run->is_ending || run->login)
        return;
    if (verdict && verdict->action == VERDICT_REFUSE)
        refuse(run, verdict, state.alias);
    else if (verdict && verdict->action == VERDICT_ALLOW && state.addrs)
        open_or_log_in(run);
    else if ((verdict && verdict->action == VERDICT_HOLD) || state.dns_failure || run->is_told)
        tell(run);
}

// ---- what the program tells ---------------------------------------------------------------------

// Later, not inside the change.
static void on_look(void *arg)
{
    struct connect_run *run = arg;
    if (run->is_started)
        look(run);
}

static void on_change(void *arg)
{
    struct connect_run *run = arg;
    if (run->is_started)
        loop_post(run->program.loop, on_look, run);
}

// Ctrl-C reaches the command by itself.
static bool signal_child(struct connect_run *run, int number)
{
    if (number == SIGTERM)
        stop_child(run);
    else if (number != SIGINT)
        foreground_signal(run->child, number);
    return true;
}

static bool on_signal(void *arg, int number)
{
    struct connect_run *run = arg;
    if (run->child)
        return signal_child(run, number);
    if (number == SIGUSR1)
        return false; // it is asked for our state
    if (number == SIGUSR2)
        return true;
    if (!run->is_open && !run->is_ending)
        run->exit_code = SIGNALLED + number; // what was asked for has not happened
    if (number == SIGHUP || number == SIGQUIT) {
        end(run, number == SIGHUP ? "SIGHUP" : "SIGQUIT");
        return true;
    }
    return false;
}

static bool on_stop(void *arg)
{
    struct connect_run *run = arg;
    if (run->child) {
        stop_child(run);
        return false;
    }
    if (run->login) {
        run->is_ending = true;
        stop_login(run);
        return false;
    }
    if (!run->is_ending)
        say_open_connections(run, "");
    run->is_ending = true;
    timer_stop(&run->settling);
    return true;
}

static void on_end(void *arg)
{
    struct connect_run *run = arg;
    run->is_started = false;
    timer_stop(&run->deadline);
    timer_stop(&run->patience);
    timer_stop(&run->grace);
    timer_stop(&run->settling);
}

// ---- start --------------------------------------------------------------------------------------

bool connect_run_start(struct connect_run *run, const struct connect_plan *plan,
    const struct settings_request *request, struct settings *settings, struct err *err)
{
    *run = (struct connect_run){ .plan = *plan };
    run->guest = (struct program_guest){
        .arg = run,
        .signals = plan->command ? command_signals : no_signals,
        .on_signal = on_signal,
        .on_stop = on_stop,
        .on_change = on_change,
        .on_end = on_end,
        .runs_a_command = plan->command != NULL,
    };
    if (!program_start(&run->program, request, settings, &run->guest, NULL, err))
        return false;
    timer_init(&run->deadline, run->program.loop, on_deadline);
    timer_init(&run->patience, run->program.loop, on_patience_over);
    timer_init(&run->grace, run->program.loop, on_grace_over);
    timer_init(&run->settling, run->program.loop, on_settling_over);
    run->is_started = true;
    timer_start(&run->deadline, plan->wait_ms);
    timer_start(&run->patience, PATIENCE_MS);
    on_change(run);
    return true;
}

bool connect_run(struct connect_run *run, int *exit_code, struct err *err)
{
    program_run(&run->program);
    connect_file_remove(&run->file);
    *exit_code = run->exit_code;
    if (run->failure.code == ERR_NONE)
        return true;
    *err = run->failure;
    return false;
}
