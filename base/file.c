// SPDX-License-Identifier: Apache-2.0
//
// The new file is flushed before it takes the old one's place; then the directory is flushed
// (fsync(2): "does not necessarily ensure that the entry in the directory has reached disk"). Used
// by control/state_file.c, guide/token.c and options_edit.c.
#include "base/file.h"

#include "base/err.h"
#include "base/os.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

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

char *file_read(const char *path, size_t limit, size_t *out_len, struct err *err)
{
    struct stat status;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        err_sys(err, ERR_FILE, errno, "cannot open %s", path);
        return NULL;
    }
    bool usable = fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && status.st_size >= 0 &&
                  (size_t)status.st_size <= limit;
    size_t len = usable ? (size_t)status.st_size : 0;
    char *text = malloc(len + 1);
    bool read = usable && text && read_all(fd, text, len);
    close(fd);
    if (!usable)
        err_set(err, ERR_FILE, "%s is no regular file of at most %zu bytes", path, limit);
    else if (!read)
        err_set(err, ERR_FILE, "cannot read %s", path);
    if (!read) {
        free(text);
        return NULL;
    }
    text[len] = '\0';
    if (out_len)
        *out_len = len;
    return text;
}

bool file_is_readable(const char *path, struct err *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return err_sys(err, ERR_OPTION, errno, "cannot read %s", path);
    close(fd);
    return true;
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

static bool flush_directory(const char *path)
{
    char directory[FILE_PATH_BYTES];
    const char *slash = strrchr(path, '/');
    if (slash)
        snprintf(directory, sizeof(directory), "%.*s", (int)(slash - path) + 1, path);
    int fd = open(slash ? directory : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return false;
    bool flushed = fsync(fd) == 0;
    int sys = errno;
    close(fd);
    errno = sys;
    return flushed;
}

// Owner and mode of the file that is replaced. Who may not give a file away keeps it: the mode
// decides what others may do.
static bool take_over(int fd, const char *path, mode_t mode)
{
    struct stat old;
    if (stat(path, &old) != 0)
        return fchmod(fd, mode) == 0;
    if (fchown(fd, old.st_uid, old.st_gid) != 0 && errno != EPERM)
        return false;
    return fchmod(fd, old.st_mode & 07777) == 0;
}

// Several processes may share the directory, each of them process 1 of its container, so the new
// name is random: the last one to rename wins, none breaks the file.
static bool replace(const char *path, const char *text, size_t len, mode_t mode)
{
    char new_path[FILE_PATH_BYTES + 32];
    snprintf(new_path, sizeof(new_path), "%s.XXXXXX" FILE_NEW_SUFFIX, path);
    int fd = os_mkstemps(new_path, sizeof(FILE_NEW_SUFFIX) - 1);
    if (fd < 0)
        return false;
    bool done = take_over(fd, path, mode) && write_all(fd, text, len) && fsync(fd) == 0 &&
                rename(new_path, path) == 0;
    int sys = errno;
    close(fd);
    if (!done)
        unlink(new_path);
    errno = sys;
    return done;
}

bool file_replace(const char *path, const char *text, size_t len, mode_t mode, struct err *err)
{
    char real[PATH_MAX];
    const char *target = realpath(path, real) ? real : path;
    if (replace(target, text, len, mode) && flush_directory(target))
        return true;
    return err_sys(err, ERR_FILE, errno, "cannot write %s", path);
}

bool file_make_folder(const char *path, struct err *err)
{
    char part[PATH_MAX];
    if (strlen(path) >= sizeof(part))
        return err_set(err, ERR_FILE, "the path is too long: %.80s...", path);
    snprintf(part, sizeof(part), "%s", path);
    for (char *slash = strchr(part + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        (void)mkdir(part, 0755); // the last mkdir tells whether it mattered
        *slash = '/';
    }
    return mkdir(part, 0700) == 0 || errno == EEXIST ||
           err_sys(err, ERR_FILE, errno, "cannot make the folder %s", path);
}
