// SPDX-License-Identifier: Apache-2.0
//
// What all private keys in files have in common. Any thread.
#pragma once

#include "base/defs.h"

#include <openssl/evp.h>

struct err;

// A private key in PEM from a file that nobody else could have read or changed
// (base/secret_file.h); the caller frees. NULL: ERR_OPTION, with err->sys where it cannot be
// opened; the text begins with the path. `what`: of a key that is none, "no private key in PEM".
EVP_PKEY *key_file_read(const char *path, const char *what, struct err *err) MUST_CHECK;
