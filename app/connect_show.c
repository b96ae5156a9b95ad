// SPDX-License-Identifier: Apache-2.0
//
// A pipe gets the address alone, for `ADDRESS=$(…)` and the like; a person gets what can be pasted.
// Used by cmd_connect.c and connect_run.c.
#include "app/connect_show.h"

#include "app/clients.h"
#include "app/settings.h"
#include "app/table.h"
#include "base/err.h"
#include "base/file.h"
#include "strings/strings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { REMEMBERED_BYTES = 64 };
#define FALLBACK_CLIENT "mysql"

// ---- the client ---------------------------------------------------------------------------------

static bool remember_path(const struct settings *settings, char out[FILE_PATH_BYTES])
{
    const char *dir = settings->control.state_dir;
    int len = dir ? snprintf(out, FILE_PATH_BYTES, "%s/connect-client", dir) : FILE_PATH_BYTES;
    return len < FILE_PATH_BYTES;
}

// A convenience: where it cannot be kept, the next run prints another client's string.
static void remember(const struct settings *settings, const struct string_client *client)
{
    char path[FILE_PATH_BYTES];
    char text[REMEMBERED_BYTES];
    struct err err;
    int len = snprintf(text, sizeof(text), "%s\n", client->id);
    if (!remember_path(settings, path) || !file_make_folder(settings->control.state_dir, NULL) ||
        !file_replace(path, text, (size_t)len, 0600, &err))
        log_debug("the client is not remembered");
}

static const struct string_client *last_client(const struct settings *settings)
{
    char path[FILE_PATH_BYTES];
    struct err err;
    char *id = remember_path(settings, path) ? file_read(path, REMEMBERED_BYTES, NULL, &err) : NULL;
    if (id)
        id[strcspn(id, "\n")] = '\0';
    const struct string_client *client = id ? strings_find(id) : NULL;
    free(id);
    return client ? client : strings_find(FALLBACK_CLIENT);
}

const struct string_client *connect_show_client(
    const struct settings *settings, const char *name, struct err *err)
{
    if (!name)
        return last_client(settings);
    const struct string_client *client = clients_find(name, err);
    if (client)
        remember(settings, client);
    return client;
}

// ---- printing -----------------------------------------------------------------------------------

const char *connect_show_address(const struct string_request *request, char out[CONNECT_SHOW_BYTES])
{
    if (request->socket)
        snprintf(out, CONNECT_SHOW_BYTES, "%s", request->socket);
    else
        snprintf(out, CONNECT_SHOW_BYTES, strchr(request->host, ':') ? "[%s]:%u" : "%s:%u",
            request->host, request->port);
    return out;
}

// What this client cannot do is no reason to end: the way is open for others.
static void print_string(const struct string_client *client, const struct string_request *request)
{
    struct string_output output;
    struct err err;
    if (!strings_print(client, request, &output, &err)) {
        printf("no string for it: %s\n", err.text);
        return;
    }
    printf("\n%s:\n", client->name);
    if (output.setup)
        printf("%s\n", output.setup);
    puts(output.text);
    if (output.has_password_placeholder)
        printf("(" STRINGS_PASSWORD_PLACEHOLDER ": %s)\n", output.password_advice);
    strings_output_done(&output);
}

bool connect_show(const char *alias, const struct string_client *client,
    const struct string_request *request, struct err *err)
{
    char address[CONNECT_SHOW_BYTES];
    connect_show_address(request, address);
    if (!isatty(STDOUT_FILENO)) {
        puts(address);
        return table_flush(stdout, err);
    }
    printf("%s leads to %s\n", address, alias);
    print_string(client, request);
    printf("\nCtrl-C ends it.\n");
    return table_flush(stdout, err);
}
