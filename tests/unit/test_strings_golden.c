// SPDX-License-Identifier: Apache-2.0
//
// Every client's string for the golden password, word for word: test_strings_golden FILE. A changed
// row shows in the file's diff: test_strings_golden FILE --write, and read it.
#include "any_text.h"
#include "base/buf.h"
#include "strings/strings.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define HOST "privatelink-19.abc.clusters.tidb-cloud.com"
#define ACCOUNT .user = "app", .password = GOLDEN_PASSWORD, .database = "my db"

static const struct {
    const char *name;
    struct string_request request;
} places[] = {
    { "proxy", { ACCOUNT, .host = "127.0.0.1", .port = 4000 } },
    { "socket", { ACCOUNT, .socket = "/run/tidblink/c1.sock" } },
    { "direct, verify-identity",
        { ACCOUNT, .host = HOST, .port = 4000, .direct = true, .tls = STRING_TLS_VERIFY_IDENTITY,
            .ca_path = "/etc/tidb/ca.pem" } },
    { "direct, verify-ca", { ACCOUNT, .host = HOST, .port = 4000, .direct = true,
                               .tls = STRING_TLS_VERIFY_CA, .ca_path = "/etc/tidb/ca.pem" } },
};

static const char *path;
static bool is_writing;

static void put(struct buf *out, const char *text)
{
    assert_true(buf_append(out, text, strlen(text)));
}

// What cannot be carried is tried once more with a plain password and database.
static void put_string(struct buf *out, const struct string_client *client, size_t place)
{
    struct string_request request = places[place].request;
    struct string_output output;
    struct err err;
    put(out, "== ");
    put(out, client->id);
    put(out, ": ");
    put(out, places[place].name);
    put(out, "\n");
    bool ok = strings_print(client, &request, &output, &err);
    if (!ok) {
        put(out, "! ");
        put(out, err.text);
        put(out, "\n");
        request.password = "secret";
        request.database = "shop";
        ok = strings_print(client, &request, &output, &err);
    }
    if (!ok)
        return;
    if (output.setup) {
        put(out, output.setup);
        put(out, "\n--\n");
    }
    put(out, output.text);
    put(out, "\n");
    strings_output_done(&output);
}

static char *all_strings(void)
{
    const struct string_client *client;
    struct buf out;
    buf_init(&out, SIZE_MAX / 2);
    for (size_t i = 0; (client = strings_at(i)); i++) {
        for (size_t place = 0; place < ARRAY_LEN(places); place++)
            put_string(&out, client, place);
    }
    char *text = buf_take_text(&out);
    assert_non_null(text);
    buf_done(&out);
    return text;
}

// The first line that differs, and what it is about.
static void compare(const char *text, FILE *file)
{
    char *line = NULL;
    size_t size = 0;
    char about[200] = "";
    ssize_t len;
    while ((len = getline(&line, &size, file)) > 0) {
        if (!strncmp(line, "== ", 3))
            snprintf(about, sizeof(about), "%s", line);
        if (strncmp(line, text, (size_t)len) != 0)
            fail_msg("%s%.*s\ninstead of\n%s", about, (int)strcspn(text, "\n"), text, line);
        text += len;
    }
    free(line);
    if (*text)
        fail_msg("more than in the file: %.80s", text);
}

static void test_every_string(void **state)
{
    (void)state;
    char *text = all_strings();
    FILE *file = fopen(path, is_writing ? "w" : "r");
    assert_non_null(file);
    if (is_writing)
        assert_true(fputs(text, file) >= 0);
    else
        compare(text, file);
    assert_int_equal(fclose(file), 0);
    free(text);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_every_string) };
    if (argc < 2)
        return 2;
    path = argv[1];
    is_writing = argc > 2 && !strcmp(argv[2], "--write");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
