// SPDX-License-Identifier: Apache-2.0
//
// One row of the catalogue of clients: how a client's connection string is put together, as data.
// Adding a client is adding a row to the file of its language, and a test.
//
// A shape is text in which `$` starts what is filled in:
//   $user            the value of a field in the client's own encoding
//   $percent(user)   the same in another one (the names are in encode.c)
//   $?database{ … $} what stands between is left out when the field has no value
//   $!database{ … $} likewise when it has one
//   $tls             the piece of the TLS mode that is asked for, itself a shape
//   $$               a dollar sign
// Fields: host, port, authority (host:port, IPv6 in brackets), socket, user, password, database,
// ca (the path of the CA's PEM file), tls_name (the name that the certificate must carry); in an
// example also string (what this client's own shape made) and setup (what the TLS mode needs done).
// port, authority, string and setup are plain unless an encoding is named; "port" and "authority"
// hold nothing that any format would encode.
#pragma once

#include "strings/encode.h"

enum string_field {
    STRING_HOST = 0,
    STRING_PORT,
    STRING_AUTHORITY,
    STRING_SOCKET,
    STRING_USER,
    STRING_PASSWORD,
    STRING_DATABASE,
    STRING_CA,
    STRING_TLS_NAME,
    STRING_STRING,
    STRING_SETUP,
    STRING_FIELDS
};

enum string_kind {
    STRING_GENERAL = 0,
    STRING_COMMAND,
    STRING_DRIVER,
    STRING_ORM,
    STRING_FRAMEWORK,
    STRING_TOOL,
    STRING_CARRIER, // brings values to a program: files, environments, secrets
    STRING_KINDS
};

// Whether a test has given the string, as it is printed, to the client itself.
enum string_proof {
    STRING_UNPROVEN = 0,
    STRING_GUI,    // nor can one: it takes its values in a window
    STRING_PROVEN, // tests/drivers/strings, tests/e2e/test_strings_drivers.py
    STRING_PROOFS
};

enum string_tls {
    STRING_TLS_OFF = 0,         // plaintext, said explicitly where the client would insist on TLS
    STRING_TLS_VERIFY_IDENTITY, // the certificate's issuer and its name
    STRING_TLS_VERIFY_CA,       // its issuer only
    STRING_TLS_CLIENT,          // say nothing: whatever the client does by itself
    STRING_TLS_MODES
};

struct string_tls_form {
    const char *piece;   // a shape, for $tls; NULL: nothing
    const char *setup;   // a shape: what must be done before the string works; NULL: nothing
    const char *why_not; // this client cannot do it, because …; NULL: it can
};

// A text that the client's format has no way to carry in this field.
struct string_limit {
    enum string_field field;
    const char *text; // NULL ends the list
    const char *why;
};

struct string_client {
    const char *id;   // for --client
    const char *also; // other names, blank-separated (the ids of TiDB Cloud's dialog among them)
    const char *name; // for people
    const char *language; // "" for none
    enum string_kind kind;
    enum string_proof proof;
    enum string_encoding encoding; // of a field that names no other
    const char *tcp;               // shape
    const char *socket;            // shape; NULL: no_socket says why
    const char *no_socket;
    const char *no_ip_identity; // why no certificate is checked against an IP address; NULL: it is
    bool any_tls_name;          // can check a certificate for another name than the one it dials
    struct string_tls_form tls[STRING_TLS_MODES];
    const struct string_limit *limits; // NULL: none
    const char *trims;                 // why a password loses blanks at its ends; NULL: it does not
    const char *notes;                 // the client's traps, one per line
    const char *example; // shape of a whole program that logs in, prepares a statement, sends it
                         // 64 KB, and prints "1 65536"; without $string it reads the string from
                         // a file that its first comment names; NULL: none
};

// A file of rows; strings.c lists them all.
struct string_shelf {
    const struct string_client *clients;
    size_t count;
};

extern const struct string_shelf general_shelf; // parameters, URL
extern const struct string_shelf commands_shelf;
extern const struct string_shelf go_shelf;
extern const struct string_shelf go_tools_shelf;
extern const struct string_shelf jvm_shelf;
extern const struct string_shelf jvm_config_shelf;
extern const struct string_shelf node_shelf;
extern const struct string_shelf node_orm_shelf;
extern const struct string_shelf python_shelf;
extern const struct string_shelf python_orm_shelf;
extern const struct string_shelf php_shelf;
extern const struct string_shelf ruby_shelf;
extern const struct string_shelf rust_shelf;
extern const struct string_shelf dotnet_shelf;
extern const struct string_shelf native_shelf; // C, C++, Perl, R, Julia, Swift, Elixir
extern const struct string_shelf tools_shelf;
extern const struct string_shelf carriers_shelf;
