// SPDX-License-Identifier: Apache-2.0
//
// Used by rsa_key.c and tls_identity.c.
#include "proxy/key_file.h"

#include "base/log.h"

#include <sys/stat.h>

int key_file_no_password(char *out, int size, int is_written, void *arg)
{
    (void)out;
    (void)size;
    (void)is_written;
    (void)arg;
    return -1;
}

void key_file_check_mode(const char *path)
{
    struct stat status;
    if (stat(path, &status) == 0 && S_ISREG(status.st_mode) && (status.st_mode & S_IROTH))
        log_warn("%s holds a private key and is readable by everyone; use chmod o-r", path);
}
