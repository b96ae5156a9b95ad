// SPDX-License-Identifier: Apache-2.0
//
// A command's line to the control API: a loop of its own that runs while a call waits, and the
// rules for asking again. See account.h; the calls are in account_calls.c, the look in
// account_look.c.
#include "control/account_state.h"

#include <stdlib.h>
#include <string.h>

enum {
    RATE_PAUSES = 3,       // after 429
    REPEATS = 3,           // after silence or 5xx
    RATE_PAUSE_S = 10,     // when the API does not say for how long
    RATE_PAUSE_MAX_S = 60, // the quota is one of requests a minute
    BACKOFF_MS = 1000
};

// ---- life ---------------------------------------------------------------------------------------

static void on_timer(struct timer *timer)
{
    const struct account *account = CONTAINER_OF(timer, struct account, timer);
    loop_stop(account->loop);
}

struct account *account_open(
    const struct control_options *options, account_wait_fn fn, void *arg, struct err *err)
{
    struct account *account = calloc(1, sizeof(*account));
    if (account == NULL)
        abort();
    account->options = options;
    account->wait = fn;
    account->wait_arg = arg;
    account->loop = loop_new("account", err);
    if (account->loop == NULL || !session_open(&account->session, options, account->loop, err)) {
        account_close(account);
        return NULL;
    }
    timer_init(&account->timer, account->loop, on_timer);
    return account;
}

void account_close(struct account *account)
{
    if (account == NULL)
        return;
    session_close(&account->session);
    if (account->loop != NULL)
        loop_free(account->loop);
    free(account);
}

struct account_line account_line(const struct account *account)
{
    struct api_line line = api_line(account->session.api);
    return (struct account_line){ line.quota, line.server_clock, line.own_clock, line.requests };
}

// ---- one exchange -------------------------------------------------------------------------------

void reply_done(struct reply *reply)
{
    free(reply->body);
    *reply = (struct reply){ 0 };
}

static void on_answer(void *arg, const struct api_answer *answer, const struct err *err)
{
    struct account *account = arg;
    struct reply *reply = account->asking;
    *reply = (struct reply){ .status = answer->status,
        .may_pass = answer->may_pass,
        .quota = answer->quota,
        .body = strdup(answer->body),
        .len = answer->len };
    if (reply->body == NULL)
        abort();
    if (err != NULL)
        reply->err = *err;
    loop_stop(account->loop);
}

bool account_send(struct account *account, const struct request *request, struct reply *out)
{
    account->asking = out;
    api_send(
        account->session.api, request->method, request->path, request->body, on_answer, account);
    loop_run(account->loop);
    account->asking = NULL;
    return out->err.code == ERR_NONE;
}

uint64_t account_rate_pause_ms(const struct api_quota *quota)
{
    int64_t pause_s = quota->retry_after_s >= 0 ? quota->retry_after_s : quota->reset_s;
    if (pause_s < 0)
        pause_s = RATE_PAUSE_S;
    return (uint64_t)(pause_s < RATE_PAUSE_MAX_S ? pause_s : RATE_PAUSE_MAX_S) * 1000;
}

uint64_t account_backoff_ms(const struct account *account, unsigned failures)
{
    uint64_t pause_ms = (uint64_t)BACKOFF_MS << failures;
    return pause_ms < account->options->api_timeout_ms ? pause_ms
                                                       : account->options->api_timeout_ms;
}

void account_pause(struct account *account, uint64_t pause_ms, const struct err *why)
{
    if (account->wait != NULL)
        account->wait(account->wait_arg, pause_ms, why);
    timer_start(&account->timer, pause_ms);
    loop_run(account->loop);
}

bool account_exchange(struct account *account, const struct request *request, struct reply *out)
{
    bool repeatable = strcmp(request->method, "POST") != 0;
    unsigned pauses = 0;
    unsigned repeats = 0;
    for (;;) {
        uint64_t pause_ms;
        if (account_send(account, request, out))
            return true;
        if (out->err.code == ERR_API_RATE && pauses < RATE_PAUSES) {
            pauses++;
            pause_ms = account_rate_pause_ms(&out->quota);
        } else if (out->may_pass && repeatable && repeats < REPEATS) {
            pause_ms = account_backoff_ms(account, repeats++);
        } else {
            return false;
        }
        account_pause(account, pause_ms, &out->err);
        reply_done(out);
    }
}
