// SPDX-License-Identifier: Apache-2.0
//
// The folder is locked for as long as we live (flock(2): the lock goes with the process, however it
// ends), so that a later start can tell what was left behind. Used by proxy.c.
#include "proxy/jump_master.h"

#include "base/child.h"
#include "base/err.h"
#include "base/log.h"
#include "base/loop.h"
#include "proxy/jump_words.h"
#include "proxy/via.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/queue.h>
#include <sys/stat.h>
#include <unistd.h>

#define FOLDER_PREFIX "tidblink-ssh."
#define SOCKET_NAME "m"

enum {
    // ssh binds the socket under this name with a dot and 16 letters behind it, and sun_path has
    // 108
    // bytes; what is longer is an error of its own.
    PATH_MAX_BYTES = 108 - 18,
    ATTEMPTS = 10,
    EXIT_MS = 2000,
    OUT_BYTES = 4096,
    DOUBT_MS = 1000,    // nobody waits longer for a master that does not answer
    PATIENCE_MS = 9000, // after that: a laptop's Wi-Fi may need seconds after it woke up
    NAMES_MAX = 9999,
};

// One shared connection, which is there or not.
struct shared {
    struct jump_master *master;
    char path[PATH_MAX_BYTES];
    struct child *child; // that asks or tells its master; NULL: none
    bool is_left;        // another path is in use
    bool may_end;        // with its connections, when nothing answers
    SLIST_ENTRY(shared) link;
};

struct jump_master {
    struct jump_master_plan plan;
    char folder[PATH_MAX_BYTES];
    int lock;
    unsigned count; // of names so far
    struct shared *current;
    SLIST_HEAD(, shared) all;
};

// ---- its end ------------------------------------------------------------------------------------

static void on_told(void *arg, const struct child_result *result, const struct err *err)
{
    struct loop *loop = arg;
    if (err)
        log_debug("ssh -O exit: %s", err->text);
    else if (result->exit_code != 0)
        log_debug("ssh -O exit: %s", result->errors);
    loop_stop(loop);
}

// On a loop of its own: ours has stopped.
static void tell_to_exit(const struct via *via, const char *path)
{
    struct err err;
    struct jump_words words;
    struct loop *loop = loop_new("ssh", &err);
    if (!loop)
        return;
    if (jump_words_tell_master(&words, via, path, "exit")) {
        const struct child_spec spec = {
            .argv = words.argv, .timeout_ms = EXIT_MS, .out_limit = OUT_BYTES, .dies_with_us = true
        };
        if (child_start(loop, &spec, on_told, loop, &err))
            loop_run(loop);
    }
    jump_words_done(&words);
    loop_free(loop);
}

// ---- the folder ---------------------------------------------------------------------------------

// Locked, ours, and still there. -1 otherwise.
static int lock_folder(const char *path, int how)
{
    struct stat status;
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return -1;
    if (flock(fd, how) == 0 && fstat(fd, &status) == 0 && status.st_nlink > 0 &&
        status.st_uid == geteuid())
        return fd;
    close(fd);
    return -1;
}

// A master's socket, or one that ssh was about to give its name.
static bool is_socket_name(const char *name)
{
    return strncmp(name, SOCKET_NAME, strlen(SOCKET_NAME)) == 0;
}

// Its masters, if they still live, go with it.
static void remove_folder(const struct via *via, const char *path, int fd)
{
    char socket_path[PATH_MAX_BYTES + sizeof("/" SOCKET_NAME) + sizeof(".0123456789abcdef")];
    DIR *list = opendir(path);
    const struct dirent *entry = NULL;
    while (list && (entry = readdir(list))) {
        int len = snprintf(socket_path, sizeof(socket_path), "%s/%s", path, entry->d_name);
        if (!is_socket_name(entry->d_name) || len >= (int)sizeof(socket_path))
            continue;
        if (!strchr(entry->d_name, '.'))
            tell_to_exit(via, socket_path);
        (void)unlinkat(fd, entry->d_name, 0);
    }
    if (list)
        closedir(list);
    (void)rmdir(path);
}

static void sweep(const struct via *via, const char *base)
{
    char path[PATH_MAX_BYTES];
    DIR *list = opendir(base);
    const struct dirent *entry = NULL;
    while (list && (entry = readdir(list))) {
        if (strncmp(entry->d_name, FOLDER_PREFIX, strlen(FOLDER_PREFIX)) != 0)
            continue;
        int len = snprintf(path, sizeof(path), "%s/%s", base, entry->d_name);
        int fd = len < (int)sizeof(path) ? lock_folder(path, LOCK_EX | LOCK_NB) : -1;
        if (fd < 0)
            continue;
        remove_folder(via, path, fd);
        close(fd);
    }
    if (list)
        closedir(list);
}

static bool make_folder(struct jump_master *master, const char *base)
{
    for (int i = 0; i < ATTEMPTS; i++) {
        int len =
            snprintf(master->folder, sizeof(master->folder), "%s/" FOLDER_PREFIX "XXXXXX", base);
        if (len + (int)sizeof("/" SOCKET_NAME "9999") > PATH_MAX_BYTES) {
            errno = ENAMETOOLONG;
            return false;
        }
        if (!mkdtemp(master->folder))
            return false;
        master->lock = lock_folder(master->folder, LOCK_EX);
        if (master->lock >= 0)
            return true;
        (void)rmdir(master->folder); // a start beside us has taken it for a forgotten one
    }
    errno = EBUSY;
    return false;
}

// ssh expands "%", "~" and "${" in the path.
static bool is_plain(const char *path)
{
    return path && *path == '/' && !strpbrk(path, "%~$ \"'\\");
}

// ---- one of them after another ------------------------------------------------------------------

// A master removes the socket of its path when it ends, so a path is never used again.
static bool move(struct jump_master *master)
{
    char number[8] = "";
    struct shared *shared = calloc(1, sizeof(*shared));
    if (!shared || master->count >= NAMES_MAX) {
        free(shared);
        return false;
    }
    if (++master->count > 1)
        snprintf(number, sizeof(number), "%u", master->count);
    shared->master = master;
    snprintf(shared->path, sizeof(shared->path), "%.*s/" SOCKET_NAME "%s",
        (int)(sizeof(shared->path) - sizeof("/" SOCKET_NAME "9999")), master->folder, number);
    SLIST_INSERT_HEAD(&master->all, shared, link);
    if (master->current)
        master->current->is_left = true;
    master->current = shared;
    return true;
}

static bool is_there(const struct shared *shared)
{
    return access(shared->path, F_OK) == 0;
}

// Takes the words. A failure to start is one of this machine: things stay as they are.
static void start(
    struct shared *shared, struct jump_words *words, bool ok, uint64_t limit_ms, child_fn fn)
{
    struct err err = { 0 };
    const struct child_spec spec = {
        .argv = words->argv, .timeout_ms = limit_ms, .out_limit = OUT_BYTES, .dies_with_us = true
    };
    if (ok)
        shared->child = child_start(shared->master->plan.loop, &spec, fn, shared, &err);
    if (ok && !shared->child)
        log_debug("ssh for the shared connection: %s", err.text);
    jump_words_done(words);
}

static void on_told_one(void *arg, const struct child_result *result, const struct err *err)
{
    struct shared *shared = arg;
    (void)result;
    shared->child = NULL;
    if (err)
        log_debug("ssh -O: %s", err->text);
}

static void tell(struct shared *shared, const char *what)
{
    struct jump_words words;
    bool ok = jump_words_tell_master(&words, shared->master->plan.via, shared->path, what);
    start(shared, &words, ok, EXIT_MS, on_told_one);
}

static void on_asked(void *arg, const struct child_result *result, const struct err *err);

static void ask(struct shared *shared, uint64_t limit_ms)
{
    struct jump_words words;
    bool ok = jump_words_ask_master(&words, shared->master->plan.via, shared->path);
    start(shared, &words, ok, limit_ms, on_asked);
}

static void tell_moved(const struct jump_master *master)
{
    master->plan.on_moved(master->plan.arg, master->plan.target);
}

// It lives after all. Whoever cannot log in again without a person needs it.
static void on_late_answer(struct shared *shared)
{
    struct jump_master *master = shared->master;
    if (is_there(master->current)) {
        tell(shared, "stop");
        return;
    }
    log_facts(
        LOG_INFO, "ssh's shared connection answers again", "via", master->plan.via->shown, NULL);
    master->current->is_left = true;
    master->current = shared;
    shared->is_left = false;
    tell_moved(master);
}

static void on_no_answer(struct shared *shared)
{
    struct jump_master *master = shared->master;
    if (shared->is_left) {
        if (shared->may_end)
            log_facts(LOG_INFO, "ssh's shared connection has ended: nothing answers any more",
                "via", master->plan.via->shown, NULL);
        tell(shared, shared->may_end ? "exit" : "stop");
        return;
    }
    if (!move(master))
        return;
    log_facts(LOG_INFO, "ssh's shared connection does not answer: the next connection logs in anew",
        "via", master->plan.via->shown, NULL);
    ask(shared, PATIENCE_MS);
    tell_moved(master);
}

static void on_asked(void *arg, const struct child_result *result, const struct err *err)
{
    struct shared *shared = arg;
    (void)result;
    shared->child = NULL;
    if (err) {
        on_no_answer(shared);
        return;
    }
    shared->may_end = false;
    if (shared->is_left)
        on_late_answer(shared);
}

void jump_master_doubt(struct jump_master *master, bool may_end)
{
    struct shared *shared = master ? master->current : NULL;
    if (!shared || !is_there(shared))
        return;
    shared->may_end = shared->may_end || may_end;
    if (!shared->child)
        ask(shared, DOUBT_MS);
}

// ---- life ---------------------------------------------------------------------------------------

struct jump_master *jump_master_new(const struct jump_master_plan *plan)
{
    const char *bases[] = { getenv("RUNTIME_DIRECTORY"), getenv("XDG_RUNTIME_DIR"), "/tmp" };
    struct jump_master *master = calloc(1, sizeof(*master));
    for (size_t i = 0; master && i < ARRAY_LEN(bases); i++) {
        if (!is_plain(bases[i]))
            continue;
        sweep(plan->via, bases[i]);
        if (!make_folder(master, bases[i]))
            continue;
        master->plan = *plan;
        SLIST_INIT(&master->all);
        if (!move(master))
            abort(); // out of memory at the start
        return master;
    }
    log_facts(LOG_WARN, "no folder for ssh's shared connection: each connection logs in by itself",
        "via", plan->via->shown, "reason", err_errno_text(errno), NULL);
    free(master);
    return NULL;
}

const char *jump_master_path(const struct jump_master *master)
{
    return master ? master->current->path : NULL;
}

void jump_master_free(struct jump_master *master)
{
    struct shared *shared;
    if (!master)
        return;
    while ((shared = SLIST_FIRST(&master->all))) {
        SLIST_REMOVE_HEAD(&master->all, link);
        child_cancel(shared->child);
        free(shared);
    }
    remove_folder(master->plan.via, master->folder, master->lock);
    close(master->lock);
    free(master);
}
