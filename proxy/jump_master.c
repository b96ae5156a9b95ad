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
};

struct jump_master {
    const struct via *via;
    char folder[PATH_MAX_BYTES];
    char path[PATH_MAX_BYTES];
    int lock;
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
    if (jump_words_end_master(&words, via, path)) {
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

// Its master, if it still lives, goes with it.
static void remove_folder(const struct via *via, const char *path, int fd)
{
    char socket_path[PATH_MAX_BYTES + sizeof("/" SOCKET_NAME)];
    snprintf(socket_path, sizeof(socket_path), "%s/" SOCKET_NAME, path);
    if (faccessat(fd, SOCKET_NAME, F_OK, 0) == 0)
        tell_to_exit(via, socket_path);
    (void)unlinkat(fd, SOCKET_NAME, 0);
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
        if (len + (int)sizeof("/" SOCKET_NAME) > (int)sizeof(master->path)) {
            errno = ENAMETOOLONG;
            return false;
        }
        if (!mkdtemp(master->folder))
            return false;
        snprintf(master->path, sizeof(master->path), "%.*s/" SOCKET_NAME,
            (int)(sizeof(master->path) - sizeof("/" SOCKET_NAME)), master->folder);
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

struct jump_master *jump_master_new(const struct via *via)
{
    const char *bases[] = { getenv("RUNTIME_DIRECTORY"), getenv("XDG_RUNTIME_DIR"), "/tmp" };
    struct jump_master *master = calloc(1, sizeof(*master));
    for (size_t i = 0; master && i < ARRAY_LEN(bases); i++) {
        if (!is_plain(bases[i]))
            continue;
        sweep(via, bases[i]);
        if (make_folder(master, bases[i])) {
            master->via = via;
            return master;
        }
    }
    log_warn(
        "no folder for the shared connection to %s: %s: each connection logs in there by itself",
        via->shown, err_errno_text(errno));
    free(master);
    return NULL;
}

const char *jump_master_path(const struct jump_master *master)
{
    return master ? master->path : NULL;
}

void jump_master_free(struct jump_master *master)
{
    if (!master)
        return;
    remove_folder(master->via, master->folder, master->lock);
    close(master->lock);
    free(master);
}
