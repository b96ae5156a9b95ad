// SPDX-License-Identifier: Apache-2.0
//
// How languages write text, as data: code_languages.c has the rows, code_tokens.c finds the tokens,
// code_literal.c reads them. Pure.
#pragma once

#include "strings/lint_code.h"

// A backslash before a character that it does not escape.
enum code_other { OTHER_DROPPED = 0, OTHER_KEPT, OTHER_REFUSED };

struct code_quote {
    char mark;
    char escape;         // 0: nothing is escaped
    const char *letters; // behind it
    enum code_other other;
    bool doubles; // two marks are one
    bool is_multiline;
    const char *expand; // what starts an expression: "$" a name, "${" "#{" "\(" "%{" as they are
};

struct code_language {
    const char *name;
    const char *comments; // blank-separated beginnings
    bool has_block_comments;
    bool has_triple; // """ and '''
    bool joins;
    bool ends_at_lines;
    bool has_symbols;     // :name
    bool has_dashes;      // in names
    const char *prefixes; // letters before a quote
    const char *raw;      // of them, those that turn escapes off
    const char *formats;  // and those that make an expression of it
    struct code_quote quotes[3];
};

#define CODE_OCTAL "01234567"

extern const struct code_language code_languages[LANGUAGES];

// NULL: in this language the character opens no literal.
const struct code_quote *code_quote_find(enum lint_language language, char mark);
bool code_starts(struct lint_text text, size_t at, const char *word);
bool code_is_word_byte(char byte);
