// SPDX-License-Identifier: Apache-2.0
//
// The RSA key: read or made on the main thread, used by the workers (login.c through auth.c).
// Source: OpenSSL 3.0, EVP_PKEY_decrypt(3), EVP_PKEY_CTX_set_rsa_padding(3).
#include "proxy/rsa_key.h"

#include "base/err.h"
#include "base/os.h"
#include "proxy/key_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { KEY_BITS = 2048 };

struct rsa_key {
    atomic_uint refs;
    EVP_PKEY *key;
    BIO *pem; // of the public half
};

// ---- the file -----------------------------------------------------------------------------------

static EVP_PKEY *read_key(const char *path, struct err *err)
{
    static const char what[] = "not an RSA private key of 2048 to 4096 bits in PEM";
    EVP_PKEY *key = key_file_read(path, what, err);
    int bytes = key ? EVP_PKEY_get_size(key) : 0;
    if (!key)
        return NULL;
    if (EVP_PKEY_is_a(key, "RSA") && bytes * 8 >= KEY_BITS && bytes <= RSA_KEY_BYTES_MAX)
        return key;
    EVP_PKEY_free(key);
    err_set(err, ERR_OPTION, "%s is %s, without a password", path, what);
    return NULL;
}

static bool write_key(EVP_PKEY *key, int fd)
{
    FILE *file = fdopen(fd, "w");
    if (!file) {
        close(fd);
        return false;
    }
    bool done = PEM_write_PKCS8PrivateKey(file, key, NULL, NULL, 0, NULL, NULL) == 1 &&
                fflush(file) == 0 && fsync(fd) == 0;
    return fclose(file) == 0 && done;
}

// Where there are no hard links (FAT, some network file systems), the last one wins.
static bool give_name(const char *part, const char *path)
{
    if (link(part, path) == 0 || errno == EEXIST)
        return true;
    bool has_none = errno == EPERM || errno == EOPNOTSUPP;
    return has_none && rename(part, path) == 0;
}

// Under its name only once it is whole, and never over one that another process was faster with.
static bool save_key(EVP_PKEY *key, const char *path, struct err *err)
{
    char part[PATH_MAX];
    if (snprintf(part, sizeof(part), "%s.XXXXXX", path) >= (int)sizeof(part))
        return err_set(err, ERR_OPTION, "the path of the RSA key is too long");
    int fd = os_mkstemps(part, 0); // 0600
    if (fd < 0)
        return err_sys(err, ERR_FILE, errno, "cannot write the RSA key %s", path);
    errno = EIO;
    bool done = write_key(key, fd) && give_name(part, path);
    int sys = errno;
    unlink(part);
    return done || err_sys(err, ERR_FILE, sys, "cannot write the RSA key %s", path);
}

static EVP_PKEY *make_key(struct err *err)
{
    EVP_PKEY *key = EVP_RSA_gen(KEY_BITS);
    if (!key)
        err_set(err, ERR_INTERNAL, "cannot make an RSA key");
    return key;
}

static EVP_PKEY *open_file(const char *path, struct err *err)
{
    EVP_PKEY *key = read_key(path, err);
    if (!key && err && err->sys == ENOENT)
        err->code = ERR_FILE;
    return key;
}

static EVP_PKEY *open_or_make(const char *path, struct err *err)
{
    if (!path)
        return make_key(err);
    if (access(path, F_OK) < 0 && errno == ENOENT) {
        EVP_PKEY *key = make_key(err);
        bool saved = key && save_key(key, path, err);
        EVP_PKEY_free(key);
        if (!saved)
            return NULL;
    }
    return open_file(path, err);
}

// ---- life ---------------------------------------------------------------------------------------

static void free_key(struct rsa_key *key)
{
    EVP_PKEY_free(key->key);
    BIO_free(key->pem);
    free(key);
}

struct rsa_key *rsa_key_open(const char *path, struct err *err)
{
    struct rsa_key *key = calloc(1, sizeof(*key));
    if (!key) {
        err_set(err, ERR_MEMORY, "out of memory");
        return NULL;
    }
    atomic_init(&key->refs, 1);
    key->key = open_or_make(path, err);
    ERR_clear_error();
    if (!key->key) {
        free_key(key);
        return NULL;
    }
    key->pem = BIO_new(BIO_s_mem());
    if (key->pem && PEM_write_bio_PUBKEY(key->pem, key->key) == 1)
        return key;
    err_set(err, ERR_MEMORY, "out of memory");
    free_key(key);
    return NULL;
}

struct rsa_key *rsa_key_ref(struct rsa_key *key)
{
    atomic_fetch_add_explicit(&key->refs, 1, memory_order_relaxed);
    return key;
}

void rsa_key_unref(struct rsa_key *key)
{
    if (key && atomic_fetch_sub_explicit(&key->refs, 1, memory_order_acq_rel) == 1)
        free_key(key);
}

// ---- use ----------------------------------------------------------------------------------------

size_t rsa_key_bytes(const struct rsa_key *key)
{
    return (size_t)EVP_PKEY_get_size(key->key);
}

const char *rsa_key_pem(const struct rsa_key *key, size_t *out_len)
{
    char *text = NULL;
    *out_len = (size_t)BIO_get_mem_data(key->pem, &text);
    return text;
}

bool rsa_key_decrypt(const struct rsa_key *key, enum rsa_padding padding, const uint8_t *in,
    size_t in_len, uint8_t *out, size_t *len)
{
    const int paddings[] = {
        [RSA_PADDING_OAEP] = RSA_PKCS1_OAEP_PADDING, // SHA-1 unless told otherwise
        [RSA_PADDING_V15] = RSA_PKCS1_PADDING,
    };
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(key->key, NULL);
    bool done = context && EVP_PKEY_decrypt_init(context) == 1 &&
                EVP_PKEY_CTX_set_rsa_padding(context, paddings[padding]) == 1 &&
                EVP_PKEY_decrypt(context, out, len, in, in_len) == 1;
    EVP_PKEY_CTX_free(context);
    ERR_clear_error();
    return done;
}
