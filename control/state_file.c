// SPDX-License-Identifier: Apache-2.0
//
// The state document on disk. A write goes to a file of its own, is flushed, and takes the
// old one's place by rename(2); then the directory is flushed (fsync(2): "does not necessarily
// ensure that the entry in the directory has reached disk"). Called by control.c.
#include "control/state_file.h"

#include "base/clock.h"
#include "base/err.h"
#include "control/state_json.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SIZE_LIMIT = 64 << 20, PATH_BYTES = 4096, LEFTOVER_SECONDS = 60 };
static const char file_name[] = "state.json";
static const char new_suffix[] = ".new";

const char *state_file_path(const char *directory, char *out, size_t size)
{
    snprintf(out, size, "%s/%s", directory, file_name);
    return out;
}

static bool read_all(int fd, char *text, size_t len)
{
    for (size_t done = 0; done < len;) {
        ssize_t got = read(fd, text + done, len - done);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return false;
        done += (size_t)got;
    }
    return true;
}

bool state_file_read(const char *path, struct model **out, struct err *err)
{
    struct stat status;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return err_sys(err, ERR_FILE, errno, "cannot open %s", path);
    bool usable =
        fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && status.st_size <= SIZE_LIMIT;
    size_t len = usable ? (size_t)status.st_size : 0;
    char *text = malloc(len + 1);
    bool read = usable && text != NULL && read_all(fd, text, len);
    close(fd);
    if (!usable)
        err_set(err, ERR_FILE, "%s is no regular file of at most %d bytes", path, SIZE_LIMIT);
    else if (!read)
        err_set(err, ERR_FILE, "cannot read %s", path);
    bool parsed = read && (state_json_parse(text, len, out, err) || err_prefix(err, "%s", path));
    free(text);
    return parsed;
}

static bool write_all(int fd, const char *text, size_t len)
{
    for (size_t done = 0; done < len;) {
        ssize_t put = write(fd, text + done, len - done);
        if (put < 0 && errno != EINTR)
            return false;
        if (put > 0)
            done += (size_t)put;
    }
    return true;
}

// The rename must reach the disk as well.
static bool flush_directory(const char *directory)
{
    int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return false;
    bool flushed = fsync(fd) == 0;
    close(fd);
    return flushed;
}

// By way of a new file (O_EXCL, mode 0600) with a random name. Several tidblinks may share the
// directory, each of them process 1 of its container: the last one to rename wins, none breaks the
// file.
static bool replace(const char *path, const char *text)
{
    char new_path[PATH_BYTES + 32];
    snprintf(new_path, sizeof(new_path), "%s.XXXXXX%s", path, new_suffix);
    int fd = mkostemps(new_path, sizeof(new_suffix) - 1, O_CLOEXEC);
    if (fd < 0)
        return false;
    bool done = write_all(fd, text, strlen(text)) && fsync(fd) == 0 && rename(new_path, path) == 0;
    int sys = errno;
    close(fd);
    if (!done)
        unlink(new_path);
    errno = sys;
    return done;
}

bool state_file_write(
    const char *directory, const struct model *model, int64_t now, struct err *err)
{
    char path[PATH_BYTES];
    state_file_path(directory, path, sizeof(path));
    char *text = state_json_print(model, now);
    bool done = replace(path, text) && flush_directory(directory);
    int sys = errno;
    free(text);
    return done || err_sys(err, ERR_FILE, sys, "cannot write %s", path);
}

static bool is_leftover(int directory_fd, const char *name)
{
    struct stat status;
    size_t len = strlen(name);
    return len >= sizeof(new_suffix) && strncmp(name, file_name, sizeof(file_name) - 1) == 0 &&
           strcmp(name + len - (sizeof(new_suffix) - 1), new_suffix) == 0 &&
           fstatat(directory_fd, name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
           status.st_mtime < clock_wall_s() - LEFTOVER_SECONDS;
}

void state_file_sweep(const char *directory)
{
    DIR *entries = opendir(directory);
    if (entries == NULL)
        return;
    const struct dirent *entry;
    while ((entry = readdir(entries)) != NULL)
        if (is_leftover(dirfd(entries), entry->d_name))
            unlinkat(dirfd(entries), entry->d_name, 0);
    closedir(entries);
}
