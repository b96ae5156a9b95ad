// SPDX-License-Identifier: Apache-2.0
//
// How languages write text. From the languages' own references:
// ECMA-262 "String Literals" and "Template Literal"; RFC 8259; docs.python.org "String and Bytes
// literals"; ruby-lang.org "Literals"; php.net "Strings"; R's help page Quotes; docs.julialang.org
// "Strings"; C23 6.4.5; JLS 3.10; kotlinlang.org "Strings"; docs.swift.org "Strings and
// Characters"; hexdocs.pm/elixir Kernel.SpecialForms; toml.io 1.0; HCL's hclsyntax spec;
// PowerShell's about_Quoting_Rules. Data only, and
// what is asked of it.
#include "strings/code_rows.h"

#include "base/defs.h"

#include <ctype.h>
#include <string.h>

// clang-format off
const struct code_language code_languages[LANGUAGES] = {
    [LANGUAGE_JS] = { .name = "JavaScript", .comments = "//", .has_block_comments = true, .quotes = {
        { '"', '\\', "bfnrtv0xu'\"\\\n", OTHER_DROPPED },
        { '\'', '\\', "bfnrtv0xu'\"\\\n", OTHER_DROPPED },
        { '`', '\\', "bfnrtv0xu'\"\\`$\n", OTHER_DROPPED, .is_multiline = true, .expand = "${" } } },
    [LANGUAGE_JSON] = { .name = "JSON", .comments = "//", .has_block_comments = true, .quotes = {
        { '"', '\\', "bfnrtu/\"\\", OTHER_REFUSED } } },
    [LANGUAGE_PYTHON] = { .name = "Python", .comments = "#", .has_triple = true, .joins = true,
        .prefixes = "rRbBuUfFtT", .raw = "rR", .formats = "fFtT", .quotes = {
        { '"', '\\', CODE_OCTAL "abfnrtvxuUN'\"\\\n", OTHER_KEPT },
        { '\'', '\\', CODE_OCTAL "abfnrtvxuUN'\"\\\n", OTHER_KEPT } } },
    [LANGUAGE_RUBY] = { .name = "Ruby", .comments = "#", .joins = true, .has_symbols = true, .quotes = {
        { '"', '\\', CODE_OCTAL "abefnrstvxu'\"\\#\n", OTHER_DROPPED, .is_multiline = true, .expand = "#{" },
        { '\'', '\\', "'\\", OTHER_KEPT, .is_multiline = true } } },
    [LANGUAGE_PHP] = { .name = "PHP", .comments = "// #", .has_block_comments = true, .quotes = {
        { '"', '\\', CODE_OCTAL "efnrtvxu\"\\$", OTHER_KEPT, .is_multiline = true, .expand = "$ {$" },
        { '\'', '\\', "'\\", OTHER_KEPT, .is_multiline = true } } },
    [LANGUAGE_PERL] = { .name = "Perl", .comments = "#", .quotes = {
        { '"', '\\', CODE_OCTAL "abefnrtxN\"\\$@", OTHER_DROPPED, .is_multiline = true, .expand = "$ @" },
        { '\'', '\\', "'\\", OTHER_KEPT, .is_multiline = true } } },
    [LANGUAGE_R] = { .name = "R", .comments = "#", .quotes = {
        { '"', '\\', CODE_OCTAL "abfnrtvxuU'\"`\\\n ", OTHER_REFUSED, .is_multiline = true },
        { '\'', '\\', CODE_OCTAL "abfnrtvxuU'\"`\\\n ", OTHER_REFUSED, .is_multiline = true } } },
    [LANGUAGE_JULIA] = { .name = "Julia", .comments = "#", .has_triple = true, .quotes = {
        { '"', '\\', CODE_OCTAL "abefnrtvxuU'\"\\$\n", OTHER_REFUSED, .is_multiline = true, .expand = "$ $(" } } },
    [LANGUAGE_C] = { .name = "C", .comments = "//", .has_block_comments = true, .joins = true, .quotes = {
        { '"', '\\', CODE_OCTAL "abefnrtvxuU'\"\\?\n", OTHER_DROPPED },
        { '\'', '\\', CODE_OCTAL "abefnrtvxuU'\"\\?\n", OTHER_DROPPED } } },
    [LANGUAGE_JAVA] = { .name = "Java", .comments = "//", .has_block_comments = true, .quotes = {
        { '"', '\\', CODE_OCTAL "bfnrstu'\"\\", OTHER_REFUSED },
        { '\'', '\\', CODE_OCTAL "bfnrstu'\"\\", OTHER_REFUSED } } },
    [LANGUAGE_KOTLIN] = { .name = "Kotlin", .comments = "//", .has_block_comments = true, .quotes = {
        { '"', '\\', "bnrtu'\"\\$", OTHER_REFUSED, .expand = "$ ${" },
        { '\'', '\\', "bnrtu'\"\\$", OTHER_REFUSED } } },
    [LANGUAGE_SCALA] = { .name = "Scala or Python", .comments = "// #", .has_block_comments = true,
        .prefixes = "sfrRbu", .raw = "rR", .formats = "sf", .quotes = {
        { '"', '\\', CODE_OCTAL "abfnrtvxuU'\"\\", OTHER_REFUSED },
        { '\'', '\\', CODE_OCTAL "abfnrtvxuU'\"\\", OTHER_REFUSED } } },
    [LANGUAGE_SWIFT] = { .name = "Swift", .comments = "//", .has_block_comments = true, .quotes = {
        { '"', '\\', "0nrtu'\"\\", OTHER_REFUSED, .expand = "\\(" } } },
    [LANGUAGE_ELIXIR] = { .name = "Elixir", .comments = "#", .has_symbols = true, .quotes = {
        { '"', '\\', "0abdefnrstvxu\"\\#\n", OTHER_DROPPED, .is_multiline = true, .expand = "#{" },
        { '\'', '\\', "0abdefnrstvxu'\\#\n", OTHER_DROPPED, .is_multiline = true, .expand = "#{" } } },
    [LANGUAGE_SQL] = { .name = "SQL", .comments = "--", .quotes = {
        { '\'', 0, "", OTHER_KEPT, .doubles = true, .is_multiline = true },
        { '"', 0, "", OTHER_KEPT, .doubles = true, .is_multiline = true } } },
    [LANGUAGE_TOML] = { .name = "TOML", .comments = "#", .has_triple = true, .ends_at_lines = true,
        .has_dashes = true, .quotes = {
        { '"', '\\', "bfnrtuU\"\\", OTHER_REFUSED },
        { '\'', 0, "", OTHER_KEPT } } },
    [LANGUAGE_HCL] = { .name = "HCL", .comments = "// #", .has_block_comments = true,
        .ends_at_lines = true, .has_dashes = true, .quotes = {
        { '"', '\\', "nrtuU\"\\", OTHER_REFUSED, .expand = "${ %{" } } },
    [LANGUAGE_POWERSHELL] = { .name = "PowerShell", .comments = "#", .ends_at_lines = true, .quotes = {
        { '\'', 0, "", OTHER_KEPT, .doubles = true, .is_multiline = true },
        { '"', '`', "0abefnrtvu`\"'$\n", OTHER_DROPPED, .doubles = true, .is_multiline = true, .expand = "$ ${ $(" } } },
};
// clang-format on

bool code_joins_literals(enum lint_language language)
{
    return code_languages[language].joins;
}

bool code_ends_at_lines(enum lint_language language)
{
    return code_languages[language].ends_at_lines;
}

const char *code_language_name(enum lint_language language)
{
    return code_languages[language].name;
}

const struct code_quote *code_quote_find(enum lint_language language, char mark)
{
    for (size_t i = 0; i < ARRAY_LEN(code_languages[language].quotes); i++) {
        const struct code_quote *quote = &code_languages[language].quotes[i];
        if (quote->mark && quote->mark == mark)
            return quote;
    }
    return NULL;
}

bool code_starts(struct lint_text text, size_t at, const char *word)
{
    size_t len = strlen(word);
    return at + len <= text.len && !memcmp(text.at + at, word, len);
}

bool code_is_word_byte(char byte)
{
    return isalnum((unsigned char)byte) || (byte && strchr("_$@", byte)) ||
           (unsigned char)byte >= 0x80;
}
