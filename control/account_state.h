// SPDX-License-Identifier: Apache-2.0
//
// What an account remembers, and one exchange with the API; shared by account.c (life, exchange),
// account_look.c (the look) and account_calls.c (the calls). Nobody else includes this.
#pragma once

#include "base/loop.h"
#include "control/account.h"
#include "control/session.h"

struct account {
    const struct control_options *options;
    struct loop *loop;
    struct session session;
    account_wait_fn wait; // NULL: nobody wants to know
    void *wait_arg;
    struct timer timer;   // the end of a pause, or of a look
    struct reply *asking; // of the request under way
};

struct request {
    const char *method; // "GET", "POST", "DELETE"
    const char *path;   // below /v1beta1
    const char *body;   // JSON, or NULL
};

// How a request went.
struct reply {
    struct err err; // code ERR_NONE: status 200
    long status;    // 0: no answer
    bool may_pass;  // see api.h
    struct api_quota quota;
    char *body; // never NULL; freed by reply_done
    size_t len;
};
void reply_done(struct reply *reply); // for CLEANUP

// Sends a request once. `out` is overwritten and the caller's to free. Returns whether the status
// was 200.
bool account_send(
    struct account *account, const struct request *request, struct reply *out) MUST_CHECK;
// Sends a request until there is an answer that stands: after 429 when the API says, and what may
// be sent again without harm (all but POST) after silence and 5xx. Otherwise as account_send.
bool account_exchange(
    struct account *account, const struct request *request, struct reply *out) MUST_CHECK;
// Tells the caller's caller why, then blocks.
void account_pause(struct account *account, uint64_t pause_ms, const struct err *why);
// After 429: what the API says, else 10 s; at most 60 s.
uint64_t account_rate_pause_ms(const struct api_quota *quota);
// 1 s, 2 s, 4 s, but no longer than one request may take.
uint64_t account_backoff_ms(const struct account *account, unsigned failures);
