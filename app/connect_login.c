// SPDX-License-Identifier: Apache-2.0
//
// Used by connect_run.c.
#include "app/connect_login.h"

#include "base/err.h"
#include "proxy/jump_words.h"
#include "proxy/proxy.h"
#include "proxy/via.h"

#include <unistd.h>

bool connect_login_is_wanted(const struct proxy *proxy)
{
    return proxy_control_path(proxy, 0) && isatty(STDIN_FILENO) && isatty(STDERR_FILENO);
}

struct foreground *connect_login_start(struct loop *loop, const struct proxy *proxy,
    const struct foreground_legacy *legacy, foreground_fn fn, void *arg, struct err *err)
{
    struct jump_words words;
    struct foreground *login = NULL;
    const struct via *via = proxy_target_state(proxy, 0).via;
    if (jump_words_log_in(&words, via, proxy_control_path(proxy, 0))) {
        const struct foreground_spec spec = { .argv = words.argv, .legacy = legacy };
        login = foreground_start(loop, &spec, fn, arg, err);
    } else {
        err_set(err, ERR_MEMORY, "out of memory");
    }
    jump_words_done(&words);
    return login;
}
