// SPDX-License-Identifier: Apache-2.0
//
// The state document on disk.
#include "control/state_file.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/file.h"
#include "control/state_json.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SIZE_LIMIT = 64 << 20, LEFTOVER_SECONDS = 60 };
static const char file_name[] = "state.json";
static const char new_suffix[] = FILE_NEW_SUFFIX;

const char *state_file_path(const char *directory, char *out, size_t size)
{
    snprintf(out, size, "%s/%s", directory, file_name);
    return out;
}

bool state_file_read(const char *path, struct model **out, struct err *err)
{
    size_t len;
    char *text = file_read(path, SIZE_LIMIT, &len, err);
    bool parsed =
        text != NULL && (state_json_parse(text, len, out, err) || err_prefix(err, "%s", path));
    free(text);
    return parsed;
}

bool state_file_write(
    const char *directory, const struct model *model, int64_t now, struct err *err)
{
    char path[FILE_PATH_BYTES];
    state_file_path(directory, path, sizeof(path));
    char *text = state_json_print(model, now);
    bool done = file_replace(path, text, strlen(text), 0600, err);
    free(text);
    return done;
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
