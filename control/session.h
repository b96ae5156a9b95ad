// SPDX-License-Identifier: Apache-2.0
//
// A loop's connection to the control API as the options describe it: keys, transport, client.
#pragma once

#include "base/defs.h"

#include <stdbool.h>

struct api;
struct control_options;
struct err;
struct http;
struct loop;

struct session {
    struct http *http;
    struct api *api;
};

bool session_open(struct session *session, const struct control_options *options, struct loop *loop,
    struct err *err) MUST_CHECK;
void session_close(struct session *session); // a zeroed one is allowed
