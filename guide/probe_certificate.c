// SPDX-License-Identifier: Apache-2.0
//
// What is worth telling of a server's certificate.
#include "guide/probe.h"

#include "base/os.h"

#include <arpa/inet.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static int64_t wall_of(const ASN1_TIME *time)
{
    struct tm at;
    return ASN1_TIME_to_tm(time, &at) == 1 ? os_timegm(&at) : 0;
}

static void append_name(struct probe_certificate *out, const char *name)
{
    size_t len = strlen(out->names);
    snprintf(out->names + len, sizeof(out->names) - len, "%s%s", len ? ", " : "", name);
}

static void read_name(const GENERAL_NAME *name, struct probe_certificate *out)
{
    char text[256] = "";
    int kind = 0;
    const ASN1_STRING *value = GENERAL_NAME_get0_value(name, &kind);
    if (kind != GEN_DNS && kind != GEN_IPADD)
        return;
    const unsigned char *bytes = ASN1_STRING_get0_data(value);
    int len = ASN1_STRING_length(value);
    if (kind == GEN_DNS)
        snprintf(text, sizeof(text), "%.*s", len, (const char *)bytes);
    else if (len == 4 || len == 16)
        inet_ntop(len == 4 ? AF_INET : AF_INET6, bytes, text, sizeof(text));
    append_name(out, text);
}

void probe_read_certificate(const SSL *ssl, struct probe_certificate *out)
{
    const X509 *certificate = SSL_get0_peer_certificate(ssl);
    *out = (struct probe_certificate){ 0 };
    if (!certificate)
        return;
    X509_NAME_oneline(X509_get_subject_name(certificate), out->subject, sizeof(out->subject));
    X509_NAME_oneline(X509_get_issuer_name(certificate), out->issuer, sizeof(out->issuer));
    GENERAL_NAMES *names = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++)
        read_name(sk_GENERAL_NAME_value(names, i), out);
    GENERAL_NAMES_free(names);
    out->not_before = wall_of(X509_get0_notBefore(certificate));
    out->not_after = wall_of(X509_get0_notAfter(certificate));
}
