// SPDX-License-Identifier: Apache-2.0
//
// What must be true of a request before any client's shape is filled in. Pure.
#pragma once

#include "strings/strings.h"

// Checks `asked` and writes to `out` what a client should be told: 127.0.0.1 for localhost and the
// wildcards, no host with a socket, no CA without verification.
bool request_settle(
    const struct string_request *asked, struct string_request *out, struct err *err) MUST_CHECK;
// Whether this client can do what the settled request asks for.
bool request_suits(const struct string_client *client, const struct string_request *request,
    struct err *err) MUST_CHECK;
// Host and port as URLs have them, an IPv6 address in brackets.
enum { REQUEST_AUTHORITY_BYTES = 272 };
void request_authority(const struct string_request *request, char out[REQUEST_AUTHORITY_BYTES]);
// An IPv4 or IPv6 address, no name.
bool request_host_is_address(const char *host);
