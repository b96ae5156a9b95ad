// SPDX-License-Identifier: Apache-2.0
//
// Command lines of mysql and its relatives: the words that a POSIX shell makes of them, then
// options as my_getopt reads them. Pure.
#include "strings/lint_rows.h"

#include "base/err.h"

#include <stdio.h>
#include <string.h>

enum { WORDS = 128 };

// ---- the shell ----------------------------------------------------------------------------------

static void say_expanded(struct lint *lint, uint32_t from, char byte)
{
    lint_say(lint, LINT_ERROR, "expansion", from,
        "the shell looks into it before the program sees anything; put the word in single quotes, "
        "a "
        "single quote in it as '\\''",
        "an unquoted or double-quoted %c", byte);
}

static size_t read_quoted(
    struct lint *lint, struct lint_text text, size_t at, struct lint_text *out)
{
    char quote = text.at[at];
    uint32_t from = text.from[at];
    for (at++; at < text.len && text.at[at] != quote; at++) {
        if (quote == '"' && text.at[at] == '\\' && at + 1 < text.len &&
            strchr("\"\\$`", text.at[at + 1]))
            at++;
        else if (quote == '"' && strchr("$`", text.at[at]))
            say_expanded(lint, text.from[at], text.at[at]);
        lint_put(out, text.at[at], text.from[at]);
    }
    if (at == text.len)
        lint_say(lint, LINT_ERROR, "quote", from, "the shell waits for the other one",
            "a quote that is not closed");
    return at + 1;
}

static size_t read_word(struct lint *lint, struct lint_text text, size_t at, struct lint_text *out)
{
    while (at < text.len && !strchr(" \t\n", text.at[at])) {
        if (strchr("'\"", text.at[at])) {
            at = read_quoted(lint, text, at, out);
            continue;
        }
        if (text.at[at] == '\\' && at + 1 < text.len)
            at++;
        else if (text.at[at] == '<' && lint_starts(lint_part(text, at, text.len), "<PASSWORD>"))
            ; // to be replaced, quotes and all
        else if (strchr("$`&|;<(!*?", text.at[at]) || (text.at[at] == '#' && out->len == 0))
            say_expanded(lint, text.from[at], text.at[at]);
        lint_put(out, text.at[at], text.from[at]);
        at++;
    }
    return at;
}

size_t lint_words(struct lint *lint, struct lint_text text, struct lint_text *words, size_t max)
{
    size_t count = 0;
    for (size_t at = 0; at < text.len && count < max && !lint->failed;) {
        if (strchr(" \t\n", text.at[at])) {
            at++;
            continue;
        }
        words[count] = lint_copy(lint, text.len - at + 1);
        at = read_word(lint, text, at, &words[count]);
        if (words[count].at && words[count].len)
            count++;
    }
    return count;
}

// ---- options ------------------------------------------------------------------------------------

struct option {
    const char *name;
    char letter;
    size_t field;
};

static const struct option options[] = {
#define FIELD(name) offsetof(struct lint_reading, name)
    { "host", 'h', FIELD(host) },
    { "port", 'P', FIELD(port) },
    { "user", 'u', FIELD(user) },
    { "socket", 'S', FIELD(socket) },
    { "database", 'D', FIELD(database) },
#undef FIELD
};

static struct lint_value *field_at(struct lint *lint, const struct option *option)
{
    return (struct lint_value *)(void *)((char *)&lint->reading + option->field);
}

void lint_check_argument(struct lint *lint, struct lint_text word)
{
    const char *password = lint->reading.password.text;
    if (password && *password && strcmp(password, "<PASSWORD>") != 0)
        lint_say(lint, LINT_ERROR, "argv-password", word.from[0],
            "every user of the machine sees a running program's arguments, and the shell keeps "
            "them "
            "in its history; leave it out where the program asks, or put the URL into the "
            "environment",
            "the password is an argument of the command");
}

static void say_password(struct lint *lint, struct lint_text word, size_t at)
{
    if (at >= word.len)
        return; // -p alone asks
    lint->reading.password = lint_take(lint, lint_part(word, at, word.len));
    if (lint_is_placeholder(lint_part(word, at, word.len)))
        return;
    lint_say(lint, LINT_ERROR, "argv-password", word.from[0],
        "every user of the machine sees a running program's arguments, and the shell keeps them in "
        "its history; -p alone asks, an option file (my-cnf) keeps it",
        "the password is an argument of the command");
}

static bool starts_with(struct lint_text word, const char *text)
{
    return word.len >= strlen(text) && !memcmp(word.at, text, strlen(text));
}

// A word that starts with --; true if the next word is its value.
static const struct option *read_long(struct lint *lint, struct lint_text word)
{
    size_t equals = lint_span(word, 0, "=");
    struct lint_text name = lint_part(word, 2, equals > 2 ? equals : word.len);
    if (starts_with(word, "--password") && equals == 10) {
        say_password(lint, word, 11);
        return NULL;
    }
    for (size_t i = 0; i < ARRAY_LEN(options); i++) {
        if (name.len != strlen(options[i].name) || memcmp(name.at, options[i].name, name.len) != 0)
            continue;
        if (equals == word.len)
            return &options[i];
        *field_at(lint, &options[i]) = lint_take(lint, lint_part(word, equals + 1, word.len));
        return NULL;
    }
    if (name.len && !lint_list_has("password", name.at, name.len))
        lint_add_pair(lint, lint_take(lint, name),
            equals < word.len ? lint_take(lint, lint_part(word, equals + 1, word.len))
                              : (struct lint_value){ "", word.from[0] });
    return NULL;
}

static const struct option *read_short(struct lint *lint, struct lint_text word)
{
    if (word.at[1] == 'p') {
        say_password(lint, word, 2);
        return NULL;
    }
    for (size_t i = 0; i < ARRAY_LEN(options); i++) {
        if (word.at[1] != options[i].letter)
            continue;
        if (word.len == 2)
            return &options[i];
        *field_at(lint, &options[i]) = lint_take(lint, lint_part(word, 2, word.len));
        return NULL;
    }
    return NULL;
}

// mycli takes a URL as well.
static bool read_url_word(struct lint *lint, struct lint_text word, struct err *err)
{
    lint->file = lint->client;
    lint->client = lint_client_find("url");
    bool ok = lint->client->read(lint, word, err);
    lint->reading.scheme = (struct lint_value){ 0 };
    lint_check_argument(lint, word);
    return ok;
}

static bool read_options(
    struct lint *lint, const struct lint_text *words, size_t count, struct err *err)
{
    const struct option *waits = NULL;
    bool is_dump = strstr(lint->row->id, "dump");
    for (size_t i = 1; i < count; i++) {
        struct lint_text word = words[i];
        lint->reading.end = word.from[word.len];
        if (waits) {
            *field_at(lint, waits) = lint_take(lint, word);
            waits = NULL;
        } else if (word.len > 2 && starts_with(word, "--")) {
            waits = read_long(lint, word);
        } else if (word.len > 1 && word.at[0] == '-') {
            waits = read_short(lint, word);
        } else if (words[i - 1].len == 2 && starts_with(words[i - 1], "-p") && !is_dump) {
            lint_say(lint, LINT_ERROR, "argv-password", word.from[0],
                "-p takes no value from the next word: the program asks for the password and takes "
                "the word for the database; -D names the database",
                "a word behind -p");
        } else if (lint_find(word, "://") < word.len) {
            return read_url_word(lint, word, err);
        } else if (!lint->reading.database.text) {
            lint->reading.database = lint_take(lint, word);
        }
    }
    return true;
}

// mysql_config_editor set …, and the command that uses it; or what its print command shows, which
// is an option file.
bool lint_read_login_path(struct lint *lint, struct lint_text text, struct err *err)
{
    struct lint_text words[WORDS];
    if (lint_trim(text, " \t\r\n").len && lint_trim(text, " \t\r\n").at[0] == '[')
        return lint_read_lines(lint, text, err);
    bool is_found = false;
    for (size_t at = 0; at < text.len && !lint->failed;) {
        size_t end = lint_span(text, at, "\n");
        size_t count = lint_words(lint, lint_part(text, at, end), words, WORDS);
        size_t skip = count > 1 && lint_starts(words[1], "set") ? 1 : 0;
        is_found = is_found || (skip && lint_find(words[0], "mysql_config_editor") < words[0].len);
        if (count > skip && !read_options(lint, words + skip, count - skip, err))
            return false;
        at = end + 1;
    }
    lint->reading.scheme = (struct lint_value){ 0 };
    return is_found || err_set(err, ERR_USAGE,
                           "the login path itself is not text: expected mysql_config_editor set "
                           "--login-path=... with its options, or what mysql_config_editor print "
                           "shows");
}

bool lint_read_command(struct lint *lint, struct lint_text text, struct err *err)
{
    struct lint_text words[WORDS];
    size_t count = lint_words(lint, text, words, WORDS);
    if (!count || lint_find(words[0], "=") < words[0].len ||
        lint_find(words[0], "://") < words[0].len)
        return err_set(
            err, ERR_USAGE, "no command line: expected %s and its options", lint->row->id);
    lint->reading.scheme = lint_take(lint, words[0]);
    return read_options(lint, words, count, err);
}
