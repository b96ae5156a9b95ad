// SPDX-License-Identifier: Apache-2.0
//
// The RSA key with which clients without TLS encrypt a caching_sha2_password (auth.h). It stays the
// same across restarts, so that clients can pin it (--server-public-key-path). Immutable and shared
// by reference count; any thread.
#pragma once

#include "base/defs.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;
struct rsa_key;

enum { RSA_KEY_BYTES_MAX = 512 };

// Reads the PEM file; makes a key of 2048 bits and writes it (0600) when there is none. A file that
// is no RSA key of 2048 to 4096 bits is ERR_OPTION. `path` NULL: a new key that ends with the
// program.
struct rsa_key *rsa_key_open(const char *path, struct err *err) MUST_CHECK;
struct rsa_key *rsa_key_ref(struct rsa_key *key);
void rsa_key_unref(struct rsa_key *key); // NULL is allowed

size_t rsa_key_bytes(const struct rsa_key *key);                     // of a ciphertext
const char *rsa_key_pem(const struct rsa_key *key, size_t *out_len); // SubjectPublicKeyInfo

enum rsa_padding {
    RSA_PADDING_OAEP, // SHA-1, as MySQL has it: "Caching_sha2_password information"
    RSA_PADDING_V15,
};
// False: it was not encrypted with this key. *len: room in `out`, then what was written, secret in
// any case.
bool rsa_key_decrypt(const struct rsa_key *key, enum rsa_padding padding, const uint8_t *in,
    size_t in_len, uint8_t *out, size_t *len) MUST_CHECK;
