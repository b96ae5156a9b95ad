// SPDX-License-Identifier: Apache-2.0
//
// What the readers stand on: texts that know where their bytes come from, decoding, findings. Pure.
#include "base/cursor.h"
#include "base/os.h"
#include "strings/encode.h"
#include "strings/lint_rows.h"
#include "strings/strings.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

void *lint_alloc(struct lint *lint, size_t size)
{
    static char nothing[16];
    size_t padded = (size + 7) & ~(size_t)7;
    if (padded > lint->arena_size - lint->arena_used) {
        lint->failed = true;
        return size <= sizeof(nothing) ? nothing : NULL;
    }
    void *block = lint->arena + lint->arena_used;
    lint->arena_used += padded;
    return block;
}

struct lint_text lint_part(struct lint_text text, size_t start, size_t end)
{
    return (struct lint_text){ text.at + start, end - start, text.from + start };
}

struct lint_text lint_trim(struct lint_text text, const char *blanks)
{
    size_t start = 0, end = text.len;
    while (start < end && text.at[start] && strchr(blanks, text.at[start]))
        start++;
    while (end > start && text.at[end - 1] && strchr(blanks, text.at[end - 1]))
        end--;
    return lint_part(text, start, end);
}

size_t lint_span(struct lint_text text, size_t start, const char *stops)
{
    while (start < text.len && !strchr(stops, text.at[start]))
        start++;
    return start;
}

size_t lint_find(struct lint_text text, const char *word)
{
    const char *at = text.len ? os_memmem(text.at, text.len, word, strlen(word)) : NULL;
    return at ? (size_t)(at - text.at) : text.len;
}

bool lint_is_placeholder(struct lint_text text)
{
    return text.len == strlen(STRINGS_PASSWORD_PLACEHOLDER) &&
           !memcmp(text.at, STRINGS_PASSWORD_PLACEHOLDER, text.len);
}

struct lint_text lint_copy(struct lint *lint, size_t max)
{
    char *bytes = lint_alloc(lint, max + 1);
    uint32_t *from = lint_alloc(lint, (max + 1) * sizeof(uint32_t));
    return (struct lint_text){ lint->failed ? NULL : bytes, 0, from };
}

void lint_put(struct lint_text *text, char byte, uint32_t from)
{
    if (!text->at)
        return;
    // Its own memory, of lint_copy.
    ((char *)(uintptr_t)text->at)[text->len] = byte;
    ((uint32_t *)(uintptr_t)text->from)[text->len] = from;
    text->len++;
    ((uint32_t *)(uintptr_t)text->from)[text->len] = from + 1;
}

struct lint_value lint_take(struct lint *lint, struct lint_text text)
{
    char *copy = lint_alloc(lint, text.len + 1);
    if (lint->failed)
        return (struct lint_value){ "", 0 };
    if (text.len)
        memcpy(copy, text.at, text.len);
    copy[text.len] = '\0';
    return (struct lint_value){ copy, text.from[0] };
}

// ---- decoding -----------------------------------------------------------------------------------

static int hex_value(char digit)
{
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    digit = (char)(digit | 0x20);
    return digit >= 'a' && digit <= 'f' ? digit - 'a' + 10 : -1;
}

static void say_lone_percent(struct lint *lint, uint32_t from, bool is_kept, const char *what)
{
    lint_say(lint, is_kept ? LINT_WARNING : LINT_ERROR, "lone-percent", from,
        is_kept
            ? "it is taken as it stands here, and refused by other drivers; a % is written %25"
            : "it starts a code of two hexadecimal digits; this driver refuses the whole string. "
              "A % is written %25",
        "a %% alone in the %s", what);
}

static struct lint_text decode_once(
    struct lint *lint, struct lint_text text, unsigned how, const char *what)
{
    struct lint_text out = lint_copy(lint, text.len);
    for (size_t i = 0; i < text.len; i++) {
        int high = text.at[i] == '%' && i + 2 < text.len ? hex_value(text.at[i + 1]) : -1;
        int low = high >= 0 ? hex_value(text.at[i + 2]) : -1;
        if (text.at[i] == '%' && low >= 0) {
            lint_put(&out, (char)(high * 16 + low), text.from[i]);
            i += 2;
            continue;
        }
        if (text.at[i] == '%')
            say_lone_percent(lint, text.from[i], how & DECODE_LONE_OK, what);
        bool is_blank = text.at[i] == '+' && (how & DECODE_PLUS);
        if (is_blank)
            lint_say(lint, LINT_ERROR, "plus-blank", text.from[i],
                "this driver decodes the part as a form, where + stands for a blank; a + is "
                "written "
                "%2B",
                "a + in the %s becomes a blank", what);
        lint_put(&out, is_blank ? ' ' : text.at[i], text.from[i]);
    }
    return out;
}

struct lint_value lint_decode(
    struct lint *lint, struct lint_text text, unsigned how, const char *what)
{
    uint32_t from = text.from[0];
    struct lint_text out = decode_once(lint, text, how, what);
    if (how & DECODE_TWICE)
        out = decode_once(lint, out, how | DECODE_PLUS, what); // parse_str
    if (out.at && (!encode_is_utf8(out.at, out.len) || memchr(out.at, '\0', out.len)))
        lint_say(lint, LINT_ERROR, "not-utf8", from,
            "what it decodes to is no text of UTF-8; each byte of a character is written %XX",
            "the %s is not UTF-8", what);
    if (!out.at)
        return (struct lint_value){ "", from };
    struct lint_value value = lint_take(lint, out);
    value.from = from;
    return value;
}

// ---- findings -----------------------------------------------------------------------------------

static void locate(const struct lint *lint, uint32_t from, struct lint_finding *finding)
{
    finding->line = finding->column = 1;
    for (uint32_t i = 0; i < from && i < lint->source_len; i++) {
        unsigned char byte = (unsigned char)lint->source[i];
        if (byte == '\n') {
            finding->line++;
            finding->column = 1;
        } else if ((byte & 0xc0) != 0x80) {
            finding->column++;
        }
    }
}

// The same thing at many places is told once: a password can have a hundred of them.
static bool is_told(const struct lint *lint, const char *code, const char *what)
{
    for (size_t i = 0; i < lint->report.finding_count; i++) {
        const struct lint_finding *finding = &lint->report.findings[i];
        if (!strcmp(finding->code, code) && !strcmp(finding->what, what))
            return true;
    }
    return lint->report.finding_count == LINT_FINDINGS;
}

void lint_say(struct lint *lint, enum lint_severity severity, const char *code, uint32_t from,
    const char *why, const char *what, ...)
{
    struct lint_finding *finding = &lint->report.findings[lint->report.finding_count];
    char text[sizeof(finding->what)];
    va_list args;
    va_start(args, what);
    (void)vsnprintf(text, sizeof(text), what, args);
    va_end(args);
    if (is_told(lint, code, text))
        return;
    lint->report.finding_count++;
    *finding = (struct lint_finding){ .severity = severity, .code = code };
    memcpy(finding->what, text, sizeof(text));
    (void)snprintf(finding->why, sizeof(finding->why), "%s", why);
    if (from != LINT_NOWHERE)
        locate(lint, from, finding);
}

unsigned lint_port(const struct lint *lint)
{
    uint64_t port;
    return lint->reading.port.text && parse_uint(lint->reading.port.text, 0, 65535, &port)
               ? (unsigned)port
               : 0;
}

// ---- parameters ---------------------------------------------------------------------------------

struct lint_pair *lint_add_pair(struct lint *lint, struct lint_value name, struct lint_value value)
{
    struct lint_reading *reading = &lint->reading;
    if (reading->pair_count == LINT_PARAMS)
        return NULL;
    struct lint_pair *pair = &reading->pairs[reading->pair_count++];
    *pair = (struct lint_pair){ .name = name, .value = value };
    return pair;
}

struct lint_pair *lint_find_pair(struct lint *lint, const char *name)
{
    for (size_t i = 0; i < lint->reading.pair_count; i++) {
        struct lint_pair *pair = &lint->reading.pairs[i];
        bool is_same = lint->client->flags & NAMES_ANY_CASE ? !strcasecmp(pair->name.text, name)
                                                            : !strcmp(pair->name.text, name);
        if (!pair->is_dropped && is_same)
            return pair;
    }
    return NULL;
}

void lint_find_sockets(struct lint *lint)
{
    for (size_t i = 0; lint->client->sockets && i < lint->reading.pair_count; i++) {
        struct lint_pair *pair = &lint->reading.pairs[i];
        if (lint_knows_name(lint->client, lint->client->sockets, pair->name.text) &&
            pair->value.text && *pair->value.text)
            lint->reading.socket = pair->value;
    }
}

static bool list_has(const char *list, const char *word, size_t len, bool any_case)
{
    for (const char *at = list; at && *at; at += strspn(at, " ")) {
        size_t item = strcspn(at, " ");
        if (item == len && !(any_case ? strncasecmp(at, word, len) : strncmp(at, word, len)))
            return true;
        at += item;
    }
    return false;
}

bool lint_list_has(const char *list, const char *word, size_t len)
{
    return list_has(list, word, len, true);
}

bool lint_knows_name(const struct lint_client *client, const char *list, const char *name)
{
    return list_has(list, name, strlen(name), client->flags & NAMES_ANY_CASE);
}
