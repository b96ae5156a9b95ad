// SPDX-License-Identifier: Apache-2.0
//
// Two steps, because the kernel fences in a thread and those that it makes: the threads go behind
// the fence when they start, the main thread when all sockets are open and all of the start is
// done. The limit on system calls comes last, for all threads at once. Where the kernel lacks one
// of them the proxy serves without. Used by program.c and reload.c.
#include "app/lockdown.h"

#include "app/lockdown_paths.h"
#include "app/lockdown_programs.h"
#include "app/program.h"
#include "base/confine.h"
#include "base/err.h"
#include "base/inherited.h"
#include "base/os.h"
#include "base/os_sandbox.h"
#include "base/spawner.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_BYTES = 160 };

struct lockdown {
    struct lockdown_places places;
    struct os_fence *fence; // NULL: none
    const char *why_not;    // NULL: it is on
    bool has_fence, has_calls;
    bool has_lost_programs;
    char text[TEXT_BYTES];
};

// ---- whether ------------------------------------------------------------------------------------

static const char *reason_against(const struct settings *settings, bool runs_a_command)
{
    struct err err;
    if (settings->sandbox == SANDBOX_OFF)
        return "configured";
    if (*os_build)
        return "this build has none";
    if (runs_a_command)
        return "a command runs in its place";
    if (!lockdown_needs_programs(settings) || lockdown_start_spawner(settings, &err))
        return NULL;
    log_facts(LOG_WARN, "no process that starts programs", "reason", err.text, NULL);
    return "it has to start programs itself";
}

// ---- step by step -------------------------------------------------------------------------------

static struct os_fence *make_fence(
    const struct lockdown_places *places, const struct settings *settings)
{
    const char *notify = getenv("NOTIFY_SOCKET"); // sd_notify(3)
    const struct os_fence_plan plan = {
        .binds_any_port = settings->source.count > 0,
        .abstract_sockets = notify && *notify == '@',
    };
    struct os_fence *fence = os_fence_new(&plan);
    for (size_t i = 0; fence && i < places->count; i++) {
        const struct lockdown_place *place = &places->items[i];
        if (!os_fence_allow(fence, place->path, place->rights))
            log_facts(LOG_WARN, "the sandbox shuts a file out", "path", place->path, "reason",
                err_errno_text(errno), NULL);
    }
    return fence;
}

struct lockdown *lockdown_new(const struct settings *settings, bool runs_a_command)
{
    struct lockdown *lockdown = calloc(1, sizeof(*lockdown));
    if (!lockdown)
        return NULL;
    lockdown->why_not = reason_against(settings, runs_a_command);
    if (lockdown->why_not)
        return lockdown;
    if (!lockdown_places_collect(&lockdown->places, settings)) {
        lockdown_free(lockdown);
        return NULL;
    }
    lockdown->fence = make_fence(&lockdown->places, settings);
    if (!lockdown->fence)
        log_facts(LOG_WARN,
            "this kernel has no Landlock: the files that tidblink may reach are not limited",
            "reason", err_errno_text(errno), NULL);
    confine_use(lockdown->fence);
    return lockdown;
}

// The folder of a shared ssh connection, which was made after the threads and is swept by this one.
static void allow_masters(struct lockdown *lockdown, const struct program *program)
{
    for (size_t i = 0; i < proxy_target_count(program->proxy); i++) {
        const char *path = proxy_control_path(program->proxy, i);
        char folder[ADDR_TEXT_BYTES + 1];
        if (!path)
            continue;
        snprintf(folder, sizeof(folder), "%.*s", (int)(strrchr(path, '/') - path), path);
        (void)!os_fence_allow(
            lockdown->fence, folder, OS_RIGHT_READ | OS_RIGHT_LIST | OS_RIGHT_REMOVE);
        *strrchr(folder, '/') = '\0';
        (void)!os_fence_allow(lockdown->fence, folder, OS_RIGHT_REMOVE_DIR);
    }
}

// The files of sockets that another process has left us and nobody listens on any more.
static void allow_left_sockets(struct lockdown *lockdown, const struct program *program)
{
    const struct inherited *inherited = program->inherited;
    for (size_t i = 0; inherited && i < inherited->count; i++) {
        const struct inherited_socket *socket = &inherited->sockets[i];
        char folder[ADDR_TEXT_BYTES];
        if (socket->fd < 0 || !inherited_has_file(socket))
            continue;
        const char *path = socket->addr.un.sun_path;
        const char *slash = strrchr(path, '/');
        snprintf(
            folder, sizeof(folder), "%.*s/", slash ? (int)(slash - path) : 1, slash ? path : ".");
        (void)!os_fence_allow(lockdown->fence, folder, OS_RIGHT_REMOVE);
    }
}

static bool enter_fence(struct lockdown *lockdown, const struct program *program)
{
    if (!lockdown->fence)
        return false;
    allow_masters(lockdown, program);
    allow_left_sockets(lockdown, program);
    int sys = confine_enter();
    if (sys != 0)
        log_facts(LOG_ERROR, "Landlock is not in force", "reason", err_errno_text(sys), NULL);
    return sys == 0;
}

static const char *who_starts_programs(const struct lockdown *lockdown)
{
    if (lockdown->has_lost_programs)
        return "lost";
    if (!lockdown->has_calls && !lockdown->has_fence)
        return "allowed";
    return spawner_is_there() ? "spawner" : "denied";
}

// What is in force, as the text and, where there is one, as a line.
static void tell_state(struct lockdown *lockdown, struct log_line *line)
{
    char landlock[24] = "none";
    if (lockdown->has_fence)
        snprintf(landlock, sizeof(landlock), "abi%u", os_fence_version(lockdown->fence));
    const char *seccomp = lockdown->has_calls ? "on" : "none";
    const char *exec = who_starts_programs(lockdown);
    const char *etc = lockdown->has_fence && lockdown->places.has_all_of_etc ? "readable" : NULL;
    snprintf(lockdown->text, sizeof(lockdown->text), "landlock=%s seccomp=%s exec=%s%s", landlock,
        seccomp, exec, etc ? " etc=readable" : "");
    if (!line)
        return;
    log_str(line, "landlock", landlock);
    log_str(line, "seccomp", seccomp);
    log_str(line, "exec", exec);
    log_str(line, "etc", etc);
}

static void on_spawner_lost(void *arg, int exit_code)
{
    struct lockdown *lockdown = arg;
    struct log_line line;
    if (exit_code == SPAWNER_GONE) {
        lockdown->has_lost_programs = true;
        tell_state(lockdown, NULL);
        log_error(
            "the process that starts programs has ended: restart tidblink to start any again");
        return;
    }
    log_start(&line, LOG_WARN,
        "the process that starts programs was killed, and its programs with it: another one takes "
        "its place");
    log_uint(&line, "exit_code", (uint64_t)exit_code);
    log_write(&line);
}

void lockdown_enter(struct lockdown *lockdown, const struct program *program)
{
    if (lockdown->why_not) {
        snprintf(lockdown->text, sizeof(lockdown->text), "off: %s", lockdown->why_not);
        log_facts(LOG_INFO, "sandbox off", "reason", lockdown->why_not, NULL);
        return;
    }
    lockdown->has_fence = enter_fence(lockdown, program);
    confine_use(NULL); // from now on threads inherit it
    int sys = os_calls_limit();
    if (sys != 0)
        log_facts(LOG_WARN,
            "this kernel has no seccomp filters: the system calls that tidblink may make are not "
            "limited",
            "reason", err_errno_text(sys), NULL);
    lockdown->has_calls = sys == 0;
    struct log_line line;
    log_start(&line, LOG_INFO, "sandbox");
    tell_state(lockdown, &line);
    log_write(&line);
    if (spawner_is_there())
        spawner_watch(program->loop, on_spawner_lost, lockdown);
}

void lockdown_unwatch(struct lockdown *lockdown)
{
    if (lockdown)
        spawner_unwatch();
}

void lockdown_free(struct lockdown *lockdown)
{
    if (!lockdown)
        return;
    confine_use(NULL);
    spawner_end(!lockdown->has_calls);
    os_fence_free(lockdown->fence);
    lockdown_places_done(&lockdown->places);
    free(lockdown);
}

// ---- what is in force ---------------------------------------------------------------------------

const char *lockdown_text(const struct lockdown *lockdown)
{
    return lockdown->text;
}

bool lockdown_has_lost_programs(const struct lockdown *lockdown)
{
    return lockdown && lockdown->has_lost_programs;
}

bool lockdown_covers(const struct lockdown *lockdown, const struct settings *fresh, struct err *err)
{
    return !lockdown || lockdown->why_not || !lockdown->fence ||
           lockdown_places_cover(&lockdown->places, fresh, err);
}

static void print_rights(unsigned rights, FILE *out)
{
    static const struct {
        unsigned right;
        const char *word;
    } rows[] = { { OS_RIGHT_READ, "read" }, { OS_RIGHT_LIST, "list" }, { OS_RIGHT_WRITE, "write" },
        { OS_RIGHT_MAKE, "make" }, { OS_RIGHT_REMOVE, "remove" } };
    const char *between = "";
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (!(rights & rows[i].right))
            continue;
        fprintf(out, "%s%s", between, rows[i].word);
        between = ",";
    }
}

bool lockdown_print(const struct settings *settings, FILE *out, struct err *err)
{
    struct lockdown_places places;
    bool ok = lockdown_places_collect(&places, settings);
    fputs("paths:\n", out);
    for (size_t i = 0; ok && i < places.count; i++) {
        const struct lockdown_place *place = &places.items[i];
        fprintf(out, "%s%s ", place->path, place->is_folder ? "/" : "");
        print_rights(
            place->is_folder ? place->rights : place->rights & ~(unsigned)OS_RIGHT_LIST, out);
        fprintf(out, "%s%s\n", *place->origin ? " " : "", place->origin);
    }
    fputs("calls:\n", out);
    os_calls_print(out);
    lockdown_places_done(&places);
    return ok || err_set(err, ERR_MEMORY, "out of memory");
}
