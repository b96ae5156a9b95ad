// SPDX-License-Identifier: Apache-2.0
//
// Files with a value per line, and XML: which line means which field. A value that is a URL is read
// as the driver behind it reads it. Pure.
#include "strings/lint_rows.h"

#include "base/err.h"

#include <ctype.h>
#include <string.h>

enum { KEY_BYTES = 80, WORDS = 64, TEMPLATE_BYTES = 8 };

// By the last word of a name: DB_HOST, spring.datasource.username, host.
static const struct field {
    const char *words;
    const char *label; // as windows have it, ;-separated
    size_t offset;
    unsigned bit;
} fields[] = {
#define FIELD(name) offsetof(struct lint_reading, name)
    { "host hostname server", "Hostname / IP", FIELD(host), LINT_HOST },
    { "port", NULL, FIELD(port), LINT_PORT },
    { "user username", "User Name", FIELD(user), LINT_USER },
    { "password pwd", NULL, FIELD(password), LINT_PASSWORD },
    { "database dbname", "Initial Database;Default Schema;Database name;Databases", FIELD(database),
        LINT_DATABASE },
    { "socket", "Socket/Pipe Path", FIELD(socket), LINT_SOCKET },
#undef FIELD
};

static const char *last_word(const char *name)
{
    const char *word = name;
    for (const char *at = name; *at; at++) {
        if (strchr("_.-", *at))
            word = at + 1;
    }
    return word;
}

static bool read_inner_url(struct lint *lint, struct lint_text value, struct err *err)
{
    bool is_jdbc = value.len > 5 && !memcmp(value.at, "jdbc:", 5);
    bool is_mariadb = lint_starts(value, "jdbc:mariadb:");
    bool is_rails = !strncmp(lint->row->id, "rails", 5);
    const char *id = is_mariadb ? "jdbc-mariadb"
                     : is_jdbc  ? "jdbc"
                     : is_rails ? "rails-url"
                                : "url";
    lint->file = lint->file ? lint->file : lint->client;
    lint->client = lint_client_find(id);
    return lint->client->read(lint, value, err);
}

// A password with a line end in it makes lines of its own: only what looks like a setting is one.
static bool is_setting(const char *name)
{
    static const char *const begins[] = { "ssl", "tls", "skip-", "disable-", "get-", "DB_",
        "MYSQL_", "spring.", "quarkus.", "flyway.", "db.", "hibernate." };
    for (size_t i = 0; i < ARRAY_LEN(begins); i++) {
        if (!strncmp(name, begins[i], strlen(begins[i])))
            return true;
    }
    return false;
}

// "host:port", or the path of a socket.
static bool take_place(struct lint *lint, struct lint_text value)
{
    size_t colon = lint_span(value, 0, ":");
    if (!(lint->client->flags & URL_IS_PLACE))
        return false;
    if (value.len && value.at[0] == '/')
        lint->reading.socket = lint_take(lint, value);
    else if (colon > 0)
        lint->reading.host = lint_take(lint, lint_part(value, 0, colon));
    if (colon + 1 < value.len)
        lint->reading.port = lint_take(lint, lint_part(value, colon + 1, value.len));
    lint->reading.end = value.from[value.len];
    return true;
}

// The part of a value that is a template: 0 none, 1 some of it, 2 all of it.
static unsigned template_in(
    const struct lint_client *client, struct lint_text value, char open[TEMPLATE_BYTES])
{
    size_t at = value.len;
    for (const char *word = client->expands; word && *word && at == value.len;
         word += strspn(word, " ")) {
        size_t len = strcspn(word, " ");
        memcpy(open, word, len);
        open[len] = '\0';
        at = lint_find(value, open);
        word += len;
    }
    if (at == value.len)
        return 0;
    size_t close = lint_span(value, 0, "}>") + (*open == '{');
    return at == 0 && close + 1 == value.len ? 2 : 1;
}

static void say_template(
    struct lint *lint, const char *open, struct lint_text value, enum lint_severity severity)
{
    lint_say(lint, severity, "template", value.from[lint_find(value, open)],
        severity == LINT_ERROR
            ? "the framework replaces what it starts before it reads the value; set the value in "
              "the environment and name the variable here"
            : "the framework fills it in before the driver sees it: what that is nobody knows here",
        "%s in a value", open);
}

static const struct field *find_field(const struct lint *lint, const char *name)
{
    const char *word = last_word(name);
    if (!strcmp(lint->row->id, "dbt") && !strcmp(name, "schema"))
        word = "database";
    if (!strcmp(name, "MYSQL_UNIX_PORT"))
        word = "socket";
    for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
        if (lint_list_has(fields[i].words, word, strlen(word)) ||
            (fields[i].label && lint_has_label(fields[i].label, name)))
            return &fields[i];
    }
    return NULL;
}

// Of YAML: a scalar without quotes that is no text.
static bool is_typed(struct lint_text value)
{
    size_t digits = 0;
    while (digits < value.len && strchr("0123456789._+-eExXoO", value.at[digits]))
        digits++;
    return value.len &&
           (lint_list_has("yes no on off true false null ~ y n", value.at, value.len) ||
               (digits == value.len && isdigit((unsigned char)value.at[0])));
}

static void check_password(
    struct lint *lint, const struct field *field, const char *name, struct lint_text value)
{
    enum lint_carrier carrier = lint->client->carrier;
    bool is_yaml = carrier == CARRIER_YAML || carrier == CARRIER_YAML_DOLLAR;
    if (field->bit != LINT_PASSWORD)
        return;
    if (is_yaml && lint->is_bare && is_typed(value))
        lint_say(lint, LINT_ERROR, "yaml-type", value.from[0],
            "without quotes YAML reads a number or a truth value out of it, and writes that "
            "differently; put it in quotes",
            "the password is no text");
    if (!strcmp(name, "MYSQL_PWD"))
        lint_say(lint, LINT_WARNING, "mysql-pwd", value.from[0],
            "it is deprecated: other programs of the same user read it in /proc, and every child "
            "inherits it; an option file (my-cnf) or a prompt keeps it",
            "MYSQL_PWD holds the password");
}

static bool take(struct lint *lint, struct lint_value name, struct lint_text value, struct err *err)
{
    const char *word = last_word(name.text);
    const struct lint_client *file = lint->file ? lint->file : lint->client;
    const struct field *field = find_field(lint, name.text);
    char open[TEMPLATE_BYTES];
    unsigned template = template_in(file, value, open);
    bool is_filled = template == 2 || lint->is_filled;
    lint->is_filled = false;
    if (field && is_filled) {
        lint->report.expressions |= field->bit;
        return true;
    }
    bool is_url = lint_list_has("url uri", word, strlen(word));
    if (template && (is_url || (field && field->bit == LINT_PASSWORD)))
        say_template(lint, open, value, is_url || *open == '#' ? LINT_WARNING : LINT_ERROR);
    if (is_url && lint_find(value, "://") < value.len)
        return read_inner_url(lint, value, err);
    if (is_url && take_place(lint, value))
        return true;
    if (field) {
        struct lint_value *out =
            (struct lint_value *)(void *)((char *)&lint->reading + field->offset);
        *out = value.len ? lint_take(lint, value) : (struct lint_value){ "", name.from };
        lint->reading.end = out->from;
        check_password(lint, field, name.text, value);
        return true;
    }
    if (lint->client->carrier == CARRIER_COLUMNS && lint_take_choice(lint, name, value))
        return true;
    if (!is_setting(name.text))
        return true;
    struct lint_pair *pair = lint_add_pair(
        lint, name, value.len ? lint_take(lint, value) : (struct lint_value){ "", name.from });
    if (pair)
        pair->is_foreign = true; // of the file, not of the URL's driver
    return true;
}

// An option may be "loose", for programs that do not know it, and has _ for -.
static void as_option(struct lint_value *name)
{
    for (char *at = (char *)(uintptr_t)name->text; *at; at++) { // its own copy
        if (*at == '_')
            *at = '-';
    }
    if (!strncmp(name->text, "loose-", 6))
        name->text += 6;
}

// The name of a line and where its value starts; 0: no such line.
static size_t split(
    struct lint *lint, struct lint_text line, enum lint_carrier carrier, struct lint_value *name)
{
    bool is_yaml = carrier == CARRIER_YAML || carrier == CARRIER_YAML_DOLLAR;
    size_t start = 0;
    while (start < line.len && strchr(" \t-", line.at[start]))
        start++;
    if (start == line.len || strchr("#;![", line.at[start]))
        return 0;
    if (lint_find(line, "export ") == start)
        start += 7;
    size_t stop = carrier == CARRIER_COLUMNS
                      ? start + lint_find(lint_part(line, start, line.len), "  ")
                      : lint_span(line, start, is_yaml ? ":" : "=:");
    if (carrier == CARRIER_CNF && stop == line.len)
        stop = line.len; // a bare option
    struct lint_text key = lint_trim(lint_part(line, start, stop), " \t\r\"");
    if (!key.len || key.len >= KEY_BYTES || (stop == line.len && carrier != CARRIER_CNF))
        return 0;
    *name = lint_take(lint, key);
    if (carrier == CARRIER_CNF)
        as_option(name);
    size_t value = stop;
    if (carrier == CARRIER_COLUMNS)
        while (value < line.len && line.at[value] == ' ')
            value++;
    return value < line.len && carrier != CARRIER_COLUMNS ? value + 1 : value;
}

static bool read_shell_lines(struct lint *lint, struct lint_text text, struct err *err)
{
    struct lint_text words[WORDS];
    size_t count = lint_words(lint, text, words, WORDS);
    for (size_t i = 0; i < count; i++) {
        size_t equals = lint_span(words[i], 0, "=");
        if (equals < words[i].len && !take(lint, lint_take(lint, lint_part(words[i], 0, equals)),
                                         lint_part(words[i], equals + 1, words[i].len), err))
            return false;
    }
    return true;
}

// In a pod's env a variable is two lines, name: and value:, and $(OTHER) is replaced.
static bool take_entry(struct lint *lint, struct lint_value name, struct lint_text value,
    struct lint_value *named, struct err *err)
{
    bool is_pod = !strcmp(lint->row->id, "kubernetes");
    size_t open = lint_find(value, "$(");
    if (is_pod && !strcmp(name.text, "name")) {
        *named = lint_take(lint, value);
        return true;
    }
    if (!is_pod || strcmp(name.text, "value") != 0 || !named->text)
        return take(lint, name, value, err);
    name = *named;
    bool is_secret =
        lint_list_has("password pwd", last_word(name.text), strlen(last_word(name.text)));
    if (open < value.len && (open == 0 || value.at[open - 1] != '$'))
        lint_say(lint, LINT_ERROR, "expansion", value.from[open],
            "in a pod's env another variable's value takes its place; it is written $$(",
            "a $( in a value");
    if (is_secret && value.len && !lint_is_placeholder(value))
        lint_say(lint, LINT_ERROR, "plain-secret", value.from[0],
            "whoever may read the pod reads it; keep it in a Secret and name that by secretKeyRef",
            "the password stands in the pod's env");
    return take(lint, name, value, err);
}

bool lint_read_lines(struct lint *lint, struct lint_text text, struct err *err)
{
    const enum lint_carrier carrier = lint->client->carrier; // the client may change with a URL
    size_t scheme = lint_find(text, "://");
    bool is_url = scheme < text.len && lint_is_scheme(lint_part(text, 0, scheme)) &&
                  (lint_span(text, 0, ":") == scheme || lint_starts(text, "jdbc:"));
    if (is_url)
        return read_inner_url(lint, text, err);
    if (carrier == CARRIER_SHELL)
        return read_shell_lines(lint, text, err);
    struct lint_value named = { 0 };
    for (size_t at = 0; at < text.len && !lint->failed;) {
        size_t line_end = lint_span(text, at, "\n"), end = 0;
        struct lint_value name;
        size_t value = split(lint, lint_part(text, at, line_end), carrier, &name);
        if (!value) {
            at = line_end + 1;
            continue;
        }
        bool is_unwritten = lint->reading.is_unwritten;
        struct lint_text read =
            lint_read_value(lint, lint_part(text, at + value, text.len), carrier, &end);
        if (lint_list_has("password pwd", last_word(name.text), strlen(last_word(name.text))))
            lint->reading.is_unwritten = is_unwritten; // the placeholder takes its place anyway
        if (!take_entry(lint, name, read, &named, err))
            return false;
        at += value + end + 1;
    }
    const struct lint_reading *reading = &lint->reading;
    return reading->host.text || reading->socket.text || reading->user.text ||
           lint->report.expressions ||
           err_set(err, ERR_USAGE,
               "no host, socket or user in it: expected lines as tidblink dsn --client %s prints",
               lint->row->id);
}

// ---- XML ----------------------------------------------------------------------------------------

static struct lint_text read_xml_text(struct lint *lint, struct lint_text text)
{
    static const struct {
        const char *name;
        char byte;
    } references[] = { { "&amp;", '&' }, { "&lt;", '<' }, { "&gt;", '>' }, { "&quot;", '"' },
        { "&apos;", '\'' } };
    struct lint_text out = lint_copy(lint, text.len);
    for (size_t i = 0; i < text.len; i++) {
        char byte = text.at[i];
        size_t len = 1;
        for (size_t j = 0; byte == '&' && j < ARRAY_LEN(references); j++) {
            if (!lint_starts(lint_part(text, i, text.len), references[j].name))
                continue;
            byte = references[j].byte;
            len = strlen(references[j].name);
        }
        if (text.at[i] == '&' && len == 1 && (i + 1 == text.len || text.at[i + 1] != '#'))
            lint_say(lint, LINT_ERROR, "ampersand-xml", text.from[i],
                "in XML it starts the name of a character, and the file is refused; it is written "
                "&amp;",
                "a raw & in XML");
        lint_put(&out, byte, text.from[i]);
        i += len - 1;
    }
    return out;
}

// A quote or a < in a value, raw, ends it early: what was meant ends where the tag does.
static size_t end_of_xml(struct lint *lint, struct lint_text rest, size_t value, bool is_attribute)
{
    struct lint_text tail = lint_part(rest, value, rest.len);
    if (lint_starts(tail, "<PASSWORD>"))
        tail = lint_part(rest, value + 10, rest.len);
    size_t skipped = (size_t)(tail.at - rest.at);
    size_t end = skipped + lint_span(tail, 0, is_attribute ? "\"" : "<");
    size_t meant = skipped + lint_find(tail, is_attribute ? "\"/>" : "</");
    bool is_end = end >= rest.len || meant >= rest.len || end == meant ||
                  (is_attribute && strchr(" >\n\t?", rest.at[end + 1]));
    if (is_end)
        return end;
    lint_say(lint, LINT_ERROR, is_attribute ? "quote" : "less-xml", rest.from[end],
        is_attribute
            ? "the value ends there, and the file is refused; in a value it is written &quot;"
            : "it starts a tag, and the file is refused; in a value it is written &lt;",
        is_attribute ? "a raw quote in a value in quotes" : "a raw < in XML");
    return meant;
}

// <property name="NAME">VALUE</property> and <property name="NAME" value="VALUE"/>.
bool lint_read_xml(struct lint *lint, struct lint_text text, struct err *err)
{
    bool found = false;
    if (lint_starts(text, "jdbc:"))
        return read_inner_url(lint, read_xml_text(lint, text), err);
    for (size_t at = 0; at < text.len && !lint->failed;) {
        struct lint_text rest = lint_part(text, at, text.len);
        size_t start = lint_find(rest, "name=\"");
        if (start == rest.len)
            break;
        size_t name_end = lint_span(rest, start + 6, "\"");
        size_t close = lint_span(rest, name_end, ">");
        size_t attribute = lint_find(rest, "value=\"");
        bool is_attribute = attribute > name_end && attribute < close;
        size_t value = is_attribute ? attribute + 7 : close + 1;
        if (value > rest.len)
            break;
        size_t end = end_of_xml(lint, rest, value, is_attribute);
        struct lint_text raw = lint_part(rest, value, end);
        if (lint_is_placeholder(
                lint_part(rest, value, value + 10 < rest.len ? value + 10 : rest.len)))
            raw = lint_part(rest, value, value + 10);
        found = true;
        if (!take(lint, lint_take(lint, lint_part(rest, start + 6, name_end)),
                lint_is_placeholder(raw) ? raw : read_xml_text(lint, raw), err))
            return false;
        at += end;
    }
    return found || err_set(err, ERR_USAGE,
                        "no <property name=...> in it: expected the lines that "
                        "tidblink dsn --client %s prints",
                        lint->row->id);
}

// ---- one value in its carrier -------------------------------------------------------------------

static struct lint_text peel_words(struct lint *lint, struct lint_text text)
{
    struct lint_text words[WORDS];
    size_t count = lint_words(lint, text, words, WORDS);
    for (size_t i = 0; i < count; i++) {
        size_t equals = lint_span(words[i], 0, "=");
        bool is_name = equals > 0 && equals < lint_span(words[i], 0, ":/?@ ");
        bool is_value =
            lint_find(words[i], "://") < words[i].len || lint_find(words[i], "@") < words[i].len;
        if (is_value && !is_name && lint_starts(text, "export ")) {
            // The quotes ended inside of the password, and what this word is nobody can tell.
            lint_say(lint, LINT_ERROR, "quote", words[i].from[0],
                "the shell makes another word of what follows; put the whole value in single "
                "quotes, "
                "a single quote in it as '\\''",
                "a blank outside of the quotes");
            lint->reading.is_misread = lint->reading.is_unwritten = true;
        }
        lint->is_argument = is_value && !is_name && !lint_starts(text, "export ");
        if (is_value)
            return is_name ? lint_part(words[i], equals + 1, words[i].len) : words[i];
    }
    return text;
}

// Of a whole file the line with the URL, and what follows.
static struct lint_text line_of_url(struct lint_text text)
{
    size_t start = lint_find(text, "://");
    if (start == text.len)
        return text;
    while (start > 0 && text.at[start - 1] != '\n')
        start--;
    return lint_part(text, start, text.len);
}

struct lint_text lint_peel(struct lint *lint, struct lint_text text, enum lint_carrier carrier)
{
    size_t name = 0, end;
    if (carrier != CARRIER_SHELL)
        text = line_of_url(text);
    if (lint_starts(text, "export "))
        name = 7;
    while (
        name < text.len && (isalnum((unsigned char)text.at[name]) || strchr("_. ", text.at[name])))
        name++;
    bool is_named = name > 0 && name < text.len && text.at[name] == '=';
    if (carrier == CARRIER_SHELL && (is_named || lint_span(text, 0, " ") < lint_find(text, "://")))
        return peel_words(lint, text);
    if (!is_named)
        return text;
    return lint_read_value(lint, lint_part(text, name + 1, text.len), carrier, &end);
}
