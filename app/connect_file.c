// SPDX-License-Identifier: Apache-2.0
//
// Used by connect_run.c. The folder is locked for as long as its owner lives (flock(2): the lock
// goes with the process, however it ends), so that a later start can tell what was left behind. Who
// makes one may be overtaken by such a start between mkdtemp and the lock: it looks, once it has
// the lock, whether the folder is still there.
#include "app/connect_file.h"

#include "base/err.h"
#include "strings/encode.h"
#include "strings/strings.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define FOLDER_PREFIX "tidblink-connect."
#define FILE_NAME "my.cnf"

enum { ATTEMPTS = 10, LINE_MAX_BYTES = 4000 };

// ---- what is in it ------------------------------------------------------------------------------

static bool put(struct buf *out, const char *text, struct err *err)
{
    return buf_append(out, text, strlen(text)) || err_set(err, ERR_MEMORY, "out of memory");
}

// dev.mysql.com, "Using Option Files": in double quotes a backslash begins an escape, and nothing
// else is special. A line has at most 4096 bytes.
static bool put_value(struct buf *out, const char *name, const char *value, struct err *err)
{
    if (encode_has_control(value))
        return err_set(err, ERR_USAGE,
            "--env mysql: the %s holds control characters, which an option file cannot carry",
            name);
    size_t before = buf_len(out);
    if (!put(out, name, err) || !put(out, "=", err) ||
        !encode_text(ENCODING_PYTHON, value, out, err) || !put(out, "\n", err))
        return false;
    return buf_len(out) - before <= LINE_MAX_BYTES ||
           err_set(err, ERR_USAGE, "--env mysql: the %s is too long for an option file", name);
}

static bool put_place(struct buf *out, const struct string_request *request, struct err *err)
{
    char port[16];
    snprintf(port, sizeof(port), "%u", request->port);
    if (request->socket)
        return put(out, "protocol=socket\n", err) && put_value(out, "socket", request->socket, err);
    return put(out, "protocol=tcp\n", err) && put_value(out, "host", request->host, err) &&
           put_value(out, "port", port, err);
}

// MariaDB's programs do not know ssl-mode. Only `mysql` and `mariadb` know `database`.
static bool put_all(struct buf *out, const struct string_request *request, struct err *err)
{
    return put(out, "[client]\n", err) && put_place(out, request, err) &&
           put_value(out, "user", request->user, err) &&
           (!request->password || put_value(out, "password", request->password, err)) &&
           (!request->ca_path || (put_value(out, "ssl-ca", request->ca_path, err) &&
                                     put(out, "loose-ssl-mode=VERIFY_CA\n", err))) &&
           (!request->database || (put(out, "\n[mysql]\n", err) &&
                                      put_value(out, "database", request->database, err)));
}

static bool write_all(int fd, const char *bytes, size_t len)
{
    while (len > 0) {
        ssize_t put_bytes = write(fd, bytes, len);
        if (put_bytes < 0 && errno != EINTR)
            return false;
        if (put_bytes > 0) {
            bytes += put_bytes;
            len -= (size_t)put_bytes;
        }
    }
    return true;
}

static bool write_file(const struct connect_file *file, const struct buf *text, struct err *err)
{
    int fd = openat(file->lock, FILE_NAME, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    bool ok = fd >= 0 && write_all(fd, buf_head(text), buf_len(text));
    int sys = errno;
    if (fd >= 0)
        close(fd);
    return ok || err_sys(err, ERR_FILE, sys, "cannot write %s/" FILE_NAME, file->folder);
}

// ---- the folder ---------------------------------------------------------------------------------

// Locked, and still there. -1 otherwise.
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

static void remove_folder(const char *path, int fd)
{
    (void)unlinkat(fd, FILE_NAME, 0);
    (void)rmdir(path); // fails when somebody has put something else there
}

static void sweep(const char *base)
{
    char path[CONNECT_FILE_BYTES];
    DIR *list = opendir(base);
    const struct dirent *entry = NULL;
    while (list && (entry = readdir(list))) {
        if (strncmp(entry->d_name, FOLDER_PREFIX, strlen(FOLDER_PREFIX)) != 0)
            continue;
        int len = snprintf(path, sizeof(path), "%s/%s", base, entry->d_name);
        int fd = len < (int)sizeof(path) ? lock_folder(path, LOCK_EX | LOCK_NB) : -1;
        if (fd < 0)
            continue;
        remove_folder(path, fd);
        close(fd);
    }
    if (list)
        closedir(list);
}

// mkdtemp(3) makes it with mode 0700. False with errno.
static bool make_folder(struct connect_file *file, const char *base)
{
    for (int i = 0; i < ATTEMPTS; i++) {
        int len = snprintf(file->folder, sizeof(file->folder), "%s/" FOLDER_PREFIX "XXXXXX", base);
        if (len >= (int)sizeof(file->folder)) {
            errno = ENAMETOOLONG;
            return false;
        }
        if (!mkdtemp(file->folder))
            return false;
        file->lock = lock_folder(file->folder, LOCK_EX);
        if (file->lock >= 0)
            return true;
        (void)rmdir(file->folder);
    }
    errno = EBUSY;
    return false;
}

static bool make_somewhere(struct connect_file *file, struct err *err)
{
    const char *runtime = getenv("XDG_RUNTIME_DIR");
    const char *bases[] = { runtime && *runtime == '/' ? runtime : NULL, "/tmp" };
    for (size_t i = 0; i < ARRAY_LEN(bases); i++) {
        if (!bases[i])
            continue;
        sweep(bases[i]);
        if (make_folder(file, bases[i]))
            return true;
    }
    int sys = errno;
    *file = (struct connect_file){ .lock = -1 };
    return err_sys(err, ERR_FILE, sys, "--env mysql: cannot make a folder in /tmp");
}

bool connect_file_make(
    struct connect_file *file, const struct string_request *request, struct err *err)
{
    struct buf text;
    *file = (struct connect_file){ .lock = -1 };
    buf_init_secret(&text, SIZE_MAX / 2);
    bool ok = put_all(&text, request, err) && make_somewhere(file, err);
    if (ok && !write_file(file, &text, err)) {
        connect_file_remove(file);
        ok = false;
    }
    buf_done(&text);
    return ok;
}

void connect_file_remove(struct connect_file *file)
{
    if (!*file->folder)
        return;
    remove_folder(file->folder, file->lock);
    close(file->lock);
    *file = (struct connect_file){ .lock = -1 };
}
