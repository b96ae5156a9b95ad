// SPDX-License-Identifier: Apache-2.0
//
// What the literals of a source text stand for: escapes, expressions in them. Pure.
#include "strings/code_rows.h"

#include "base/defs.h"

#include <ctype.h>
#include <string.h>

struct literal {
    const struct code_source *source;
    const struct code_quote *quote;
    struct lint_text text; // between the quotes
    struct lint_text out;
    const char *what;
    bool is_raw, is_multiline;
};

static void put_point(struct lint_text *out, uint32_t point, uint32_t from)
{
    if (!point || point > 0x10ffff || (point >= 0xd800 && point < 0xe000))
        point = '?'; // no text: shown, not judged
    if (point < 0x80) {
        lint_put(out, (char)point, from);
        return;
    }
    unsigned more = point < 0x800 ? 1 : point < 0x10000 ? 2 : 3;
    static const uint8_t heads[] = { 0, 0xc0, 0xe0, 0xf0 };
    lint_put(out, (char)(heads[more] | point >> 6 * more), from);
    while (more--)
        lint_put(out, (char)(0x80 | (point >> 6 * more & 0x3f)), from);
}

static size_t read_digits(
    struct lint_text text, size_t at, unsigned base, size_t most, uint32_t *out)
{
    size_t count = 0;
    *out = 0;
    for (; count < most && at + count < text.len; count++) {
        unsigned char byte = (unsigned char)text.at[at + count];
        if (!isxdigit(byte) || (base == 8 && (byte < '0' || byte > '7')))
            break;
        unsigned digit =
            isdigit(byte) ? (unsigned)(byte - '0') : (unsigned)((byte | 0x20) - 'a' + 10);
        *out = *out * base + digit;
    }
    return count;
}

// \x41 \u0041 \u{41} \U00000041; returns how many bytes behind the letter it took.
static size_t read_code(struct literal *literal, size_t at, char letter, uint32_t from)
{
    struct lint_text text = literal->text;
    uint32_t point;
    bool in_braces = at < text.len && text.at[at] == '{';
    size_t most = in_braces ? 8 : letter == 'x' ? 2 : letter == 'u' ? 4 : 8;
    size_t len = read_digits(text, at + in_braces, 16, most, &point);
    size_t used = len + in_braces;
    used += in_braces && at + used < text.len && text.at[at + used] == '}';
    uint32_t low;
    if (point >= 0xd800 && point < 0xdc00 && code_starts(text, at + used, "\\u") &&
        read_digits(text, at + used + 2, 16, 4, &low) == 4 && low >= 0xdc00 && low < 0xe000) {
        point = 0x10000 + ((point & 0x3ff) << 10) + (low & 0x3ff);
        used += 6;
    }
    put_point(&literal->out, point, from);
    return used;
}

static void say_escape(struct literal *literal, uint32_t from, const char *stands_for)
{
    lint_say(literal->source->lint, LINT_ERROR, "escape", from,
        "the language puts that character in its place; a backslash that belongs to the value is "
        "doubled",
        "a backslash in the %s makes %s", literal->what, stands_for);
}

static void say_other(struct literal *literal, uint32_t from)
{
    static const char *const whys[] = {
        [OTHER_DROPPED] = "the language drops it without a word; a backslash is written \\\\",
        [OTHER_KEPT] = "it stays for now, and newer versions of the language warn of it; a "
                       "backslash is written \\\\",
        [OTHER_REFUSED] = "the language does not know this escape and refuses the text; a "
                          "backslash is written \\\\",
    };
    enum code_other other = literal->quote->other;
    // In single quotes of PHP and Ruby a lone backslash is nothing unusual.
    if (other == OTHER_KEPT && literal->source->language != LANGUAGE_PYTHON)
        return;
    lint_say(literal->source->lint, other == OTHER_KEPT ? LINT_WARNING : LINT_ERROR, "backslash",
        from, whys[other], "a raw backslash in the %s", literal->what);
}

// What stands behind the escape at `at`; returns the index of the next byte.
static size_t read_escape(struct literal *literal, size_t at)
{
    static const char names[] = "abefnrtvsd", means[] = "\a\b\033\f\n\r\t\v \177";
    struct lint_text text = literal->text;
    uint32_t from = text.from[at];
    char letter = at + 1 < text.len ? text.at[at + 1] : '\0';
    const char *name = letter ? strchr(names, letter) : NULL;
    uint32_t point;
    if (!letter || !strchr(literal->quote->letters, letter)) {
        say_other(literal, from);
        if (literal->quote->other == OTHER_KEPT)
            lint_put(&literal->out, text.at[at], from);
        return at + 1;
    }
    if (strchr("xuU", letter))
        return at + 2 + read_code(literal, at + 2, letter, from);
    if (strchr(CODE_OCTAL, letter)) {
        size_t len = read_digits(text, at + 1, 8, 3, &point);
        if (literal->source->language != LANGUAGE_C && literal->source->language != LANGUAGE_JAVA)
            say_escape(literal, from, "a character of the digits behind it");
        put_point(&literal->out, point, from);
        return at + 1 + len;
    }
    if (letter == '\n')
        return at + 2;
    if (name) {
        say_escape(literal, from,
            letter == 't'   ? "a tab"
            : letter == 'n' ? "a line end"
            : letter == 's' ? "a blank"
                            : "a control character");
        letter = means[name - names];
    }
    lint_put(&literal->out, letter, from);
    return at + 2;
}

// Whether an expression starts here.
static bool expands(const struct literal *literal, size_t at)
{
    struct lint_text text = literal->text;
    const char *list = literal->quote->expand;
    for (const char *word = list ? list : ""; *word; word += strspn(word, " ")) {
        size_t len = strcspn(word, " ");
        bool is_here = at + len <= text.len && !memcmp(text.at + at, word, len);
        char next = at + len < text.len ? text.at[at + len] : '\0';
        bool is_name = len > 1 || !strchr("$@", word[0]) || isalpha((unsigned char)next) ||
                       next == '_' || next == '{' || (unsigned char)next >= 0x80;
        if (is_here && is_name)
            return true;
        word += len;
    }
    return false;
}

// $${ and %%{ are HCL's way to write ${ and %{.
static bool is_doubled_start(const struct literal *literal, size_t at)
{
    return literal->source->language == LANGUAGE_HCL &&
           (code_starts(literal->text, at, "$${") || code_starts(literal->text, at, "%%{"));
}

static struct lint_text read_between(struct literal *literal)
{
    bool is_raw = literal->is_raw;
    struct lint_text text = literal->text;
    const struct code_quote *quote = literal->quote;
    for (size_t at = 0; at < text.len;) {
        if (is_doubled_start(literal, at)) {
            lint_put(&literal->out, text.at[at], text.from[at]);
            lint_put(&literal->out, '{', text.from[at]);
            at += 3;
            continue;
        }
        if (!is_raw && expands(literal, at))
            lint_say(literal->source->lint, LINT_ERROR, "expansion", text.from[at],
                "the language puts something else in its place; escape it, or take quotes that do "
                "not look into the text",
                "what starts with %c in the %s is filled in by %s", text.at[at], literal->what,
                code_language_name(literal->source->language));
        if (!is_raw && quote->escape && text.at[at] == quote->escape) {
            at = read_escape(literal, at);
            continue;
        }
        if (text.at[at] == '\n' && !literal->is_multiline)
            lint_say(literal->source->lint, LINT_ERROR, "line-end", text.from[at],
                "the language does not let a literal go on in the next line: it refuses the text",
                "a line end in the %s", literal->what);
        lint_put(&literal->out, text.at[at], text.from[at]);
        at += quote->doubles && text.at[at] == quote->mark ? 2 : 1;
    }
    return literal->out;
}

static struct literal open_literal(
    const struct code_source *source, const struct token *token, const char *what)
{
    const struct code_quote *quote = code_quote_find(source->language, token->mark);
    struct lint_text text = lint_part(source->text, token->start, token->end);
    size_t open = lint_span(text, 0, (char[]){ token->mark, '\0' });
    char triple[4] = { token->mark, token->mark, token->mark, '\0' };
    bool is_triple = code_languages[source->language].has_triple &&
                     code_starts(text, open, triple) && text.len >= open + 6;
    size_t width = is_triple ? 3 : 1;
    size_t close = token->is_open || text.len < open + 2 * width ? text.len : text.len - width;
    return (struct literal){ .source = source,
        .quote = quote,
        .text = lint_part(text, open + width < close ? open + width : close, close),
        .what = what,
        .is_raw = token->is_raw,
        .is_multiline = is_triple || quote->is_multiline };
}

enum code_fill code_filled(const struct code_source *source, const struct token *token)
{
    const struct literal literal = open_literal(source, token, "");
    struct lint_text text = literal.text;
    bool is_found = false;
    for (size_t at = 0; at < text.len && !literal.is_raw && !is_found; at++) {
        if (is_doubled_start(&literal, at))
            at += 2;
        else if (expands(&literal, at))
            is_found = true;
        else if (literal.quote->escape && text.at[at] == literal.quote->escape)
            at++;
    }
    if (!is_found)
        return CODE_FILL_NONE;
    bool is_braced = text.at[text.len - 1] == '}' && lint_span(text, 0, "}") == text.len - 1;
    size_t name = 1;
    while (name < text.len && code_is_word_byte(text.at[name]) && text.at[name] != '$')
        name++;
    return expands(&literal, 0) && (is_braced || name == text.len) ? CODE_FILL_ALL : CODE_FILL_PART;
}

struct lint_text code_literal(
    const struct code_source *source, const struct token *token, const char *what)
{
    struct literal literal = open_literal(source, token, what);
    if (source->fix.end && source->fix.start == token->start)
        return literal.text; // what was meant, as it stands
    literal.out = lint_copy(source->lint, 2 * literal.text.len);
    return source->lint->failed ? literal.text : read_between(&literal);
}
