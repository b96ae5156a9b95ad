// SPDX-License-Identifier: Apache-2.0
//
// How a value is written so that a client's parser reads the same bytes back: one encoder per
// format; strings/decode.h has the way back. Pure. Values are UTF-8 (encode_is_utf8), without NUL.
#pragma once

#include "base/buf.h"
#include "base/defs.h"
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

enum string_encoding {
    ENCODING_RAW =
        0, // as it is: the format has no escapes, and the row's limits say what it cannot carry
    ENCODING_LINE,  // as it is, on a line of its own: no control characters
    ENCODING_PLAIN, // a part of a URL that the client does not decode: letters, digits, - . _

    ENCODING_PERCENT, // any URL or query value: decoded alike by every percent-decoder we know
    ENCODING_PERCENT_TWICE, // for a client that decodes twice
    ENCODING_PERCENT_LATIN, // for a client that sends what it decoded as Latin-1
    ENCODING_PERCENT_INI,   // in a file of Python's configparser, which wants every % doubled
    ENCODING_FILE_URL,      // a path in a file: URL that is itself a query value
    ENCODING_BASE64,        // RFC 4648, with padding

    ENCODING_SHELL,      // one word of a POSIX shell
    ENCODING_SHELL_PART, // a part of what stands in a POSIX shell's single quotes
    ENCODING_POWERSHELL, // a literal in single quotes of PowerShell

    ENCODING_JSON,         // a string literal of JSON, JavaScript, Go, C#, R or TOML
    ENCODING_DOLLAR,       // likewise of Kotlin, Julia or Dart, where $ starts a variable
    ENCODING_BRACES,       // a string literal of Rust, Swift or Elixir: \u{NN}
    ENCODING_OCTAL,        // a string literal of C, C++ or Java
    ENCODING_PYTHON,       // a string literal of Python
    ENCODING_PYTHON_BYTES, // likewise, and turned into UTF-8 bytes when it is not ASCII
    ENCODING_PYTHON_LATIN, // likewise for a client that sends a str as Latin-1
    ENCODING_SINGLE,       // a literal in single quotes of PHP, Perl or Ruby
    ENCODING_SINGLE_PART,  // a part of such a literal
    ENCODING_PDO,          // a part of such a literal, the value being one of a DSN of PDO
    ENCODING_SQL,          // a literal in single quotes of standard SQL

    ENCODING_OPTION,        // a value in an option file of MySQL (my.cnf)
    ENCODING_ADO,           // a value in a connection string of ADO.NET
    ENCODING_ODBC,          // a value in a connection string of ODBC
    ENCODING_XML,           // the value of an attribute, or text between tags
    ENCODING_YAML,          // a scalar
    ENCODING_YAML_DOLLAR,   // a scalar of Compose or Grafana, where $ starts a variable
    ENCODING_PROPERTIES,    // the value in a Java .properties file
    ENCODING_HCL,           // a string of Terraform
    ENCODING_SYSTEMD,       // the value in systemd's EnvironmentFile
    ENCODING_SYSTEMD_PART,  // a part of the double quotes of systemd's Environment=
    ENCODING_DOTENV,        // the value in a .env file of Node's dotenv
    ENCODING_DOTENV_EXPAND, // likewise when dotenv-expand reads it after that
    ENCODING_DOTENV_PHP,    // phpdotenv, as Laravel uses it
    ENCODING_DOTENV_PYTHON, // python-dotenv
    ENCODINGS
};

// Appends `text` to `out`. False: the format cannot carry it (err says why) or out of memory.
bool encode_text(
    enum string_encoding encoding, const char *text, struct buf *out, struct err *err) MUST_CHECK;
// Appends a placeholder: unencoded, so that people recognize it, in the quotes of the encoding.
bool encode_placeholder(
    enum string_encoding encoding, const char *text, struct buf *out, struct err *err) MUST_CHECK;
// What whoever replaces the placeholder by hand must do to the value; for people.
const char *encode_advice(enum string_encoding encoding);
// The encoding with this name (as templates write it); false if there is none.
bool encode_find(const char *name, size_t len, enum string_encoding *out);

bool encode_is_utf8(const char *bytes, size_t len);
bool encode_is_ascii(const char *text);
// Control characters, DEL included; C1 too (U+0080..U+009F: some terminals obey them).
bool encode_has_control(const char *text);
