// SPDX-License-Identifier: Apache-2.0
//
// Connection strings that a client accepts as they stand: the catalogue of clients, and the one
// function that prints a string for one of them. Pure functions, no I/O; any thread.
//
// What a client's format cannot carry is an error that says why, never a wrong string. Passwords:
// without one the string holds STRINGS_PASSWORD_PLACEHOLDER where the encoded password belongs, in
// quotes where the format has quotes, so that the string is well-formed as it is and stays so when
// the placeholder is replaced as string_output.password_advice says.
#pragma once

#include "base/defs.h"
#include "base/err.h"
#include "strings/client.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STRINGS_PASSWORD_PLACEHOLDER "<PASSWORD>"
#define STRINGS_CA_PLACEHOLDER "<CA_PATH>"

// Nothing here is owned or changed.
struct string_request {
    const char *host;     // a name or an address without brackets; not looked at with a socket
    uint16_t port;        // likewise
    const char *socket;   // absolute path of a unix socket; NULL: TCP
    const char *user;     // TiDB Cloud Dedicated has no user prefix: as it is
    const char *password; // NULL: the placeholder
    const char *database; // NULL: none
    bool direct;          // to the cluster itself; else to a proxy on this machine, whose host may
                          // be given as "localhost" or as the wildcard address it listens on
    enum string_tls tls;
    const char *ca_path;  // PEM file for the verify modes; NULL: the placeholder
    const char *tls_name; // the name in the certificate; NULL: the host
};

struct string_output {
    char *text;  // the string; may have several lines, never ends with one
    char *setup; // what must be done once before it works: commands, or code; NULL: nothing
    struct string_request fields; // as the client will read them; points into the request
    bool has_password; // text holds the password or its placeholder; else the client asks
    bool has_password_placeholder;
    bool has_ca_placeholder;     // in text or setup
    const char *password_advice; // how to write the password in place of the placeholder
};

// The catalogue, in the order in which it is shown. NULL behind the last one.
const struct string_client *strings_at(size_t index);
// By id or one of the other names, case-insensitive; NULL if there is none.
const struct string_client *strings_find(const char *id);
const char *strings_kind_name(enum string_kind kind);    // "general", "command line", "driver", …
const char *strings_proof_name(enum string_proof proof); // "yes", "no", "GUI"
const char *strings_tls_name(enum string_tls mode);      // "off", "verify-identity", …
bool strings_tls_find(const char *name, enum string_tls *out) MUST_CHECK;

// Fills `out`, which strings_output_done empties; on failure there is nothing to empty. The errors:
// ERR_USAGE (the request, or what this client cannot do or carry), ERR_MEMORY.
bool strings_print(const struct string_client *client, const struct string_request *request,
    struct string_output *out, struct err *err) MUST_CHECK;
// The client's example instead of its string: a whole program, the setup in it where that is code.
bool strings_example(const struct string_client *client, const struct string_request *request,
    struct string_output *out, struct err *err) MUST_CHECK;
// The URL alone, as a program finds it that reads the string's lines as settings: what stands
// behind `name`= there (NULL: the string is the URL), without the line's quotes. No password: the
// URL names none. TLS as the request says, or as the client does by itself where its URL cannot say
// it.
// `*out` is the caller's, to be wiped.
bool strings_url(const struct string_client *client, const char *name,
    const struct string_request *request, char **out, struct err *err) MUST_CHECK;
// Whether it can say that mode.
bool strings_url_has_tls(const struct string_client *client, enum string_tls mode);
void strings_output_done(struct string_output *out); // wipes the text: it may hold the password

// For whoever reads a password from a file or a variable: a C string would lose a NUL and what
// follows, and clients do different things to bytes that are not UTF-8.
bool strings_check_password(const char *bytes, size_t len, struct err *err) MUST_CHECK;
