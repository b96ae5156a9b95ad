// SPDX-License-Identifier: Apache-2.0
//
// The texts of failed handshakes. Called by login.c and spare.c.
#include "proxy/tls_why.h"

#include "proxy/refusal.h"
#include "proxy/tls.h"
#include "proxy/tls_trust.h"
#include "proxy/view.h"

#include <openssl/err.h>
#include <openssl/x509_vfy.h>
#include <stdio.h>
#include <string.h>

enum { HOST_SHOWN = 80, NAMES_SHOWN = 100, ISSUER_SHOWN = 60, REASON_SHOWN = 80, LONG_NAME = 140 };

// ---- the certificate ----------------------------------------------------------------------------

// Clients cut the end off: what to do stands before what was seen.
static void say(struct err *out, const struct tls_doubt *doubt, const char *what)
{
    const char *names = *doubt->names ? doubt->names : "no host";
    err_set(out, ERR_TLS, "%s It is for %.*s%s, issuer %.*s, expires %s", what, NAMES_SHOWN, names,
        strlen(names) > NAMES_SHOWN ? "..." : "", ISSUER_SHOWN, doubt->issuer, doubt->expires);
}

static void say_name(
    const struct view *view, const struct tls_doubt *doubt, const char *expected, struct err *out)
{
    char text[ERR_TEXT_BYTES];
    bool is_long = strlen(doubt->suggestion) > LONG_NAME;
    if (*doubt->suggestion)
        snprintf(text, sizeof(text),
            "tidblink: the certificate of cluster %s is not for %.*s. If it is the cluster's, set "
            "\"tls-server-name = %s\".",
            view->alias, is_long ? HOST_SHOWN / 4 : HOST_SHOWN, expected, doubt->suggestion);
    else
        snprintf(text, sizeof(text),
            "tidblink: the certificate of cluster %s is not for %.*s. To accept any certificate of "
            "tls-ca, set \"tls = verify-ca\".",
            view->alias, HOST_SHOWN, expected);
    say(out, doubt, text);
}

static void say_authority(
    const struct view *view, const struct tls_doubt *doubt, const char *expected, struct err *out)
{
    char text[ERR_TEXT_BYTES];
    snprintf(text, sizeof(text),
        "tidblink: the certificate of cluster %s (%.*s) is not from tls-ca. Put this cluster's own "
        "CA certificate there (TiDB Cloud console: the cluster, Connect, CA cert).",
        view->alias, HOST_SHOWN, expected);
    say(out, doubt, text);
}

static void say_expired(const struct view *view, const struct tls_doubt *doubt, struct err *out)
{
    char text[ERR_TEXT_BYTES];
    if (doubt->is_of_server)
        snprintf(text, sizeof(text),
            "tidblink: the certificate of cluster %s expired on %s. Check this machine's clock; "
            "TiDB Cloud renews certificates itself.",
            view->alias, doubt->expires);
    else
        snprintf(text, sizeof(text),
            "tidblink: a CA certificate of cluster %s expired on %s. Check this machine's clock, "
            "then put the cluster's CA certificate into tls-ca again (TiDB Cloud console: the "
            "cluster, Connect, CA cert).",
            view->alias, doubt->expires);
    say(out, doubt, text);
}

static void say_other(const struct view *view, const struct tls_doubt *doubt, struct err *out)
{
    char text[ERR_TEXT_BYTES];
    snprintf(text, sizeof(text),
        "tidblink: the certificate of cluster %s is not accepted: %s. Check this machine's clock, "
        "then run tidblink doctor.",
        view->alias, X509_verify_cert_error_string(doubt->error));
    say(out, doubt, text);
}

static void say_doubt(
    const struct view *view, const struct tls_doubt *doubt, const char *expected, struct err *out)
{
    switch (doubt->error) {
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
        say_name(view, doubt, expected, out);
        return;
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_CERT_SIGNATURE_FAILURE:
        say_authority(view, doubt, expected, out);
        return;
    case X509_V_ERR_CERT_HAS_EXPIRED:
        say_expired(view, doubt, out);
        return;
    default:
        say_other(view, doubt, out);
    }
}

// ---- the rest -----------------------------------------------------------------------------------

static const char *reason_of(const struct tls *tls)
{
    const char *reason = tls->error ? ERR_reason_error_string(tls->error) : NULL;
    if (reason)
        return reason;
    return tls->has_ended ? "the connection was closed" : err_errno_text(tls->sys);
}

static bool is_of_version(const struct tls *tls)
{
    int reason = ERR_GET_REASON(tls->error);
    return tls->error &&
           (reason == SSL_R_UNSUPPORTED_PROTOCOL || reason == SSL_R_TLSV1_ALERT_PROTOCOL_VERSION ||
               reason == SSL_R_WRONG_SSL_VERSION);
}

void tls_why_server(
    const struct view *view, const struct addr *server, const struct tls *tls, struct err *out)
{
    char text[REFUSAL_PLACE_BYTES];
    refusal_place(view, server, text);
    if (tls->doubt)
        say_doubt(view, tls->doubt, tls_trust_name(view->trust, view->host), out);
    else if (is_of_version(tls))
        err_set(out, ERR_TLS,
            "tidblink: TLS to cluster %s %s failed: the server offers no TLS 1.2 or newer (%s). "
            "Check host and port: TiDB Cloud has TLS 1.2 and 1.3",
            view->alias, text, reason_of(tls));
    else
        err_set(out, ERR_TLS,
            "tidblink: TLS to cluster %s %s failed in the handshake: %.*s. Try again; if it "
            "stays so, run tidblink doctor",
            view->alias, text, REASON_SHOWN, reason_of(tls));
    out->sys = tls->error ? 0 : tls->sys;
}

void tls_why_client(const struct tls *tls, struct err *out)
{
    // An alert of the client's is about our certificate, as a rule.
    bool is_alert = tls->error && ERR_GET_REASON(tls->error) >= SSL_AD_REASON_OFFSET;
    err_set(out, ERR_CLIENT_TLS, "TLS with the client failed: %.*s%s", REASON_SHOWN, reason_of(tls),
        is_alert ? ". If it does not trust our certificate, give it one that it does with "
                   "client-tls-cert and client-tls-key, or let it use TLS without verifying"
                 : "");
    out->sys = tls->error ? 0 : tls->sys;
}
