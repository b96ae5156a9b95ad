// SPDX-License-Identifier: Apache-2.0
//
// What --client means. Used by cmd_dsn.c and connect_show.c; dsn_lint.c, whose word may be a
// secret, does not repeat it.
#include "app/clients.h"

#include "base/err.h"
#include "base/suggest.h"

#include <stddef.h>

const struct string_client *clients_find(const char *name, struct err *err)
{
    const struct string_client *client = strings_find(name);
    if (client)
        return client;
    struct suggest suggest = suggest_for(name);
    for (size_t i = 0; (client = strings_at(i)); i++)
        suggest_offer(&suggest, client->id);
    err_set(err, ERR_USAGE, "--client: no client \"%.60s\": dsn --list shows them%s", name,
        suggest_text(&suggest));
    return NULL;
}
