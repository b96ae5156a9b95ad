// SPDX-License-Identifier: Apache-2.0
//
// Our own certificate: read or made on the main thread, used by the workers through tls.c.
#include "proxy/tls_identity.h"

#include "base/err.h"
#include "base/file.h"
#include "proxy/key_file.h"
#include "proxy/rsa_key.h"

#include <limits.h>
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct tls_identity {
    atomic_uint refs;
    SSL_CTX *context;
    struct rsa_key *rsa;
};

// ---- a certificate of our own -------------------------------------------------------------------

enum { SERIAL_BITS = 63 };
static const long YESTERDAY_S = -24L * 3600, TEN_YEARS_S = 10L * 365 * 24 * 3600;

static bool add_extension(X509 *certificate, int nid, const char *value)
{
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, nid, value);
    bool added = extension && X509_add_ext(certificate, extension, -1) == 1;
    X509_EXTENSION_free(extension);
    return added;
}

static bool set_random_serial(X509 *certificate)
{
    BIGNUM *number = BN_new();
    bool set = number && BN_rand(number, SERIAL_BITS, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY) == 1 &&
               BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate)) != NULL;
    BN_free(number);
    return set;
}

static bool set_names(X509 *certificate)
{
    char host[HOST_NAME_MAX + 1] = "", names[HOST_NAME_MAX + 64];
    bool has_host = gethostname(host, sizeof(host) - 1) == 0 && *host;
    snprintf(names, sizeof(names), "DNS:localhost,IP:127.0.0.1,IP:::1%s%s", has_host ? ",DNS:" : "",
        host);
    X509_NAME *subject = X509_get_subject_name(certificate);
    return X509_NAME_add_entry_by_txt(
               subject, "CN", MBSTRING_ASC, (const unsigned char *)"tidblink", -1, -1, 0) == 1 &&
           X509_set_issuer_name(certificate, subject) == 1 &&
           add_extension(certificate, NID_subject_alt_name, names);
}

// No keyUsage: with one that lacks keyCertSign, OpenSSL no longer calls it self-signed, which is
// what MariaDB's clients forgive (mariadb-corporation/mariadb-connector-c,
// libmariadb/secure/openssl.c, ma_verification_callback).
static X509 *make_certificate(EVP_PKEY *key)
{
    X509 *certificate = X509_new();
    if (certificate && X509_set_version(certificate, X509_VERSION_3) == 1 &&
        set_random_serial(certificate) && set_names(certificate) &&
        add_extension(certificate, NID_ext_key_usage, "serverAuth") &&
        X509_gmtime_adj(X509_getm_notBefore(certificate), YESTERDAY_S) &&
        X509_gmtime_adj(X509_getm_notAfter(certificate), TEN_YEARS_S) &&
        X509_set_pubkey(certificate, key) == 1 && X509_sign(certificate, key, EVP_sha256()) > 0)
        return certificate;
    X509_free(certificate);
    return NULL;
}

static bool use_own(SSL_CTX *context, struct err *err)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *certificate = key ? make_certificate(key) : NULL;
    bool done = certificate && SSL_CTX_use_certificate(context, certificate) == 1 &&
                SSL_CTX_use_PrivateKey(context, key) == 1;
    X509_free(certificate);
    EVP_PKEY_free(key);
    return done || err_set(err, ERR_INTERNAL, "cannot make a certificate");
}

// ---- files --------------------------------------------------------------------------------------

static bool use_files(SSL_CTX *context, const struct tls_identity_plan *plan, struct err *err)
{
    if (!file_is_readable(plan->cert, err))
        return err_prefix(err, "client-tls-cert");
    if (SSL_CTX_use_certificate_chain_file(context, plan->cert) != 1)
        return err_set(
            err, ERR_OPTION, "client-tls-cert: %s holds no certificate in PEM", plan->cert);
    EVP_PKEY *key = key_file_read(plan->key, "no private key in PEM", err);
    if (!key)
        return err_prefix(err, "client-tls-key");
    // Keys of two kinds would each be kept, and go unnoticed.
    bool fits =
        SSL_CTX_use_PrivateKey(context, key) == 1 && SSL_CTX_check_private_key(context) == 1;
    EVP_PKEY_free(key);
    return fits || err_set(err, ERR_OPTION, "client-tls-key: %s is not the private key of %s",
                       plan->key, plan->cert);
}

// ---- life ---------------------------------------------------------------------------------------

static SSL_CTX *make_context(const struct tls_identity_plan *plan, struct err *err)
{
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    if (!context || SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) != 1) {
        err_set(err, ERR_MEMORY, "out of memory");
        SSL_CTX_free(context);
        return NULL;
    }
    // A password that comes by TLS is wiped from OpenSSL's own buffers, too.
    SSL_CTX_set_options(
        context, SSL_OP_NO_RENEGOTIATION | SSL_OP_IGNORE_UNEXPECTED_EOF | SSL_OP_CLEANSE_PLAINTEXT);
    SSL_CTX_set_num_tickets(context, 1);
    bool done = plan->cert ? use_files(context, plan, err) : use_own(context, err);
    ERR_clear_error();
    if (done)
        return context;
    SSL_CTX_free(context);
    return NULL;
}

static void free_identity(struct tls_identity *identity)
{
    SSL_CTX_free(identity->context);
    rsa_key_unref(identity->rsa);
    free(identity);
}

struct tls_identity *tls_identity_open(const struct tls_identity_plan *plan, struct err *err)
{
    struct tls_identity *identity = calloc(1, sizeof(*identity));
    if (!identity) {
        err_set(err, ERR_MEMORY, "out of memory");
        return NULL;
    }
    atomic_init(&identity->refs, 1);
    identity->context = make_context(plan, err);
    if (identity->context)
        identity->rsa = rsa_key_open(plan->rsa_key, err);
    if (identity->rsa)
        return identity;
    if (identity->context)
        err_prefix(err, "client-rsa-key");
    free_identity(identity);
    return NULL;
}

struct tls_identity *tls_identity_ref(struct tls_identity *identity)
{
    atomic_fetch_add_explicit(&identity->refs, 1, memory_order_relaxed);
    return identity;
}

void tls_identity_unref(struct tls_identity *identity)
{
    if (identity && atomic_fetch_sub_explicit(&identity->refs, 1, memory_order_acq_rel) == 1)
        free_identity(identity);
}

// ---- use ----------------------------------------------------------------------------------------

const struct rsa_key *tls_identity_rsa(const struct tls_identity *identity)
{
    return identity->rsa;
}

SSL *tls_identity_session(const struct tls_identity *identity)
{
    return SSL_new(identity->context);
}
