// SPDX-License-Identifier: Apache-2.0
//
// Reads the API key pair and wipes it. libcurl keeps a copy of its own while a handle lives; there
// is no way to wipe that one.
#include "control/keys.h"

#include "base/err.h"
#include "base/os.h"
#include "base/os_sandbox.h"
#include "base/secret_file.h"
#include "control/control.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// TiDB Cloud's keys have 8 and 36 characters.
enum { KEY_BYTES = 1024, WRONG_BYTES = 96 };
#define CREDENTIAL_STORE "/etc/credstore"

// One key and its names everywhere.
struct key_source {
    const char *variable;
    const char *option;
    const char *credential;
    bool secret;
};
static const struct key_source public_source = { "TIDBCLOUD_PUBLIC_KEY", "api-public-key-file",
    "tidbcloud-public-key", false };
static const struct key_source private_source = { "TIDBCLOUD_PRIVATE_KEY", "api-private-key-file",
    "tidbcloud-private-key", true };

char *keys_keep(const char *key)
{
    if (key == NULL)
        return NULL;
    size_t len = strlen(key);
    char *kept = os_secret_new(len + 1);
    if (kept == NULL)
        abort();
    memcpy(kept, key, len + 1);
    return kept;
}

static char *take_variable(const char *name)
{
    char *value = getenv(name); // before there are threads
    if (value == NULL || *value == '\0')
        return NULL;
    char *copy = keys_keep(value);
    os_wipe(value, strlen(value));
    unsetenv(name);
    return copy;
}

void keys_take_environment(struct keys *out)
{
    out->public_key = take_variable(public_source.variable);
    out->private_key = take_variable(private_source.variable);
}

static void share_text(char *text, bool shares)
{
    if (text != NULL)
        os_secret_share(text, strlen(text) + 1, shares);
}

void keys_share(const struct keys *keys, bool shares)
{
    share_text(keys->public_key, shares);
    share_text(keys->private_key, shares);
}

static void wipe_text(char *text)
{
    if (text != NULL)
        os_secret_free(text, strlen(text) + 1);
}

void keys_wipe(struct keys *keys)
{
    wipe_text(keys->public_key);
    wipe_text(keys->private_key);
    *keys = (struct keys){ 0 };
}

// Cuts the line end off. False: what is wrong with it is in `wrong`.
static bool trim_key(char *key, size_t len, char wrong[WRONG_BYTES])
{
    while (len > 0 && strchr("\r\n \t", key[len - 1]) != NULL)
        key[--len] = '\0';
    snprintf(wrong, WRONG_BYTES, "%s",
        len == 0                       ? "is empty"
        : len == KEY_BYTES             ? "is too long for a key"
        : strpbrk(key, "\r\n") != NULL ? "holds more than one line with a key"
                                       : "");
    for (size_t i = 0; i < len && *wrong == '\0'; i++)
        if (key[i] <= ' ' || key[i] > '~')
            snprintf(wrong, WRONG_BYTES,
                "has the byte 0x%02x at place %zu, which no key has: expected one line of ASCII",
                (unsigned)(unsigned char)key[i], i + 1);
    return *wrong == '\0';
}

static bool read_bytes(int fd, char *out, size_t *out_len)
{
    while (*out_len < KEY_BYTES) {
        ssize_t got = read(fd, out + *out_len, KEY_BYTES - *out_len);
        if (got == 0)
            return true;
        if (got < 0 && errno != EINTR)
            return false;
        if (got > 0)
            *out_len += (size_t)got;
    }
    return true;
}

// The public part is no secret: it goes over the wire with every request.
static int open_key_file(const char *path, const struct key_source *source, struct err *err)
{
    int fd = source->secret ? secret_file_open(path, err) : open(path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0)
        return fd;
    if (source->secret)
        err_prefix(err, "%s", source->option);
    else
        err_sys(err, ERR_OPTION, errno, "%s: %s cannot be opened", source->option, path);
    return -1;
}

static bool read_key_file(
    const char *path, const struct key_source *source, char **out, struct err *err)
{
    int fd = open_key_file(path, source, err);
    if (fd < 0)
        return false;
    char key[KEY_BYTES + 1] = "";
    size_t len = 0;
    bool read_all = read_bytes(fd, key, &len);
    int sys = errno;
    close(fd);
    char wrong[WRONG_BYTES];
    bool done = trim_key(key, len, wrong) && read_all;
    if (done)
        *out = keys_keep(key);
    else if (!read_all)
        err_sys(err, ERR_OPTION, sys, "%s: cannot read %s", source->option, path);
    else
        err_set(err, ERR_OPTION, "%s: %s %s", source->option, path, wrong);
    os_wipe(key, sizeof(key));
    return done;
}

static bool take_given(
    const char *given, const struct key_source *source, char **out, struct err *err)
{
    char key[KEY_BYTES + 1], wrong[WRONG_BYTES];
    size_t len = strnlen(given, KEY_BYTES);
    memcpy(key, given, len);
    key[len] = '\0';
    bool done = trim_key(key, len, wrong);
    if (done)
        *out = keys_keep(key);
    os_wipe(key, sizeof(key));
    return done || err_set(err, ERR_OPTION, "%s %s", source->variable, wrong);
}

static bool load_key(const struct key_source *source, const char *path,
    const char *from_environment, char **out, struct err *err)
{
    if (path != NULL)
        return read_key_file(path, source, out, err);
    if (from_environment != NULL)
        return take_given(from_environment, source, out, err);
    // systemd.exec(5), LoadCredential=: what a service was given, else where systemd itself finds
    // it, so that root's commands have the key that the service has.
    const char *const directories[] = { getenv("CREDENTIALS_DIRECTORY"), CREDENTIAL_STORE };
    for (size_t i = 0; i < ARRAY_LEN(directories); i++) {
        char credential[4096];
        if (directories[i] == NULL)
            continue;
        snprintf(credential, sizeof(credential), "%s/%s", directories[i], source->credential);
        if (access(credential, i == 0 ? F_OK : R_OK) == 0)
            return read_key_file(credential, source, out, err);
    }
    return err_set(err, ERR_OPTION,
        "no %s API key: set %s, or %s, or the systemd credential %s; keys are made in the TiDB "
        "Cloud "
        "console (Organization Settings, API Keys)",
        source->secret ? "private" : "public", source->option, source->variable,
        source->credential);
}

bool keys_load(const struct control_options *options, struct keys *out, struct err *err)
{
    const struct keys none = { 0 };
    const struct keys *given =
        options->environment_keys != NULL ? options->environment_keys : &none;
    if (load_key(
            &public_source, options->public_key_file, given->public_key, &out->public_key, err) &&
        load_key(
            &private_source, options->private_key_file, given->private_key, &out->private_key, err))
        return true;
    keys_wipe(out);
    return false;
}
