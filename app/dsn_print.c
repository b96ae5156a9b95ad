// SPDX-License-Identifier: Apache-2.0
//
// Prints the catalogue and the strings. Used by cmd_dsn.c and admin_dsn.c.
#include "app/dsn_print.h"

#include "app/facts_json.h"
#include "app/table.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <string.h>

// ---- the catalogue ------------------------------------------------------------------------------

cJSON *dsn_print_clients(void)
{
    const struct string_client *client = NULL;
    cJSON *list = cJSON_CreateArray();
    for (size_t i = 0; (client = strings_at(i)); i++) {
        cJSON *object = cJSON_CreateObject();
        facts_json_text(object, "client", client->id);
        facts_json_text(object, "name", client->name);
        facts_json_text(object, "language", client->language);
        facts_json_text(object, "kind", strings_kind_name(client->kind));
        facts_json_text(object, "test", strings_proof_name(client->proof));
        cJSON_AddBoolToObject(object, "example", client->example != NULL);
        cJSON_AddItemToArray(list, object);
    }
    return list;
}

static bool list_as_json(struct err *err)
{
    cJSON *list = dsn_print_clients();
    bool ok = facts_json_print(list, false, err);
    cJSON_Delete(list);
    return ok;
}

// One table, so that the columns of all groups stand in line; the kind is told by each row too, for
// who searches the list by grep.
static bool list_as_text(struct err *err)
{
    static const char *const heads[] = { "KIND", "CLIENT", "NAME", "LANGUAGE", "TEST" };
    const struct string_client *client = NULL;
    struct table table;
    table_init(&table, ARRAY_LEN(heads));
    table_add(&table, heads);
    for (int kind = 0; kind < STRING_KINDS; kind++) {
        for (size_t i = 0; (client = strings_at(i)); i++) {
            if ((int)client->kind != kind)
                continue;
            table_add(
                &table, (const char *const[]){ strings_kind_name(client->kind), client->id,
                            client->name, client->language, strings_proof_name(client->proof) });
        }
    }
    bool ok = table_print(&table, stdout) || err_set(err, ERR_MEMORY, "out of memory");
    table_done(&table);
    return ok;
}

bool dsn_print_list(bool json, struct err *err)
{
    return json ? list_as_json(err) : list_as_text(err);
}

// ---- the strings --------------------------------------------------------------------------------

// Each line of `text` as a comment, so that a terminal's contents can be pasted as a whole.
static void print_comment(FILE *out, const char *text)
{
    while (text && *text) {
        size_t len = strcspn(text, "\n");
        fprintf(out, "# %.*s\n", (int)len, text);
        text += len + (text[len] == '\n');
    }
}

// The string alone on standard output; what to know about it on standard error.
static void print_one(const struct string_client *client, const struct string_output *output)
{
    puts(output->text);
    fflush(stdout);
    if (output->setup)
        fprintf(stderr, "# first:\n%s\n", output->setup);
    if (output->has_password_placeholder)
        fprintf(stderr, "# " STRINGS_PASSWORD_PLACEHOLDER ": %s\n", output->password_advice);
    if (output->has_ca_placeholder)
        print_comment(stderr, STRINGS_CA_PLACEHOLDER ": the CA file that TiDB Cloud's Connect "
                                                     "dialog offers; or set tls-ca");
    print_comment(stderr, client->notes);
}

static void print_of_many(const struct string_client *client, const struct string_output *output,
    const struct err *failure)
{
    printf("# %s (%s)\n", client->name, client->id);
    if (!output) {
        print_comment(stdout, failure->text);
    } else {
        if (output->setup)
            printf("%s\n", output->setup);
        puts(output->text);
    }
    putchar('\n');
}

cJSON *dsn_print_object(const struct string_client *client, const struct string_output *output,
    const struct err *failure)
{
    cJSON *object = cJSON_CreateObject();
    facts_json_text(object, "client", client->id);
    facts_json_text(object, "name", client->name);
    if (output) {
        facts_json_text(object, "text", output->text);
        facts_json_text(object, "setup", output->setup);
        cJSON_AddBoolToObject(object, "password_placeholder", output->has_password_placeholder);
        cJSON_AddBoolToObject(object, "ca_placeholder", output->has_ca_placeholder);
        if (output->has_password_placeholder)
            facts_json_text(object, "password_advice", output->password_advice);
    } else {
        facts_json_text(object, "error", failure->text);
    }
    facts_json_text(object, "notes", client->notes);
    return object;
}

// What this client cannot do is an error only if it was the only one asked.
static bool print_client(const struct string_client *client, const struct dsn_print *print,
    const struct string_request *request, cJSON *list, struct err *err)
{
    struct string_output output;
    bool alone = print->count == 1;
    bool ok = print->example ? strings_example(client, request, &output, err)
                             : strings_print(client, request, &output, err);
    if (!ok && (alone || err->code != ERR_USAGE))
        return false;
    if (list)
        cJSON_AddItemToArray(list, dsn_print_object(client, ok ? &output : NULL, err));
    else if (alone)
        print_one(client, &output);
    else
        print_of_many(client, ok ? &output : NULL, err);
    if (ok)
        strings_output_done(&output);
    return true;
}

bool dsn_print(const struct dsn_print *print, const struct string_request *request, struct err *err)
{
    cJSON *list = print->json ? cJSON_CreateArray() : NULL;
    bool ok = true;
    for (size_t i = 0; ok && i < print->count; i++)
        ok = print_client(print->clients[i], print, request, list, err);
    ok = ok && (!list || facts_json_print(list, false, err));
    cJSON_Delete(list);
    return ok;
}
