// SPDX-License-Identifier: Apache-2.0
//
// Used by rsa_key.c and tls_identity.c.
#include "proxy/key_file.h"

#include "base/err.h"
#include "base/secret_file.h"

#include <openssl/pem.h>
#include <stdio.h>
#include <unistd.h>

// For OpenSSL, which otherwise asks for an encrypted key's password on the terminal, where nobody
// sits: there is none. pem_password_cb(3).
static int no_password(char *out, int size, int is_written, void *arg)
{
    (void)out;
    (void)size;
    (void)is_written;
    (void)arg;
    return -1;
}

EVP_PKEY *key_file_read(const char *path, const char *what, struct err *err)
{
    int fd = secret_file_open(path, err);
    if (fd < 0)
        return NULL;
    FILE *file = fdopen(fd, "r");
    if (!file) {
        close(fd);
        err_set(err, ERR_MEMORY, "out of memory");
        return NULL;
    }
    EVP_PKEY *key = PEM_read_PrivateKey(file, NULL, no_password, NULL);
    fclose(file);
    if (!key)
        err_set(err, ERR_OPTION, "%s is %s, without a password", path, what);
    return key;
}
