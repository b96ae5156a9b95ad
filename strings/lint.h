// SPDX-License-Identifier: Apache-2.0
//
// What a client reads out of a connection string, and what is wrong with the string: traps that
// this client has, not what might be nicer. Pure; any thread. Nothing in a report holds any part of
// the password, not even where the client takes a part of it for the host: then is_misread is set
// and the fields are left out.
#pragma once

#include "strings/client.h"

#include <stdint.h>

enum { LINT_BYTES = 65536, LINT_FINDINGS = 32, LINT_PARAMS = 64 };

enum lint_severity {
    LINT_WARNING = 0, // works here and now, but not as it seems, or not everywhere
    LINT_ERROR,       // refused, or read as something else than what is meant, or not safe
};

enum lint_tls {
    LINT_TLS_CLIENT = 0, // nothing is said: whatever the client does by itself
    LINT_TLS_OFF,
    LINT_TLS_IDENTITY,   // issuer and name of the certificate
    LINT_TLS_CA,         // its issuer
    LINT_TLS_UNVERIFIED, // encrypted, to whoever answers
    LINT_TLS_CUSTOM,     // as the program has set it up under this name
    LINT_TLS_MODES
};

// What the string leaves to the running program: a variable, a call, a template.
enum lint_field {
    LINT_HOST = 1,
    LINT_PORT = 2,
    LINT_SOCKET = 4,
    LINT_USER = 8,
    LINT_PASSWORD = 16,
    LINT_DATABASE = 32,
};

struct lint_finding {
    enum lint_severity severity;
    const char *code; // stable: "raw-special", "no-port", …
    unsigned line;    // from 1; 0: about the string as a whole
    unsigned column;  // from 1, in characters
    char what[200];
    char why[320];
};

struct lint_param {
    const char *name;
    const char *value; // NULL: a secret, not shown
};

struct lint_report {
    bool is_misread;    // a part of the password ends up in another field
    const char *host;   // NULL: none, as with all of these
    const char *socket; // path of a unix socket
    const char *user;
    const char *database;
    unsigned port; // 0: none
    bool has_password;
    unsigned expressions; // of enum lint_field: no literal, so that its value is not known here
    enum lint_tls tls;
    struct lint_param params[LINT_PARAMS];
    size_t param_count;
    struct lint_finding findings[LINT_FINDINGS];
    size_t finding_count;
    const char *corrected; // with STRINGS_PASSWORD_PLACEHOLDER; NULL: cannot be told
};

// Whether there is a reader for this client's strings.
bool lint_knows(const struct string_client *client);
// Reads `len` bytes of text. The caller frees the report, which owns all its texts. ERR_USAGE: not
// a text that this client could be given (no UTF-8, too long, another form); ERR_MEMORY.
bool lint_read(const struct string_client *client, const char *text, size_t len,
    struct lint_report **out, struct err *err) MUST_CHECK;
void lint_free(struct lint_report *report);
bool lint_has_error(const struct lint_report *report);
const char *lint_tls_name(enum lint_tls tls); // "off", "verify-identity", …
