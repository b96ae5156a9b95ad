// SPDX-License-Identifier: Apache-2.0
//
// The parameters of a request. A name that means nothing is refused, and so is one that is there
// twice: a probe with a slip in it must not answer for something else. Main thread; part of the
// admin HTTP.
#pragma once

#include "base/defs.h"

#include <event2/keyvalq_struct.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/queue.h>

struct err;
struct evhttp_request;

enum { ADMIN_QUERY_MAX = 8 };

struct admin_query {
    struct evkeyvalq pairs;
    const char *values[ADMIN_QUERY_MAX]; // decoded, by the place of their names; NULL: not given
};

// Reads ?NAME=VALUE&... by `names`, at most ADMIN_QUERY_MAX. False: err (ERR_USAGE) says what is
// wrong without repeating what was given. Either way admin_query_done has to follow.
bool admin_query_read(struct evhttp_request *request, const char *const *names, size_t count,
    struct admin_query *out, struct err *err) MUST_CHECK;
void admin_query_done(struct admin_query *query);
