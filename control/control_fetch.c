// SPDX-License-Identifier: Apache-2.0
//
// One look for a command that prints and ends: at the API (account_look.c), or at the file that
// stands for it.
#include "control/account.h"
#include "control/state_file.h"

#include <string.h>

bool control_fetch(const struct control_options *options, const struct control_target *target,
    uint64_t timeout_ms, struct model **out_model, struct err *err)
{
    const char *source = options->state_source;
    if (source != NULL && strncmp(source, "file:", 5) == 0)
        return state_file_read(source + 5, out_model, err);
    if (source != NULL && strcmp(source, "none") == 0)
        return err_set(err, ERR_OPTION, "state-source is none, so there is nobody to ask");
    struct account *account = account_open(options, NULL, NULL, err);
    bool done = account != NULL && account_look(account, target, timeout_ms, out_model, err);
    account_close(account);
    return done;
}

uint64_t control_look_ms(const struct control_options *options)
{
    enum { REQUESTS = 4 };
    return options->api_timeout_ms * REQUESTS;
}
