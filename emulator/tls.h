// SPDX-License-Identifier: Apache-2.0
//
// The certificate of the API: given, or made at start. Any thread.
#pragma once

#include "base/defs.h"

#include <openssl/ssl.h>

struct err;

// NULL on failure; the caller frees with SSL_CTX_free.
SSL_CTX *tls_from_files(const char *cert_path, const char *key_path, struct err *err) MUST_CHECK;
// A private CA that lives as long as this process and a leaf for 127.0.0.1, ::1 and localhost. The
// CA's certificate is written to `ca_path` (NULL: nowhere) for clients to trust.
SSL_CTX *tls_made(const char *ca_path, struct err *err) MUST_CHECK;
