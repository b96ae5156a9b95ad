// SPDX-License-Identifier: Apache-2.0
//
// The rights of files with secrets. Sources: OpenSSH, authfile.c, sshkey_perm_ok; PostgreSQL,
// src/backend/libpq/be-secure-common.c, check_ssl_key_file_permissions; systemd.exec(5),
// LoadCredential=; kubernetes.io/docs/concepts/configuration/secret, "Secret files permissions".
#include "base/secret_file.h"

#include "base/err.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH_BYTES = 4096 };

static bool has_group(const struct secret_file_user *user, gid_t group)
{
    for (size_t i = 0; i < user->group_count; i++)
        if (user->groups[i] == group)
            return true;
    return false;
}

static bool is_credential(const char *path)
{
    const char *folder = getenv("CREDENTIALS_DIRECTORY");
    size_t len = folder ? strlen(folder) : 0;
    return len && strncmp(path, folder, len) == 0 && path[len] == '/';
}

static bool group_may_read(
    const struct stat *status, const char *path, const struct secret_file_user *user)
{
    bool is_known = status->st_gid == 0 || has_group(user, status->st_gid);
    return is_credential(path) || (status->st_uid == 0 && is_known);
}

// Only what is too much is taken away; where that left us out, the file becomes ours.
static void put_fix(const struct stat *status, const char *path,
    const struct secret_file_user *user, const char *rights, struct secret_file_flaw *out)
{
    char word[SECRET_FILE_FIX_BYTES / 2];
    bool is_ours = status->st_uid == user->uid;
    bool is_owned = is_ours || status->st_uid == 0;
    bool stays =
        is_ours || user->uid == 0 ||
        ((status->st_mode & S_IRGRP) && !strstr(rights, "g-r") && has_group(user, status->st_gid));
    char chown[64] = "";
    out->fix[0] = '\0';
    if (text_shell_word(path, word, sizeof(word)) >= sizeof(word))
        return;
    if (!is_owned || !stays) {
        snprintf(chown, sizeof(chown), "chown %u ", (unsigned)user->uid);
        rights = status->st_mode & (S_IRWXG | S_IRWXO) ? "go-rwx" : ""; // as a file of ours
    }
    snprintf(out->fix, sizeof(out->fix), "%s%s%s%s%s%s%s", chown, *chown ? word : "",
        *chown && *rights ? " && " : "", *rights ? "chmod " : "", rights, *rights ? " " : "",
        *rights ? word : "");
}

bool secret_file_judge(const struct stat *status, const char *path,
    const struct secret_file_user *user, struct secret_file_flaw *out)
{
    mode_t mode = status->st_mode;
    bool others = mode & (S_IROTH | S_IWOTH | S_IXOTH), group_writes = mode & S_IWGRP;
    bool group_reads = (mode & S_IRGRP) && !group_may_read(status, path, user);
    bool is_foreign = status->st_uid != user->uid && status->st_uid != 0;
    char rights[24];
    *out = (struct secret_file_flaw){ 0 };
    if (!S_ISREG(mode) || !(others || group_writes || group_reads || is_foreign))
        return true;
    snprintf(rights, sizeof(rights), "%s%s%s", others ? "o-rwx" : "",
        others && (group_reads || group_writes) ? "," : "",
        group_reads    ? "g-rwx"
        : group_writes ? "g-w"
                       : "");
    put_fix(status, path, user, rights, out);
    if (others)
        snprintf(out->what, sizeof(out->what), "everybody may %s it",
            mode & S_IROTH   ? "read"
            : mode & S_IWOTH ? "write"
                             : "execute");
    else if (group_writes)
        snprintf(out->what, sizeof(out->what), "its group may write it");
    else if (group_reads)
        snprintf(out->what, sizeof(out->what), "its group may read it");
    else
        snprintf(out->what, sizeof(out->what), "it belongs to neither uid %u nor root",
            (unsigned)user->uid);
    return false;
}

bool secret_file_judge_own(
    const struct stat *status, const char *path, struct secret_file_flaw *out)
{
    gid_t own = getegid(); // which getgroups(2) may leave out
    int count = getgroups(0, NULL);
    gid_t *groups = count > 0 ? calloc((size_t)count + 1, sizeof(*groups)) : NULL;
    count = groups ? getgroups(count, groups) : 0;
    struct secret_file_user user = { .uid = geteuid(), .groups = &own, .group_count = 1 };
    if (count > 0) {
        groups[count] = own;
        user.groups = groups;
        user.group_count = (size_t)count + 1;
    }
    bool closed = secret_file_judge(status, path, &user, out);
    free(groups);
    return closed;
}

// A volume of Kubernetes: its files are links into ..data, and chmod changes nothing for long.
static bool is_volume(const char *path)
{
    char link[PATH_BYTES];
    struct stat status;
    const char *slash = strrchr(path, '/');
    int len = snprintf(link, sizeof(link), "%.*s..data", slash ? (int)(slash - path) + 1 : 0, path);
    return len < (int)sizeof(link) && lstat(link, &status) == 0;
}

static const char *volume_hint(const char *path, char out[128])
{
    out[0] = '\0';
    if (is_volume(path))
        snprintf(out, 128,
            ". In Kubernetes set the volume's defaultMode: 0440 and the pod's "
            "securityContext.fsGroup: %u",
            (unsigned)getegid());
    return out;
}

static bool refuse(const struct stat *status, const char *path, const struct secret_file_flaw *flaw,
    struct err *err)
{
    char hint[128];
    return err_set(err, ERR_OPTION,
        "%s holds a secret, and %s: its mode is %04o, its owner uid %u, its group gid %u%s%s%s",
        path, flaw->what, (unsigned)(status->st_mode & 07777), (unsigned)status->st_uid,
        (unsigned)status->st_gid, *flaw->fix ? ". Run: " : "", flaw->fix, volume_hint(path, hint));
}

static bool is_closed(int fd, const char *path, struct err *err)
{
    struct stat status;
    struct secret_file_flaw flaw;
    if (fstat(fd, &status) < 0)
        return err_sys(err, ERR_OPTION, errno, "%s: cannot look at its rights", path);
    return secret_file_judge_own(&status, path, &flaw) || refuse(&status, path, &flaw, err);
}

// Who may, and who asks.
static bool explain_denied(
    int sys, const char *path, const struct stat *status, const char *word, struct err *err)
{
    char hint[128], fix[32];
    unsigned uid = (unsigned)geteuid();
    // A sandbox, ours or somebody else's, has no part in this question.
    if (faccessat(AT_FDCWD, path, R_OK, AT_EACCESS) == 0)
        return err_set(err, ERR_OPTION,
            "%s cannot be opened: %s, though its mode %04o lets uid %u, gid %u read it", path,
            err_errno_text(sys), (unsigned)(status->st_mode & 07777), uid, (unsigned)getegid());
    snprintf(fix, sizeof(fix), "chown %u", uid);
    return err_set(err, ERR_OPTION,
        "%s cannot be opened: %s: its mode is %04o, its owner uid %u, its group gid %u, and this "
        "process has uid %u, gid %u. Run: %s %s%s",
        path, err_errno_text(sys), (unsigned)(status->st_mode & 07777), (unsigned)status->st_uid,
        (unsigned)status->st_gid, uid, (unsigned)getegid(),
        status->st_uid == uid ? "chmod u+r" : fix, word, volume_hint(path, hint));
}

static void explain(int sys, const char *path, struct err *err)
{
    char word[SECRET_FILE_FIX_BYTES / 2];
    struct stat status;
    bool is_denied = sys == EACCES || sys == EPERM;
    if (is_denied && stat(path, &status) < 0)
        err_sys(err, ERR_OPTION, sys,
            "%s cannot be opened: a folder above it is closed to uid %u; \"namei -l\" shows which",
            path, (unsigned)geteuid());
    else if (is_denied && text_shell_word(path, word, sizeof(word)) < sizeof(word))
        explain_denied(sys, path, &status, word, err);
    else
        err_sys(err, ERR_OPTION, sys, "%s cannot be opened", path);
    if (err)
        err->sys = sys;
}

int secret_file_open(const char *path, struct err *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0) {
        explain(errno, path, err);
        return -1;
    }
    if (is_closed(fd, path, err))
        return fd;
    if (err)
        err->sys = 0;
    close(fd);
    return -1;
}

bool secret_file_is_closed(const char *path, struct err *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    bool closed = fd < 0 || is_closed(fd, path, err);
    if (fd >= 0)
        close(fd);
    return closed;
}
