// SPDX-License-Identifier: Apache-2.0
//
// What the resolver tells people. The texts end in MySQL ERR packets, where clients' wrappers cut
// the end off and the end is the next step: printable ASCII, under TEXT_BYTES whatever the name.
// Pure.
#pragma once

#include <stdint.h>

struct err;

enum { TEXT_BYTES = 360, TEXT_HOST_BYTES = 97 };

// A host name without its trailing dot; a longer one ends in "..."; returns out.
const char *text_host(const char *host, char out[TEXT_HOST_BYTES]);

// What a c-ares status other than ARES_SUCCESS means for `host`, asked of `server`.
void text_failure(
    int status, const char *server, const char *host, uint64_t timeout_ms, struct err *err);
// When more than one server was asked: `servers` is their list, for people.
void text_all_silent(const char *servers, const char *host, uint64_t timeout_ms, struct err *err);
