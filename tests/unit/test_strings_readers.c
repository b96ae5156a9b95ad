// SPDX-License-Identifier: Apache-2.0
//
// The property that the library exists for: whatever values go into a string, the client reads the
// same values out of it, or there was an error that names the reason. Random values; the models of
// readers.h stand for the clients.
#include "any_text.h"
#include "readers.h"
#include "strings/strings.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { ROUNDS = 3000, VALUE_BYTES = 128, CLIENTS = 200 };

static void any_path(char *out)
{
    *out = '/';
    any_text(out + 1, VALUE_BYTES - 1, 1, false);
    out[100] = '\0'; // the limit of sun_path; may cut a character in two
}

struct values {
    char user[VALUE_BYTES];
    char password[VALUE_BYTES];
    char database[VALUE_BYTES];
    char socket[VALUE_BYTES];
    char ca[VALUE_BYTES];
};

static struct string_request any_request(struct values *values)
{
    static const char *const hosts[] = { "127.0.0.1", "::1", "privatelink-1.a-b.example",
        "localhost", "0.0.0.0" };
    any_text(values->user, VALUE_BYTES, 1, false);
    any_text(values->password, VALUE_BYTES, 0, true);
    any_text(values->database, VALUE_BYTES, 1, false);
    any_path(values->socket);
    any_path(values->ca);
    return (struct string_request){
        .host = hosts[any_below(ARRAY_LEN(hosts))],
        .port = (uint16_t)(1 + any_below(65535)),
        .socket = any_below(3) ? NULL : values->socket,
        .user = values->user,
        .password = values->password,
        .database = any_below(4) ? values->database : NULL,
        .tls = (enum string_tls)any_below(STRING_TLS_MODES),
        .ca_path = values->ca,
    };
}

static void assert_same(
    const struct string_client *client, const char *text, const char *read, const char *expected)
{
    if (strcmp(read, expected ? expected : "") != 0)
        fail_msg("%s reads \"%s\" instead of \"%s\" from\n%s", client->id, read, expected, text);
}

static void assert_ca(const struct string_client *client, const struct string_output *out,
    const struct reading *reading)
{
    static const char *const names[] = { "ssl-ca", "--ssl-ca", "serverSslCert", "ssl_ca",
        "ssl.ca" };
    if (!out->fields.ca_path)
        return;
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        const char *value = readers_param(reading, names[i]);
        if (value)
            assert_same(client, out->text, value, out->fields.ca_path);
    }
}

static void assert_read_back(const struct string_client *client, const struct string_output *out)
{
    struct reading reading = { 0 };
    const struct string_request *fields = &out->fields;
    char port[16] = "";
    if (fields->port)
        snprintf(port, sizeof(port), "%u", fields->port);
    if (!readers_of(client->id)(out->text, &reading))
        fail_msg("%s refuses\n%s", client->id, out->text);
    assert_same(client, out->text, reading.socket, fields->socket);
    if (!fields->socket) { // with one, some strings hold a host for the form's sake
        assert_same(client, out->text, reading.host, fields->host);
        assert_same(client, out->text, reading.port, port);
    }
    assert_same(client, out->text, reading.user, fields->user);
    assert_same(client, out->text, reading.database, fields->database);
    assert_ca(client, out, &reading);
    if (client->kind == STRING_COMMAND) {
        assert_true(reading.asks_password && !out->has_password);
        assert_null(strstr(out->text, "-p "));
    } else {
        assert_same(client, out->text, reading.password, fields->password);
    }
}

static void test_clients_read_back_what_was_asked(void **state)
{
    const struct string_client *client;
    struct values values;
    size_t printed[CLIENTS] = { 0 };
    for (size_t round = 0; round < ROUNDS; round++) {
        struct string_request request = any_request(&values);
        for (size_t i = 0; (client = strings_at(i)); i++) {
            struct string_output out;
            struct err err;
            if (!readers_of(client->id))
                continue;
            if (!strings_print(client, &request, &out, &err)) {
                assert_int_equal(err.code, ERR_USAGE);
                continue;
            }
            assert_read_back(client, &out);
            strings_output_done(&out);
            printed[i]++;
        }
    }
    // Refusing is the exception: a property of nothing proves nothing.
    for (size_t i = 0; (client = strings_at(i)); i++) {
        if (readers_of(client->id) && printed[i] < ROUNDS / 20)
            fail_msg("%s printed %zu of %d", client->id, printed[i], ROUNDS);
    }
}

static void test_the_golden_password(void **state)
{
    const struct string_client *client;
    size_t printed = 0;
    for (size_t i = 0; (client = strings_at(i)); i++) {
        if (!readers_of(client->id))
            continue;
        struct string_request request = { .host = "127.0.0.1",
            .port = 4000,
            .user = "root",
            .password = GOLDEN_PASSWORD,
            .database = "test" };
        struct string_output out;
        struct err err;
        if (!strings_print(client, &request, &out, &err)) {
            assert_string_equal(client->id, "jdbc-mariadb");
            continue;
        }
        assert_read_back(client, &out);
        strings_output_done(&out);
        printed++;
    }
    assert_true(printed >= 9);
}

static void test_the_placeholder_is_read_as_it_is_shown(void **state)
{
    const struct string_client *client;
    for (size_t i = 0; (client = strings_at(i)); i++) {
        struct string_request request = { .host = "127.0.0.1", .port = 4000, .user = "root" };
        struct reading reading = { 0 };
        struct string_output out;
        struct err err;
        if (!readers_of(client->id))
            continue;
        assert_true(strings_print(client, &request, &out, &err));
        assert_true(readers_of(client->id)(out.text, &reading));
        assert_int_equal(out.has_password_placeholder, client->kind != STRING_COMMAND);
        assert_int_equal(out.password_advice != NULL, out.has_password_placeholder);
        if (out.has_password_placeholder)
            assert_string_equal(reading.password, STRINGS_PASSWORD_PLACEHOLDER);
        strings_output_done(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_clients_read_back_what_was_asked),
        cmocka_unit_test(test_the_golden_password),
        cmocka_unit_test(test_the_placeholder_is_read_as_it_is_shown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
