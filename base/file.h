// SPDX-License-Identifier: Apache-2.0
//
// Small files as a whole: read, and replaced so that who looks sees the old one or the new one and
// a crash loses neither. Any thread.
#pragma once

#include "base/defs.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct err;

// The text with a NUL behind it, which the caller frees; NULL (ERR_FILE, err->sys ENOENT when there
// is none) also when it is no regular file of at most `limit` bytes. *out_len may be NULL.
char *file_read(const char *path, size_t limit, size_t *out_len, struct err *err) MUST_CHECK;

// Whether it can be opened, for who leaves the reading to a library that does not say why not.
// ERR_OPTION with err->sys.
bool file_is_readable(const char *path, struct err *err) MUST_CHECK;

enum { FILE_PATH_BYTES = 4096 };
#define FILE_NEW_SUFFIX ".new" // of the temporary name, "PATH.<6 letters>.new"

// By way of a new file that takes the old one's place by rename(2); both it and the directory are
// flushed. A file that was there keeps its owner and mode, a new one has `mode`; a symbolic link is
// followed.
bool file_replace(
    const char *path, const char *text, size_t len, mode_t mode, struct err *err) MUST_CHECK;

// A folder of ours (mode 0700) and those above it (0755) that are missing.
bool file_make_folder(const char *path, struct err *err);
