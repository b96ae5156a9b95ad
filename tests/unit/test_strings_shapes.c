// SPDX-License-Identifier: Apache-2.0
//
// For every row of the catalogue and random values: the string is the row's shape, and at each of
// its fields the decoder of the field's encoding finds the value that was asked for.
#include "any_text.h"
#include "strings/decode.h"
#include "strings/request.h"
#include "strings/strings.h"
#include "strings/template.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { ROUNDS = 120, VALUE_BYTES = 64, CLIENTS = 200 };

struct walk {
    const struct string_client *client;
    const char *text; // of the string, not yet matched
    const char *whole;
    const char *fields[STRING_FIELDS];
    const char *tls;
};

static bool reads(
    enum string_encoding encoding, const char *text, size_t len, const char *value, size_t *used)
{
    struct buf out;
    buf_init(&out, SIZE_MAX / 2);
    bool ok = decode_text(encoding, text, len, &out, used) && buf_len(&out) == strlen(value) &&
              (!*value || !memcmp(buf_head(&out), value, strlen(value)));
    buf_done(&out);
    return ok;
}

// Values that have no end of their own, and those with the shape's text directly behind them, end
// where they are what was asked for.
static void match_value(struct walk *walk, enum string_field field, enum string_encoding encoding)
{
    const char *value = walk->fields[field];
    if (!value)
        fail_msg("%s: no value for %s", walk->client->id, template_field_name(field));
    size_t len = strlen(walk->text), used = 0;
    size_t most = value ? strlen(value) * 13 + 64 : 0;
    if (reads(encoding, walk->text, len, value, &used)) {
        walk->text += used;
        return;
    }
    for (len = len > most ? most : len; len + 1 > 0; len--) {
        if (reads(encoding, walk->text, len, value, &used) && used == len) {
            walk->text += len;
            return;
        }
        if (!len)
            break;
    }
    fail_msg("%s: no %s \"%s\" at %.80s of\n%s", walk->client->id, template_field_name(field),
        value, walk->text, walk->whole);
}

static enum string_field find_field(const char *name, size_t len)
{
    for (int field = 0; field < STRING_FIELDS; field++) {
        const char *known = template_field_name((enum string_field)field);
        if (strlen(known) == len && !memcmp(known, name, len))
            return (enum string_field)field;
    }
    fail_msg("no field %.*s", (int)len, name);
    return STRING_FIELDS;
}

static size_t word_len(const char *at)
{
    return strspn(at, "abcdefghijklmnopqrstuvwxyz_");
}

// Behind "$": returns where the shape goes on.
static const char *match_field(struct walk *walk, const char *name)
{
    enum string_encoding encoding = walk->client->encoding;
    size_t len = word_len(name);
    const char *end = name + len;
    bool is_named = *end == '(' && encode_find(name, len, &encoding);
    if (is_named) {
        name = end + 1;
        len = word_len(name);
        end = name + len + 1;
    }
    enum string_field field = find_field(name, len);
    if (!is_named && (field == STRING_PORT || field == STRING_AUTHORITY))
        encoding = ENCODING_RAW;
    match_value(walk, field, encoding);
    return end;
}

static void match_shape(struct walk *walk, const char *shape)
{
    while (*shape) {
        if (*shape != '$' || shape[1] == '$') {
            shape += *shape == '$';
            if (*walk->text != *shape)
                fail_msg("%s: %.60s instead of %.60s", walk->client->id, walk->text, shape);
            walk->text++;
            shape++;
        } else if (shape[1] == '?' || shape[1] == '!') {
            size_t len = word_len(shape + 2);
            bool has_value = walk->fields[find_field(shape + 2, len)];
            bool is_in = has_value == (shape[1] == '?');
            shape = is_in ? shape + 2 + len + 1 : strstr(shape, "$}") + 2;
        } else if (shape[1] == '}') {
            shape += 2;
        } else if (word_len(shape + 1) == 3 && !memcmp(shape + 1, "tls", 3)) {
            const char *tls = walk->tls;
            if (tls)
                match_shape(walk, tls);
            shape += 4;
        } else {
            shape = match_field(walk, shape + 1);
        }
    }
}

static void check_string(const struct string_client *client, const struct string_output *out)
{
    const struct string_request *fields = &out->fields;
    char port[16], authority[300];
    snprintf(port, sizeof(port), "%u", fields->port);
    snprintf(authority, sizeof(authority),
        fields->host && strchr(fields->host, ':') ? "[%s]:%u" : "%s:%u",
        fields->host ? fields->host : "", fields->port);
    struct walk walk = {
        .client = client,
        .text = out->text,
        .whole = out->text,
        .fields = {
            [STRING_HOST] = fields->host,
            [STRING_PORT] = port,
            [STRING_AUTHORITY] = authority,
            [STRING_SOCKET] = fields->socket,
            [STRING_USER] = fields->user,
            [STRING_PASSWORD] = fields->password,
            [STRING_DATABASE] = fields->database,
            [STRING_CA] = fields->ca_path,
            [STRING_TLS_NAME] = fields->tls_name,
        },
        .tls = client->tls[fields->tls].piece,
    };
    match_shape(&walk, fields->socket ? client->socket : client->tcp);
    if (*walk.text)
        fail_msg("%s: more behind the string: %s", client->id, walk.text);
}

static void any_path(char *out)
{
    *out = '/';
    any_text(out + 1, VALUE_BYTES - 1, 1, false);
}

static void test_every_field_reads_back(void **state)
{
    static char user[VALUE_BYTES], password[VALUE_BYTES], database[VALUE_BYTES];
    static char socket[VALUE_BYTES], ca[VALUE_BYTES];
    const struct string_client *client;
    size_t printed[CLIENTS] = { 0 };
    (void)state;
    printf("seed %#llx\n", (unsigned long long)ANY_SEED);
    for (size_t round = 0; round < ROUNDS; round++) {
        bool is_plain = any_below(3) == 0; // some clients cannot carry more
        any_text(user, sizeof(user), 1, false);
        any_text(password, sizeof(password), 0, any_below(4) == 0);
        any_text(database, sizeof(database), 1, false);
        any_path(socket);
        any_path(ca);
        struct string_request request = {
            .host = any_below(2) ? "privatelink-1.a-b.example" : "127.0.0.1",
            .port = (uint16_t)(1 + any_below(65535)),
            .socket = any_below(4) ? NULL : socket,
            .user = is_plain ? "app" : user,
            .password = password,
            .database = any_below(4) ? is_plain ? "shop-1" : database : NULL,
            .tls = (enum string_tls)any_below(STRING_TLS_MODES),
            .ca_path = is_plain ? "/etc/tidb/ca.pem" : ca,
        };
        for (size_t i = 0; (client = strings_at(i)); i++) {
            struct string_output out;
            struct err err;
            if (!strings_print(client, &request, &out, &err)) {
                assert_int_equal(err.code, ERR_USAGE);
                continue;
            }
            check_string(client, &out);
            strings_output_done(&out);
            printed[i]++;
        }
    }
    for (size_t i = 0; (client = strings_at(i)); i++) {
        if (printed[i] < ROUNDS / 40)
            fail_msg("%s printed %zu of %d", client->id, printed[i], ROUNDS);
    }
}

// By whom the golden password is refused, and nobody else.
static void test_the_golden_password(void **state)
{
    static const char refusing[] = " jdbc-mariadb dotenv dotenv-expand directus quarkus ";
    const struct string_client *client;
    (void)state;
    for (size_t i = 0; (client = strings_at(i)); i++) {
        struct string_request request = { .host = "127.0.0.1",
            .port = 4000,
            .user = "root",
            .password = GOLDEN_PASSWORD,
            .database = "test" };
        struct string_output out;
        struct err err;
        char word[64];
        snprintf(word, sizeof(word), " %s ", client->id);
        bool ok = strings_print(client, &request, &out, &err);
        if (ok == (strstr(refusing, word) != NULL))
            fail_msg("%s: %s", client->id, ok ? "printed" : err.text);
        if (!ok)
            continue;
        check_string(client, &out);
        strings_output_done(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_field_reads_back),
        cmocka_unit_test(test_the_golden_password),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
