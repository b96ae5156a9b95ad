// SPDX-License-Identifier: Apache-2.0
//
// What tidblink dsn prints has nothing wrong with it by tidblink dsn lint, whatever the password;
// and what lint reads out of it is what went in.
#include "any_text.h"
#include "base/err.h"
#include "strings/lint.h"
#include "strings/strings.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define HOST "privatelink-19.abc.clusters.tidb-cloud.com"
#define UNICODE_PASSWORD "p\u00e4ss \u4f60\u597d \U0001f511 100%+"

static const struct {
    const char *name;
    struct string_request request;
    enum lint_severity least; // what may not be found
} places[] = {
    { "proxy", { .host = "127.0.0.1", .port = 4000, .tls = STRING_TLS_OFF }, LINT_WARNING },
    { "socket", { .socket = "/run/tidblink/c1.sock", .tls = STRING_TLS_OFF }, LINT_WARNING },
    { "by default", { .host = "127.0.0.1", .port = 4001, .tls = STRING_TLS_CLIENT }, LINT_ERROR },
    { "direct",
        { .host = HOST,
            .port = 4000,
            .direct = true,
            .tls = STRING_TLS_VERIFY_IDENTITY,
            .ca_path = "/etc/tidb/ca.pem" },
        LINT_ERROR },
    { "verify-ca",
        { .host = "127.0.0.1",
            .port = 4000,
            .tls = STRING_TLS_VERIFY_CA,
            .ca_path = "/etc/tidb/ca+1.pem" },
        LINT_ERROR },
};

static size_t wrong;

static void complain(const struct string_client *client, const char *place, const char *text,
    const char *what, const char *why)
{
    fprintf(stderr, "%s, %s: %s: %s\n  %s\n", client->id, place, what, why, text);
    wrong++;
}

static void compare(const struct string_client *client, size_t place, const char *text,
    const char *field, const char *read, const char *given)
{
    if (given && (!read || strcmp(read, given) != 0))
        complain(client, places[place].name, text, field, read ? read : "nothing");
}

static void check(const struct string_client *client, size_t place, const char *text,
    const struct string_request *fields)
{
    struct lint_report *report;
    struct err err;
    if (!lint_read(client, text, strlen(text), &report, &err)) {
        complain(client, places[place].name, text, "unreadable", err.text);
        return;
    }
    for (size_t i = 0; i < report->finding_count; i++) {
        if (report->findings[i].severity >= places[place].least)
            complain(client, places[place].name, text, report->findings[i].what,
                report->findings[i].why);
    }
    compare(client, place, text, "host", report->host, fields->socket ? NULL : fields->host);
    compare(client, place, text, "socket", report->socket, fields->socket);
    compare(client, place, text, "user", report->user, fields->user);
    if (!fields->socket && report->port != fields->port)
        complain(client, places[place].name, text, "port", "another");
    if (report->corrected && strstr(report->corrected, "100%"))
        complain(client, places[place].name, text, "the password is shown", "");
    lint_free(report);
}

static size_t print_and_check(const struct string_client *client, const char *password)
{
    size_t count = 0;
    for (size_t place = 0; place < ARRAY_LEN(places); place++) {
        struct string_request request = places[place].request;
        struct string_output output;
        struct err err;
        request.user = "app";
        request.password = password;
        request.database = "shop";
        if (!strings_print(client, &request, &output, &err))
            continue;
        check(client, place, output.text, &output.fields);
        count++;
        strings_output_done(&output);
    }
    return count;
}

static void test_what_is_printed_is_clean(void **state)
{
    static const char *const passwords[] = { NULL, "secret", GOLDEN_PASSWORD, UNICODE_PASSWORD };
    const struct string_client *client;
    size_t clients = 0;
    wrong = 0;
    for (size_t i = 0; (client = strings_at(i)); i++) {
        size_t count = 0;
        if (!lint_knows(client))
            complain(client, "", "", "no reader", "");
        for (size_t j = 0; j < ARRAY_LEN(passwords); j++)
            count += print_and_check(client, passwords[j]);
        clients += count > 0;
    }
    assert_int_equal(wrong, 0);
    assert_true(clients >= 120);
}

// ---- secrecy ------------------------------------------------------------------------------------

static bool shows(const char *text)
{
    return text && strstr(text, "HUNT");
}

static bool shows_password(const struct lint_report *report)
{
    bool found = shows(report->host) || shows(report->socket) || shows(report->user) ||
                 shows(report->database) || shows(report->corrected);
    for (size_t i = 0; i < report->param_count; i++)
        found = found || shows(report->params[i].name) || shows(report->params[i].value);
    for (size_t i = 0; i < report->finding_count; i++)
        found = found || shows(report->findings[i].what) || shows(report->findings[i].why);
    return found;
}

// What is printed, with a password put in as it is: HUNT, two characters, HUNT. Whatever the client
// makes of them, no word of it may come back. (Three of any kind: tests/fuzz/fuzz_lint.c.)
static void break_and_check(const struct string_client *client, const char *printed)
{
    static const char bytes[] = "@:/?#[]%+&=;,{}'\"\\$`<>|!~^* \n\t.-0a";
    static const char ends[] = "@/'\",;&\\ \n"; // what most formats end a value at
    for (size_t i = 0; i < sizeof(bytes) - 1; i++) {
        for (size_t j = 0; j < sizeof(ends) - 1; j++) {
            char text[4096];
            struct lint_report *report;
            struct err err = { 0 };
            const char *at = strstr(printed, "SECRET");
            snprintf(text, sizeof(text), "%.*sHUNT%c%cHUNT%s", (int)(at - printed), printed,
                bytes[i], ends[j], at + 6);
            if (!lint_read(client, text, strlen(text), &report, &err)) {
                if (shows(err.text))
                    complain(client, "broken", text, "shown", err.text);
                continue;
            }
            if (shows_password(report))
                complain(client, "broken", text, "the password is shown", "");
            lint_free(report);
        }
    }
}

static void test_no_report_shows_the_password(void **state)
{
    const struct string_client *client;
    wrong = 0;
    for (size_t i = 0; (client = strings_at(i)); i++) {
        struct string_request request = places[0].request;
        struct string_output output;
        struct err err;
        request.user = "app";
        request.password = "SECRET";
        request.database = "shop";
        if (!lint_knows(client) || !strings_print(client, &request, &output, &err))
            continue;
        if (strstr(output.text, "SECRET"))
            break_and_check(client, output.text);
        strings_output_done(&output);
    }
    assert_int_equal(wrong, 0);
}

// Any bytes: no crash, no leak of memory.
static void test_any_text_is_read_or_refused(void **state)
{
    enum { ROUNDS = 300, BYTES = 400 };
    const struct string_client *client;
    for (size_t i = 0; (client = strings_at(i)); i++) {
        for (size_t round = 0; lint_knows(client) && round < ROUNDS; round++) {
            char text[BYTES];
            struct lint_report *report = NULL;
            struct err err;
            const char *const begins[] = { "", "mysql://", "mysql://a:b@c:1/d?", "jdbc:mysql://",
                "Server=", "'mysql:", "[client]\nhost=", "DB_HOST=", "mysql -u " };
            size_t len =
                (size_t)snprintf(text, sizeof(text), "%s", begins[any_below(ARRAY_LEN(begins))]);
            any_text(text + len, sizeof(text) - len, 1, true);
            if (lint_read(client, text, strlen(text), &report, &err))
                lint_free(report);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_printed_is_clean),
        cmocka_unit_test(test_no_report_shows_the_password),
        cmocka_unit_test(test_any_text_is_read_or_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
