// SPDX-License-Identifier: Apache-2.0
//
// Source code and files with a syntax of their own, as names and values: the tokens of many
// languages (code_tokens.c), their brackets, calls and named values (code_parse.c), what a client
// makes of them (read_code.c) and the clients (lint_code_clients.c). No language is read whole:
// what stands around a connection's values is skipped. Pure.
#pragma once

#include "strings/lint_rows.h"

enum lint_language {
    LANGUAGE_JS = 0, // and TypeScript
    LANGUAGE_JSON,
    LANGUAGE_PYTHON,
    LANGUAGE_RUBY,
    LANGUAGE_PHP,
    LANGUAGE_PERL,
    LANGUAGE_R,
    LANGUAGE_JULIA,
    LANGUAGE_C, // and C++
    LANGUAGE_JAVA,
    LANGUAGE_KOTLIN,
    LANGUAGE_SCALA, // and Python, which Spark is written in as well
    LANGUAGE_SWIFT,
    LANGUAGE_ELIXIR,
    LANGUAGE_SQL,
    LANGUAGE_TOML,
    LANGUAGE_HCL,
    LANGUAGE_POWERSHELL,
    LANGUAGES
};

// ---- tokens -------------------------------------------------------------------------------------

enum token_kind {
    TOKEN_END = 0,
    TOKEN_TEXT,   // a literal, its quotes included
    TOKEN_WORD,   // a name with what is joined to it by . :: ->, or a symbol
    TOKEN_NUMBER, //
    TOKEN_MARK,   // one character that is none of these; '=' is also =>
    TOKEN_LINE,   // the end of a line
};

struct token {
    uint8_t kind;
    char mark;
    bool is_open;        // a literal without an end
    bool is_raw;         // no escapes in it
    bool is_expression;  // its language fills it in: f"…", `…${…}`
    uint32_t start, end; // in the text
};

// Where a literal is to end, whatever the language says.
struct code_fix {
    uint32_t start; // of the token
    uint32_t end;   // behind the quote; 0: no fix
};

struct code_source {
    struct lint *lint;
    enum lint_language language;
    struct lint_text text;
    struct code_fix fix;
};

// Writes at most one token more than the text has bytes; returns how many, the TOKEN_END not
// counted.
size_t code_tokens(const struct code_source *source, struct token *out);
// What the program has for this literal; the findings are about `what`: "password".
struct lint_text code_literal(
    const struct code_source *source, const struct token *token, const char *what);
// Whether its language fills in a part of it, or all of it.
enum code_fill { CODE_FILL_NONE = 0, CODE_FILL_PART, CODE_FILL_ALL };
enum code_fill code_filled(const struct code_source *source, const struct token *token);
bool code_joins_literals(enum lint_language language); // "a" "b" is one
bool code_ends_at_lines(enum lint_language language);  // also in braces
const char *code_language_name(enum lint_language language);

// ---- names and values ---------------------------------------------------------------------------

enum code_kind {
    CODE_TEXT = 0,
    CODE_NUMBER,
    CODE_WORD,       // true, nil, a symbol, a constant
    CODE_OBJECT,     // brackets, whose members are items of their own
    CODE_EXPRESSION, // what only the running program knows
};

struct code_item {
    enum code_kind kind;
    struct lint_text call; // whose argument it is; empty: none
    struct lint_text name; // empty: by its place
    struct lint_text path; // the name of the object that it is a member of, for ssl and tls alone
    unsigned index;        // among those by place
    unsigned group;        // of brackets
    char bracket;          // that opened them; 0: none
    size_t token;          // the first of its value
    bool is_encoded;       // turned into bytes
    bool is_empty;         // an object without members
};

enum { CODE_ITEMS = 256, CODE_GROUPS = 512, CODE_DEPTH = 40, CODE_ERRORS = 64 };

struct code {
    struct code_source source;
    struct token *tokens;
    size_t token_count;
    struct code_item *items;
    size_t item_count;
    unsigned group_count;
    uint16_t parents[CODE_GROUPS]; // of groups; 0: the text itself
    bool is_full;
    uint32_t starts[CODE_GROUPS]; // of groups: the opening bracket
    uint32_t ends[CODE_GROUPS];   // the token behind the closing one
    uint32_t errors[CODE_ERRORS]; // tokens; those near the password decide
    size_t error_count;
};

// Reads source; false only out of memory. What does not fit together is noted, not refused.
bool code_parse(struct code *code);
struct lint_text code_text_of(const struct code *code, const struct token *token);

// ---- clients ------------------------------------------------------------------------------------

struct lint_code_client {
    struct lint_client client; // first
    enum lint_language language;
    const char *names; // of its own for a field: "schema=database", blank-separated
    const char *calls; // "call: what its arguments by place are", ;-separated; "@name" and "@value"
                       // make a pair, "-" is not looked at, "=" in front: a method of any object
    const char *members; // known members of ssl; NULL: any
    uint32_t code_flags;
};

enum lint_code_flags {
    CODE_PORT_NUMBER = 1 << 0, // a port in quotes is refused
    CODE_LATIN = 1 << 1,       // a text for the password is sent as Latin-1
    CODE_PAIRS = 1 << 2,       // { "name": NAME, "value": VALUE }
    CODE_BASE64 = 1 << 3,      // the password may be Base64
    CODE_HOST_PORT = 1 << 4,   // the host field holds host:port, or the path of a socket
    CODE_FILE = 1 << 5,        // the password stands in a file that others see
};

const struct lint_code_client *lint_code_find(const char *id);
// Whether a text is code rather than a URL, for who reads both.
bool lint_is_code(const char *text, size_t len);
bool lint_read_code(struct lint *lint, struct lint_text text, struct err *err);

extern const struct lint_rule lint_tls_mysql2_code[], lint_tls_mysqljs_code[],
    lint_tls_mariadb_code[], lint_tls_bun_code[], lint_tls_pymysql_code[],
    lint_tls_mysqlclient_code[], lint_tls_connector_python_code[], lint_tls_context_code[],
    lint_tls_mysqli_code[], lint_tls_ruby_code[], lint_tls_trilogy_code[], lint_tls_c_code[],
    lint_tls_mariadb_c_code[], lint_tls_cpp_code[], lint_tls_r_code[], lint_tls_julia_code[],
    lint_tls_swift_code[], lint_tls_elixir_code[], lint_tls_duckdb_code[], lint_tls_vscode_code[],
    lint_tls_lightning_code[];
extern const struct lint_rule lint_trap_mariadb_node[], lint_trap_c[], lint_trap_cpp[],
    lint_trap_django[];
