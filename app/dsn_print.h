// SPDX-License-Identifier: Apache-2.0
//
// How tidblink dsn prints: the catalogue, the strings, or the small programs with the strings in
// them. Used by cmd_dsn.c; the objects by admin_dsn.c as well.
#pragma once

#include "strings/strings.h"

struct cJSON;

enum { DSN_CLIENTS_MAX = 256 };

struct dsn_print {
    const struct string_client *clients[DSN_CLIENTS_MAX];
    size_t count;
    bool json;
    bool example; // a program instead of the string
};

// What a client cannot do is an error only if it is the only one.
bool dsn_print(const struct dsn_print *print, const struct string_request *request,
    struct err *err) MUST_CHECK;
bool dsn_print_list(bool json, struct err *err) MUST_CHECK;
// From the terminal, without echo; the caller frees it with secret_free.
bool dsn_password_ask(char **out, struct err *err) MUST_CHECK;

// What --list and --json print, for the caller to free: an array of all clients; one client's
// string with what to know about it, or (output NULL) why there is none.
struct cJSON *dsn_print_clients(void);
struct cJSON *dsn_print_object(const struct string_client *client,
    const struct string_output *output, const struct err *failure);
