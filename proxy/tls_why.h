// SPDX-License-Identifier: Apache-2.0
//
// Why a TLS handshake failed, for the person who meets it: what was expected, what was seen, the
// one next step. Pure; as refusal.h.
#pragma once

#include "base/addr.h"
#include "base/err.h"

struct tls;
struct view;

// Towards the cluster, ERR_TLS.
void tls_why_server(
    const struct view *view, const struct addr *server, const struct tls *tls, struct err *out);
// Towards the client, which cannot be told: for the log, ERR_CLIENT_TLS.
void tls_why_client(const struct tls *tls, struct err *out);
