// SPDX-License-Identifier: Apache-2.0
//
// Reads a query by a list of names. Used by admin.c, admin_wait.c and admin_dsn.c.
#include "app/admin_query.h"

#include "base/err.h"

#include <event2/http.h>
#include <stdio.h>
#include <string.h>

enum { NAMES_BYTES = 128 };

// "cluster, client or user".
static const char *list(const char *const *names, size_t count, char out[NAMES_BYTES])
{
    size_t len = 0;
    *out = '\0';
    for (size_t i = 0; i < count && len < NAMES_BYTES; i++)
        len += (size_t)snprintf(out + len, NAMES_BYTES - len, "%s%s",
            i == 0           ? ""
            : i == count - 1 ? " or "
                             : ", ",
            names[i]);
    return out;
}

static bool sort(const struct evkeyval *given, const char *const *names, size_t count,
    struct admin_query *out, struct err *err)
{
    char expected[NAMES_BYTES];
    for (size_t i = 0; i < count; i++) {
        if (strcmp(names[i], given->key) != 0)
            continue;
        if (out->values[i])
            return err_set(err, ERR_USAGE, "%s: given twice", names[i]);
        out->values[i] = given->value;
        return true;
    }
    return err_set(
        err, ERR_USAGE, "no parameter has this name: expected %s", list(names, count, expected));
}

bool admin_query_read(struct evhttp_request *request, const char *const *names, size_t count,
    struct admin_query *out, struct err *err)
{
    const struct evkeyval *given;
    const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(request);
    const char *text = uri ? evhttp_uri_get_query(uri) : NULL;
    *out = (struct admin_query){ 0 };
    TAILQ_INIT(&out->pairs);
    // A NUL in it was refused before.
    if (text && evhttp_parse_query_str(text, &out->pairs) != 0)
        return err_set(err, ERR_USAGE, "the query cannot be read: expected NAME=VALUE&...");
    TAILQ_FOREACH(given, &out->pairs, next) {
        if (!sort(given, names, count, out, err))
            return false;
    }
    return true;
}

void admin_query_done(struct admin_query *query)
{
    evhttp_clear_headers(&query->pairs);
}
