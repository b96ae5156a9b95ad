// SPDX-License-Identifier: Apache-2.0
//
// Files that hold a secret (a key, a password): who else could have read or changed one. What is
// too open is refused, as OpenSSH and PostgreSQL do, with the command that mends it. The rules:
//   - its owner is this process' user or root: anybody else could change it;
//   - others may do nothing with it; its group may not write it;
//   - its group may read it only if the file is root's and the group is root's or one of this
//     process' own: so Kubernetes (fsGroup), Debian's ssl-cert and systemd's credentials hand out
//     keys. A file of the user's own is the user's alone (0600, 0400): who is in the group nobody
//     here can tell;
//   - in $CREDENTIALS_DIRECTORY (systemd.exec(5)) the folder is closed already, and a group that
//     may read is systemd's doing.
// The folder is not looked at: who can put another file there can only put one of his own, which
// the first rule refuses. What is no regular file (a pipe, a terminal) has no rights to look at.
// Any thread.
#pragma once

#include "base/defs.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct err;
struct stat;

// Opens it for reading and looks at the rights of what was opened. -1 with ERR_OPTION; err->sys is
// that of open(2), 0 when the file is too open. The text begins with the path.
int secret_file_open(const char *path, struct err *err) MUST_CHECK;
// The same question only; true when it cannot be opened: whoever needs it will say so.
bool secret_file_is_closed(const char *path, struct err *err) MUST_CHECK;

// Who asks.
struct secret_file_user {
    uid_t uid;
    const gid_t *groups; // the effective one and the others
    size_t group_count;
};
enum { SECRET_FILE_TEXT_BYTES = 96, SECRET_FILE_FIX_BYTES = 300 };
struct secret_file_flaw {
    char what[SECRET_FILE_TEXT_BYTES]; // "everybody may read it"
    char fix[SECRET_FILE_FIX_BYTES];   // a command for a shell; "" when the path is too long for it
};
// Pure. False: it is too open.
bool secret_file_judge(const struct stat *status, const char *path,
    const struct secret_file_user *user, struct secret_file_flaw *out) MUST_CHECK;
// As secret_file_judge for this process; `status` is of the file at `path`.
bool secret_file_judge_own(
    const struct stat *status, const char *path, struct secret_file_flaw *out) MUST_CHECK;
