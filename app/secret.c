// SPDX-License-Identifier: Apache-2.0
//
// Reads a password. Used by cmd_dsn.c; the API's keys are control's business (control/keys.c).
#include "app/secret.h"

#include "base/err.h"
#include "base/os.h"
#include "base/secret_file.h"
#include "strings/strings.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SECRET_BYTES = 4096 };

// Up to `size` bytes; false with errno.
static bool read_all(int fd, char *bytes, size_t size, size_t *out_len)
{
    size_t len = 0;
    for (;;) {
        ssize_t got = read(fd, bytes + len, size - len);
        if (got < 0 && errno != EINTR)
            return false;
        if (got > 0)
            len += (size_t)got;
        if (got == 0 || len == size)
            break;
    }
    *out_len = len;
    return true;
}

static bool read_file(const char *path, char **out, struct err *err)
{
    char bytes[SECRET_BYTES + 2];
    size_t len = 0;
    int fd = secret_file_open(path, err);
    if (fd < 0) {
        err_prefix(err, "--password-file");
        if (err)
            err->code = ERR_FILE;
        return false;
    }
    bool ok = read_all(fd, bytes, sizeof(bytes), &len) ||
              err_sys(err, ERR_FILE, errno, "--password-file: cannot read %s", path);
    close(fd);
    if (ok && len > 0 && bytes[len - 1] == '\n')
        len--;
    if (ok && len > SECRET_BYTES)
        ok = err_set(err, ERR_FILE, "--password-file: %s: longer than %d bytes, so no password",
            path, SECRET_BYTES);
    if (ok && !strings_check_password(bytes, len, err))
        ok = err_prefix(err, "--password-file: %s", path);
    if (ok && !(*out = strndup(bytes, len)))
        ok = err_set(err, ERR_MEMORY, "out of memory");
    os_wipe(bytes, sizeof(bytes));
    return ok;
}

static bool read_variable(const char *name, char **out, struct err *err)
{
    const char *value = getenv(name);
    if (!value)
        return err_set(err, ERR_USAGE, "--password-env: %s is not set", name);
    if (!strings_check_password(value, strlen(value), err))
        return err_prefix(err, "--password-env: %s", name);
    *out = strdup(value);
    return *out || err_set(err, ERR_MEMORY, "out of memory");
}

bool secret_read(const char *file, const char *variable, char **out, struct err *err)
{
    *out = NULL;
    if (file && variable)
        return err_set(err, ERR_USAGE,
            "--password-file and --password-env are both given: expected one of them");
    if (file)
        return read_file(file, out, err);
    return !variable || read_variable(variable, out, err);
}

void secret_free(char *secret)
{
    if (secret)
        os_wipe(secret, strlen(secret));
    free(secret);
}
