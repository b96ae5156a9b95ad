// SPDX-License-Identifier: Apache-2.0
//
// Trust: read on the main thread, used by the workers through tls.c.
#include "proxy/tls_trust.h"

#include "base/addr.h"
#include "base/err.h"
#include "base/file.h"
#include "proxy/tickets.h"
#include "proxy/tls.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct tls_trust {
    atomic_uint refs;
    SSL_CTX *context;
    bool any_name;
    size_t name_count;
    char *names[];
};

// RFC 6125: a wildcard is a whole label, and a common name is no host name.
enum { HOST_FLAGS = X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT };

// ---- why not ------------------------------------------------------------------------------------

static void append_name(struct tls_doubt *doubt, const char *name)
{
    size_t len = strlen(doubt->names);
    snprintf(doubt->names + len, sizeof(doubt->names) - len, "%s%s", len ? ", " : "", name);
}

// A name, "" for other kinds of them.
static void name_text(const GENERAL_NAME *name, char text[TLS_NAMES_BYTES])
{
    int kind = 0;
    const ASN1_STRING *value = GENERAL_NAME_get0_value(name, &kind);
    text[0] = '\0';
    if (kind != GEN_DNS && kind != GEN_IPADD)
        return;
    const unsigned char *bytes = ASN1_STRING_get0_data(value);
    int len = ASN1_STRING_length(value);
    if (kind == GEN_DNS)
        snprintf(text, TLS_NAMES_BYTES, "%.*s", len, (const char *)bytes);
    else if (len == 4 || len == 16)
        inet_ntop(len == 4 ? AF_INET : AF_INET6, bytes, text, TLS_NAMES_BYTES);
}

static bool is_accepted(X509 *certificate, const char *name)
{
    return X509_check_host(certificate, name, 0, HOST_FLAGS, NULL) == 1 ||
           X509_check_ip_asc(certificate, name, 0) == 1;
}

// What tls-server-name would have to be so that this certificate is accepted. Of "*.x.example", a
// name with the first label of the one that was expected.
static void suggest_name(
    struct tls_doubt *doubt, X509 *certificate, const char *text, const char *expected)
{
    char name[TLS_NAMES_BYTES];
    bool is_wildcard = text[0] == '*';
    if (*doubt->suggestion || strchr(text + is_wildcard, '*'))
        return; // a star that is not a whole label is nobody's name
    if (is_wildcard)
        snprintf(name, sizeof(name), "%.*s%s", (int)strcspn(expected, "."), expected, text + 1);
    else
        snprintf(name, sizeof(name), "%s", text);
    if (is_accepted(certificate, name))
        memcpy(doubt->suggestion, name, sizeof(name));
}

static void read_names(struct tls_doubt *doubt, X509 *certificate, const char *expected)
{
    GENERAL_NAMES *names = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
        char text[TLS_NAMES_BYTES];
        name_text(sk_GENERAL_NAME_value(names, i), text);
        if (!*text)
            continue;
        append_name(doubt, text);
        suggest_name(doubt, certificate, text, expected);
    }
    GENERAL_NAMES_free(names);
}

static void read_issuer(struct tls_doubt *doubt, const X509 *certificate)
{
    X509_NAME_oneline(X509_get_issuer_name(certificate), doubt->issuer, sizeof(doubt->issuer));
}

static void read_expiry(struct tls_doubt *doubt, const X509 *certificate)
{
    struct tm at;
    if (ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &at) == 1)
        strftime(doubt->expires, sizeof(doubt->expires), "%Y-%m-%d", &at);
}

static struct tls_doubt *doubt_of(struct tls *tls)
{
    if (!tls->doubt)
        tls->doubt = calloc(1, sizeof(*tls->doubt));
    return tls->doubt;
}

static struct tls *tls_of(X509_STORE_CTX *context)
{
    SSL *ssl = X509_STORE_CTX_get_ex_data(context, SSL_get_ex_data_X509_STORE_CTX_idx());
    return (struct tls *)(void *)SSL_get_app_data(ssl);
}

// Called for everything that is wrong with a chain. A wrong name alone is let pass for the moment,
// so that what else is wrong is seen as well; verify() below turns it down.
static int on_doubt(int is_fine, X509_STORE_CTX *context)
{
    if (is_fine)
        return 1;
    int error = X509_STORE_CTX_get_error(context);
    struct tls_doubt *doubt = doubt_of(tls_of(context));
    if (!doubt)
        return 0;
    X509 *own = X509_STORE_CTX_get0_cert(context);
    const char *expected = X509_VERIFY_PARAM_get0_host(X509_STORE_CTX_get0_param(context), 0);
    const X509 *current = X509_STORE_CTX_get_current_cert(context);
    *doubt = (struct tls_doubt){ .error = error };
    doubt->is_of_name =
        error == X509_V_ERR_HOSTNAME_MISMATCH || error == X509_V_ERR_IP_ADDRESS_MISMATCH;
    doubt->is_of_server = X509_STORE_CTX_get_error_depth(context) == 0;
    if (own)
        read_names(doubt, own, expected ? expected : "tidb"); // an address has no label to use
    if (own && doubt->is_of_name)
        current = own;
    if (current) {
        read_issuer(doubt, current);
        read_expiry(doubt, current);
    }
    return doubt->is_of_name;
}

static int verify(X509_STORE_CTX *context, void *arg)
{
    const struct tls *tls = tls_of(context);
    (void)arg;
    int is_fine = X509_verify_cert(context);
    if (is_fine == 1 && !tls->doubt)
        return 1;
    // The result goes into the alert, and into SSL_get_verify_result.
    X509_STORE_CTX_set_error(context, tls->doubt ? tls->doubt->error : X509_V_ERR_UNSPECIFIED);
    return 0;
}

// ---- authorities --------------------------------------------------------------------------------

static bool add_file(SSL_CTX *context, const char *path)
{
    bool added = SSL_CTX_load_verify_file(context, path) == 1;
    ERR_clear_error();
    return added;
}

// Every file of it, whatever its name: links with hashes as c_rehash(1) makes them are not needed,
// and what else lies there (a mounted secret has keys as well) does no harm.
static bool add_folder(SSL_CTX *context, const char *path, struct err *err)
{
    size_t count = 0;
    DIR *folder = opendir(path);
    if (!folder)
        return err_sys(err, ERR_OPTION, errno, "cannot read %s", path);
    for (const struct dirent *entry; (entry = readdir(folder));) {
        char file[PATH_MAX];
        struct stat status;
        int len = snprintf(file, sizeof(file), "%s/%s", path, entry->d_name);
        // What Kubernetes mounts holds links to a hidden folder.
        if (entry->d_name[0] != '.' && len < (int)sizeof(file) && stat(file, &status) == 0 &&
            S_ISREG(status.st_mode))
            count += add_file(context, file);
    }
    closedir(folder);
    return count || err_set(err, ERR_OPTION, "no file in %s holds a CA certificate in PEM", path);
}

static bool add_authorities(SSL_CTX *context, const char *path, struct err *err)
{
    struct stat status;
    if (stat(path, &status) < 0)
        return err_sys(err, ERR_OPTION, errno, "cannot read %s", path);
    if (S_ISDIR(status.st_mode))
        return add_folder(context, path, err);
    if (!file_is_readable(path, err))
        return false;
    return add_file(context, path) ||
           err_set(err, ERR_OPTION, "%s holds no CA certificate in PEM", path);
}

// ---- life ---------------------------------------------------------------------------------------

static int on_session(SSL *ssl, SSL_SESSION *session)
{
    const struct tls *tls = (const struct tls *)(const void *)SSL_get_app_data(ssl);
    return tls->tickets && tickets_put(tls->tickets, tls->tickets_generation, session);
}

static SSL_CTX *make_context(const struct tls_trust_plan *plan, struct err *err)
{
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    if (!context || SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) != 1) {
        err_set(err, ERR_MEMORY, "out of memory");
        SSL_CTX_free(context);
        return NULL;
    }
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_IGNORE_UNEXPECTED_EOF);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, on_doubt);
    SSL_CTX_set_cert_verify_callback(context, verify, NULL);
    // What is in tls-ca is trusted, also an authority below a root that is not there.
    X509_STORE_set_flags(SSL_CTX_get_cert_store(context), X509_V_FLAG_PARTIAL_CHAIN);
    // Sessions are kept by the workers, without a lock.
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(context, on_session);
    if (!plan->ca || add_authorities(context, plan->ca, err))
        return context;
    SSL_CTX_free(context);
    return NULL;
}

static void free_trust(struct tls_trust *trust)
{
    SSL_CTX_free(trust->context);
    for (size_t i = 0; i < trust->name_count; i++)
        free(trust->names[i]);
    free(trust);
}

struct tls_trust *tls_trust_open(const struct tls_trust_plan *plan, struct err *err)
{
    struct tls_trust *trust = calloc(1, sizeof(*trust) + plan->name_count * sizeof(char *));
    if (!trust) {
        err_set(err, ERR_MEMORY, "out of memory");
        return NULL;
    }
    atomic_init(&trust->refs, 1);
    trust->any_name = plan->any_name;
    for (; trust->name_count < plan->name_count; trust->name_count++) {
        trust->names[trust->name_count] = strdup(plan->names[trust->name_count]);
        if (!trust->names[trust->name_count])
            abort(); // a name less would be another check than the one asked for
    }
    trust->context = make_context(plan, err);
    if (trust->context)
        return trust;
    free_trust(trust);
    return NULL;
}

struct tls_trust *tls_trust_ref(struct tls_trust *trust)
{
    atomic_fetch_add_explicit(&trust->refs, 1, memory_order_relaxed);
    return trust;
}

void tls_trust_unref(struct tls_trust *trust)
{
    if (trust && atomic_fetch_sub_explicit(&trust->refs, 1, memory_order_acq_rel) == 1)
        free_trust(trust);
}

// ---- use ----------------------------------------------------------------------------------------

const char *tls_trust_name(const struct tls_trust *trust, const char *host)
{
    return trust->name_count ? trust->names[0] : host;
}

static bool is_ip(const char *name)
{
    struct addr addr;
    return addr_from_ip(name, 0, &addr);
}

// An absolute name, "db.example.", is "db.example" in a certificate.
static bool without_dot(const char *name, char out[TLS_NAMES_BYTES])
{
    size_t len = strlen(name);
    len -= len && name[len - 1] == '.';
    return len && name[0] != '.' &&
           snprintf(out, TLS_NAMES_BYTES, "%.*s", (int)len, name) < TLS_NAMES_BYTES;
}

static bool expect_name(SSL *ssl, const char *name)
{
    char host[TLS_NAMES_BYTES];
    if (is_ip(name))
        return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), name) == 1;
    return without_dot(name, host) && SSL_add1_host(ssl, host) == 1;
}

static bool expect_names(SSL *ssl, const struct tls_trust *trust, const char *host)
{
    bool fine = trust->name_count || expect_name(ssl, host);
    for (size_t i = 0; fine && i < trust->name_count; i++)
        fine = expect_name(ssl, trust->names[i]);
    return fine;
}

// RFC 6066, section 3: no IP addresses.
static bool send_name(SSL *ssl, const char *name)
{
    char host[TLS_NAMES_BYTES];
    return is_ip(name) || (without_dot(name, host) && SSL_set_tlsext_host_name(ssl, host) == 1);
}

SSL *tls_trust_session(const struct tls_trust *trust, const char *host)
{
    SSL *ssl = SSL_new(trust->context);
    if (!ssl)
        return NULL;
    SSL_set_hostflags(ssl, HOST_FLAGS);
    if ((trust->any_name || expect_names(ssl, trust, host)) &&
        send_name(ssl, tls_trust_name(trust, host)))
        return ssl;
    SSL_free(ssl);
    return NULL;
}
