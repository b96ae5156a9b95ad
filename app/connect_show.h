// SPDX-License-Identifier: Apache-2.0
//
// What connect prints when the way is open: the address, and at a terminal the string of a client.
// Main thread.
#pragma once

#include "base/defs.h"

#include <stdbool.h>

struct err;
struct settings;
struct string_client;
struct string_request;

// The client that --client names, and remembers it; else the last one that was named on this
// machine, else MySQL's command line. NULL: there is no such client.
const struct string_client *connect_show_client(
    const struct settings *settings, const char *name, struct err *err) MUST_CHECK;
// On standard output, flushed. `request` has no password. False: nobody reads it any more.
bool connect_show(const char *alias, const struct string_client *client,
    const struct string_request *request, struct err *err) MUST_CHECK;
// "127.0.0.1:21234", or the path of the socket; of a settled request; returns out.
enum { CONNECT_SHOW_BYTES = 280 };
const char *connect_show_address(
    const struct string_request *request, char out[CONNECT_SHOW_BYTES]);
