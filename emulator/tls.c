// SPDX-License-Identifier: Apache-2.0
//
// Sets up the API's TLS context. The key of the made CA is dropped as soon as it has signed, so a
// client that trusts it trusts exactly one leaf. Used by main.c.
#include "emulator/tls.h"

#include "base/err.h"
#include "base/os.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>

enum { VALID_S = 7 * 86400, BACKDATED_S = 300 };

static bool refuse(struct err *err, const char *what, const char *path)
{
    char reason[160];
    ERR_error_string_n(ERR_get_error(), reason, sizeof(reason));
    ERR_clear_error();
    return err_set(err, ERR_FILE, "%s%s: %s", what, path, reason);
}

static SSL_CTX *context_new(struct err *err)
{
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    if (!context) {
        refuse(err, "cannot set up TLS", "");
        return NULL;
    }
    SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
    return context;
}

SSL_CTX *tls_from_files(const char *cert_path, const char *key_path, struct err *err)
{
    SSL_CTX *context = context_new(err);
    if (!context)
        return NULL;
    bool usable = true;
    if (SSL_CTX_use_certificate_chain_file(context, cert_path) != 1)
        usable = refuse(err, "cannot use the certificate ", cert_path);
    else if (SSL_CTX_use_PrivateKey_file(context, key_path, SSL_FILETYPE_PEM) != 1)
        usable = refuse(err, "cannot use the private key ", key_path);
    if (usable)
        return context;
    SSL_CTX_free(context);
    return NULL;
}

// ---- certificates of our own --------------------------------------------------------------------

static bool add_extension(X509 *cert, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX at;
    X509V3_set_ctx_nodb(&at);
    X509V3_set_ctx(&at, issuer, cert, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &at, nid, value);
    bool added = extension && X509_add_ext(cert, extension, -1);
    X509_EXTENSION_free(extension);
    return added;
}

// Without extensions and signature.
static X509 *cert_new(EVP_PKEY *key, const char *name, const X509_NAME *issuer, long serial)
{
    X509 *cert = X509_new();
    if (!cert)
        return NULL;
    X509_NAME *subject = X509_get_subject_name(cert);
    bool made = X509_set_version(cert, X509_VERSION_3) &&
                ASN1_INTEGER_set(X509_get_serialNumber(cert), serial) &&
                X509_gmtime_adj(X509_getm_notBefore(cert), -BACKDATED_S) &&
                X509_gmtime_adj(X509_getm_notAfter(cert), VALID_S) &&
                X509_NAME_add_entry_by_txt(
                    subject, "CN", MBSTRING_ASC, (const unsigned char *)name, -1, -1, 0) &&
                X509_set_issuer_name(cert, issuer ? issuer : subject) && X509_set_pubkey(cert, key);
    if (made)
        return cert;
    X509_free(cert);
    return NULL;
}

static X509 *make_ca(EVP_PKEY *key)
{
    X509 *ca = cert_new(key, "tidblink-emulator CA", NULL, 1);
    if (ca && add_extension(ca, ca, NID_basic_constraints, "critical,CA:TRUE,pathlen:0") &&
        add_extension(ca, ca, NID_key_usage, "critical,keyCertSign") &&
        add_extension(ca, ca, NID_subject_key_identifier, "hash") &&
        X509_sign(ca, key, EVP_sha256()))
        return ca;
    X509_free(ca);
    return NULL;
}

static X509 *make_leaf(EVP_PKEY *key, X509 *ca, EVP_PKEY *ca_key)
{
    X509 *leaf = cert_new(key, "localhost", X509_get_subject_name(ca), 2);
    if (leaf && add_extension(leaf, ca, NID_basic_constraints, "critical,CA:FALSE") &&
        add_extension(leaf, ca, NID_key_usage, "critical,digitalSignature") &&
        add_extension(leaf, ca, NID_ext_key_usage, "serverAuth") &&
        add_extension(leaf, ca, NID_subject_alt_name, "IP:127.0.0.1,IP:::1,DNS:localhost") &&
        add_extension(leaf, ca, NID_authority_key_identifier, "keyid:always") &&
        X509_sign(leaf, ca_key, EVP_sha256()))
        return leaf;
    X509_free(leaf);
    return NULL;
}

static bool write_ca(X509 *ca, const char *path, struct err *err)
{
    FILE *file = os_fopen(path, "w");
    if (!file)
        return err_sys(err, ERR_FILE, errno, "cannot write the CA certificate %s", path);
    bool written = PEM_write_X509(file, ca) == 1;
    int sys = errno;
    if (fclose(file) != 0 || !written)
        return err_sys(err, ERR_FILE, sys, "cannot write the CA certificate %s", path);
    return true;
}

SSL_CTX *tls_made(const char *ca_path, struct err *err)
{
    SSL_CTX *context = context_new(err);
    EVP_PKEY *ca_key = EVP_EC_gen("P-256"), *key = EVP_EC_gen("P-256");
    X509 *ca = ca_key ? make_ca(ca_key) : NULL;
    X509 *leaf = ca && key ? make_leaf(key, ca, ca_key) : NULL;
    bool made = context != NULL;
    if (made && (!leaf || SSL_CTX_use_certificate(context, leaf) != 1 ||
                    SSL_CTX_use_PrivateKey(context, key) != 1))
        made = refuse(err, "cannot make a certificate", "");
    if (made && ca_path)
        made = write_ca(ca, ca_path, err);
    X509_free(leaf);
    X509_free(ca);
    EVP_PKEY_free(key);
    EVP_PKEY_free(ca_key);
    if (made)
        return context;
    SSL_CTX_free(context);
    return NULL;
}
