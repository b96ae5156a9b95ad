// SPDX-License-Identifier: Apache-2.0
//
// Rows that many lists of rules have (lint_traps.c, lint_code_traps.c).
#pragma once

#define NOT_VERIFIED "tls-unverified"
#define ANYBODY                                                                                    \
    "the connection is encrypted to whoever answers: a certificate is not looked at. To the "      \
    "cluster "
#define FALLS_BACK                                                                                 \
    "without TLS on the server's side it goes on in plaintext, and a certificate is not looked at"

// Unverified: to another machine the name can be checked, to a proxy on this one only the issuer.
#define UNVERIFIED(WHEN, AT, WHAT, WHY, BY_NAME, BY_CA)                                            \
    { WHEN " !@host=loopback", LINT_TLS_UNVERIFIED, LINT_ERROR, NOT_VERIFIED, AT, WHAT,            \
        ANYBODY WHY, BY_NAME },                                                                    \
    {                                                                                              \
        WHEN, LINT_TLS_UNVERIFIED, LINT_ERROR, NOT_VERIFIED, AT, WHAT, ANYBODY WHY, BY_CA          \
    }

// The modes of MySQL's own library under one of their names.
#define MODES(MODE, CA)                                                                            \
    { .when = MODE "=DISABLED", .tls = LINT_TLS_OFF },                                             \
        { .when = MODE "=VERIFY_IDENTITY", .tls = LINT_TLS_IDENTITY },                             \
        { .when = MODE "=VERIFY_CA", .tls = LINT_TLS_CA },                                         \
        UNVERIFIED(MODE "=REQUIRED", MODE, MODE "=REQUIRED does not verify the server",            \
            "itself write " MODE "=VERIFY_IDENTITY", MODE "=VERIFY_IDENTITY", MODE "=VERIFY_CA"),  \
    {                                                                                              \
        MODE "=PREFERRED", LINT_TLS_CLIENT, LINT_WARNING, NOT_VERIFIED, MODE,                      \
            MODE "=PREFERRED does not insist on TLS", FALLS_BACK, NULL                             \
    }
#define END                                                                                        \
    {                                                                                              \
        0                                                                                          \
    }

#define LEG_IS_PLAIN                                                                               \
    "the proxy's listener takes plaintext unless client-tls is set, and without TLS a user of "    \
    "caching_sha2_password is refused"
// Private endpoints drop what is idle for 350 seconds.
#define IDLE_CUT(WHEN, AT, WHAT, WHY)                                                              \
    {                                                                                              \
        WHEN, 0, LINT_WARNING, "idle-cut", AT, WHAT,                                               \
            "a private endpoint silently drops a connection that is idle for 350 seconds: " WHY,   \
            NULL                                                                                   \
    }
