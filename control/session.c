// SPDX-License-Identifier: Apache-2.0
//
// Opens what control.c (for as long as it runs) and account.c (for a command) need to ask the API.
// The keys live in our memory only while the client copies them.
#include "control/session.h"

#include "control/api.h"
#include "control/control.h"
#include "control/http.h"
#include "control/keys.h"

bool session_open(struct session *session, const struct control_options *options, struct loop *loop,
    struct err *err)
{
    struct keys keys = { 0 };
    *session = (struct session){ 0 };
    if (!keys_load(options, &keys, err))
        return false;
    struct api_options api_options = {
        .url = options->api_url,
        .ca = options->api_ca,
        .keys = &keys,
        .timeout_ms = options->api_timeout_ms,
    };
    session->http = http_new(loop, err);
    if (session->http != NULL)
        session->api = api_new(session->http, &api_options, err);
    keys_wipe(&keys);
    if (session->api == NULL)
        session_close(session);
    return session->api != NULL;
}

void session_close(struct session *session)
{
    api_free(session->api);
    http_free(session->http);
    *session = (struct session){ 0 };
}
