// SPDX-License-Identifier: Apache-2.0
//
// Prints connection strings for tests: `print_string CLIENT [name=value …]`, the names being those
// of struct string_request. The first part of the output is the string, or with example=yes the
// example, then a NUL, then the setup.
// The password may stand in argv, because it is a test's.
#include "base/cursor.h"
#include "strings/strings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool set_text(struct string_request *request, const char *name, const char *value)
{
    const struct {
        const char *name;
        const char **field;
    } texts[] = {
        { "host", &request->host },
        { "socket", &request->socket },
        { "user", &request->user },
        { "password", &request->password },
        { "database", &request->database },
        { "ca_path", &request->ca_path },
        { "tls_name", &request->tls_name },
    };
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        if (!strcmp(texts[i].name, name)) {
            *texts[i].field = value;
            return true;
        }
    }
    return false;
}

static bool is_example;

static bool set(struct string_request *request, char *pair)
{
    char *value = strchr(pair, '=');
    uint64_t port;
    if (!value)
        return false;
    *value++ = '\0';
    if (!strcmp(pair, "direct")) {
        request->direct = !strcmp(value, "yes");
        return true;
    }
    if (!strcmp(pair, "example")) {
        is_example = !strcmp(value, "yes");
        return true;
    }
    if (!strcmp(pair, "tls"))
        return strings_tls_find(value, &request->tls);
    if (!strcmp(pair, "port")) {
        if (!parse_uint(value, 1, UINT16_MAX, &port))
            return false;
        request->port = (uint16_t)port;
        return true;
    }
    return set_text(request, pair, value);
}

int main(int argc, char **argv)
{
    struct string_request request = { .user = "root" };
    struct string_output out;
    struct err err;
    const struct string_client *client = argc > 1 ? strings_find(argv[1]) : NULL;
    if (!client) {
        fprintf(stderr, "no such client\n");
        return EXIT_USAGE;
    }
    for (int i = 2; i < argc; i++) {
        if (!set(&request, argv[i])) {
            fprintf(stderr, "not understood: %s\n", argv[i]);
            return EXIT_USAGE;
        }
    }
    bool ok = is_example ? strings_example(client, &request, &out, &err)
                         : strings_print(client, &request, &out, &err);
    if (!ok) {
        fprintf(stderr, "%s\n", err.text);
        return err_row(err.code)->exit_code;
    }
    printf("%s%c%s", out.text, '\0', out.setup ? out.setup : "");
    strings_output_done(&out);
    return EXIT_DONE;
}
