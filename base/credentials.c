// SPDX-License-Identifier: Apache-2.0
//
// The folder of credentials, by name and by descriptor. Used by takeover.c and settings_check.c.
#include "base/credentials.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char taken[4096]; // its path in the process that has it; "": none was taken
static char here[32];

const char *credentials_folder(void)
{
    return *taken ? taken : getenv("CREDENTIALS_DIRECTORY");
}

void credentials_take(int fd, const char *folder)
{
    if (*taken || !*folder || strlen(folder) >= sizeof(taken)) {
        close(fd);
        return;
    }
    snprintf(taken, sizeof(taken), "%s", folder);
    snprintf(here, sizeof(here), "/dev/fd/%d", fd);
    (void)setenv("CREDENTIALS_DIRECTORY", here, 1);
}

char *credentials_path(const char *path)
{
    size_t len = strlen(taken);
    if (!len || strncmp(path, taken, len) != 0 || path[len] != '/')
        return NULL;
    size_t size = sizeof(here) + strlen(path + len);
    char *found = malloc(size);
    if (found)
        snprintf(found, size, "%s%s", here, path + len);
    return found;
}
